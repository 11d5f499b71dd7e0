"""What is broken is noticed, moved aside or mended; measuring goes on."""

import json
import random
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hidamari.core.errors import InputError, StoreDamaged, StoreError
from hidamari.core.reading import Event, Kind, Quality, Series, SlotValue
from hidamari.core.time import TOKYO
from hidamari.store import schema
from hidamari.store.db import Store
from hidamari.store.files import load_file
from hidamari.store.settings import imported

USE = Series("home", "use_kw", "kW", 0.001, Kind.POWER)
START = datetime(2026, 2, 28, 15, 0, tzinfo=UTC)
DAY = date(2026, 3, 1)
RELEASES = Path(__file__).parents[1] / "data" / "store"

Opener = Callable[[], Store]


def spoil(folder: Path, statement: str, *values: object) -> None:
    """Change the closed database behind the store's back."""
    connection = sqlite3.connect(folder / "store.db", isolation_level=None)
    connection.execute(statement, values)
    connection.close()


def filled(store: Store) -> Store:
    store.add_series([USE])
    store.write_minute(START, {USE.key: 1.0})
    store.write_slots(START, {USE.key: SlotValue(0.5, Quality.COUNTER)})
    store.put_settings({"home.name": "陽だまり", "home.people": 4}, START)
    return store


@pytest.mark.req("PWR-01")
@pytest.mark.parametrize("content", [b"", b"rubbish" * 1000])
def test_a_file_that_is_no_database_is_moved_aside_and_the_settings_stay(
    open_store: Opener, tmp_path: Path, content: bytes
) -> None:
    filled(open_store()).close()
    (tmp_path / "data" / "store.db").write_bytes(content)
    store = open_store()
    if content:
        assert store.damaged is not None
        assert store.damaged.name.startswith("store.damaged-20")
        assert store.damaged.read_bytes() == content
    assert store.settings() == {"home.name": "陽だまり", "home.people": 4}
    assert store.settings_mended
    store.add_series([USE])
    store.write_minute(START, {USE.key: 2.0})
    assert store.minutes([USE.key], START, START + timedelta(minutes=1)).tolist() == [[2.0]]


def test_a_second_broken_file_of_the_day_does_not_overwrite_the_first(
    open_store: Opener, tmp_path: Path
) -> None:
    for _ in range(2):
        open_store().close()
        (tmp_path / "data" / "store.db").write_bytes(b"rubbish" * 1000)
    assert open_store().damaged is not None
    assert len(list((tmp_path / "data").glob("store.damaged-*.db"))) == 2


def test_a_file_that_breaks_while_running_is_replaced_at_the_next_write(
    open_store: Opener, tmp_path: Path
) -> None:
    filled(open_store()).close()
    path = tmp_path / "data" / "store.db"
    connection = sqlite3.connect(path)
    query = "select rootpage from sqlite_schema where name = 'frame'"
    page = connection.execute(query).fetchone()[0]
    connection.close()
    store = open_store()
    with path.open("r+b") as file:  # a page that nobody has read yet
        file.seek(4096 * (page - 1))
        file.write(b"x" * 4096)
    with pytest.raises(StoreDamaged, match="database file is damaged"):
        store.minutes([USE.key], START, START + timedelta(minutes=1))
    for minute in range(3):
        store.write_minute(START + timedelta(minutes=5 + minute), {USE.key: 3.0})
    assert store.damaged is not None
    got = store.minutes([USE.key], START + timedelta(minutes=5), START + timedelta(minutes=8))
    assert got.tolist() == [[3.0]] * 3
    assert store.settings()["home.people"] == 4
    assert store.get_kv("epoch") is not None


@pytest.mark.t(3)
@pytest.mark.parametrize(
    "statement",
    [
        "update setting set value = '5' where path = 'home.people'",
        "update setting set value = '{' where path = 'home.people'",
        "delete from setting where path = 'home.name'",
        "delete from kv where k = 'settings_sha'",
    ],
)
def test_settings_that_rot_come_back_from_their_copy(
    open_store: Opener, tmp_path: Path, statement: str
) -> None:
    filled(open_store()).close()
    spoil(tmp_path / "data", statement)
    store = open_store()
    assert store.settings_mended
    assert store.settings() == {"home.name": "陽だまり", "home.people": 4}
    assert not open_store().settings_mended
    assert open_store().damaged is None


