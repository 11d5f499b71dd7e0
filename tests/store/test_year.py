"""T26: a filled store starts at once, draws at once and stays small."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hidamari.core.reading import Kind, Quality, Series
from hidamari.core.time import TOKYO, day_bounds, local_day
from hidamari.store.db import Store
from hidamari.store.history import HistoryQuery, history

CIRCUITS = 20
DAYS = 365
SERIES = [Series(f"circuit:{i}", "power_kw", "kW", 0.001, Kind.POWER) for i in range(CIRCUITS)]
KEYS = tuple(series.key for series in SERIES)
START = day_bounds(date(2025, 1, 1))[0]
FIVE_YEARS_BYTES = 10**9


def fill(folder: Path) -> list[float]:
    """A year, every minute of it; the true kWh of each day over all circuits."""
    rng = np.random.default_rng(26)
    store = Store.open(folder, START, ballast_bytes=0)
    store.add_series(SERIES)
    truth = []
    for day in range(DAYS):
        start = START + timedelta(days=day)
        power_kw = rng.integers(0, 1500, (48, CIRCUITS)).repeat(30, axis=0) / 1000
        power_kw += rng.integers(0, 6, power_kw.shape) / 1000
        kwh = power_kw.reshape(48, 30, CIRCUITS).mean(axis=1) / 2
        store.write_minutes(start, KEYS, power_kw)
        quality = np.full(kwh.shape, Quality.COUNTER, np.uint8)
        store.write_slot_block(start, KEYS, (kwh, quality), TOKYO)
        store.seal_day(local_day(start), TOKYO)
        truth.append(float(kwh.sum()))
    store.close()
    return truth


@pytest.mark.t(26)
@pytest.mark.timeout(180)
@pytest.mark.req("PWR-02", "MEA-03")
def test_a_year_of_20_circuits_opens_and_draws_within_a_second(memory: Path) -> None:
    truth = fill(memory)
    assert (memory / "store.db").stat().st_size <= FIVE_YEARS_BYTES / 5
    began = time.perf_counter()
    store = Store.open(memory, datetime(2026, 1, 1, tzinfo=UTC), ballast_bytes=0)
    assert store.last_minute() == START + timedelta(days=DAYS, minutes=-1)
    store.write_minute(START + timedelta(days=DAYS), dict.fromkeys(KEYS, 0.5))
    assert time.perf_counter() - began < 2.0
    january = HistoryQuery(KEYS, START, START + timedelta(days=31), "1d", TOKYO)
    began = time.perf_counter()
    days = history(store, january)
    assert time.perf_counter() - began < 1.0
    by_day = np.array([days.values[key] for key in KEYS], np.float64).sum(axis=0)
    np.testing.assert_allclose(by_day, truth[:31], atol=1e-3 * CIRCUITS)
    began = time.perf_counter()
    year = history(store, HistoryQuery(KEYS, START, START + timedelta(days=DAYS), "1mo", TOKYO))
    assert time.perf_counter() - began < 1.0
    whole = np.array([year.values[key] for key in KEYS], np.float64).sum()
    assert whole == pytest.approx(sum(truth), abs=1e-3 * CIRCUITS * DAYS)
    assert set(year.quality[KEYS[0]]) == {Quality.COUNTER}
    assert store.unsealed_days(date(2026, 1, 1), TOKYO) == []
    store.close()
