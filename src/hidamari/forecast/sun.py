"""Where the sun stands, and what a clear sky gives on level ground.

Position: the low-precision formulae of the Astronomical Almanac (declination and equation of time
to about 0.01 degrees for 1950-2050). Clear sky: Haurwitz (1945, J. Meteorology 2, 154-166),
GHI = 1098 cos z exp(-0.057 / cos z) in W/m2.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

J2000_UNIX_S = 946728000.0  # 2000-01-01T12:00Z
LOWEST_COS_ZENITH = 0.02  # about one degree above the horizon: below it the formula means nothing


@dataclass(frozen=True, slots=True)
class Place:
    """Where the home stands: degrees north and east, and its clock."""

    latitude: float
    longitude: float
    zone: ZoneInfo


def cos_zenith(place: Place, unix_s: FloatArray) -> FloatArray:
    """Cosine of the sun's zenith angle at instants in unix seconds."""
    days = (unix_s - J2000_UNIX_S) / 86400.0
    anomaly = np.radians((357.528 + 0.9856003 * days) % 360.0)
    mean_longitude = (280.460 + 0.9856474 * days) % 360.0
    ecliptic = np.radians(mean_longitude + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly))
    obliquity = np.radians(23.439 - 0.0000004 * days)
    declination = np.arcsin(np.sin(obliquity) * np.sin(ecliptic))
    ascension = np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic))
    sidereal_deg = (280.46062 + 360.98564737 * days + place.longitude) % 360.0
    hour_angle = np.radians(sidereal_deg) - ascension
    latitude = np.radians(place.latitude)
    answer: FloatArray = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(
        declination
    ) * np.cos(hour_angle)
    return answer


def clear_sky_kw_m2(place: Place, day: date, slots: int) -> FloatArray:
    """Clear-sky irradiance on level ground in the middle of each slot of a local day, kW/m2.

    A day with a clock change is laid on the usual number of slots by the wall clock.
    """
    step = timedelta(minutes=1440 // slots)
    midnight = datetime(day.year, day.month, day.day) + step / 2  # noqa: DTZ001 - wall clock
    unix_s = np.array(
        [(midnight + i * step).replace(tzinfo=place.zone).timestamp() for i in range(slots)]
    )
    height = cos_zenith(place, unix_s)
    safe = np.maximum(height, LOWEST_COS_ZENITH)
    return np.where(height > LOWEST_COS_ZENITH, 1.098 * safe * np.exp(-0.057 / safe), 0.0)
