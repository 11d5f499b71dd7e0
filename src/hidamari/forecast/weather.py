"""A weather forecast as values: read from the provider's answer, refused when stale or absurd.

Fetching is the home's business; this file only reads and checks. One shape is known: the hourly
arrays of the Open-Meteo JMA interface (time, shortwave_radiation, temperature_2m).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hidamari.core.errors import InputError
from hidamari.core.time import unix
from hidamari.forecast.sun import Place, cos_zenith

FloatArray = NDArray[np.float64]

OLD_H = 6.0  # older: said so, still used (reliability F17)
STALE_H = 48.0  # older: not used
MOST_KW_M2 = 1.3  # more than reaches the ground anywhere, cloud edges included
LEAST_C, MOST_C = -45.0, 50.0
NOON_COS = 0.3  # the sun stands clearly above the horizon
SHORTEST_H = 12.0


class Doubt(StrEnum):
    """What is wrong with a forecast."""

    MISSING = "missing"
    SHORT = "short"
    OLD = "old"
    STALE = "stale"
    ABSURD = "absurd"


@dataclass(frozen=True, slots=True)
class Weather:
    """One forecast: when it was issued, first instant, step, irradiance and temperature."""

    issued: datetime
    start: datetime
    step_h: float
    ghi_kw_m2: FloatArray
    temp_c: FloatArray

    def energy_kwh_m2(self, start: datetime, slot_h: float, slots: int) -> FloatArray:
        """Irradiance as kWh/m2 per slot, linear between steps; NaN outside the forecast."""
        middle = np.array(
            [
                (start - self.start).total_seconds() / 3600.0 + (i + 0.5) * slot_h
                for i in range(slots)
            ]
        )
        at = (np.arange(self.ghi_kw_m2.size) + 0.5) * self.step_h
        values = np.interp(middle, at, self.ghi_kw_m2) * slot_h
        outside = (middle < 0.0) | (middle > self.ghi_kw_m2.size * self.step_h)
        return np.where(outside, np.nan, values)


def read_open_meteo(answer: Mapping[str, object], issued: datetime) -> Weather:
    """The hourly arrays of an Open-Meteo answer in UTC; raises InputError naming the field."""
    hourly = answer.get("hourly")
    if not isinstance(hourly, Mapping):
        raise InputError("weather: field hourly expected")
    times = _column(hourly, "time")
    radiation_w_m2 = _numbers(hourly, "shortwave_radiation")
    temp_c = _numbers(hourly, "temperature_2m")
    if not times or len(times) != radiation_w_m2.size or len(times) != temp_c.size:
        raise InputError("weather: time, shortwave_radiation and temperature_2m of equal length")
    try:
        start = datetime.fromisoformat(str(times[0])).replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"weather: time[0] = {times[0]}: ISO 8601 expected") from error
    # the value of an hour is the mean of the hour before it
    start -= timedelta(hours=1)
    return Weather(issued, start, 1.0, radiation_w_m2 / 1000.0, temp_c)


def doubt(weather: Weather | None, now: datetime, place: Place) -> Doubt | None:
    """What is wrong with a forecast, the worst first; None = nothing, OLD may still be used."""
    if weather is None:
        return Doubt.MISSING
    ghi, temp = weather.ghi_kw_m2, weather.temp_c
    end = weather.start + timedelta(hours=weather.step_h * ghi.size)
    if ghi.size == 0 or end < now + timedelta(hours=SHORTEST_H):
        return Doubt.SHORT
    if not (np.isfinite(ghi).all() and np.isfinite(temp).all()):
        return Doubt.ABSURD
    if (ghi < 0.0).any() or (ghi > MOST_KW_M2).any():
        return Doubt.ABSURD
    if (temp < LEAST_C).any() or (temp > MOST_C).any():
        return Doubt.ABSURD
    steps = np.arange(ghi.size, dtype=np.float64) + 0.5
    middle_s = np.asarray(steps * (weather.step_h * 3600.0) + unix(weather.start), dtype=np.float64)
    if (ghi[cos_zenith(place, middle_s) > NOON_COS] <= 0.0).any():
        return Doubt.ABSURD  # dark at noon
    age_h = (now - weather.issued).total_seconds() / 3600.0
    if age_h > STALE_H or age_h < -1.0:
        return Doubt.STALE
    return Doubt.OLD if age_h > OLD_H else None


def _column(hourly: Mapping[str, object], name: str) -> Sequence[object]:
    column = hourly.get(name)
    if not isinstance(column, list):
        raise InputError(f"weather: field hourly.{name} expected")
    return column


def _numbers(hourly: Mapping[str, object], name: str) -> FloatArray:
    values = _column(hourly, name)
    return np.array(
        [float(value) if isinstance(value, int | float) else float("nan") for value in values]
    )
