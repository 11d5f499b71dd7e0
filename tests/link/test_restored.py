"""A home that was put back from a copy of its folder: a new epoch, and nothing is lost by it."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.link.bare import SLOT, Bare, World, in_half_hours, world_of
from tests.whole.loop import LoopClock, run
from tests.whole.street import memory_folder

from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.link.messages import DAYS, EVENTS, SEGMENTS, TOTALS

EVENING = datetime(2026, 5, 10, 11, 0, tzinfo=UTC)  # 20:00 in Tokyo
Rows = set[tuple[int, ...]]


@pytest.fixture
def memory() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


def rows(path: Path) -> dict[str, Rows]:
    """All that was sent, as it is kept."""
    with closing(sqlite3.connect(path)) as file:
        return {
            table: set(file.execute(f"select * from {table}"))
            for table in ("seg", "event", "day", "total", "reported")
        }


@pytest.mark.t(9)
@pytest.mark.req("SRV-08", "SRV-09")
@pytest.mark.parametrize("is_ahead", [False, True])
@pytest.mark.parametrize("has_gap", [False, True])
def test_a_home_put_back_to_yesterday_neither_overwrites_nor_disappears(
    memory: Path, has_gap: bool, is_ahead: bool
) -> None:
    """With a gap: numbers that were never sent in any stream, so that none behind them is the
    end of a run. Ahead: it makes more records than the service knows before it connects again.
    """

    async def story() -> None:
        clock = LoopClock(EVENING)
        async with world_of(SqliteSegments(memory / "cloud.db", clock), clock) as world:
            one = world.bare(memory / "home")
            await one.switch_on()
            await one.live(4)
            if has_gap:
                await leave_a_gap(one)
            await one.live(4)
            await keep_copy(one, memory / "copy")
            await one.live(12, lambda at: something(one))
            epoch, put_at = one.store.outbox.epoch(), clock.now()
            ours = in_half_hours(one.store, EVENING, put_at - SLOT)  # the last is not sent yet
            before = rows(memory / "cloud.db")
            one.exchange.is_there = not is_ahead
            await put_back(one, memory / "copy")
            known = {EVENTS: 12, SEGMENTS: 24} if is_ahead else {}
            at_copy = one.store.outbox.last()
            await one.live(16, lambda at: something(one))
            for stream, count in known.items():
                assert one.store.outbox.last()[stream] > at_copy[stream] + count
            one.exchange.is_there = True
            await one.live(16, lambda at: something(one))
            await asyncio.sleep(300)  # the last piece is made
            assert one.store.outbox.epoch() != epoch
            assert one.uplink is not None
            assert one.uplink.waiting() == 0
            after = rows(memory / "cloud.db")
            for table, was in before.items():
                assert was <= after[table], table
            told = [(row[3], row[4]) for row in after["event"]]
            assert len(told) == len(set(told))
            assert len({row[1] for row in after["seg"]}) == 2
            assert len(after["event"] - before["event"]) >= 32
            await nothing_is_missing(world, one, ours, put_at)

    run(story())


def something(one: Bare) -> None:
    """An event."""
    assert one.home is not None
    one.home.note("log", "changed", {})


async def leave_a_gap(one: Bare) -> None:
    """While the service is away the owner unlinks the home, and links it again: what waited is
    numbered anew. Before that the disk was full, and segments of a sealed day were dropped.
    """
    assert one.uplink is not None
    one.exchange.go()
    await one.live(6, lambda at: something(one))
    assert one.store.outbox.counts()[SEGMENTS] > 8
    while (step := one.store.free_space_step()) != "outbox":
        assert step is not None
    assert one.store.outbox.counts().keys() >= {SEGMENTS, EVENTS, DAYS, TOTALS}
    await one.uplink.unlink()
    await one.live(1)
    one.exchange.service.bound = True
    await one.uplink.issue_code()
    one.exchange.is_there = True


async def keep_copy(one: Bare, copy: Path) -> None:
    await one.switch_off()
    shutil.copytree(one.folder, copy)
    await one.switch_on()


async def put_back(one: Bare, copy: Path) -> None:
    await one.switch_off()
    shutil.rmtree(one.folder)
    shutil.copytree(copy, one.folder)
    await one.switch_on()


async def nothing_is_missing(
    world: World, one: Bare, ours: dict[datetime, list[float]], put_at: datetime
) -> None:
    """What the home had measured before is there, and what it has measured since."""
    now = put_at + SLOT * 32
    since = in_half_hours(one.store, put_at, now)
    theirs = await world.in_half_hours(one.id, EVENING, now)
    for at, values in {**ours, **since}.items():
        assert theirs[at] == values, at
