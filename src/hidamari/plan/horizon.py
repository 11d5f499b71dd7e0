"""What a plan looks at: steps of any length with use, sun and prices, and how the bill adds up."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hidamari.core.errors import InputError

FloatArray = NDArray[np.float64]

MOST_KW: Final = 100.0  # no home in scope draws or makes more; beyond it a forecast is absurd
MOST_YEN_KWH: Final = 1000.0
LONGEST_H: Final = 24.0 * 8


@dataclass(frozen=True, slots=True)
class Horizon:
    """Steps ahead, one entry each: energy in kWh a step, prices in yen/kWh, limits in kW.

    `load_kwh` leaves out what the planned assets draw. `export_limit_kw` is infinite where nobody
    limits (output control: the schedule). `may_export_stored` only where the contract allows it.
    """

    step_h: FloatArray
    load_kwh: FloatArray
    pv_kwh: FloatArray
    buy_yen_kwh: FloatArray
    sell_yen_kwh: FloatArray
    export_limit_kw: FloatArray
    import_limit_kw: float = float("inf")
    may_export_stored: bool = False

    @property
    def count(self) -> int:
        """Number of steps."""
        return int(self.step_h.size)

    @property
    def end_h(self) -> FloatArray:
        """Hours from now to the end of each step."""
        answer: FloatArray = np.cumsum(self.step_h)
        return answer


@dataclass(frozen=True, slots=True)
class Tiers:
    """Stepped prices (段階料金) on top of `buy_yen_kwh`, per billing month.

    `extra_yen_kwh` per tier; `width_kwh` of each, the last one unbounded; `used_kwh` since the
    reading day and `rest_kwh` expected between the horizon's end and the next one.
    """

    width_kwh: tuple[float, ...]
    extra_yen_kwh: tuple[float, ...]
    used_kwh: float
    rest_kwh: float


@dataclass(frozen=True, slots=True)
class Bill:
    """What is charged beside energy: tiers, a price on the highest import, a soft import target."""

    tiers: Tiers | None = None
    peak_yen_kw: float = 0.0
    peak_so_far_kw: float = 0.0
    target_kw: float | None = None
    target_yen_kwh: float = 30.0


@dataclass(frozen=True, slots=True)
class Term:
    """One line of a plan's cost: what, and yen."""

    name: str
    yen: float


@dataclass(frozen=True, slots=True)
class AssetPlan:
    """One asset: kW drawn from the house (negative = given) and its level at each step's end."""

    key: str
    power_kw: FloatArray
    level_kwh: FloatArray
    grid_kw: FloatArray  # the part of a charge that surplus does not cover
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """A start of the next run that was tried and what the whole plan would cost then."""

    key: str
    start: int | None
    yen: float


@dataclass(frozen=True, slots=True)
class HomePlan:
    """The result for one horizon: flows in kWh a step, cost in yen (with the worth of what is
    stored at the end), its terms, and the value of one more kWh at each step.
    """

    horizon: Horizon
    import_kwh: FloatArray
    export_kwh: FloatArray
    curtail_kwh: FloatArray
    assets: tuple[AssetPlan, ...]
    cost_yen: float
    terms: tuple[Term, ...]
    value_yen_kwh: FloatArray
    trials: tuple[Trial, ...] = ()
    gap: float = 0.0
    solves: int = 1
    asset_by_key: dict[str, AssetPlan] = field(default_factory=dict, repr=False)


def compare(plan: HomePlan, other: HomePlan, most: int = 3) -> tuple[float, tuple[Term, ...]]:
    """How much dearer the other plan is, and the terms that moved most (yen, other less plan)."""
    ours = {term.name: term.yen for term in plan.terms}
    theirs = {term.name: term.yen for term in other.terms}
    moved = [Term(name, theirs.get(name, 0.0) - ours.get(name, 0.0)) for name in {**ours, **theirs}]
    moved.sort(key=lambda term: -abs(term.yen))
    return other.cost_yen - plan.cost_yen, tuple(t for t in moved[:most] if abs(t.yen) > 0.005)


def check(horizon: Horizon) -> None:
    """Refuse what no plan can be made of; the message says which field and step."""
    count = horizon.count
    if count == 0:
        raise InputError("horizon: at least one step expected, got none")
    for name, least, most in _RANGES:
        values = getattr(horizon, name)
        if values.shape != (count,):
            raise InputError(f"horizon: {name} has {values.size} steps, {count} expected")
        bad = ~((values >= least) & (values <= most))
        if name == "export_limit_kw":
            bad = ~(values >= 0.0)
        if bad.any():
            at = int(bad.argmax())
            raise InputError(f"horizon: {name}[{at}] = {values[at]}: {least} to {most} expected")
    if float(horizon.end_h[-1]) > LONGEST_H:
        raise InputError(f"horizon: {horizon.end_h[-1]:.0f} h, at most {LONGEST_H:.0f} expected")
    power_kw = np.maximum(horizon.load_kwh, horizon.pv_kwh) / horizon.step_h
    if (power_kw > MOST_KW).any():
        raise InputError(f"horizon: {power_kw.max():.0f} kW in a home, at most {MOST_KW:.0f}")


_RANGES = (
    ("step_h", 1.0 / 120.0, 24.0),
    ("load_kwh", 0.0, MOST_KW * 24.0),
    ("pv_kwh", 0.0, MOST_KW * 24.0),
    ("buy_yen_kwh", -MOST_YEN_KWH, MOST_YEN_KWH),
    ("sell_yen_kwh", -MOST_YEN_KWH, MOST_YEN_KWH),
    ("export_limit_kw", 0.0, float("inf")),
)


def usual_steps(minutes_into_half_hour: int = 0) -> FloatArray:
    """5-minute steps for the first two hours, half-hours to 48 hours; hours per step."""
    first = 24 - (minutes_into_half_hour % 30) // 5
    rest = 92
    return np.concatenate([np.full(first, 1.0 / 12.0), np.full(rest, 0.5)])
