"""When the car leaves, how long it stays away and what it needs: learned from its past trips."""

from dataclasses import dataclass

import numpy as np

from hidamari.forecast.load import FEWEST_DAYS

USUAL_SHARE = 0.5  # a weekday on which the car left at least this often has a usual trip
READY_QUANTILE = 0.15  # the car is ready before most departures
NEED_QUANTILE = 0.9


@dataclass(frozen=True, slots=True)
class PastTrip:
    """One measured absence: weekday (Monday = 0), local hours of leaving and return, kWh used."""

    weekday: int
    leave_h: float
    back_h: float  # beyond 24 if the car came back on a later day
    used_kwh: float


@dataclass(frozen=True, slots=True)
class UsualTrip:
    """What to plan for on a weekday: ready by, back about, energy wished for and gone."""

    leave_h: float
    back_h: float
    need_kwh: float
    used_kwh: float


def usual_trip(past: list[PastTrip], weekday: int, weeks: int) -> UsualTrip | None:
    """The trip to expect on a weekday out of `weeks` weeks of watching; None = usually at home."""
    same = [trip for trip in past if trip.weekday == weekday]
    if len(past) < FEWEST_DAYS or len(same) < USUAL_SHARE * max(weeks, 1):
        return None
    leave = np.array([trip.leave_h for trip in same])
    used = np.array([trip.used_kwh for trip in same])
    return UsualTrip(
        float(np.quantile(leave, READY_QUANTILE)),
        float(np.median([trip.back_h for trip in same])),
        float(np.quantile(used, NEED_QUANTILE)),
        float(np.median(used)),
    )
