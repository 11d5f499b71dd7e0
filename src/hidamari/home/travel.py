"""The car in the plan: when it leaves, what it needs then, when it is back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from hidamari.core.config import PlanSettings
from hidamari.forecast.car import PastTrip, UsualTrip, usual_trip
from hidamari.home.assets import Asset, plan_battery
from hidamari.plan.parts.storage import Storage, Trip
from hidamari.store.pack import FloatArray

# A pack of 40 kWh at some 500,000 yen lasts for about 2,000 cycles: 6 yen for a kWh through it.
CAR_WEAR_YEN_KWH = 3.0  # on each of the two ways
USUAL_AWAY_H = 10.0
USUAL_BACK_H = 18.5
USUAL_USE_SHARE = 0.12  # of the car's battery
WEEK_DAYS = 7
NOT_CONNECTED = 0x30  # EPC C7 of 0x027E and 0x02A1


@dataclass(frozen=True, slots=True)
class Travel:
    """What is known of the car's days: the zone's clock and its usual trip by weekday."""

    local: datetime | None = None  # the present, in the home's zone
    usual: tuple[UsualTrip | None, ...] = (None,) * WEEK_DAYS


def past_trips(plug: FloatArray, stored_kwh: FloatArray, first_weekday: int) -> list[PastTrip]:
    """Absences out of the plug's half-hours (codes, NaN = unknown) and the stored energy then."""
    away = plug == NOT_CONNECTED
    edges = np.flatnonzero(np.diff(away.astype(int)) != 0) + 1
    found = []
    for start, end in pairwise(edges.tolist()):
        if not away[start]:
            continue
        before, after = float(stored_kwh[start - 1]), float(stored_kwh[min(end, len(away) - 1)])
        used = max(before - after, 0.0) if np.isfinite(before - after) else 0.0
        day, slot = divmod(start, 48)
        weekday = (first_weekday + day) % WEEK_DAYS
        found.append(PastTrip(weekday, slot / 2.0, (end - day * 48) / 2.0, used))
    return found


def usual_week(past: list[PastTrip], weeks: int) -> tuple[UsualTrip | None, ...]:
    """The trip to expect on each weekday."""
    return tuple(usual_trip(past, weekday, weeks) for weekday in range(WEEK_DAYS))


def car_storage(
    asset: Asset, travel: Travel, plan: PlanSettings, now: datetime, step_h: FloatArray
) -> Storage | None:
    """The car as the planner sees it; None where its battery is unknown."""
    pack = asset.storage
    if pack is None:
        return None
    local = travel.local or now
    begin_h = np.cumsum(step_h) - step_h
    trips: list[Trip] = []
    if not asset.is_home:
        trips.append(_away_now(local, begin_h))
    trips += _coming(asset, travel, plan, local, begin_h)
    battery = plan_battery(pack, pack.floor_kwh)
    count = len(step_h)
    apart = _apart(trips, count)
    return Storage(asset.id, battery, pack.stored_kwh, CAR_WEAR_YEN_KWH, trips=apart)


def _coming(
    asset: Asset, travel: Travel, plan: PlanSettings, local: datetime, begin_h: FloatArray
) -> list[Trip]:
    """The departures within the horizon: the owner's, else the usual ones."""
    whole_kwh = asset.capacity_kwh or 0.0
    found = []
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    for ahead in range(3):
        day = midnight + timedelta(days=ahead)
        usual = travel.usual[day.weekday()]
        if plan.car.ready_h is not None:
            if day.weekday() not in plan.car.days:
                continue
            leave_h = plan.car.ready_h
            back_h = usual.back_h if usual is not None else leave_h + USUAL_AWAY_H
            use = usual.used_kwh if usual is not None else USUAL_USE_SHARE * whole_kwh
            need = plan.car.need_pct / 100.0 * whole_kwh
        elif usual is not None:
            leave_h, back_h, use = usual.leave_h, usual.back_h, usual.used_kwh
            need = max(usual.need_kwh * 1.3, plan.car.need_pct / 100.0 * whole_kwh)
        else:
            continue
        from_now_h = (day - local).total_seconds() / 3600.0
        leave = _step_at(begin_h, from_now_h + leave_h)
        back = _step_at(begin_h, from_now_h + back_h)
        if from_now_h + leave_h > 0.0 and leave < len(begin_h):
            found.append(Trip(leave, back, min(need, whole_kwh), use))
    return found


def _away_now(local: datetime, begin_h: FloatArray) -> Trip:
    hour = local.hour + local.minute / 60.0
    until_h = USUAL_BACK_H - hour if hour < USUAL_BACK_H - 0.5 else 1.0
    return Trip(0, _step_at(begin_h, until_h), 0.0, 0.0)


def _step_at(begin_h: FloatArray, hours: float) -> int:
    """The first step that begins at or after `hours` from now; the count if there is none."""
    return int(np.searchsorted(begin_h, hours - 1e-6))


def _apart(trips: list[Trip], count: int) -> tuple[Trip, ...]:
    """Trips in order that neither overlap nor touch nor last for no step."""
    found: list[Trip] = []
    free_from = 0
    for trip in sorted(trips, key=lambda one: one.leave):
        back = min(max(trip.back, trip.leave + 1), count)
        if trip.leave >= free_from and trip.leave < count:
            found.append(Trip(trip.leave, back, trip.need_kwh, trip.use_kwh))
            free_from = back + 1
    return tuple(found)