@pytest.mark.t(3)
def test_without_a_good_copy_the_settings_that_can_be_read_stay(
    open_store: Opener, tmp_path: Path
) -> None:
    filled(open_store()).close()
    spoil(tmp_path / "data", "update setting set value = '{' where path = 'home.name'")
    for path in (tmp_path / "data").glob("settings.json*"):
        path.write_bytes(b"rubbish")
    assert open_store().settings() == {"home.people": 4}


def test_a_rotten_list_of_series_is_not_believed(open_store: Opener, tmp_path: Path) -> None:
    for number, statement in enumerate(
        ["update series set kind = 'noise' where id = 2", "delete from series where id = 1"], 1
    ):
        filled(open_store()).close()
        spoil(tmp_path / "data", statement)
        assert open_store().damaged is not None
        assert len(list((tmp_path / "data").glob("store.damaged-*.db"))) == number


@pytest.mark.t(5)
def test_a_sealed_day_that_rots_is_named_and_stays_for_repair(
    open_store: Opener, tmp_path: Path
) -> None:
    store = filled(open_store())
    store.seal_day(DAY, TOKYO)
    assert store.verify_day(DAY)
    assert not store.verify_day(DAY - timedelta(days=1))  # not sealed
    store.close()
    spoil(
        tmp_path / "data",
        "update day set z = cast(substr(z, 1, 60) || x'00' || substr(z, 62) as blob)",
    )
    store = open_store()
    assert not store.verify_day(DAY)
    with pytest.raises(StoreDamaged, match="sealed day 2026-03-01 is not what was written"):
        store.minutes([USE.key], START, START + timedelta(hours=1))
    # A better half-hour is stored and added up all the same; the blob is left for its repair.
    store.write_slots(START + timedelta(hours=1), {USE.key: SlotValue(1.0, Quality.REFILLED)})
    assert store.totals([USE.key], DAY, DAY)[0].tolist() == [[1.5]]
    assert not store.verify_day(DAY)


@pytest.mark.t(5)
@pytest.mark.parametrize(
    "statement",
    ["update slot set z = zeroblob(length(z))", "delete from slot", "update day set sha = x'00'"],
)
def test_a_changed_half_hour_of_a_sealed_day_is_found(
    open_store: Opener, tmp_path: Path, statement: str
) -> None:
    store = filled(open_store())
    store.seal_day(DAY, TOKYO)
    store.close()
    spoil(tmp_path / "data", statement)
    assert not open_store().verify_day(DAY)


def test_a_head_that_cannot_be_read_hides_no_other_day(open_store: Opener, tmp_path: Path) -> None:
    store = filled(open_store())
    after = START + timedelta(days=1)
    store.write_minute(after, {USE.key: 4.0})
    store.seal_days([DAY, DAY + timedelta(days=1)], TOKYO)
    store.close()
    spoil(tmp_path / "data", "update day set z = zeroblob(60) where d = (select min(d) from day)")
    store = open_store()
    assert not store.verify_day(DAY)
    assert store.minutes([USE.key], after, after + timedelta(minutes=1)).tolist() == [[4.0]]


@pytest.mark.parametrize("z", [None, b"", b"\x01\x00", b"\x09\x09\x09\x09"])
def test_a_row_that_is_no_frame_is_damage_and_not_a_value(
    open_store: Opener, tmp_path: Path, z: bytes | None
) -> None:
    filled(open_store()).close()
    spoil(tmp_path / "data", "update frame set z = ?", z)
    spoil(tmp_path / "data", "update slot set z = ?", z)
    store = open_store()
    with pytest.raises(StoreDamaged):
        store.minutes([USE.key], START, START + timedelta(minutes=1))
    with pytest.raises(StoreDamaged):
        store.slots([USE.key], START, START + timedelta(minutes=30))


