"""Trips of the car: out of its plug, out of the owner's settings, as steps of the plan."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.control.made import live

from hidamari.core.config import PlanSettings
from hidamari.devices.v2h import V2h
from hidamari.echonet.frame import Eoj
from hidamari.forecast.car import UsualTrip
from hidamari.home.assets import Asset
from hidamari.home.travel import Travel, car_storage, past_trips, usual_week

TOKYO = ZoneInfo("Asia/Tokyo")
FRIDAY_EVENING = datetime(2026, 11, 20, 20, 0, tzinfo=TOKYO)
STEPS_H = np.full(72, 0.5)
HOME, AWAY = 0x43, 0x30


def car(*, plugged: bool = True) -> Asset:
    raw = {
        0xD0: (40_000).to_bytes(4, "big"),
        0xE2: (20_000).to_bytes(4, "big"),
        0xC7: bytes((HOME if plugged else AWAY,)),
        0xC8: (300).to_bytes(4, "big") + (6000).to_bytes(4, "big"),
        0xC9: (300).to_bytes(4, "big") + (6000).to_bytes(4, "big"),
    }
    device = V2h(Eoj.parse("027E01"), raw)
    return Asset("car", "v2h", live("car", device), device.model())


def trips(plan: object = None, travel: Travel | None = None, *, plugged: bool = True):
    settings = PlanSettings.model_validate(plan or {})
    known = travel or Travel(FRIDAY_EVENING)
    found = car_storage(car(plugged=plugged), known, settings, FRIDAY_EVENING, STEPS_H)
    assert found is not None
    return [(trip.leave, trip.back, trip.need_kwh) for trip in found.trips]


def test_absences_are_read_from_the_plug():
    """Away on the second day from 8:00 to 18:00, 6 kWh less after it."""
    plug = np.full(96, float(HOME))
    plug[48 + 16 : 48 + 36] = AWAY
    stored = np.full(96, 30.0)
    stored[48 + 16 :] = 24.0
    (trip,) = past_trips(plug, stored, first_weekday=0)
    assert (trip.weekday, trip.leave_h, trip.back_h) == (1, 8.0, 18.0)
    assert trip.used_kwh == pytest.approx(6.0)


def test_a_week_without_usual_trips_has_none():
    assert usual_week([], 4) == (None,) * 7


def test_without_settings_and_habits_the_car_is_taken_to_stay():
    assert trips() == []


def test_the_owners_departure_is_planned_for_on_his_days():
    """From Friday 20:00: Saturday 7:30 is 11.5 h = 23 steps ahead, back ten hours later."""
    on_saturday = {"car": {"ready_h": 7.5, "days": [5], "need_pct": 60.0}}
    assert trips(on_saturday) == [(23, 43, pytest.approx(24.0))]
    assert trips({"car": {"ready_h": 7.5, "days": [0, 1, 2, 3, 4]}}) == []


def test_a_departure_of_earlier_today_is_over():
    assert trips({"car": {"ready_h": 7.5, "days": [4]}}) == []


def test_usual_trips_are_planned_for_and_never_overlap():
    usual = UsualTrip(leave_h=9.0, back_h=21.0, need_kwh=8.0, used_kwh=6.0)
    found = trips(travel=Travel(FRIDAY_EVENING, (usual,) * 7))
    assert found[0][:2] == (26, 50)
    assert all(a[1] < b[0] for a, b in pairwise(found))


def test_a_car_that_is_away_comes_back_within_the_plan():
    found = trips(plugged=False)
    assert found == [(0, 2, 0.0)]  # nobody knows when: within the hour


def test_full_in_no_time_is_still_a_plan():
    """Ready in half an hour at 100 %: the wish stays a wish, the program prices what is short."""
    found = trips({"car": {"ready_h": 20.5, "days": [4], "need_pct": 100.0}})
    assert found[0][0] == 1
    assert found[0][2] == pytest.approx(40.0)
