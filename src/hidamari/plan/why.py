"""What the other choices would have cost: the same program solved with one decision forced."""

from dataclasses import dataclass

import numpy as np

from hidamari.plan.horizon import AssetPlan, HomePlan, Term, compare
from hidamari.plan.reasons import IDLE_KW, Reason, of_step
from hidamari.plan.request import Failed, Forced, PlanRequest, WhyRequest
from hidamari.plan.solver import Solver

HALF_HOUR_H = 0.5


@dataclass(frozen=True, slots=True)
class Other:
    """Another choice for a step: asset power held between two bounds, and what it costs more."""

    low_kw: float
    high_kw: float
    more_yen: float
    moved: tuple[Term, ...]  # the terms of the cost that moved most, other less plan


@dataclass(frozen=True, slots=True)
class Why:
    """One asset at one step: what it does, the reason, the other choices, the nearest first."""

    asset: str
    power_kw: float
    reason: Reason
    others: tuple[Other, ...]


def explain(solver: Solver, request: PlanRequest, plan: HomePlan, step: int) -> tuple[Why, ...]:
    """Every asset's choices in the half-hour that holds `step`; the plan must be the last one.

    A choice that cannot be solved is left out.
    """
    whys = []
    for asset in plan.assets:
        forced = alternatives(plan, asset, step)
        answer = solver.ask(WhyRequest(plan, request.bill, forced))
        others = []
        if not isinstance(answer, Failed):
            for decision, other in zip(forced, answer, strict=True):
                more_yen, moved = compare(plan, other)
                others.append(Other(decision.low_kw, decision.high_kw, more_yen, moved))
        others.sort(key=lambda one: one.more_yen)
        power_kw = float(asset.power_kw[step])
        whys.append(Why(asset.key, power_kw, of_step(plan, asset, step), tuple(others)))
    return tuple(whys)


def alternatives(plan: HomePlan, asset: AssetPlan, step: int) -> tuple[Forced, ...]:
    """What else the asset could do in the half-hour: stand still, take, or give."""
    end_h = plan.horizon.end_h
    last = int(np.searchsorted(end_h, float(end_h[step]) - 1e-9 + HALF_HOUR_H, side="right")) - 1
    last = min(max(last, step), plan.horizon.count - 1)
    power_kw = float(asset.power_kw[step])
    most_kw = float(np.abs(asset.power_kw).max())
    choices = []
    if abs(power_kw) > IDLE_KW:
        choices.append((0.0, 0.0))
    if power_kw <= IDLE_KW and most_kw > IDLE_KW:
        choices.append((most_kw, most_kw))
    if power_kw >= -IDLE_KW and float(asset.power_kw.min()) < -IDLE_KW:
        choices.append((float(asset.power_kw.min()), -IDLE_KW))
    return tuple(Forced(asset.key, step, last, low, high) for low, high in choices)
