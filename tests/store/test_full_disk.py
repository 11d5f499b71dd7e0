"""T4: the disk fills up from outside; no half-hour is lost and measuring goes on."""

import os
import random
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.store.recording_vfs import RecordingVfs

from hidamari.core.errors import StoreFull
from hidamari.core.reading import Event, Kind, Quality, Series, SlotValue
from hidamari.core.time import TOKYO, local_day
from hidamari.store import room
from hidamari.store.db import Store

SERIES = [Series(f"circuit:{i}", "power_kw", "kW", 0.001, Kind.POWER) for i in range(10)]
KEYS = [series.key for series in SERIES]
START = datetime(2024, 12, 31, 15, 0, tzinfo=UTC)  # 2025-01-01 in Tokyo
DAYS = 440
NOW = START + timedelta(days=DAYS)
BALLAST = 256 * 1024
IOERR_WRITE, FULL = 778, 13

Usage = namedtuple("Usage", "total used free")


class SmallDisk:
    """Counts the bytes of a folder against a limit; what others use can grow and shrink."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.limit = 10**12
        self.broken = False
        self.refused = 0

    def used(self) -> int:
        return sum(p.stat().st_size for p in self.folder.iterdir() if p.suffix != ".db-shm")

    def note(self, kind: str, path: str, *rest: object) -> int:
        if kind != "write":
            return 0
        if self.broken:
            return IOERR_WRITE
        offset, data = rest
        there = self.folder / path
        grown = offset + len(data) - (there.stat().st_size if there.exists() else 0)
        if grown > 0 and self.used() + grown > self.limit:
            self.refused += 1
            return FULL
        return 0

    def usage(self, _path: Path) -> Usage:
        return Usage(self.limit, self.used(), max(0, self.limit - self.used()))


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 440 sealed days, the first 40 of them with minutes."""
    folder = tmp_path_factory.mktemp("year") / "data"
    store = Store.open(folder, START, ballast_bytes=0)
    store.add_series(SERIES)
    rng = np.random.default_rng(4)
    minutes = rng.integers(0, 3000, (1440, len(KEYS))) / 1000
    halves = minutes.reshape(48, 30, -1).mean(axis=1) / 2
    quality = np.full(halves.shape, Quality.POWER, np.uint8)
    for day in range(DAYS):
        store.write_slot_block(START + timedelta(days=day), KEYS, (halves, quality), TOKYO)
        if day < 40:  # the days that may be thinned out
            store.write_minutes(START + timedelta(days=day), KEYS, minutes)
    store.seal_days([local_day(START + timedelta(days=day)) for day in range(DAYS)], TOKYO)
    store.put_settings({"a": 1}, START)
    store.add_event(Event(START, "notice", "home", "x", {}))
    store.close()
    connection = sqlite3.connect(folder / "store.db")
    connection.execute("vacuum")  # no free page inside the file that could help
    connection.close()
    return folder


Disked = tuple[Store, SmallDisk]


@pytest.fixture
def disked(year: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disked]:
    folder = memory / "data"
    shutil.copytree(year, folder)
    disk = SmallDisk(folder)
    monkeypatch.setattr(room.shutil, "disk_usage", disk.usage)
    with RecordingVfs(disk.note).installed():
        store = Store.open(folder, NOW, ballast_bytes=BALLAST)
        store.put_kv("warm", b"")
        yield store, disk
        store.close()


def slot(number: int) -> dict:
    return {
        key: SlotValue((number * 7 + i) % 500 / 1000, Quality.POWER) for i, key in enumerate(KEYS)
    }


