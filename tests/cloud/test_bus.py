"""Requests through the link to a home: answers in pieces, time to live, homes that vanish."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.cloud import sent
from tests.cloud.lab import Lab
from tests.cloud.test_hub import on_hub

from hidamari.cloud.link import Link
from hidamari.cloud.ports import HomeAway, SegmentStore
from hidamari.link.messages import (
    Bye,
    Cancel,
    Down,
    Hello,
    LiveFrame,
    Query,
    Reply,
    Time,
    Watch,
    Welcome,
)


def query(ttl_ms: int = 5000, method: str = "GET") -> Query:
    return Query(0, ttl_ms, {"name": "Hanako", "role": "owner"}, method, "/api/v1/now", {}, b"x", 7)


async def answers(lab: Lab, asked: Query) -> list[Reply]:
    async with aclosing(lab.bus.request(sent.HOME, asked)) as replies:
        return [reply async for reply in replies]


@pytest.mark.req("SRV-14")
def test_a_request_is_answered_in_pieces(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            waiting = asyncio.create_task(answers(lab, query()))
            asked = await home.hear()
            assert isinstance(asked, Query)
            assert asked == msgspec.structs.replace(query(), id=asked.id)  # its time too
            pieces = [Reply(asked.id, 200, {"a": "b"}, b"1", more=True), Reply(asked.id, 200, {})]
            for piece in pieces:
                await home.say(piece)
            assert await waiting == pieces
            await home.say(pieces[1])  # once more: nobody asks any longer
            await home.deliver([sent.event(1, sent.NOW)])

    on_hub(tmp_path, job)


def test_two_requests_do_not_mix(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            waiting = [asyncio.create_task(answers(lab, query())) for _ in range(2)]
            first, second = await home.hear(), await home.hear()
            assert isinstance(first, Query)
            assert isinstance(second, Query)
            assert first.id != second.id
            await home.say(Reply(second.id, 202, {}))
            await home.say(Reply(first.id, 201, {}))
            found = [(await one)[0].status for one in waiting]
            assert found == [201, 202]

    on_hub(tmp_path, job)


def test_a_home_that_is_away_is_told_at_once_and_nothing_is_queued(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        with pytest.raises(HomeAway):
            await answers(lab, query())
        async with lab.home(sent.HOME) as home:
            await home.enter()
            await home.deliver([sent.event(1, sent.NOW)])  # no query came before the answer

    on_hub(tmp_path, job)


@pytest.mark.parametrize("after_a_piece", [False, True])
def test_a_home_that_vanishes_in_the_middle_of_a_request(after_a_piece: bool, tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            waiting = asyncio.create_task(answers(lab, query()))
            asked = await home.hear()
            assert isinstance(asked, Query)
            if after_a_piece:
                await home.say(Reply(asked.id, 200, {}, b"half", more=True))
            await home.hang_up()
            with pytest.raises(HomeAway):
                await waiting

    on_hub(tmp_path, job)


def test_a_request_that_is_not_answered_in_time_is_cancelled_at_home(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            with pytest.raises(TimeoutError):
                await answers(lab, query(ttl_ms=100))
            asked, cancelled = await home.hear(), await home.hear()
            assert isinstance(asked, Query)
            assert cancelled == Cancel(asked.id)
            await home.say(Reply(asked.id, 200, {}))  # too late: dropped
            await home.deliver([sent.event(1, sent.NOW)])

    on_hub(tmp_path, job)


def test_who_stops_reading_cancels_at_home(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            async with aclosing(lab.bus.request(sent.HOME, query(method="WS"))) as replies:
                first = asyncio.create_task(anext(replies))
                asked = await home.hear()
                assert isinstance(asked, Query)
                await home.say(Reply(asked.id, 101, {}, b"now", more=True))
                assert (await first).body == b"now"
            assert await home.hear() == Cancel(asked.id)

    on_hub(tmp_path, job)


def test_an_answer_that_nobody_reads_does_not_fill_the_memory(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            async with aclosing(lab.bus.request(sent.HOME, query())) as replies:
                first = asyncio.create_task(anext(replies))
                asked = await home.hear()
                assert isinstance(asked, Query)
                for _ in range(21):  # of 900 kB each, more than 16 MiB
                    await home.say(Reply(asked.id, 200, {}, bytes(900_000), more=True))
                assert (await first).more
                assert await home.hear() == Cancel(asked.id)

    on_hub(tmp_path, job)


def test_who_looks_makes_live_frames_come_faster_also_after_a_new_link(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        until_ms = int(sent.NOW.timestamp() * 1000) + 30_000
        await lab.bus.watch(sent.HOME, until_ms, 2)
        async with lab.home(sent.HOME) as home:
            assert isinstance(await home.enter(), Welcome)
            assert await home.hear() == Watch(until_ms, 2)
            await lab.bus.watch(sent.HOME, until_ms + 1, 1)
            assert await home.hear() == Watch(until_ms + 1, 1)

    on_hub(tmp_path, job)


@pytest.mark.t(19)
def test_a_home_is_told_the_time_once_an_hour():
    hello = Hello(sent.HOME, 1, b"", "1", {})
    link = Link(hello, sent.NOW)
    for minute in range(1, 130):
        link.heard(LiveFrame(0, []), sent.NOW + timedelta(minutes=minute))

    async def told() -> list[Down]:
        async with asyncio.timeout(5):
            return [await link.next(), await link.next()]

    hours = [sent.NOW + timedelta(hours=1), sent.NOW + timedelta(hours=2)]
    assert asyncio.run(told()) == [Time(round(at.timestamp() * 1000)) for at in hours]
    assert not link._down


def test_a_link_that_is_dropped_says_why(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            await lab.bus.drop(sent.HOME, "unlinked")
            assert await home.hear() == Bye("unlinked", 60)
            assert not (await lab.bus.presence(sent.HOME)).linked
            await lab.bus.drop(sent.OTHER, "unlinked")

    on_hub(tmp_path, job)
