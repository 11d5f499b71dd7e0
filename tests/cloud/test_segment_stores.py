"""What every segment store promises, on SQLite and on PostgreSQL."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest
from tests.cloud import sent
from tests.cloud.conftest import StoreOn

from hidamari.cloud.ports import Arrived, Newest, SegmentStore
from hidamari.core.clock import VirtualClock
from hidamari.core.time import unix
from hidamari.link.messages import EVENTS, SEGMENTS, Record
from hidamari.link.records import Day, DayTotals, Reported, Segment, unpack

pytestmark = pytest.mark.contract


def arrived(*records: Record, home: bytes = sent.HOME, epoch: int = 7) -> list[Arrived]:
    return [Arrived(home, epoch, record) for record in records]


def with_store(
    store_on: StoreOn, job: Callable[[SegmentStore, VirtualClock], Awaitable[None]]
) -> None:
    """Run a test on a store that is open."""
    clock = VirtualClock(sent.NOW)

    async def run() -> None:
        store = store_on(clock)
        await store.open()
        try:
            await job(store, clock)
        finally:
            await store.close()

    asyncio.run(run())


def test_everything_that_was_written_is_read_again(store_on: StoreOn):
    quarter = sent.segment(1, sent.NOW - timedelta(minutes=15))
    happened, table = sent.event(1, sent.NOW), sent.reported(1, "grid", "use")
    sealed, added = sent.day(1, sent.TODAY), sent.totals(1, sent.TODAY)

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        await store.write(arrived(quarter, happened, table, sealed, added))
        now_s = unix(sent.NOW)
        (piece,) = await store.segments(sent.HOME, now_s - 60, now_s)
        assert (piece.epoch, piece.record) == (7, unpack(quarter.payload, Segment))
        assert await store.segments(sent.HOME, now_s, now_s + 900) == []
        (day,) = await store.days(sent.HOME, sent.TODAY, sent.TODAY)
        assert (day.epoch, day.record) == (7, unpack(sealed.payload, Day))
        (total,) = await store.totals(sent.HOME, sent.TODAY, sent.TODAY)
        assert total.record == unpack(added.payload, DayTotals)
        (series,) = await store.reported(sent.HOME)
        assert series.record == unpack(table.payload, Reported)
        (told,) = await store.events(sent.HOME, None, 5)
        assert told.t_ms == now_s * 1000
        assert await store.events(sent.HOME, told.t_ms, 5) == []
        assert await store.committed(sent.HOME, 7) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}

    with_store(store_on, job)


def test_bounds_are_the_first_and_last_instant_of_days_segments_and_events(store_on: StoreOn):
    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        assert await store.bounds(sent.HOME) is None
        later = sent.NOW + timedelta(hours=20)
        await store.write(arrived(sent.day(1, sent.TODAY)))
        # the local day of Tokyo, 15:00 UTC of the day before until 15:00 UTC
        midnight = sent.NOW.replace(hour=15) - timedelta(days=1)
        assert await store.bounds(sent.HOME) == (midnight, midnight + timedelta(days=1))
        await store.write(arrived(sent.event(1, later)))
        assert await store.bounds(sent.HOME) == (midnight, later)

    with_store(store_on, job)


@pytest.mark.req("SRV-09")
def test_a_record_that_comes_again_changes_nothing(store_on: StoreOn):
    records = [*sent.segments(3), sent.event(1, sent.NOW)]

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        await store.write(arrived(*records, records[0], records[3]))
        await store.write(arrived(*records))
        start = unix(sent.NOW - timedelta(days=4))
        assert len(await store.segments(sent.HOME, start, unix(sent.NOW))) == 3
        assert len(await store.events(sent.HOME, None, 9)) == 1

    with_store(store_on, job)


def test_a_number_that_comes_again_with_another_time_changes_nothing(store_on: StoreOn):
    """A home's clock was set between the two: the first is what counts."""
    first = sent.segment(1, sent.NOW - timedelta(days=2))
    again = sent.segment(1, sent.NOW)

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        await store.write(arrived(first))
        await store.write(arrived(again))
        start = unix(sent.NOW - timedelta(days=4))
        (kept,) = await store.segments(sent.HOME, start, unix(sent.NOW) + 3600)
        assert kept.record == unpack(first.payload, Segment)

    with_store(store_on, job)


