"""T9: a month without the service, then everything arrives within the hour, each record once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.link.bare import KEYS, Bare, World, world_of
from tests.whole.loop import LoopClock, run
from tests.whole.street import memory_folder

from hidamari.answers.history import history_body, history_spans
from hidamari.cloud.history import past_of
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.time import TOKYO, local_day
from hidamari.schema.history import HistoryAsk

MIDNIGHT = datetime(2026, 5, 10, 15, 0, tzinfo=UTC)  # in Tokyo
DAYS = 30
CIRCUITS = ",".join(f"circuit:{i}.power_kw" for i in range(1, 21))


@pytest.fixture
def memory() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@pytest.mark.t(9)
@pytest.mark.req("SRV-09", "SRV-14")
@pytest.mark.timeout(150)
def test_thirty_days_without_the_service_arrive_within_the_hour_each_record_once(
    memory: Path,
) -> None:
    async def story() -> None:
        clock = LoopClock(MIDNIGHT)
        segments = SqliteSegments(memory / "cloud.db", clock)
        async with world_of(segments, clock) as world:
            one = world.bare(memory / "home")
            uplink = await one.switch_on()
            await one.live(4)
            assert uplink.standing().state == "linked"
            one.exchange.go()
            await one.live(48 * DAYS, lambda at: note(one, at))
            assert uplink.standing().state == "away"
            assert uplink.waiting() > DAYS
            one.exchange.is_there = True
            back = clock.now()
            await one.live(2)
            assert clock.now() - back == timedelta(hours=1)
            assert uplink.waiting() == 0
            await asyncio.sleep(300)  # the last piece of today is made
            await same_history(world, one)
            judge(memory / "cloud.db", one)

    run(story())


def note(one: Bare, at: datetime) -> None:
    """Something happens every four hours."""
    if at.hour % 4 == 0 and at.minute == 0:
        assert one.home is not None
        one.home.note("log", "changed", {"used": at.hour})


async def same_history(world: World, one: Bare) -> None:
    """Every minute, half-hour and day is at the service what it is at home, to the last digit."""
    until = world.clock.now().replace(minute=0)
    ours = one.store.minutes(KEYS, MIDNIGHT, until)
    theirs = await world.minutes(one.id, MIDNIGHT, until)
    assert np.array_equal(ours, theirs, equal_nan=True)
    assert np.isfinite(ours).any(axis=1).all()
    first = local_day(MIDNIGHT, TOKYO)
    span = {"from": str(first), "to": str(first + timedelta(days=DAYS + 1))}
    for step in ("30m", "1d"):
        asked = HistoryAsk.model_validate({"series": CIRCUITS, "step": step, **span})
        past = await past_of(world.store, one.id, history_spans(asked, TOKYO), step, TOKYO)
        assert history_body(past, asked, TOKYO) == history_body(one.store, asked, TOKYO)


def judge(path: Path, one: Bare) -> None:
    """Nothing is doubled, and no event is missing."""
    with closing(sqlite3.connect(path)) as file:
        days = file.execute("select d, count(*) from day group by d").fetchall()
        pieces = file.execute("select t0, count(*) from seg group by t0").fetchall()
        totals = file.execute("select d, count(*) from total group by d").fetchall()
        events = file.execute("select t, z from event").fetchall()
    assert len(days) == len(totals) == DAYS
    assert {count for _, count in (*days, *totals, *pieces)} == {1}
    assert len(events) == len(set(events)) == len(one.store.events(limit=10_000))