def test_exported_settings_are_read_back_and_others_refused(store: Store) -> None:
    filled(store)
    assert imported(store.export_settings()) == store.settings()
    newer = json.dumps({"format": 99, "settings": {}}).encode()
    for content in (b"", b"[]", b'{"settings": {}}', b'{"format": 1, "settings": 3}', newer):
        with pytest.raises(InputError, match="exported settings"):
            imported(content)


def test_the_copy_of_the_settings_follows_every_change(store: Store, tmp_path: Path) -> None:
    filled(store)
    store.put_settings({"home.people": None, "a": [1, {"b": None}]}, START)
    copy = load_file(tmp_path / "data" / "settings.json")
    assert copy is not None
    assert imported(copy.content) == {"home.name": "陽だまり", "a": [1, {"b": None}]}


@pytest.mark.parametrize("value", [float("nan"), {"a": {1, 2}}, b"bytes"])
def test_a_setting_that_json_cannot_say_leaves_all_as_they_were(
    store: Store, value: object
) -> None:
    filled(store)
    with pytest.raises(InputError, match="JSON value expected"):
        store.put_settings({"home.people": 5, "bad": value}, START)
    assert store.settings() == {"home.name": "陽だまり", "home.people": 4}


def test_a_store_of_a_newer_release_is_left_alone(open_store: Opener, tmp_path: Path) -> None:
    filled(open_store()).close()
    spoil(tmp_path / "data", "update kv set v = x'3939' where k = 'schema'")
    with pytest.raises(StoreError, match="format 99, made by a newer release"):
        open_store()
    assert not list((tmp_path / "data").glob("store.damaged*"))


def test_an_older_file_is_brought_up_step_by_step(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    schema.bring_up_to_date(connection, {}, 1)
    steps = {1: "create table a(x int); insert into a values(1)", 2: "insert into a values(2)"}
    schema.bring_up_to_date(connection, steps, 3)
    schema.bring_up_to_date(connection, steps, 3)
    assert connection.execute("select x from a").fetchall() == [(1,), (2,)]
    bad = {3: "insert into a values(3); insert into nowhere values(1)"}
    with pytest.raises(sqlite3.OperationalError):
        schema.bring_up_to_date(connection, bad, 4)
    assert connection.execute("select x from a").fetchall() == [(1,), (2,)]
    assert connection.execute("select v from kv where k = 'schema'").fetchone() == (b"3",)
    connection.close()


@pytest.mark.parametrize("release", sorted(p.name for p in RELEASES.glob("*.db")))
def test_the_store_of_every_release_is_read(tmp_path: Path, release: str) -> None:
    # Each file holds the same as `filled` writes, an event, and its one day sealed.
    (tmp_path / "store.db").write_bytes((RELEASES / release).read_bytes())
    store = Store.open(tmp_path, START, ballast_bytes=0)
    assert store.damaged is None
    assert store.minutes([USE.key], START, START + timedelta(minutes=1)).tolist() == [[1.0]]
    values, quality = store.slots([USE.key], START, START + timedelta(minutes=30))
    assert (values.tolist(), quality.tolist()) == ([[0.5]], [[Quality.COUNTER]])
    assert store.totals([USE.key], DAY, DAY)[0].tolist() == [[0.5]]
    assert store.settings() == {"home.name": "陽だまり", "home.people": 4}
    assert store.events() == [Event(START, "notice", "home", "x.y", {"n": 1}, 1)]
    assert store.verify_day(DAY)
    store.write_minute(START, {USE.key: 7.0})
    store.close()


def test_reading_in_threads_while_writing_sees_whole_minutes(store: Store) -> None:
    series = [Series(f"circuit:{i}", "power_kw", "kW", 0.001, Kind.POWER) for i in range(10)]
    keys = [one.key for one in series]
    store.add_series(series)
    wrong: list[object] = []
    done = threading.Event()

    def look() -> None:
        rng = random.Random()
        while not done.is_set():
            start = START + timedelta(minutes=rng.randrange(100))
            got = store.minutes(keys, start, start + timedelta(minutes=60))
            whole = np.isnan(got).all(axis=1) | (got == got[:, :1]).all(axis=1)
            if not whole.all():
                wrong.append(got)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for minute in range(150):
        store.write_minute(START + timedelta(minutes=minute), dict.fromkeys(keys, minute / 10))
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
