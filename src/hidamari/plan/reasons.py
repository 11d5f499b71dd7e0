"""Why each block: a code and the yen of the nearest other choice, from the program that decided.

Reasons are codes with numbers; screens and the command line put them into words. Every yen figure
comes from solving the same program (or the same recursion) with that one decision taken otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.battery import Action, Mode
from hidamari.plan.horizon import AssetPlan, HomePlan, Trial
from hidamari.plan.recursion import Choice

FloatArray = NDArray[np.float64]

IDLE_KW = 0.05


class Code(StrEnum):
    """What a block of a plan is for."""

    CHARGE_CHEAP = "charge_cheap"  # buy now for a dearer hour
    CHARGE_SUN = "charge_sun"  # keep sun that would be sold for less
    KEEP_FOR_LATER = "keep_for_later"  # a dearer hour is coming
    COVER_USE = "cover_use"  # stored energy is worth less than what it replaces
    BOIL_SUN = "boil_sun"  # hot water from surplus
    BOIL_CHEAP = "boil_cheap"
    BOIL_NEEDED = "boil_needed"  # hot water would run short
    CAR_READY = "car_ready"  # the car leaves
    RESERVE = "reserve"  # kept for a blackout
    STAND_BY = "stand_by"
    RULE = "rule"  # no plan could be made; a simple rule is followed
    FLOOR = "floor"  # a simple rule has lately been cheaper than the plan
    LITTLE_DATA = "little_data"  # fewer than five comparable days


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with numbers: yen of the nearest other choice, prices, energy."""

    code: Code
    numbers: Mapping[str, float] = field(default_factory=dict)


def of_choice(choice: Choice, buy_yen_kwh: FloatArray, sell_yen_kwh: float) -> Reason:
    """Why the battery's mode of the present slot."""
    now = float(buy_yen_kwh[0])
    later = float(buy_yen_kwh[1:].max()) if len(buy_yen_kwh) > 1 else now
    numbers = {
        "buy_yen_kwh": now,
        "later_yen_kwh": later,
        "sell_yen_kwh": sell_yen_kwh,
        "other_yen": choice.next_best_yen,
    }
    if choice.action.mode is Mode.CHARGE:
        numbers["charge_kw"] = choice.action.grid_kw
    return Reason(_CODE_OF_MODE[choice.action.mode], numbers)


_CODE_OF_MODE = {
    Mode.CHARGE: Code.CHARGE_CHEAP,
    Mode.SURPLUS: Code.KEEP_FOR_LATER,
    Mode.FOLLOW: Code.COVER_USE,
    Mode.HOLD: Code.KEEP_FOR_LATER,
    Mode.AUTO: Code.STAND_BY,
}


def action_of(plan: HomePlan, asset: AssetPlan, step: int) -> Action:
    """The device mode that carries a step of the plan out.

    Where the plan leaves a load uncovered although energy is stored, it waits for a dearer step.
    """
    horizon = plan.horizon
    if asset.grid_kw[step] > IDLE_KW:
        return Action(Mode.CHARGE, float(asset.grid_kw[step]))
    buys = float(plan.import_kwh[step]) > IDLE_KW * float(horizon.step_h[step])
    gives = float(asset.power_kw[step]) < -1e-3
    later = horizon.buy_yen_kwh[step + 1 :]
    has_dearer = bool(later.size and later.max() > horizon.buy_yen_kwh[step])
    if buys and not gives and has_dearer:
        return Action(Mode.SURPLUS)
    return Action(Mode.FOLLOW)


def of_step(plan: HomePlan, asset: AssetPlan, step: int) -> Reason:
    """Why an asset does at a step what the plan says."""
    horizon = plan.horizon
    power_kw = float(asset.power_kw[step])
    numbers = {
        "power_kw": power_kw,
        "buy_yen_kwh": float(horizon.buy_yen_kwh[step]),
        "sell_yen_kwh": float(horizon.sell_yen_kwh[step]),
        "value_yen_kwh": float(plan.value_yen_kwh[step]),
    }
    trials = [trial for trial in plan.trials if trial.key == asset.key]
    if trials:
        return Reason(_boil_code(asset, step), numbers | _next_start(trials))
    if power_kw > IDLE_KW:
        from_grid = float(asset.grid_kw[step]) > IDLE_KW
        return Reason(Code.CHARGE_CHEAP if from_grid else Code.CHARGE_SUN, numbers)
    if power_kw < -IDLE_KW:
        return Reason(Code.COVER_USE, numbers)
    waits = action_of(plan, asset, step).mode is Mode.SURPLUS
    return Reason(Code.KEEP_FOR_LATER if waits else Code.STAND_BY, numbers)


def _boil_code(asset: AssetPlan, step: int) -> Code:
    if float(asset.power_kw[step]) <= IDLE_KW:
        return Code.STAND_BY
    return Code.BOIL_CHEAP if float(asset.grid_kw[step]) > IDLE_KW else Code.BOIL_SUN


def _next_start(trials: list[Trial]) -> dict[str, float]:
    """Yen by which the best start is cheaper than the next best."""
    ranked = sorted(trials, key=lambda trial: trial.yen)
    if len(ranked) < 2:
        return {}
    return {"other_yen": ranked[1].yen - ranked[0].yen}
