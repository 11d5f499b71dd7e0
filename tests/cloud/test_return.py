"""Homes that come back after an outage, through real sockets."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cloud import sent
from tests.cloud.lab import Lab
from tests.cloud.test_hub import on_hub

from hidamari.cloud.ports import SegmentStore
from hidamari.core.time import unix
from hidamari.link.messages import Bye, Welcome


@pytest.mark.req("SRV-14")
@pytest.mark.t(9)
def test_of_three_hundred_homes_at_once_150_are_let_in_and_the_others_told_when(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        homes = [lab.home(number.to_bytes(16)) for number in range(1, 301)]
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        answers = await asyncio.gather(*(one.enter() for one in homes))
        took_s = loop.time() - start_s
        inside = sum(isinstance(one, Welcome) for one in answers)
        assert 30 <= inside <= min(300, 30 + 120 * took_s + 1)
        for answer in answers:
            if isinstance(answer, Bye):
                assert answer.reason == "slow_down"
                assert 1 <= answer.retry_after_s <= 40
        assert len(lab.bus) == inside
        assert lab.hub.counters.turned_away == 300 - inside
        for one in homes:
            await one.hang_up()

    on_hub(tmp_path, job)


@pytest.mark.req("SRV-09")
@pytest.mark.t(9)
def test_thirty_days_without_the_service_arrive_without_gap_or_duplicate(tmp_path: Path):
    """What the outbox holds then: a sealed day and totals a day, events, two days of segments."""
    first = sent.TODAY - timedelta(days=30)
    events = [sent.event(1 + i, sent.NOW - timedelta(hours=720 - 16 * i)) for i in range(45)]
    days = [sent.day(1 + i, first + timedelta(days=i)) for i in range(30)]
    totals = [sent.totals(1 + i, first + timedelta(days=i)) for i in range(30)]
    segments = sent.segments(192, sent.NOW - timedelta(days=2))

    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            assert await home.deliver([*events, *segments, *days, *totals]) == []
            assert len(await store.events(sent.HOME, None, 999)) == 45
            kept = await store.days(sent.HOME, first, sent.TODAY)
            assert Counter(one.record.day for one in kept) == Counter(
                range(kept[0].record.day, kept[0].record.day + 30)
            )
            assert len(await store.totals(sent.HOME, first, sent.TODAY)) == 30
            now_s = unix(sent.NOW)
            assert len(await store.segments(sent.HOME, now_s - 2 * 86400, now_s)) == 192

    on_hub(tmp_path, job)
