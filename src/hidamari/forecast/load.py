"""What the household will use: past days of the same kind, corrected by what today shows.

A method is a weighting of past days, so every method has a mean (for the plan) and quantiles (for
people and for the score). Which method is used is decided by its score so far.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.forecast.series import weighted_mean, weighted_quantile

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LOOK_BACK_DAYS = 56
FEWEST_DAYS = 5  # fewer comparable days: no forecast, rule mode (planner section 2.10d)
SAME_WEEKDAY = 1.5  # a Tuesday tells more about a Tuesday
FOLLOW_H = (1.0, 4.0, 24.0)  # how fast the means of recent errors forget


@dataclass(frozen=True, slots=True)
class DayKind:
    """What is known of a day beforehand: Monday = 0, and whether people are off."""

    weekday: int
    is_off: bool


@dataclass(frozen=True, slots=True)
class LoadMethod:
    """How past days count: memory in days, and the weight of days of the other kind."""

    name: str
    memory_days: float
    other_kind: float


METHODS = (
    LoadMethod("week", 7.0, 0.7),
    LoadMethod("fortnight", 14.0, 0.5),
    LoadMethod("month", 30.0, 0.4),
)


@dataclass(frozen=True, slots=True)
class PastDays:
    """Whole measured days, oldest first: `load_kwh` (days, slots) and their kinds."""

    load_kwh: FloatArray
    kinds: tuple[DayKind, ...]


def day_weights(past: PastDays, method: LoadMethod, kind: DayKind, lead_days: int) -> FloatArray:
    """Weight of each of the last 56 days for a day `lead_days` after the last one."""
    kinds = past.kinds[-LOOK_BACK_DAYS:]
    age = np.arange(len(kinds), 0, -1) - 1 + lead_days
    weight: FloatArray = np.exp(-age / method.memory_days)
    for i, other in enumerate(kinds):
        if other.is_off != kind.is_off:
            weight[i] *= method.other_kind
        if other.weekday == kind.weekday:
            weight[i] *= SAME_WEEKDAY
    return weight


def mean_day(past: PastDays, method: LoadMethod, kind: DayKind, lead_days: int) -> FloatArray:
    """Expected kWh per slot of a day, (slots,)."""
    weight = day_weights(past, method, kind, lead_days)
    return weighted_mean(past.load_kwh[-LOOK_BACK_DAYS:], weight)


def quantile_day(past: PastDays, method: LoadMethod, kind: DayKind, q: float) -> FloatArray:
    """The q-quantile of kWh per slot of the day after the last one, (slots,).

    Neighbouring slots count half: whether the kettle boils at 7:00 or 7:30 is chance.
    """
    weight = day_weights(past, method, kind, 1)
    days = past.load_kwh[-LOOK_BACK_DAYS:]
    reach = max(1, days.shape[1] // 24)
    shifted = [np.roll(days, shift, axis=1) for shift in range(-reach, reach + 1)]
    share = [1.0 if shift == 0 else 0.5 for shift in range(-reach, reach + 1)]
    return weighted_quantile(
        np.concatenate(shifted), np.concatenate([weight * part for part in share]), q
    )


def same_kind_rule(past: PastDays, kind: DayKind) -> FloatArray:
    """The mean of the last five days of the same kind: the rule to beat."""
    same = [i for i, other in enumerate(past.kinds) if other.is_off == kind.is_off][-5:]
    days = past.load_kwh[same] if same else past.load_kwh[-7:]
    answer: FloatArray = days.mean(axis=0)
    return answer
