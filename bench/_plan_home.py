"""The benchmark's problems in our words."""

import numpy as np

from bench._problems import Problem
from hidamari.plan.battery import Battery
from hidamari.plan.horizon import Horizon
from hidamari.plan.parts.block import Block
from hidamari.plan.parts.part import Asset
from hidamari.plan.parts.storage import Storage
from hidamari.plan.value import EndValue


def horizon_of(p: Problem) -> Horizon:
    """Steps, energy, prices, limits."""
    count = len(p.pv_kw)
    return Horizon(
        np.full(count, p.step_h),
        np.array(p.load_kw) * p.step_h,
        np.array(p.pv_kw) * p.step_h,
        np.array(p.buy),
        np.array(p.sell),
        np.full(count, p.export_kw),
        p.import_kw,
    )


def assets_of(p: Problem) -> list[Asset]:
    """A battery that must end as it began, and the machines."""
    battery = Battery(
        p.capacity_kwh * p.most, p.power_kw, p.power_kw, p.efficiency, p.efficiency,
        p.capacity_kwh * p.least,
    )  # fmt: skip
    storage = Storage(
        "battery", battery, p.capacity_kwh * p.start, 0.0, EndValue(0.0, 0.0, 0.0),
        end_at_least_kwh=p.capacity_kwh * p.end,
    )  # fmt: skip
    blocks = [
        Block(f"machine{i}", kw, hours, round(first / p.step_h), round(last / p.step_h))
        for i, (kw, hours, first, last) in enumerate(p.blocks)
    ]
    return [storage, *blocks]
