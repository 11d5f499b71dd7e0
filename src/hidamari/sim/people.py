"""What the people of the simulated house do: hot water they draw, trips of the car."""

from dataclasses import dataclass
from functools import lru_cache

from hidamari.core.time import SLOT_S
from hidamari.sim.noise import chance
from hidamari.sim.replay import DAY_SLOTS, ZONE_S

LOCAL_MIN = ZONE_S // 60
DAY_MIN = 1440

# Litres of 42 °C water per hour of the day, four persons, bath apart (own estimate: 250 L).
HOURLY_L = (3, 0, 0, 0, 0, 3, 14, 24, 12, 6, 5, 5, 9, 5, 4, 4, 6, 14, 22, 20, 38, 34, 16, 6)
BATH_L = 180.0
BATH_H = 19
DAY_L = sum(HOURLY_L) + BATH_L


@dataclass(frozen=True, slots=True)
class Trip:
    """The car is away from one minute since 1970 (UTC) to another and uses energy."""

    leave_min: int
    back_min: int
    kwh: float


def draw_l(seed: int, slot: int) -> float:
    """Litres of 42 °C water in a half-hour since 1970 (UTC)."""
    local = slot + ZONE_S // SLOT_S
    hour = local % DAY_SLOTS // 2
    usual_l = HOURLY_L[hour] / 2.0
    drawn_l = usual_l * 2.0 * chance(seed, slot, 31)
    day = local // DAY_SLOTS
    # A shower instead of the bath on one warm day in five.
    if local % DAY_SLOTS == 2 * BATH_H and chance(seed, day, 32) > 0.2:
        drawn_l += BATH_L * (0.9 + 0.2 * chance(seed, day, 33))
    return drawn_l


@lru_cache(maxsize=64)
def trip(seed: int, day: int) -> Trip | None:
    """The trip of a local day (days since 1970); 1970-01-01 was a Thursday."""
    weekday = (day + 3) % 7
    luck = chance(seed, day, 41)
    if weekday < 5 and chance(seed, weekday, 42) < 0.6:  # a working day with the car
        return _trip(seed, day, (8 * 60, 10 * 60 + 20), 7.0)
    if weekday < 5:
        return _trip(seed, day, (10 * 60, 100), 2.5) if luck < 0.6 else None
    if weekday == 5:
        return _trip(seed, day, (9 * 60 + 30, 7 * 60), 11.0) if luck < 0.7 else None
    return _trip(seed, day, (13 * 60, 150), 4.0) if luck < 0.5 else None


def trip_at(seed: int, minute: int) -> Trip | None:
    """The trip that the car is on in a minute since 1970 (UTC); `None` when it is at home."""
    found = trip(seed, (minute + LOCAL_MIN) // DAY_MIN)
    return found if found is not None and found.leave_min <= minute < found.back_min else None


def _trip(seed: int, day: int, usual: tuple[int, int], kwh: float) -> Trip:
    start_min, length_min = usual
    leave_min = start_min + round(40 * (chance(seed, day, 43) - 0.5))
    back_min = leave_min + round(length_min * (0.85 + 0.3 * chance(seed, day, 44)))
    used_kwh = kwh * (0.7 + 0.6 * chance(seed, day, 45))
    midnight_min = day * DAY_MIN - LOCAL_MIN
    return Trip(midnight_min + leave_min, midnight_min + back_min, round(used_kwh, 2))