def test_committed_stops_at_a_gap_and_passes_over_what_was_refused(store_on: StoreOn):
    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        assert await store.committed(sent.HOME, 7) == {}
        events = [sent.event(seq, sent.NOW) for seq in range(1, 8)]
        await store.write(arrived(events[0], events[1], events[4]))  # 1, 2, 5
        assert await store.committed(sent.HOME, 7) == {2: 2}
        await store.refuse(*arrived(events[2]))
        assert await store.committed(sent.HOME, 7) == {2: 3}
        await store.write(arrived(events[3]))
        assert await store.committed(sent.HOME, 7) == {2: 5}
        await store.write(arrived(events[6]))
        assert await store.committed(sent.HOME, 7) == {2: 5}
        await store.write(arrived(events[2]))  # 3 was refused for good
        assert len(await store.events(sent.HOME, None, 9)) == 5

    with_store(store_on, job)


@pytest.mark.req("SRV-08")
def test_the_newest_record_is_told_with_its_digest_whether_it_was_kept_or_refused(
    store_on: StoreOn,
):
    events = [sent.event(seq, sent.NOW) for seq in range(1, 8)]
    other = sent.event(5, sent.NOW, "another one")

    def newest(record: Record) -> dict[int, Newest]:
        return {EVENTS: Newest(record.seq, hashlib.sha256(record.payload).digest()[:16])}

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        assert await store.newest(sent.HOME, 7) == {}
        await store.write(arrived(events[4], events[0]))
        assert await store.newest(sent.HOME, 7) == newest(events[4])
        await store.write(arrived(events[1], other))  # the first one of a number counts
        assert await store.newest(sent.HOME, 7) == newest(events[4])
        await store.refuse(*arrived(events[6]))
        await store.write(arrived(events[5]))
        assert await store.newest(sent.HOME, 7) == newest(events[6])
        assert await store.newest(sent.HOME, 8) == await store.newest(sent.OTHER, 7) == {}

    with_store(store_on, job)


@pytest.mark.req("SRV-08")
def test_a_new_store_generation_neither_overwrites_nor_is_swallowed(store_on: StoreOn):
    """A restored controller numbers from 1 again, in a new epoch that sorts before the old one."""

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        old = [sent.day(1, sent.TODAY, series=20), sent.totals(1, sent.TODAY, 100)]
        await store.write(arrived(*old, sent.reported(1, "grid", "use"), epoch=900))
        clock.advance(60)
        new = [sent.day(1, sent.TODAY, series=3), sent.totals(1, sent.TODAY, 7)]
        await store.write(arrived(*new, sent.reported(1, "use", "grid"), epoch=5))
        days = await store.days(sent.HOME, sent.TODAY, sent.TODAY)
        assert [(one.epoch, one.record) for one in days] == [
            (900, unpack(old[0].payload, Day)),
            (5, unpack(new[0].payload, Day)),
        ]
        assert [one.epoch for one in await store.totals(sent.HOME, sent.TODAY, sent.TODAY)] == [
            900,
            5,
        ]
        tables = await store.reported(sent.HOME)
        assert [(one.epoch, one.record.series[0].name) for one in tables] == [
            (900, "grid"),
            (5, "use"),
        ]
        await store.write(arrived(sent.event(1, sent.NOW), epoch=900))  # the old one still has some
        assert await store.committed(sent.HOME, 900) == {2: 1, 3: 1, 4: 1, 5: 1}
        assert await store.committed(sent.HOME, 5) == {3: 1, 4: 1, 5: 1}

    with_store(store_on, job)


def test_the_highest_revision_of_a_day_and_the_newest_totals_and_series_count(store_on: StoreOn):
    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        await store.write(arrived(sent.day(2, sent.TODAY, rev=2, series=4)))
        await store.write(arrived(sent.day(1, sent.TODAY, rev=1)))
        await store.write(arrived(sent.totals(2, sent.TODAY, 8), sent.totals(1, sent.TODAY, 5)))
        await store.write(arrived(sent.reported(2, "b"), sent.reported(1, "a")))
        (day,) = await store.days(sent.HOME, sent.TODAY, sent.TODAY)
        assert day.record.rev == 2
        (total,) = await store.totals(sent.HOME, sent.TODAY, sent.TODAY)
        assert total.record == unpack(sent.totals(2, sent.TODAY, 8).payload, DayTotals)
        (table,) = await store.reported(sent.HOME)
        assert [one.name for one in table.record.series] == ["b"]

    with_store(store_on, job)


