"""A home whose clock is unknown or wrong: dated by the service, told of, or refused by it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.link.bare import KEYS, SLOT, Bare, World, world_of
from tests.whole.loop import LoopClock, run
from tests.whole.street import memory_folder

from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.home.health import Health
from hidamari.home.timing import LOOK_S, Timing

NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)


@pytest.fixture
def memory() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@asynccontextmanager
async def a_home(folder: Path, wrong: timedelta) -> AsyncIterator[tuple[World, Bare]]:
    """A home whose machine shows another time than it is."""
    async with world_of(
        SqliteSegments(folder / "cloud.db", LoopClock(NOON)), LoopClock(NOON)
    ) as world:
        one = world.bare(folder / "home")
        one.clock = LoopClock(NOON)
        one.clock.wrong_s = wrong.total_seconds()
        yield world, one


async def look(one: Bare) -> None:
    """What the home does for its clock."""
    assert one.home is not None
    timing = Timing(one.home, Health(one.home))
    while True:
        await timing.look()
        await asyncio.sleep(LOOK_S)


@pytest.mark.t(9)
@pytest.mark.req("SRV-09", "PWR-05")
def test_minutes_without_a_time_get_it_from_the_service_and_are_sent_with_it(memory: Path) -> None:
    async def story() -> None:
        async with a_home(memory, datetime(1970, 1, 1, tzinfo=UTC) - NOON) as (world, one):
            one.kernel.synchronised = False
            one.exchange.own_line = False
            uplink = await one.switch_on()
            looking = asyncio.create_task(look(one))
            home = one.home
            assert home is not None
            await asyncio.sleep(20)
            for number in range(10):
                mono_s = round(home.clock.monotonic_s())
                values = {key: number + i / 1000 for i, key in enumerate(KEYS)}
                home.store.write_undated(home.clock.boot, mono_s, values)
                await asyncio.sleep(60)
            something(one, 1)
            noted_at = world.clock.true()
            assert not home.clock.is_known
            assert uplink.waiting() == 0
            assert home.store.last_minute() is None
            one.exchange.own_line = True
            await asyncio.sleep(600)
            assert home.clock.is_known
            assert abs((home.clock.now() - world.clock.true()).total_seconds()) < 1.0
            await asyncio.sleep(1800)
            assert await world.store.segments(one.id, 0, int(NOON.timestamp())) == []
            ours = home.store.minutes(KEYS, NOON, NOON + timedelta(minutes=10))
            assert np.nansum(ours) == pytest.approx(sum(np.arange(10)) * 20 + 10 * 0.19)
            theirs = await world.minutes(one.id, NOON, NOON + timedelta(minutes=10))
            assert np.array_equal(ours, theirs, equal_nan=True)
            assert uplink.waiting() == 0
            told = {event.code: event for event in await world.store.events(one.id, None, 100)}
            assert told["changed"].t_ms / 1000 == pytest.approx(noted_at.timestamp(), abs=1.0)
            assert all(event.is_dated for event in told.values())
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    run(story())


@pytest.mark.t(9)
@pytest.mark.req("SRV-09", "PWR-05")
@pytest.mark.parametrize("is_same_run", [True, False])
def test_what_happened_before_a_start_that_finds_the_time_is_dated_or_told_without_a_time(
    memory: Path, is_same_run: bool
) -> None:
    """In the same run of the kernel its count of seconds tells when; after another nobody knows."""

    async def story() -> None:
        async with a_home(memory, datetime(1970, 1, 1, tzinfo=UTC) - NOON) as (world, one):
            one.kernel.synchronised = False
            one.exchange.own_line = False
            await one.switch_on()
            await asyncio.sleep(100)
            for number in range(3):
                something(one, number)
            await asyncio.sleep(100)
            await one.switch_off()
            one.clock.wrong_s, one.kernel.synchronised, one.exchange.own_line = 0.0, True, True
            if not is_same_run:
                one.kernel.boot += 1
                one.clock.reboot()
            await one.switch_on()
            something(one, 3)
            await asyncio.sleep(600)
            assert one.uplink is not None
            assert one.uplink.waiting() == 0
            mine = [e for e in await world.store.events(one.id, None, 100) if e.code == "changed"]
            numbers = [msgspec.msgpack.decode(event.data["n"]) for event in mine]
            assert numbers == [3, 2, 1, 0]  # the newest first
            assert [e.is_dated for e in mine] == [True, *[is_same_run] * 3]
            after_s = [event.t_ms // 1000 - int(NOON.timestamp()) for event in mine]
            # What is not dated has its place before the next that is.
            assert after_s == [200, *([100] * 3 if is_same_run else [200] * 3)]
            ours = [event for event in one.store.events() if event.code == "changed"]
            assert [isinstance(e.at, datetime) for e in ours] == [e.is_dated for e in mine]

    run(story())


def something(one: Bare, number: int) -> None:
    assert one.home is not None
    one.home.note("log", "changed", {"n": number})


@pytest.mark.t(9)
@pytest.mark.req("SRV-09")
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (timedelta(minutes=-30), None),
        (timedelta(days=1), None),
        (timedelta(days=3), "in_the_future"),
        (timedelta(days=4000), "in_the_future"),
        (timedelta(days=-101), "too_old"),
    ],
)
def test_what_a_wrong_clock_stamped_is_kept_as_it_is_or_refused_and_told(
    memory: Path, wrong: timedelta, reason: str | None
) -> None:
    """A believed clock is not moved by the service; the owner is told how far it is off."""

    async def story() -> None:
        async with a_home(memory, wrong) as (world, one):
            uplink = await one.switch_on()
            await one.live(2)
            await asyncio.sleep(300)
            assert uplink.standing().state == "linked"
            assert uplink.waiting() == 0
            told = Counter(event.code for event in one.store.events(limit=100))
            assert told["cloud_clock_skew"] == 1
            assert told["cloud_record_refused"] == (reason is not None)
            refused = one.store.outbox.refused()
            assert {code for _, _, code in refused} == ({reason} if reason else set())
            came = await world.store.segments(one.id, *seconds(NOON + wrong, hours=2))
            assert (len(came) == 4) is (reason is None)
            # The clock is set right: what comes from now on is taken.
            one.clock.wrong_s = 0.0
            await one.switch_off()
            await one.switch_on()
            start = NOON + 4 * SLOT
            await asyncio.sleep((start - world.clock.true()).total_seconds())
            await one.live(2)
            await asyncio.sleep(300)
            assert len(await world.store.segments(one.id, *seconds(start, hours=1))) == 4
            assert one.store.outbox.refused() == refused
            codes = [event.code for event in one.store.events(limit=100)]
            assert "cloud_clock_agrees" in codes

    run(story())


def seconds(start: datetime, *, hours: int) -> tuple[int, int]:
    first = int(start.timestamp())
    return first, first + 3600 * hours