def measure(store: Store, minutes: range, before: Callable[[int], None]) -> list[int]:
    """Minutes one by one, each half-hour its slots; those that were not acknowledged."""
    refused = []
    for minute in minutes:
        before(minute)
        at = NOW + timedelta(minutes=minute)
        try:
            store.write_minute(at, {key: (minute + i) % 100 / 10 for i, key in enumerate(KEYS)})
            if minute % 30 == 29:
                store.write_slots(at, slot(minute // 30))
        except StoreFull:
            refused.append(minute)
            if minute % 30 == 29:
                with pytest.raises(StoreFull):
                    store.write_slots(at, slot(minute // 30))
    return refused


def check_all_there(store: Store, minutes: int) -> None:
    """Every minute and half-hour since NOW, and all that must never be thinned out."""
    got = store.minutes(KEYS, NOW, NOW + timedelta(minutes=minutes))
    rows = np.arange(minutes).reshape(-1, 1) + np.arange(len(KEYS))
    np.testing.assert_allclose(got, rows % 100 / 10)
    halves, _ = store.slots(KEYS, NOW, NOW + timedelta(minutes=minutes))
    expected = (np.arange(minutes // 30).reshape(-1, 1) * 7 + np.arange(len(KEYS))) % 500 / 1000
    np.testing.assert_allclose(halves, expected)
    old, _ = store.slots(KEYS, START, NOW)
    assert not np.isnan(old).any()
    kwh, _ = store.totals(KEYS, local_day(START), local_day(NOW) - timedelta(days=1))
    assert not np.isnan(kwh).any()
    assert store.settings() == {"a": 1}
    assert len(store.events()) == 1
    assert all(store.verify_day(day) for day in store.sealed()[:60])


@pytest.mark.t(4)
@pytest.mark.parametrize("case", range(20))
def test_a_full_disk_loses_no_half_hour(case: int, disked: Disked) -> None:
    store, disk = disked
    seed = int(os.environ.get("SEED", "0")) or random.randrange(2**32)
    print(f"SEED={seed}")
    rng = random.Random(f"{seed}/{case}")
    full_at = rng.randrange(5, 100)
    free_at = full_at + rng.randrange(20, 300)
    spare = rng.choice([0, 4096, 60_000])

    def fill(minute: int) -> None:
        if minute == full_at:
            disk.limit = disk.used() + spare
        if minute == free_at:
            disk.limit = 10**12

    refused = measure(store, range(free_at + 40), fill)
    assert all(minute < free_at for minute in refused)
    assert store.waiting == 0
    minutes = (free_at + 40) // 30 * 30
    check_all_there(store, minutes)
    store.tidy()
    assert store.room().has_ballast
    store.close()
    connection = sqlite3.connect(disk.folder / "store.db")
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.t(4)
def test_what_may_be_thinned_out_carries_on_measuring_for_days(disked: Disked) -> None:
    store, disk = disked

    def fill(minute: int) -> None:
        if minute == 3:
            disk.limit = disk.used()  # and it stays full

    refused = measure(store, range(1440), fill)
    assert refused == []
    assert disk.refused > 0
    assert not store.room().has_ballast
    assert store.room().is_tight
    check_all_there(store, 1440)
    old = store.minutes(KEYS, START, START + timedelta(days=1))
    young = store.sealed()[-400]
    assert np.isnan(old).all()  # the finest values of the oldest days went
    assert store.verify_day(young)


@pytest.mark.t(4)
def test_an_import_that_finds_no_room_stores_nothing(disked: Disked) -> None:
    """A year's half-hours are more than all that can be thinned out makes room for."""
    store, disk = disked
    first = START - timedelta(days=200)
    rows = [(first + timedelta(minutes=30 * i), slot(i)) for i in range(200 * 48)]
    disk.limit = disk.used()
    with pytest.raises(StoreFull):
        store.write_history(rows, TOKYO)
    values, _ = store.slots(KEYS, first, START)
    assert np.isnan(values).all()
    disk.limit = 10**12
    store.write_history(reversed(rows), TOKYO)
    values, _ = store.slots(KEYS, first, START)
    np.testing.assert_allclose(values[-1], [v.value for v in rows[-1][1].values()])
    assert not np.isnan(values).any()
    kwh, _ = store.totals(KEYS, local_day(first), local_day(START) - timedelta(days=2))
    assert not np.isnan(kwh).any()


@pytest.mark.t(4)
def test_a_disk_that_refuses_everything_is_waited_for(disked: Disked) -> None:
    store, disk = disked

    def fail(minute: int) -> None:
        disk.broken = 10 <= minute < 70

    refused = measure(store, range(90), fail)
    assert refused == list(range(10, 70))
    check_all_there(store, 90)


@pytest.mark.t(4)
def test_settings_that_find_no_room_are_refused_whole(disked: Disked) -> None:
    store, disk = disked
    disk.broken = True
    with pytest.raises(StoreFull):
        store.put_settings({"a": 2, "b": 3}, NOW)
    disk.broken = False
    assert store.settings() == {"a": 1}


@pytest.mark.t(4)
def test_a_disk_that_is_full_at_the_start_gives_up_its_ballast(disked: Disked) -> None:
    store, disk = disked
    measure(store, range(3), lambda _: None)
    store.close()
    for left in disk.folder.glob("store.db-*"):
        left.unlink()
    disk.limit = disk.used()
    spoiled = sqlite3.connect(disk.folder / "store.db", isolation_level=None)
    disk.limit = 10**12
    spoiled.execute("update setting set value = '7'")  # what must be mended needs room
    spoiled.execute("pragma wal_checkpoint(truncate)")
    spoiled.close()
    disk.limit = disk.used()
    again = Store.open(disk.folder, NOW, ballast_bytes=BALLAST)
    assert again.settings() == {"a": 1}
    assert not again.room().has_ballast
    again.close()


@pytest.mark.t(4)
def test_room_is_made_in_the_order_that_hurts_least(disked: Disked) -> None:
    store, disk = disked
    (disk.folder / "log").mkdir()
    for name in ("hidamari.log", "hidamari.log.1"):
        (disk.folder / "log" / name).write_text("x")
    connection = sqlite3.connect(disk.folder / "store.db", isolation_level=None)
    tomorrow = NOW + timedelta(days=1)
    for stream, at in ((1, START), (1, tomorrow), (2, START)):
        row = (stream, connection.total_changes, int(at.timestamp()))
        connection.execute("insert into outbox values(?, ?, ?, x'00', 0, 0)", row)
    connection.close()
    store.write_minute(NOW, {KEYS[0]: 1.0})
    store.seal_day(local_day(NOW), TOKYO)
    steps = []
    while (step := store.free_space_step()) is not None:
        steps.append(step)
    # 41 days are older than the newest 400, five at a time.
    assert [s for i, s in enumerate(steps) if s not in steps[:i]] == [
        "ballast",
        "logs",
        "frames",
        "outbox",
        "days",
    ]
    assert steps.count("days") == 9
    assert [p.name for p in (disk.folder / "log").iterdir()] == ["hidamari.log"]
    connection = sqlite3.connect(disk.folder / "store.db")
    # Power segments of sealed days went; events and what is not sealed yet wait for the cloud.
    left = connection.execute("select stream, t from outbox order by stream").fetchall()
    connection.close()
    assert left == [(1, int(tomorrow.timestamp())), (2, int(START.timestamp()))]


def test_no_ballast_is_taken_where_it_would_fill_the_disk(disked: Disked) -> None:
    store, disk = disked
    assert store.free_space_step() == "ballast"
    disk.limit = disk.used() + BALLAST
    store.tidy()
    assert not store.room().has_ballast
    disk.limit = disk.used() + 3 * BALLAST
    store.tidy()
    assert store.room().has_ballast
