"""T6: whatever the machine's clock does, no row is lost, moved or counted twice."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from tests.whole.loop import LoopClock, run
from tests.whole.street import MIDNIGHT, FakeKernel, a_street, misses

from hidamari.core.reading import SeriesKey
from hidamari.home.clock import Kernel
from hidamari.store.counters import CounterRules, CounterState

NOON = MIDNIGHT - timedelta(hours=12)
START = NOON - timedelta(minutes=5)
NAMES = ("import_kw", "export_kw", "pv_kw")
KEYS = [SeriesKey("home", name) for name in NAMES]
DAY_S, YEAR_S = 86400.0, 365.25 * 86400.0


class LookedAt(FakeKernel):
    """A kernel that follows no time server, and notes when it is asked for that."""

    def __init__(self, clock: LoopClock, looks: list[datetime]) -> None:
        self.clock, self.looks = clock, looks
        super().__init__(synchronised=False)

    def kernel(self) -> Kernel:
        def is_synchronised() -> bool:
            self.looks.append(self.clock.true())
            return False

        return Kernel(is_synchronised, self.boot)


class Run(NamedTuple):
    """What a run left behind."""

    slots: np.ndarray
    minutes: np.ndarray
    last: datetime
    misses: list[str]
    events: list[tuple[str, str]]


async def lived(wrong_s: list[tuple[float, float]]) -> Run:
    """A half-hour of a home of meter and array; (seconds after noon, clock error) in order."""
    async with a_street(start=START) as street:
        street.keep_only("smart_meter", "solar")
        street.kernel.synchronised = False
        # The meter has no clock to ask: the machine's is alone.
        meter = street.house.objects["smart_meter"]
        for epc in (0x97, 0x98):
            del meter._gives[epc]
        await street.switch_on()
        for after_s, error_s in wrong_s:
            await street.until(NOON + timedelta(seconds=after_s))
            street.clock.wrong_s = error_s
        await street.until(NOON + timedelta(minutes=33, seconds=5))
        store = street.home.store
        told = [(e.kind, e.code) for e in street.events() if e.code.startswith("clock")]
        return Run(
            store.slots(KEYS, NOON, NOON + timedelta(minutes=30))[0],
            store.minutes(KEYS, NOON, NOON + timedelta(minutes=33)),
            store.last_minute(),
            misses(street, NOON, 1, NAMES),
            told,
        )


@pytest.fixture(scope="module")
def reference() -> Run:
    return run(lived([]))


def test_the_reference_is_what_the_house_did(reference):
    assert reference.misses == []
    assert reference.events == []
    assert not np.isnan(reference.minutes).any()


JUMPS_S = [
    *(sign * s for s in (1, 3, 30, 61, 299, 301, 1800, 3600) for sign in (1, -1)),
    *(sign * s for s in (DAY_S, 30 * DAY_S, YEAR_S, 20 * YEAR_S) for sign in (1, -1)),
    -(NOON - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds(),
    (datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC) - NOON).total_seconds(),
]


@pytest.mark.t(6)
@pytest.mark.req("PWR-06")
@pytest.mark.parametrize("jump_s", JUMPS_S)
def test_a_clock_that_jumps_without_a_reason_changes_nothing(jump_s, reference):
    found = run(lived([(613.0, jump_s)]))
    assert np.array_equal(found.slots, reference.slots, equal_nan=True)
    assert np.array_equal(found.minutes, reference.minutes, equal_nan=True)
    assert found.last == reference.last
    if abs(jump_s) <= 2:
        assert found.events == []
    else:
        assert found.events == [("notice" if abs(jump_s) > 300 else "log", "clock_off")]


@pytest.mark.t(6)
@pytest.mark.parametrize("step_s", [-1.0, -60.0, 60.0, -3600.0])
def test_a_clock_that_is_set_every_minute_changes_nothing_and_floods_nobody(step_s, reference):
    found = run(lived([(60.0 * i, step_s * i) for i in range(1, 33)]))
    assert np.array_equal(found.slots, reference.slots, equal_nan=True)
    assert np.array_equal(found.minutes, reference.minutes, equal_nan=True)
    assert 1 <= len(found.events) <= 2  # off, and far off


@pytest.mark.t(6)
def test_a_clock_that_comes_back_is_right_again(reference):
    found = run(lived([(600.0, 7200.0), (1200.0, 0.0)]))
    assert np.array_equal(found.slots, reference.slots, equal_nan=True)
    assert found.events == [("notice", "clock_off"), ("log", "clock_right")]


@pytest.mark.t(6)
@pytest.mark.req("PWR-05")
@pytest.mark.parametrize("wall", ["1970", "stopped"])
def test_what_is_measured_without_a_clock_gets_its_time_when_there_is_one(wall):
    """A board without a clock of its own: power fails for two hours, the network for longer."""

    async def scenario() -> None:
        async with a_street(start=START) as street:
            street.keep_only("smart_meter", "solar")
            meter = street.house.objects["smart_meter"]
            for epc in (0x97, 0x98):
                del meter._gives[epc]
            await street.switch_on()
            await street.until(NOON + timedelta(minutes=17))
            await street.cut_power()
            stopped = street.clock.true()
            await street.until(NOON + timedelta(hours=2, minutes=17))
            # Started again: either at the beginning of time, or where it was switched off.
            shown = datetime(1970, 1, 1, tzinfo=UTC) if wall == "1970" else stopped
            street.clock.wrong_s = (shown - street.clock.true()).total_seconds()
            street.reboot()
            street.kernel.synchronised = False
            home = await street.switch_on()
            await street.until(NOON + timedelta(hours=2, minutes=38, seconds=20))
            assert home.diagnostics()["time"]["state"] == "unknown"
            assert home.first_stored.is_set()
            assert home.store.last_minute() <= stopped
            street.clock.wrong_s = 0.0
            street.kernel.synchronised = True
            await street.until(NOON + timedelta(hours=3, minutes=14))
            assert home.diagnostics()["time"]["state"] == "trusted"
            first = NOON + timedelta(hours=2, minutes=18)
            minutes = home.store.minutes(KEYS[2:3], first, first + timedelta(minutes=55))
            assert np.isnan(minutes).sum() <= 2
            did = street.did_kwh(NOON, 6)
            slots, _ = home.store.slots(KEYS, NOON, NOON + timedelta(hours=3))
            for i, name in enumerate(NAMES):
                assert np.nansum(slots[:, i]) == pytest.approx(did[name].sum(), abs=0.021), name
            assert misses(street, NOON + timedelta(hours=2, minutes=30), 1, NAMES) == []
            codes = [c for c in street.codes() if c.startswith("time")]
            assert codes == ["time_unknown", "time_found"]

    run(scenario())


@pytest.mark.t(6)
@pytest.mark.req("PWR-05")
def test_the_smart_meter_tells_a_home_without_a_clock_the_time():
    async def scenario() -> None:
        async with a_street(start=START) as street:
            street.keep_only("smart_meter", "solar")
            await street.switch_on()
            await street.until(NOON + timedelta(minutes=17))
            await street.cut_power()
            await street.until(NOON + timedelta(minutes=50))
            street.clock.wrong_s = -50 * YEAR_S
            street.reboot()
            street.kernel.synchronised = False
            home = await street.switch_on()
            await street.until(NOON + timedelta(minutes=53))
            assert home.diagnostics()["time"]["state"] == "trusted"
            # The meter shows whole minutes: half a minute is the most we are off.
            assert abs((home.clock.now() - street.clock.true()).total_seconds()) <= 31
            await street.until(NOON + timedelta(minutes=94))
            has, _ = home.store.slots(KEYS, NOON, NOON + timedelta(minutes=90))
            did = street.did_kwh(NOON, 3)
            for i, name in enumerate(NAMES):
                assert has[:, i].sum() == pytest.approx(did[name].sum(), abs=0.05), name

    run(scenario())


@pytest.mark.t(6)
def test_a_clock_wrong_by_years_is_overruled_by_the_meter_and_nothing_is_deleted():
    async def scenario() -> None:
        async with a_street(start=START) as street:
            street.keep_only("smart_meter", "solar")
            street.kernel.synchronised = False
            street.clock.wrong_s = 11 * YEAR_S  # 2037, at the very first start
            home = await street.switch_on()
            await street.until(START + timedelta(minutes=1, seconds=30))
            wrong = home.store.last_minute()
            assert wrong.year == 2037
            kept = home.store.minutes(KEYS, wrong, wrong + timedelta(minutes=1))
            await street.until(NOON + timedelta(minutes=63))
            assert abs((home.clock.now() - street.clock.true()).total_seconds()) <= 31
            assert misses(street, NOON + timedelta(minutes=30), 1, ("pv_kw",)) == []
            again = home.store.minutes(KEYS, wrong, wrong + timedelta(minutes=1))
            assert np.array_equal(kept, again, equal_nan=True)
            assert ("notice", "clock_set") in [(e.kind, e.code) for e in street.events()]

    run(scenario())


@pytest.mark.t(6)
@pytest.mark.parametrize("jump_s", [-600.0, -45.0, 45.0, 600.0, 7200.0, -YEAR_S, YEAR_S])
def test_a_believed_correction_counts_nothing_twice(jump_s):
    """The machine was wrong by `-jump_s`; a time server sets it right at 12:20."""

    async def scenario() -> None:
        async with a_street(start=START) as street:
            street.keep_only("smart_meter", "solar")
            meter = street.house.objects["smart_meter"]
            for epc in (0x97, 0x98):
                del meter._gives[epc]
            street.kernel.synchronised = False
            street.clock.wrong_s = -jump_s
            home = await street.switch_on()
            await street.until(NOON + timedelta(minutes=20, seconds=13))
            wrong = START - timedelta(seconds=jump_s)
            before = home.store.minutes(KEYS, wrong, wrong + timedelta(minutes=24))
            assert not np.isnan(before[2:]).any()
            street.clock.wrong_s, street.kernel.synchronised = 0.0, True
            await street.until(NOON + timedelta(minutes=20, seconds=23))
            assert home.clock.now() == street.clock.true()  # noticed within 10 s
            await street.until(NOON + timedelta(minutes=63))
            after = home.store.minutes(KEYS, wrong, wrong + timedelta(minutes=24))
            assert np.array_equal(before[2:], after[2:])
            assert misses(street, NOON + timedelta(minutes=30), 1, NAMES) == []
            stored = 0.0
            for span in (wrong, START) if abs(jump_s) > DAY_S else (min(wrong, START),):
                last = span + timedelta(hours=5)
                stored += np.nansum(home.store.slots(KEYS[2:3], span, last)[0])
            did = street.did_kwh(NOON, 2)["pv_kw"].sum()
            five_min_kwh = 5 / 60 * 5.0  # before noon
            assert stored <= did + five_min_kwh

    run(scenario())


@pytest.mark.t(6)
def test_a_meter_that_falls_silent_does_not_hold_up_the_looks_at_the_clock():
    """F10: a jump is noticed within 10 s, also while the meter is waited for in vain."""
    looks: list[datetime] = []

    async def scenario() -> None:
        async with a_street(start=START) as street:
            street.keep_only("smart_meter")
            street.kernel = LookedAt(street.clock, looks)
            await street.switch_on()
            await street.until(START + timedelta(seconds=58))
            street.house.vanish("smart_meter")
            await street.until(START + timedelta(minutes=3))

    run(scenario())
    apart_s = [(b - a).total_seconds() for a, b in pairwise(looks)]
    assert max(apart_s) <= 10.0


def test_a_moved_clock_keeps_what_a_counter_has_counted():
    """Hand calculation: 0.2 kWh before the jump, 0.3 after it, and no more."""
    rules = CounterRules(12.0, 0.001, ())
    at = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
    state = CounterState().feed(rules, at, 100.0).state
    state = state.feed(rules, at + timedelta(minutes=10), 100.2).state
    moved = state.moved(timedelta(hours=5))
    assert [value.value for _, value in moved.slots] == [0.2]
    fed = moved.state.feed(rules, at + timedelta(hours=5, minutes=30), 100.5)
    assert [value.value for _, value in fed.slots] == [pytest.approx(0.3)]
