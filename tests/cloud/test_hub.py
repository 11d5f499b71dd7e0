"""Homes link themselves to the hub through real sockets, and what they send is kept once."""

import asyncio
from pathlib import Path

from tests.cloud import sent
from tests.cloud.lab import hub_on

from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.clock import VirtualClock
from hidamari.link.messages import Acked, Welcome


def test_records_are_acknowledged_after_they_are_in_the_store(tmp_path: Path):
    clock = VirtualClock(sent.NOW)

    async def run() -> None:
        store = SqliteSegments(tmp_path / "cloud.db", clock)
        async with hub_on(store, clock) as lab, lab.home(sent.HOME, 7) as home:
            assert await home.enter() == Welcome({}, {"live_s": 60, "segment_s": 900, "window": 64})
            await home.say(sent.event(1, sent.NOW))
            assert await home.hear() == Acked(2, [1])
            assert [one.t_ms for one in await store.events(sent.HOME, None, 10)] == [
                int(sent.NOW.timestamp() * 1000)
            ]
            assert await store.events(sent.OTHER, None, 10) == []
            await home.hang_up()
            answer = await home.enter()
            assert isinstance(answer, Welcome)
            assert answer.committed == {2: 1}

    asyncio.run(run())
