"""The history out of the service's store has the numbers of the home's own, to the last digit."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.api.house import CIRCUITS, HOME_SERIES, NOW, fill
from tests.cloud.conftest import StoreOn

from hidamari.answers.history import history_body, history_spans
from hidamari.cloud.history import known_series, past_of
from hidamari.cloud.ports import Arrived, SegmentStore
from hidamari.core.clock import VirtualClock
from hidamari.core.reading import SeriesKey
from hidamari.core.time import TOKYO, local_day
from hidamari.home.upload import Upload
from hidamari.link.messages import STREAMS, Record
from hidamari.schema.history import HistoryAsk
from hidamari.store.db import Store

HOME = bytes(range(16))
SERIES = "import_kw,pv_kw,battery_kw,soc_pct,circuit:1.power_kw"
MINUTES_FROM = datetime(2026, 5, 12, 15, 0, tzinfo=UTC)
ASKED = (
    {"from": "2026-05-14", "to": "2026-05-15", "step": "30m"},
    {"from": "2026-05-15", "to": "2026-05-16", "step": "30m"},
    {"from": "2026-05-14", "to": "2026-05-15", "step": "1m"},
    {"from": "2026-05-14T05:00:00Z", "to": "2026-05-14T09:00:00Z", "step": "5m"},
    {"from": "2026-05-13", "to": "2026-05-15", "step": "1h"},
    {"from": "2026-05-01", "to": "2026-06-01", "step": "1d", "compare": "previous"},
    {"from": "2026-04-01", "to": "2026-05-01", "step": "1d"},
    {"from": "2026-01-01", "to": "2027-01-01", "step": "1mo", "compare": "last_year"},
    {"from": "2026-01-01", "to": "2027-01-01", "step": "1y"},
)


def lived_in(folder: Path) -> Store:
    """Six weeks of half-hours, and minutes of the last days up to two minutes ago."""
    store = Store.open(folder, NOW, ballast_bytes=0)
    fill(store)
    keys = [one.key for one in (*HOME_SERIES, *CIRCUITS)]
    count = round((NOW - MINUTES_FROM) / timedelta(minutes=1))
    values = np.random.default_rng(7).normal(1.0, 0.6, (count, len(keys))).round(3)
    values[500:520, 2] = np.nan
    store.write_minutes(MINUTES_FROM, keys, values)
    store.seal_days(store.unsealed_days(local_day(NOW), TOKYO), TOKYO)
    return store


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = lived_in(tmp_path_factory.mktemp("home"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def sent(home: Store) -> list[Arrived]:
    return records(home)


def records(store: Store) -> list[Arrived]:
    """Everything the home sends once it is linked."""
    upload = Upload(store, lambda: TOKYO, 1)
    upload.link(NOW)
    found: list[Arrived] = []
    epoch = store.outbox.epoch()
    while upload.derive(NOW):
        for stream in STREAMS:
            waiting = store.outbox.after(stream, 0, 10_000)
            found += [
                Arrived(HOME, epoch, Record(stream, w.seq, w.at_s // 60, w.count, w.payload))
                for w in waiting
            ]
            store.outbox.forget([(stream, one.seq) for one in waiting])
    return found


async def answered(store: SegmentStore, wanted: HistoryAsk) -> dict[str, object]:
    past = await past_of(store, HOME, history_spans(wanted, TOKYO), wanted.step, TOKYO)
    return history_body(past, wanted, TOKYO)


async def filled(store: SegmentStore, found: Sequence[Arrived]) -> SegmentStore:
    await store.open()
    for first in range(0, len(found), 200):
        await store.write(found[first : first + 200])
    return store


@pytest.mark.contract
@pytest.mark.req("APP-20")
def test_every_range_through_the_store_is_that_of_the_home(
    home: Store, sent: list[Arrived], store_on: StoreOn
) -> None:
    async def run() -> None:
        store = await filled(store_on(VirtualClock(NOW)), sent)
        try:
            assert (await known_series(store, HOME)).series() == home.series()
            for ask in ASKED:
                wanted = HistoryAsk.model_validate({"series": SERIES, **ask})
                assert await answered(store, wanted) == history_body(home, wanted, TOKYO), ask
        finally:
            await store.close()

    asyncio.run(run())


def test_an_older_generation_fills_what_the_newer_one_does_not_know(
    tmp_path: Path, store_on: StoreOn
) -> None:
    """A controller is replaced on 14 May: its series get other numbers, the day is in two parts."""
    first = Store.open(tmp_path / "first", NOW, ballast_bytes=0)
    second = Store.open(tmp_path / "second", NOW, ballast_bytes=0)
    change = datetime(2026, 5, 13, 21, 0, tzinfo=UTC)
    key, other = SeriesKey("home", "import_kw"), SeriesKey("home", "export_kw")
    for store, order, span in (
        (first, [key, other], (MINUTES_FROM, change)),
        (second, [other, key], (change, NOW - timedelta(hours=13))),
    ):
        series = {one.key: one for one in HOME_SERIES}
        store.add_series([series[one] for one in order])
        count = round((span[1] - span[0]) / timedelta(minutes=1))
        store.write_minutes(span[0], [key, other], np.tile([0.5, 0.25], (count, 1)))
        store.seal_days(store.unsealed_days(local_day(NOW), TOKYO), TOKYO)

    async def run() -> None:
        store = await filled(store_on(VirtualClock(NOW)), [*records(first), *records(second)])
        ask = {"from": "2026-05-13", "to": "2026-05-15", "step": "1m"}
        wanted = HistoryAsk.model_validate({"series": "import_kw,export_kw", **ask})
        body = await answered(store, wanted)
        await store.close()
        series = body["series"]
        assert isinstance(series, dict)
        minutes = round((NOW - timedelta(hours=13) - MINUTES_FROM) / timedelta(minutes=1))
        assert series["import_kw"]["values"][:minutes] == [0.5] * minutes
        assert series["export_kw"]["values"][:minutes] == [0.25] * minutes
        assert set(series["import_kw"]["values"][minutes:]) == {None}

    asyncio.run(run())
    first.close()
    second.close()
