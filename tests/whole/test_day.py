"""A day of a whole home, from the wire to the history: what the house did is what is stored."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from tests.whole.loop import run
from tests.whole.street import EVENING, MIDNIGHT, Street, a_street, misses, stored_kwh

from hidamari.core.reading import Quality, SeriesKey
from hidamari.core.time import TOKYO, slot_start

DAY = date(2026, 6, 10)
NOON = MIDNIGHT - timedelta(hours=12)
pytestmark = pytest.mark.timeout(180)  # hours are lived before the first test of each part
BUS = ("pv_kw", "gen_kw", "grid_kw", "battery_kw", "ev_kw", "heater_kw", "load_kw", "use_kw")


class Part:
    """What is left of a part of a day when it is over."""

    def __init__(self, street: Street, first: datetime) -> None:
        self.street = street
        store = street.home.store
        count = int((slot_start(street.clock.true()) - first) / timedelta(minutes=30))
        self.misses = misses(street, first, count)
        self.did = street.did_kwh(first, count)
        self.quality = {name: set(stored_kwh(store, name, first, count)[1]) for name in self.did}
        keys = [SeriesKey("home", name) for name in BUS]
        self.bus_kw = store.minutes(keys, first, first + timedelta(minutes=30 * count))
        self.codes = street.codes()


class Evening(Part):
    """Noon to midnight and the sealing of the day."""

    def __init__(self, street: Street) -> None:
        super().__init__(street, NOON)
        store = street.home.store
        self.totals, self.peaks = store.totals([SeriesKey("home", "export_kw")], DAY, DAY)
        self.is_whole = store.verify_day(DAY)
        self.waiting = store.unsealed_days(DAY + timedelta(days=1), TOKYO)
        before = MIDNIGHT - timedelta(days=90)
        self.old = {n: stored_kwh(store, n, before, 48) for n in ("import_kw", "pv_kw")}


@pytest.fixture(scope="module")
def evening() -> Evening:
    async def lived() -> Evening:
        async with a_street(start=NOON - timedelta(minutes=10), past=True) as street:
            await street.switch_on()
            await street.until(MIDNIGHT + timedelta(minutes=12))
            return Evening(street)

    return run(lived())


@pytest.fixture(scope="module")
def night() -> Part:
    async def lived() -> Part:
        async with a_street(start=EVENING) as street:
            await street.switch_on()
            await street.until(MIDNIGHT + timedelta(hours=6, minutes=3))
            return Part(street, MIDNIGHT)

    return run(lived())


@pytest.mark.req("MEA-01", "MEA-02")
@pytest.mark.parametrize("part", ["night", "evening"])
def test_every_half_hour_is_what_the_house_really_did(part, request):
    found = request.getfixturevalue(part)
    assert found.misses == []
    assert {name: q for name, q in found.quality.items() if q != {Quality.COUNTER}} == {}


@pytest.mark.t(8)
@pytest.mark.parametrize("part", ["night", "evening"])
def test_both_identities_hold_in_every_stored_minute(part, request):
    found = request.getfixturevalue(part)
    assert not np.isnan(found.bus_kw).any()
    pv, gen, grid, battery, ev, heater, load, use = found.bus_kw.T
    assert np.abs(grid - (load + battery + ev + heater - pv - gen)).max() < 0.01
    # A minute in which the car turned from drawing to giving has a bit of both.
    one_way = (np.abs(ev) < 0.001) | (np.abs(use - load - heater - np.maximum(ev, 0)) < 0.01)
    assert one_way.mean() > 0.99
    assert (use >= load + heater - 0.01).all()


def test_the_closed_day_is_sealed_whole_and_adds_up(evening):
    assert evening.is_whole
    assert DAY not in evening.waiting
    known = evening.did["export_kw"]
    assert known.sum() > 1.0
    # The half-hours before noon came from the meter: 0.01 kWh each as its steps fall.
    assert evening.totals[0, 0] >= known.sum() - 0.01
    assert evening.peaks[0, 0] >= 2 * known.max() - 0.02


def test_a_quiet_day_has_no_events_but_the_devices_that_were_found(evening, night):
    assert set(evening.codes) == set(night.codes) == {"device_new"}
    assert len(evening.codes) == 11


@pytest.mark.req("SMT-05")
def test_what_the_meter_remembers_of_the_time_before_us_is_taken_over(evening):
    values, quality = evening.old["import_kw"]
    assert set(quality) == {Quality.REFILLED}
    assert values.sum() > 0.1
    assert set(evening.old["pv_kw"][1]) == {Quality.MISSING}  # nobody remembers that
