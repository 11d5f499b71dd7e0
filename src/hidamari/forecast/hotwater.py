"""How much hot water the family will draw: profiles of past days of the same kind, as heat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.forecast.load import FEWEST_DAYS, DayKind, LoadMethod, PastDays, day_weights
from hidamari.forecast.series import weighted_mean, weighted_quantile

FloatArray = NDArray[np.float64]

METHOD = LoadMethod("hot_water", 21.0, 0.4)
CAREFUL_QUANTILE = 0.8
KWH_PER_L_K = 4.186 / 3600.0  # heat of water
BATH_C, TAP_C, COLD_C = 42.0, 40.0, 17.0
# BRI-EES standard draw of four persons at 40 degC: 450 L a day, bath at 19 h; used until learned
STANDARD_L = (0, 0, 0, 0, 0, 0, 10, 35, 20, 10, 5, 5, 10, 5, 5, 5, 10, 15, 30, 180, 55, 35, 15, 0)
STANDARD_PERSONS = 4.0


@dataclass(frozen=True, slots=True)
class Draws:
    """Heat drawn per slot: expected, and the reserve a day with more draw needs, kWh."""

    mean_kwh: FloatArray
    reserve_kwh: FloatArray
    is_learned: bool


def heat_kwh(
    litres: float | FloatArray, hot_c: float = TAP_C, cold_c: float = COLD_C
) -> FloatArray:
    """Heat in water drawn at `hot_c`."""
    return np.asarray(litres) * KWH_PER_L_K * (hot_c - cold_c)


def draws(past: PastDays, kind: DayKind, slots: int, persons: float = 4.0) -> Draws:
    """The coming day's draws; `past.load_kwh` holds heat drawn per slot of measured days."""
    if len(past.kinds) < FEWEST_DAYS:
        share = np.repeat(np.array(STANDARD_L, dtype=np.float64), slots // 24) / (slots // 24)
        mean = heat_kwh(share * persons / STANDARD_PERSONS)
        return Draws(mean, 0.3 * _rest_of_day(mean), is_learned=False)
    weight = day_weights(past, METHOD, kind, 1)
    days = past.load_kwh[-len(weight) :]
    mean = weighted_mean(days, weight)
    # a careful day is judged by what is still to come, not slot by slot: baths move, sums hardly
    ahead = np.cumsum(days[:, ::-1], axis=1)[:, ::-1]
    careful = weighted_quantile(ahead, weight, CAREFUL_QUANTILE)
    return Draws(mean, np.maximum(careful - _rest_of_day(mean), 0.0), is_learned=True)


def _rest_of_day(mean_kwh: FloatArray) -> FloatArray:
    answer: FloatArray = np.cumsum(mean_kwh[::-1])[::-1]
    return answer
