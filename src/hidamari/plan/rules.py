"""What to do without a plan: self-consumption, the reserve kept, hot water at night, car in time.

Needs no forecast and no solver, only the clock, the prices if there are any, and the assets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.battery import FOLLOW, Action, Mode
from hidamari.plan.parts.part import Asset
from hidamari.plan.parts.storage import Storage
from hidamari.plan.parts.tank import Tank

FloatArray = NDArray[np.float64]

NIGHT_END_H = 7.0  # a usual night boil is finished at 7:00
NIGHT_FROM_H = 23.0


@dataclass(frozen=True, slots=True)
class RuleInput:
    """Local hour of day at each step's start, step lengths, and prices where they are known."""

    hour: FloatArray
    step_h: FloatArray
    buy_yen_kwh: FloatArray | None = None


def rule_actions(inputs: RuleInput, assets: Sequence[Asset]) -> dict[str, tuple[Action, ...]]:
    """One action per step for every asset; never fails."""
    return {asset.key: _actions(inputs, asset) for asset in assets}


def _actions(inputs: RuleInput, asset: Asset) -> tuple[Action, ...]:
    if isinstance(asset, Tank):
        return _night_boil(inputs, asset)
    if isinstance(asset, Storage) and asset.trips:
        return _ready_car(inputs, asset)
    return (FOLLOW,) * len(inputs.step_h)


def _night_boil(inputs: RuleInput, tank: Tank) -> tuple[Action, ...]:
    """Heat what is missing, ending at 7:00; at once if the tank is nearly empty."""
    run = np.zeros(len(inputs.step_h), dtype=bool)
    mean_cop = max(float(tank.heat.cop.mean()), 1.0)
    needed_h = max(tank.full_kwh - tank.stored_kwh, 0.0) / (mean_cop * tank.power_kw)
    until_end_h = (NIGHT_END_H - inputs.hour) % 24.0
    night = (until_end_h > 0.0) & (until_end_h <= needed_h + 1e-9)
    run |= night
    if tank.stored_kwh < 0.1 * tank.full_kwh:
        run |= np.cumsum(inputs.step_h) <= 1.0
    on = Action(Mode.CHARGE, tank.power_kw)
    return tuple(on if now else Action(Mode.HOLD) for now in run)


def _ready_car(inputs: RuleInput, car: Storage) -> tuple[Action, ...]:
    """Charge in the cheapest steps before the departure; without prices, at once."""
    trip = car.trips[0]
    missing = max(trip.need_kwh - car.stored_kwh, 0.0) / car.battery.charge_efficiency
    price = inputs.buy_yen_kwh
    order = np.arange(trip.leave)
    if price is not None and np.isfinite(price[: trip.leave]).all():
        order = np.argsort(price[: trip.leave], kind="stable")
    charge = np.zeros(len(inputs.step_h), dtype=bool)
    for step in order:
        if missing <= 1e-9:
            break
        charge[step] = True
        missing -= car.battery.charge_kw * float(inputs.step_h[step])
    on = Action(Mode.CHARGE, car.battery.charge_kw)
    return tuple(on if now else Action(Mode.SURPLUS) for now in charge)
