"""T1: power fails at any write; what was acknowledged is there, nothing is half there."""

import os
import random
import shutil
import sqlite3
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.store.disk import Cut, Note, cuts
from tests.store.recording_vfs import RecordingVfs

from hidamari.core.errors import StoreError
from hidamari.core.reading import Event, Kind, Quality, Series, SlotValue
from hidamari.core.time import TOKYO, day_bounds
from hidamari.store import database
from hidamari.store.db import Store
from hidamari.store.outbox import Draft

CUTS = 2000
PARTS = 4
SERIES = [Series(f"circuit:{i}", "power_kw", "kW", 0.001, Kind.POWER) for i in range(8)]
KEYS = [series.key for series in SERIES]
DAY = date(2026, 3, 1)
START, END = day_bounds(DAY)
STREAM, MARK = 2, "up:event"
FIRST = END - timedelta(minutes=200)  # the work goes on past midnight, then the day is sealed


@dataclass(frozen=True)
class State:
    """What must be readable; the same in the model and out of the store."""

    minutes: int = 0
    slots: int = 0
    events: int = 0
    setting: int = 0
    sent: int = 0  # records put into the outbox
    settled: int = 0  # and taken out of it


def value_kw(minute: int, circuit: int) -> float:
    return (minute * 37 + circuit * 101) % 4000 / 1000


VALUES_KW = np.array([[value_kw(m, i) for i in range(len(SERIES))] for m in range(600)])


def step(store: Store, number: int, state: State) -> State:
    """One thing that is written and acknowledged, and the state it leads to."""
    kind = number % 20
    if kind == 5:
        store.add_event(Event(FIRST, "log", "home", "n", {"n": state.events + 1}))
        return replace(state, events=state.events + 1)
    if kind == 3:
        number = state.sent + 1
        store.outbox.put([Draft(STREAM, number, 1, b"%d" % number)], {MARK: b"%d" % number})
        return replace(state, sent=number)
    if kind == 13 and state.settled < state.sent - 1:
        store.outbox.forget([(STREAM, state.settled + 1)])
        return replace(state, settled=state.settled + 1)
    if kind == 11:
        value = state.setting + 1
        store.put_settings({f"a.{value % 3}": value, "last": value, "text": "x" * 900}, FIRST)
        return replace(state, setting=value)
    if kind == 17:
        at = FIRST + timedelta(minutes=30 * state.slots)
        slots = {
            key: SlotValue(value_kw(state.slots, i) / 2, Quality.POWER)
            for i, key in enumerate(KEYS)
        }
        store.write_slots(at, slots)
        return replace(state, slots=state.slots + 1)
    if kind == 19 and number % 100 == 99:
        store.tidy()  # moves the log into the file
        return state
    if number == 332:
        store.seal_day(DAY, TOKYO)
        return state
    at = FIRST + timedelta(minutes=state.minutes)
    store.write_minute(at, {key: value_kw(state.minutes, i) for i, key in enumerate(KEYS)})
    return replace(state, minutes=state.minutes + 1)


def read(store: Store) -> State:
    """What the store holds; fails where it is anything but a beginning of what was written."""
    if not store.series():
        return State()
    minutes = store.minutes(KEYS, FIRST, FIRST + timedelta(minutes=600))
    count = int((~np.isnan(minutes)).any(axis=1).sum())
    assert np.abs(minutes[:count] - VALUES_KW[:count]).max(initial=0) < 1e-8
    assert np.isnan(minutes[count:]).all()
    slots, _ = store.slots(KEYS, FIRST, FIRST + timedelta(hours=24))
    slot_count = int((~np.isnan(slots)).any(axis=1).sum())
    assert np.abs(slots[:slot_count] - VALUES_KW[:slot_count] / 2).max(initial=0) < 1e-4
    settings = store.settings()
    last = settings.get("last", 0)
    assert isinstance(last, int)
    whole = {f"a.{n % 3}": n for n in range(max(1, last - 2), last + 1)}
    assert settings == ({**whole, "last": last, "text": "x" * 900} if last else {})
    events = [event.data["n"] for event in store.events(limit=1000)]
    assert events == list(range(len(events), 0, -1))
    sent = store.outbox.last().get(STREAM, 0)
    waiting = store.outbox.after(STREAM, 0, 1000)
    settled = sent - len(waiting)
    assert [int(one.payload) for one in waiting] == list(range(settled + 1, sent + 1))
    assert [one.seq for one in waiting] == list(range(settled + 1, sent + 1))
    assert int(store.get_kv(MARK) or 0) == sent
    return State(count, slot_count, len(events), last, sent, settled)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Note], list[State]]:
    """Every request to the disk while some hundred things are written."""
    notes: list[Note] = []
    states = [State()]
    folder = tmp_path_factory.mktemp("work")
    synced = database.sync_folder
    patch = pytest.MonkeyPatch()
    patch.setattr(database, "sync_folder", lambda f: (synced(f), notes.append(("sync folder", ""))))
    with patch.context(), RecordingVfs(lambda *note: notes.append(note)).installed():
        store = Store.open(folder / "data", START, ballast_bytes=0)
        store.add_series(SERIES)
        for number in range(420):
            states.append(step(store, number, states[-1]))
            notes.append(("done", len(states) - 1))
        store.close()
    patch.undo()
    return notes, states


def check(cut: Cut, states: list[State], folder: Path) -> None:
    folder.mkdir()
    cut.lay_out(folder)
    store = Store.open(folder, START, ballast_bytes=0)
    try:
        assert store.damaged is None
        assert read(store) in (states[cut.done], states[min(cut.done + 1, len(states) - 1)])
    finally:
        store.close()
    connection = sqlite3.connect(folder / "store.db")
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()
    shutil.rmtree(folder)


@pytest.mark.t(1)
@pytest.mark.req("PWR-01", "PWR-04", "SRV-09")
@pytest.mark.parametrize("part", range(PARTS))
def test_a_power_cut_at_any_write_loses_nothing_acknowledged(
    part: int, recorded: tuple[list[Note], list[State]], memory: Path
) -> None:
    notes, states = recorded
    seed = int(os.environ.get("SEED", "0")) or random.randrange(2**32)
    print(f"SEED={seed}")
    rng = random.Random(f"{seed}/{part}")
    points = [rng.randrange(len(notes)) for _ in range(CUTS // PARTS)]
    for cut in cuts(notes, points, rng):
        check(cut, states, memory / str(cut.index))


@pytest.mark.t(1)
def test_the_replay_itself_sees_what_would_be_lost_without_syncing(
    recorded: tuple[list[Note], list[State]], memory: Path
) -> None:
    notes, states = recorded
    careless = [note for note in notes if note[0] != "sync"]
    rng = random.Random(1)
    lost = 0
    for cut in cuts(
        careless, [rng.randrange(len(notes) // 2, len(careless)) for _ in range(20)], rng
    ):
        try:
            check(cut, states, memory / str(cut.index))
        except (AssertionError, StoreError, sqlite3.DatabaseError):
            lost += 1
            shutil.rmtree(memory / str(cut.index))
    assert lost >= 10
