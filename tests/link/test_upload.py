"""What records hold that are made of a home's history."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.link.bare import KEYS, SLOT, world_of
from tests.whole.loop import LoopClock, run
from tests.whole.street import memory_folder

from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.home.upload import Upload
from hidamari.link.terms import Terms
from hidamari.store.pack import DayBlob

NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)


@pytest.fixture
def memory() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@pytest.mark.parametrize("minutes", [15, 5])
def test_segments_hold_the_minutes_and_the_half_hours_that_end_in_them(
    memory: Path, minutes: int
) -> None:
    """As long as the service asks; at first a home makes them of a quarter of an hour."""

    async def story() -> None:
        clock = LoopClock(NOON)
        async with world_of(SqliteSegments(memory / "cloud.db", clock), clock) as world:
            one = world.bare(memory / "home")
            uplink = await one.switch_on()
            await one.live(1)
            uplink.welcomed(Terms.of({"segment_s": 60 * minutes}))
            await one.live(3)
            first_s = int((NOON + SLOT).timestamp())
            found = await world.store.segments(one.id, first_s, first_s + 3600)
            blobs = [DayBlob.from_bytes(one.record.blob) for one in found]
            assert [blob.start_s for blob in blobs] == [
                *range(first_s, first_s + 3600, 60 * minutes)
            ]
            for blob in blobs:
                assert blob.minutes.shape == (minutes, len(KEYS))
                end_s = blob.start_s + 60 * minutes
                assert list(blob.slot_starts) == ([end_s - 1800] if end_s % 1800 == 0 else [])
            ours = one.store.minutes(KEYS, NOON, NOON + 3 * SLOT)
            theirs = await world.minutes(one.id, NOON, NOON + 3 * SLOT)
            assert np.array_equal(ours, theirs, equal_nan=True)

    run(story())


@pytest.mark.req("SRV-08")
def test_a_home_that_is_linked_again_tells_its_table_of_series_and_no_event_twice(
    memory: Path,
) -> None:
    async def story() -> None:
        clock = LoopClock(NOON)
        async with world_of(SqliteSegments(memory / "cloud.db", clock), clock) as world:
            one = world.bare(memory / "home")
            await one.switch_on()
            assert one.home is not None
            for _ in range(5):
                one.home.note("log", "changed", {})
            await one.live(1)
            upload = Upload(one.store, lambda: one.home.settings.zone, one.home.clock.boot)
            before = await world.store.events(one.id, None, 100)
            upload.unlink()
            await world.store.erase(one.id)
            upload.link(clock.now())
            await one.switch_off()
            await one.switch_on()
            one.home.note("log", "changed", {})
            await one.live(1)
            assert len(await world.store.reported(one.id)) == 1
            assert len(before) >= 5
            assert len(await world.store.events(one.id, None, 100)) == 1

    run(story())
