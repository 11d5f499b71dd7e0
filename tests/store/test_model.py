"""T7: the store and its counters against plain dicts, while readings come in every wrong way."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from hidamari.core.reading import Kind, Quality, Series, SlotValue
from hidamari.core.time import TOKYO, local_day, slot_start
from hidamari.store.counters import CounterRules, CounterState
from hidamari.store.db import Store

START = datetime(2026, 3, 1, 1, 7, tzinfo=UTC)
IMPORT = Series("home", "import_kw", "kW", 0.001, Kind.POWER)
PV = Series("home", "pv_kw", "kW", 0.001, Kind.POWER)
WRAP_KWH = 100_000.0  # six digits of 0.1 kWh... and the meter begins just below
RULES = CounterRules(max_kw=10.0, step_kwh=0.1, wraps_kwh=(WRAP_KWH,))
SPIKE_KWH = 10.0 * 1.2 * 0.5 + 0.1


@dataclass(frozen=True)
class Reading:
    """What the meter showed, and which meter it was."""

    at: datetime
    kwh: float
    life: int


class Truth:
    """What must be counted: the differences of one meter's readings, nothing else.

    A new meter counts from the first of three readings that rise and are a minute apart.
    """

    def __init__(self, first: Reading) -> None:
        self.base = first
        self.witnesses: list[Reading] = []
        self.counted_kwh = 0.0

    def took(self, now: Reading) -> None:
        if now.at <= self.base.at:
            return
        if now.life == self.base.life:
            self.counted_kwh += (now.kwh - self.base.kwh) % WRAP_KWH
            self.base, self.witnesses = now, []
        elif not self.follows(now):
            self.witnesses = [now]
        else:
            last = self.witnesses[-1]
            if now.kwh > last.kwh and now.at - last.at >= timedelta(seconds=60):
                self.witnesses.append(now)
            if len(self.witnesses) == 3:
                self.counted_kwh += now.kwh - self.witnesses[0].kwh
                self.base, self.witnesses = now, []

    def follows(self, now: Reading) -> bool:
        if not self.witnesses:
            return False
        last = self.witnesses[-1]
        return now.life == last.life and now.kwh >= last.kwh

    def was_lied_to(self, at: datetime) -> None:
        if at > self.base.at:
            self.witnesses = []


class Home(RuleBasedStateMachine):
    """A meter, its readings on their way, and the store they end in."""

    @initialize(below=st.integers(1, 200))
    def begin(self, below: int) -> None:
        place = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=place if os.access(place, os.W_OK) else None))
        self.store = self.opened()
        self.at, self.life, self.lies = START, 0, 0
        self.meter_kwh = WRAP_KWH - below / 10
        self.delayed: list[Reading] = []
        self.state = CounterState()
        first = Reading(self.at, self.shown(), 0)
        self.truth = Truth(first)
        self.deliver(first)
        self.minutes: dict[datetime, float] = {}
        self.halves: dict[datetime, tuple[float, int]] = {}

    def opened(self) -> Store:
        store = Store.open(self.folder, START, ballast_bytes=0)
        store.add_series([IMPORT, PV])
        return store

    def shown(self) -> float:
        return round(self.meter_kwh * 10) % round(WRAP_KWH * 10) / 10

    def feed(self, at: datetime, kwh: float | None) -> None:
        fed = self.state.feed(RULES, at, kwh)
        self.state = fed.state
        for start, slot in fed.slots:
            assert slot.value is not None
            assert 0 <= slot.value <= SPIKE_KWH
            self.store.write_slots(start, {IMPORT.key: slot})

    def deliver(self, reading: Reading) -> None:
        self.truth.took(reading)
        self.feed(reading.at, reading.kwh)

    @rule(
        minutes=st.integers(1, 90),
        power_kw=st.sampled_from([0.0, 0.1, 0.7, 3.0, 9.0]),
        way=st.sampled_from(["in time", "in time", "dropped", "delayed", "repeated"]),
    )
    def time_passes(self, minutes: int, power_kw: float, way: str) -> None:
        self.at += timedelta(minutes=minutes)
        self.meter_kwh += power_kw * minutes / 60
        reading = Reading(self.at, self.shown(), self.life)
        if reading.kwh == 0 or way == "delayed":
            self.delayed.append(reading)
        elif way != "dropped":
            self.deliver(reading)
            if way == "repeated":
                self.deliver(reading)

    @rule(which=st.integers(0, 10))
    def a_delayed_reading_comes(self, which: int) -> None:
        if self.delayed:
            reading = self.delayed.pop(which % len(self.delayed))
            if reading.kwh:
                self.deliver(reading)

    @rule(value=st.sampled_from([0.0, None, float("nan")]))
    def the_meter_says_nothing(self, value: float | None) -> None:
        self.at += timedelta(minutes=1)
        self.feed(self.at, value)

    @rule(up=st.booleans())
    def the_meter_lies_once(self, up: bool) -> None:
        self.at += timedelta(minutes=1)
        self.lies += 1
        wrong_kwh = self.shown() + (1 if up else -1) * (3000.0 + 1000 * self.lies)
        if 0 < wrong_kwh < WRAP_KWH:
            self.truth.was_lied_to(self.at)
            self.feed(self.at, wrong_kwh)

    @rule()
    def the_meter_is_replaced(self) -> None:
        self.life += 1
        self.meter_kwh = 15_000.0 + 11_000.0 * (self.life % 5) + 1_300.0 * (self.life // 5)

    @rule(back=st.integers(0, 90), power_kw=st.floats(-5, 5))
    def a_minute_is_written(self, back: int, power_kw: float) -> None:
        at = self.at - timedelta(minutes=back)
        self.store.write_minute(at, {PV.key: power_kw})
        self.minutes.setdefault(at.replace(second=0), power_kw)

    @rule(
        back=st.integers(0, 6),
        kwh=st.integers(0, 30_000),
        quality=st.sampled_from(list(Quality)),
    )
    def a_half_hour_is_written(self, back: int, kwh: int, quality: Quality) -> None:
        at = slot_start(self.at - timedelta(minutes=30 * back))
        self.store.write_slots(at, {PV.key: SlotValue(kwh / 10_000, quality)}, "better")
        if quality > self.halves.get(at, (0.0, 0))[1]:
            self.halves[at] = (kwh / 10_000, quality)

    @rule()
    def the_program_starts_again(self) -> None:
        self.store.close()
        self.store = self.opened()

    @rule()
    def the_night_comes(self) -> None:
        for day in self.store.unsealed_days(local_day(self.at), TOKYO):
            self.store.seal_day(day, TOKYO)

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        try:
            self.check()
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    def check(self) -> None:
        last = self.at + timedelta(days=1)
        first = START - timedelta(days=1)
        values, quality = self.store.slots([IMPORT.key, PV.key], slot_start(first), last)
        waiting_kwh = self.state.ledger_kwh - (self.state.open.from_kwh if self.state.open else 0)
        assert np.nansum(values[:, 0]) + waiting_kwh == pytest.approx(
            self.truth.counted_kwh, abs=1e-3
        )
        found = {
            slot_start(first) + timedelta(minutes=30 * int(i)): (values[i, 1], quality[i, 1])
            for i in np.flatnonzero(quality[:, 1])
        }
        assert found == {at: (pytest.approx(kwh), q) for at, (kwh, q) in self.halves.items()}
        minutes = self.store.minutes([PV.key], first, last)[:, 0]
        there = {
            first + timedelta(minutes=int(i)): minutes[i]
            for i in np.flatnonzero(~np.isnan(minutes))
        }
        assert there == {at: pytest.approx(kw, abs=5e-4 + 1e-9) for at, kw in self.minutes.items()}
        self.check_days(values, slot_start(first))

    def check_days(self, values: np.ndarray, first: datetime) -> None:
        sealed = self.store.unsealed_days(local_day(self.at) + timedelta(days=1), TOKYO)
        self.store.seal_days(sealed, TOKYO)
        by_day: dict[object, float] = {}
        for row, value in enumerate(values[:, 0]):
            if not np.isnan(value):
                day = local_day(first + timedelta(minutes=30 * row))
                by_day[day] = by_day.get(day, 0.0) + value
        for day, kwh in by_day.items():
            total_kwh, _ = self.store.totals([IMPORT.key], day, day)
            assert total_kwh[0, 0] == pytest.approx(kwh, abs=1e-3)
            assert self.store.verify_day(day)


@pytest.mark.t(7)
@pytest.mark.timeout(120)
def test_the_store_equals_plain_dicts_whatever_comes() -> None:
    few = settings(max_examples=300, stateful_step_count=30, deadline=None, print_blob=True)
    run_state_machine_as_test(Home, settings=few)
