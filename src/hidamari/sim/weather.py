"""Air and water temperatures of the simulated place: Tokyo, by the month."""

from functools import lru_cache
from math import cos, pi

import numpy as np

from hidamari.core.time import SLOT_S
from hidamari.sim.noise import FloatArray, bell
from hidamari.sim.replay import DAY_SLOTS, ZONE_S

# Monthly mean temperature and humidity of Tokyo 1991-2020 (Japan Meteorological Agency).
MEAN_C = (5.4, 6.1, 9.4, 14.3, 18.8, 21.9, 25.7, 26.9, 23.3, 18.0, 12.5, 7.7)
MEAN_PCT = (51, 52, 57, 62, 68, 75, 76, 74, 75, 71, 64, 56)
SWING_K = 4.0  # half of the daily range
WARMEST_H = 14.0
SPREAD_K = 2.2  # from day to day
MONTH_DAYS = 30.44


def outdoor_c(seed: int, first: int, count: int) -> FloatArray:
    """Air temperature [°C] in the middle of `count` half-hours from the `first` since 1970."""
    local = np.arange(first, first + count) + ZONE_S // SLOT_S
    day = local / DAY_SLOTS
    wave = np.cos(2.0 * pi * (local % DAY_SLOTS / 2.0 + 0.25 - WARMEST_H) / 24.0)
    whole = np.arange(int(day[0]) - 1, int(day[-1]) + 3)
    offsets_k = np.array([SPREAD_K * bell(seed, int(d), 71) for d in whole])
    air_c: FloatArray = _monthly(day, MEAN_C) + SWING_K * wave + np.interp(day, whole, offsets_k)
    return air_c


def humidity_pct(seed: int, slot: int) -> float:
    """Relative humidity outside [%] in a half-hour."""
    day = (slot + ZONE_S // SLOT_S) / DAY_SLOTS
    wave = cos(2.0 * pi * (day % 1.0 - WARMEST_H / 24.0))
    mean = float(_monthly(np.array([day]), MEAN_PCT)[0])
    return min(98.0, max(20.0, mean - 10.0 * wave + 6.0 * bell(seed, int(day), 72)))


@lru_cache(maxsize=8)
def water_c(day: int) -> float:
    """Temperature [°C] of the tap water on a day since 1970: the air of weeks, evened out."""
    return 6.0 + 0.65 * float(_monthly(np.array([day - 20.0]), MEAN_C)[0])


def _monthly(day: FloatArray, means: tuple[float, ...]) -> FloatArray:
    """A mean of the calendar, straight between the middles of the months."""
    month = (day % 365.2425) / MONTH_DAYS - 0.5
    return np.interp(month, np.arange(-1, 13), (means[-1], *means, means[0]))