def test_a_home_sees_nothing_of_another_and_is_erased_alone(store_on: StoreOn):
    records = [*sent.segments(2), sent.event(1, sent.NOW), sent.day(1, sent.TODAY)]
    records += [sent.totals(1, sent.TODAY), sent.reported(1, "grid")]

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        await store.write(arrived(*records) + arrived(*records[:3], home=sent.OTHER))
        assert await store.days(sent.OTHER, sent.TODAY, sent.TODAY) == []
        assert await store.reported(sent.OTHER) == []
        await store.erase(sent.HOME)
        start, end = unix(sent.NOW - timedelta(days=9)), unix(sent.NOW)
        assert await store.segments(sent.HOME, start, end) == []
        assert await store.bounds(sent.HOME) is None
        assert await store.committed(sent.HOME, 7) == {}
        assert len(await store.segments(sent.OTHER, start, end)) == 2
        assert await store.committed(sent.OTHER, 7) == {1: 2, 2: 1}
        await store.write(arrived(*records))  # linked again: everything comes anew
        assert len(await store.segments(sent.HOME, start, end)) == 2

    with_store(store_on, job)


def test_segments_go_after_eight_days_when_their_days_are_sealed(store_on: StoreOn):
    """A UTC day lies in two local days: it goes when both are there, in the same epoch."""
    then = sent.NOW - timedelta(days=10)  # 12:00 in Tokyo
    on = [sent.TODAY - timedelta(days=10), sent.TODAY - timedelta(days=9)]

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        early = VirtualClock(then)
        clock.set_wall(early.now())
        fresh = sent.segment(1, sent.NOW - timedelta(hours=1))
        await store.write(arrived(sent.segment(2, then)))
        await store.write(arrived(sent.segment(1, then), epoch=8))  # its days never come
        clock.set_wall(sent.NOW)
        await store.write(arrived(fresh, sent.segment(3, then + timedelta(hours=1))))

        async def left() -> list[tuple[int, int]]:
            found = await store.segments(sent.HOME, unix(then), unix(sent.NOW))
            return [(one.epoch, one.record.blob[5]) for one in found]

        assert len(await left()) == 4
        await store.write(arrived(sent.day(1, on[0])))
        await store.tidy(sent.TODAY)
        assert len(await left()) == 4
        await store.write(arrived(sent.day(2, on[1])))
        await store.tidy(sent.TODAY)
        assert sorted(epoch for epoch, _ in await left()) == [7, 8]
        await store.write(arrived(sent.segment(2, then)))  # sent again, long after
        await store.tidy(sent.TODAY)
        assert len(await left()) == 2

    with_store(store_on, job)


def test_what_was_committed_is_there_after_opening_again(store_on: StoreOn):
    async def run() -> None:
        for count in (1, 2):
            store = store_on(VirtualClock(sent.NOW))
            await store.open()
            await store.write(arrived(*sent.segments(5)))
            start, end = unix(sent.NOW - timedelta(days=9)), unix(sent.NOW)
            assert len(await store.segments(sent.HOME, start, end)) == 5, count
            await store.close()

    asyncio.run(run())


def test_a_day_whose_minutes_are_gone_at_home_never_hides_those_that_are_kept(store_on: StoreOn):
    """A full disk thins a day out; a half-hour that is corrected then makes a new `rev` of it."""

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        for rev, has_minutes in ((3, False), (1, False), (2, True), (4, False)):
            record = sent.day(rev, sent.TODAY, rev)
            count = record.count if has_minutes else 0
            await store.write(arrived(msgspec.structs.replace(record, count=count)))
        found = await store.days(sent.HOME, sent.TODAY, sent.TODAY)
        assert [one.record.rev for one in found] == [4, 2]  # the last counts most

    with_store(store_on, job)


def test_a_home_that_leaves_numbers_out_for_ever_costs_little(store_on: StoreOn):
    """Only odd numbers: the oldest gaps are given up, so that the row stays small."""

    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        records = [sent.event(seq, sent.NOW) for seq in range(1, 2401, 2)]
        for first in range(0, len(records), 300):
            await store.write(arrived(*records[first : first + 300]))
        committed = (await store.committed(sent.HOME, 7))[EVENTS]
        assert 1 < committed < 2399
        await store.write(arrived(sent.event(2398, sent.NOW)))  # a late one is still taken
        assert len(await store.events(sent.HOME, None, 9999)) == 1201

    with_store(store_on, job)


def test_the_numbers_of_streams_and_epochs_may_be_the_largest_there_are(store_on: StoreOn):
    async def job(store: SegmentStore, clock: VirtualClock) -> None:
        await store.write(arrived(sent.event(2**62, sent.NOW), epoch=2**63 - 1))
        assert await store.committed(sent.HOME, 2**63 - 1) == {EVENTS: 0}
        assert len(await store.events(sent.HOME, None, 9)) == 1
        assert SEGMENTS not in await store.committed(sent.HOME, 2**63 - 1)

    with_store(store_on, job)
