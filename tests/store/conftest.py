"""A store with a few series, and short words for filling it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hidamari.core.reading import Kind, Series
from hidamari.store.db import Store

GRID = Series("home", "grid_kw", "kW", 0.001, Kind.POWER)
PV = Series("home", "pv_kw", "kW", 0.001, Kind.POWER)
SOC = Series("home", "soc_pct", "%", 0.1, Kind.LEVEL)
COUNT = Series("circuit:1", "energy_kwh", "kWh", 0.01, Kind.COUNTER)
SERIES = [GRID, PV, SOC, COUNT]
OPENED = datetime(2026, 3, 1, tzinfo=UTC)

Opener = Callable[[], Store]


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one, for tests that are not about the disk's pace."""
    place = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="hidamari-", dir=place if os.access(place, os.W_OK) else None)
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Opener]:
    """Opens the same folder again and again; the store before is closed."""
    stores: list[Store] = []

    def opened() -> Store:
        for store in stores:
            store.close()
        stores.append(Store.open(tmp_path / "data", OPENED, ballast_bytes=0))
        stores[-1].add_series(SERIES)
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: Opener) -> Store:
    return open_store()
