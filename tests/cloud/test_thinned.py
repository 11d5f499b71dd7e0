"""A home with a full disk takes the minutes out of its old days; the service keeps them."""

import asyncio
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.cloud.test_history import HOME, answered, records

from hidamari.cloud.ports import Arrived
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.clock import VirtualClock
from hidamari.core.reading import Kind, Quality, Series, SlotValue
from hidamari.core.time import TOKYO, day_bounds
from hidamari.home.upload import Upload
from hidamari.link.messages import DAYS, Record
from hidamari.schema.history import HistoryAsk
from hidamari.store.days import day_number, unsent_key
from hidamari.store.db import Store

GRID = Series("home", "import_kw", "kW", 0.001, Kind.POWER)
FIRST = date(2025, 1, 6)
DAYS_LIVED = 401  # the newest 400 keep their minutes
NOW = day_bounds(FIRST + timedelta(days=DAYS_LIVED))[0] + timedelta(hours=3)
MINUTES = {"from": "2025-01-06", "to": "2025-01-07", "step": "1m", "series": "import_kw"}
HALF_HOURS = {**MINUTES, "step": "30m"}


def live_on(store: Store) -> None:
    """More than a year of half-hours after the first day; nobody waits for them."""
    values = np.full((48 * DAYS_LIVED, 1), 0.25)
    quality = np.full(values.shape, Quality.ESTIMATE, np.uint8)
    store.write_slot_block(day_bounds(FIRST)[1], [GRID.key], (values, quality), TOKYO)
    waiting = range(day_number(FIRST), day_number(FIRST) + DAYS_LIVED + 1)
    store.outbox.put([], {unsent_key(number): None for number in waiting})


@pytest.mark.req("SRV-09")
def test_a_day_that_was_thinned_out_and_corrected_loses_no_minute_at_the_service(
    tmp_path: Path,
) -> None:
    home = Store.open(tmp_path / "home", NOW, ballast_bytes=0)
    home.add_series([GRID])
    start, end = day_bounds(FIRST)
    values = np.random.default_rng(3).uniform(0.2, 3.0, (1440, 1)).round(3)
    home.write_minutes(start, [GRID.key], values)
    home.write_slots(start + timedelta(hours=9), {GRID.key: SlotValue(0.25, Quality.ESTIMATE)})
    home.seal_day(FIRST, TOKYO)

    async def run() -> None:
        store = SqliteSegments(tmp_path / "cloud.db", VirtualClock(NOW))
        await store.open()
        await store.write(records(home))
        live_on(home)
        minutes = await answered(store, HistoryAsk.model_validate(MINUTES))
        while home.free_space_step() != "days":
            pass
        assert np.isnan(home.minutes([GRID.key], start, end)).all()
        corrected = {GRID.key: SlotValue(0.75, Quality.REFILLED)}
        home.write_slots(start + timedelta(hours=9), corrected, "late")
        upload = Upload(home, lambda: TOKYO, 1)
        assert upload.derive(NOW)
        (day,) = home.outbox.after(DAYS, 0, 10)
        again = Record(DAYS, day.seq, day.at_s // 60, day.count, day.payload)
        await store.write([Arrived(HOME, home.outbox.epoch(), again)])
        assert await answered(store, HistoryAsk.model_validate(MINUTES)) == minutes
        half_hours = await answered(store, HistoryAsk.model_validate(HALF_HOURS))
        assert half_hours["series"]["import_kw"]["values"][18] == 0.75
        await store.close()

    asyncio.run(run())
    home.close()
