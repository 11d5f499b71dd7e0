"""A service that is broken or hostile, for hours: the home measures on and keeps what it has."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.link.bare import SLOT, Bare, in_half_hours, world_of
from tests.link.service import Pipe
from tests.whole.loop import LoopClock, run
from tests.whole.street import memory_folder

from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.link.messages import (
    MAX_MESSAGE_BYTES,
    STREAMS,
    Acked,
    Bye,
    Cancel,
    Hello,
    Nonce,
    Query,
    Refused,
    Watch,
    Welcome,
    decode_up,
    encode,
)

NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)
ACTOR = {"name": "x", "role": "owner", "account": "1"}
HOSTILE_HALF_HOURS, HONEST_HALF_HOURS = 2, 2
MOST_HELLOS = 3600 // 10 + 1
Evil = Callable[[Pipe], Awaitable[None]]


@pytest.fixture
def memory() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


async def let_in(pipe: Pipe, welcome: Welcome | None = None) -> Hello:
    """Take anybody in."""
    await pipe.send(encode(Nonce(bytes(32), 0)))
    hello = decode_up(await pipe.receive())
    assert isinstance(hello, Hello)
    await pipe.send(encode(welcome or Welcome({})))
    return hello


async def listen(pipe: Pipe) -> None:
    """Take what comes and say nothing."""
    while True:
        await pipe.receive()


async def silent(pipe: Pipe) -> None:
    await asyncio.Event().wait()


async def garbage_first(pipe: Pipe) -> None:
    await pipe.send(os.urandom(500))
    await listen(pipe)


async def garbage_later(pipe: Pipe) -> None:
    await let_in(pipe)
    for size in (0, 1, 77, 4000):
        await pipe.send(os.urandom(size))
    await listen(pipe)


async def huge(pipe: Pipe) -> None:
    await let_in(pipe)
    await pipe.send(encode(Acked(1, [1] * MAX_MESSAGE_BYTES)))
    await listen(pipe)


async def unknown_words(pipe: Pipe) -> None:
    await let_in(pipe)
    for _ in range(2000):
        await pipe.send(b"\x92\xa1Z\x01")
        await pipe.send(encode(Cancel(7)))
    await listen(pipe)


async def acks_of_nothing(pipe: Pipe) -> None:
    """Confirms and refuses what was never sent, and takes nothing that comes."""
    hello = await let_in(pipe)
    for stream in (*STREAMS, 99, -1):
        last = hello.last.get(stream, 0)
        await pipe.send(encode(Acked(stream, [-1, 0, last + 1, last + 2, 2**62])))
        await pipe.send(encode(Acked(stream, list(range(last + 1, last + 20_000)))))
        for seq in range(last + 1, last + 200):
            await pipe.send(encode(Refused(stream, seq, "x" * 5000)))
    await listen(pipe)


async def welcome_of_the_future(pipe: Pipe) -> None:
    await let_in(pipe, Welcome(dict.fromkeys(STREAMS, 2**62)))
    await listen(pipe)


async def welcome_of_nobody(pipe: Pipe) -> None:
    await let_in(pipe, Welcome({1: -5, 77: 1}, {"live_s": -(2**60)}, {2: -1}))
    await listen(pipe)


async def byes(pipe: Pipe) -> None:
    for reason in ("x" * 10_000, "drain", "unknown_home"):
        await pipe.send(encode(Bye(reason, 0)))


async def unlinked(pipe: Pipe) -> None:
    """Says what only the signed status may say."""
    await pipe.send(encode(Bye("unlinked", 0)))


async def away_for_ever(pipe: Pipe) -> None:
    await pipe.send(encode(Bye("drain", 2**60)))


async def endless_requests(pipe: Pipe) -> None:
    """Asks more and more, some for ever, and wants live frames at once."""
    await let_in(pipe)
    for number in range(3000):
        way = "WS" if number % 3 else "GET"
        await pipe.send(encode(Query(number, 2**40, ACTOR, way, "/api/v1/live", {}, bytes(9000))))
    await pipe.send(encode(Watch(2**62, 0)))
    await listen(pipe)


async def again_and_again(pipe: Pipe) -> None:
    """Ends every connection as soon as the home is in."""
    await let_in(pipe)


EVILS = [
    silent,
    garbage_first,
    garbage_later,
    huge,
    unknown_words,
    acks_of_nothing,
    welcome_of_the_future,
    welcome_of_nobody,
    byes,
    unlinked,
    endless_requests,
    again_and_again,
]


@pytest.mark.t(9)
@pytest.mark.req("SRV-09")
@pytest.mark.parametrize("evil", EVILS, ids=lambda evil: evil.__name__)
def test_a_hostile_service_costs_a_home_nothing(memory: Path, evil: Evil) -> None:
    async def story() -> None:
        clock = LoopClock(NOON)
        async with world_of(SqliteSegments(memory / "cloud.db", clock), clock) as world:
            one = world.bare(memory / "home")
            honest = one.exchange.serve
            hellos = 0

            async def dialled(pipe: Pipe) -> None:
                nonlocal hellos
                hellos += 1
                await evil(pipe)

            one.exchange.serve = dialled
            await one.switch_on()
            tasks = len(asyncio.all_tasks())
            await one.live(HOSTILE_HALF_HOURS)
            assert 0 < hellos < MOST_HELLOS
            assert len(asyncio.all_tasks()) < tasks + 100
            assert len(one.store.outbox.refused()) <= 1000
            measured = in_half_hours(one.store, NOON, NOON + SLOT * HOSTILE_HALF_HOURS)
            assert len(measured) == HOSTILE_HALF_HOURS
            one.exchange.serve = honest
            one.exchange.cut()
            await one.live(HONEST_HALF_HOURS)
            assert one.uplink is not None
            assert one.uplink.standing().state == "linked"
            assert one.uplink.waiting() == 0
            theirs = await world.in_half_hours(one.id, NOON, NOON + SLOT * HOSTILE_HALF_HOURS)
            assert theirs == measured
            await every_event_is_there(one, world.store)

    run(story())


async def every_event_is_there(one: Bare, store: SqliteSegments) -> None:
    told = await store.events(one.id, None, 1000)
    assert sorted(e.code for e in told) == sorted(e.code for e in one.store.events(limit=1000))


def test_a_service_that_sends_a_home_away_for_ever_is_asked_again_after_a_day(
    memory: Path,
) -> None:
    async def story() -> None:
        clock = LoopClock(NOON)
        async with world_of(SqliteSegments(memory / "cloud.db", clock), clock) as world:
            one = world.bare(memory / "home")
            honest, one.exchange.serve = one.exchange.serve, away_for_ever
            uplink = await one.switch_on()
            await asyncio.sleep(3600)
            one.exchange.serve = honest
            await asyncio.sleep(22 * 3600)
            assert uplink.standing().state == "away"
            await asyncio.sleep(8 * 3600)
            assert uplink.standing().state == "linked"

    run(story())
