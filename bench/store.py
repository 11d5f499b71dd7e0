"""The store with 50 circuits: bytes written and kept, graphs on ten filled years.

Peer: the obvious table of one row a reading, in SQLite with the same safety, fed and asked in the
same run. The house has 119 series: power and counter of each circuit, 18 powers of the house and a
level. Bytes written are those of /proc/self/io.
"""

import asyncio
import json
import shutil
import sqlite3
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from tests.api.house import PaperHome

from hidamari.api.app import Options, create_app
from hidamari.api.auth import Auth
from hidamari.core.reading import Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.time import TOKYO, day_bounds, unix
from hidamari.store import days
from hidamari.store.db import Store
from hidamari.store.pack import DayBlob, digest

Figure = dict[str, Any]
Array = NDArray[np.float64]

CIRCUITS = 50
FIRST, AFTER = date(2016, 1, 1), date(2026, 1, 1)
KINDS_OF_DAY = 28  # ten years are these days again and again
ROUNDS = 9
PASSWORD = "bench bench bench"
HERE = Path(__file__).parents[1]

SERIES = [
    *(Series(f"circuit:{i}", "power_kw", "kW", 0.001, Kind.POWER) for i in range(CIRCUITS)),
    *(Series(f"circuit:{i}", "energy_kwh", "kWh", 0.01, Kind.COUNTER) for i in range(CIRCUITS)),
    *(Series("home", f"part{i}_kw", "kW", 0.001, Kind.POWER) for i in range(18)),
    Series("home", "soc_pct", "%", 0.1, Kind.LEVEL),
]
KEYS = [series.key for series in SERIES]
POWERS = [SeriesKey(f"circuit:{i}", "power_kw") for i in range(CIRCUITS)]


def figures() -> list[Figure]:
    """All figures of this part."""
    place = HERE / "artifacts"
    place.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-store-", dir=place))  # on a disk, not in memory
    try:
        peer = RowPerReading(folder / "peer.db", invented_day(0).minutes)
        kept = fill_ten_years(folder / "ten" / "data")
        written = [written_in_a_day(folder / "day", peer), kept_per_reading(kept, peer)]
        return [*written, *reads(folder / "ten", peer), full_day(folder / "ten" / "data", peer)]
    finally:
        shutil.rmtree(folder)


# -- an invented day -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    """Minutes (1440, series) and half-hours (48, series) of all series."""

    minutes: Array
    halves: Array


def invented_day(number: int) -> Day:
    """A day of 50 circuits: sun, fridges, bursts of kitchens, standby; 2 W of noise on each."""
    rng = np.random.default_rng(number)
    minute = np.arange(1440)
    power_w = np.zeros((1440, CIRCUITS))
    for circuit in range(CIRCUITS):
        power_w[:, circuit] = rng.integers(0, 15)
        if circuit % 10 == 0:
            sun = np.clip(np.sin((minute - 330) / 780 * np.pi), 0, None)
            power_w[:, circuit] += (
                4000 * sun * np.clip(1 + rng.normal(0, 0.1, 1440).cumsum() / 9, 0, 1)
            )
        elif circuit % 10 == 1:
            power_w[:, circuit] += 90 * ((minute + rng.integers(0, 45)) % 45 < 18)
        for start in rng.integers(360, 1380, rng.integers(0, 8)):
            power_w[start : start + rng.integers(2, 90), circuit] += rng.integers(20, 1500)
    power_w = np.round(power_w + rng.normal(0, 2.0, power_w.shape))
    counter_kwh = 5000 + power_w.clip(0).cumsum(axis=0) / 60_000
    level_pct = 50 + 40 * np.sin(minute / 229).reshape(-1, 1)
    minutes = np.hstack([power_w / 1000, counter_kwh, power_w[:, :18] / 1000, level_pct])
    halves = minutes.reshape(48, 30, -1).mean(axis=1)
    power = np.array([series.kind is Kind.POWER for series in SERIES])
    return Day(minutes, np.where(power, halves / 2, minutes[29::30]))


def fill_ten_years(folder: Path) -> float:
    """A store with ten sealed years; its bytes per stored minute reading."""
    invented = [invented_day(number) for number in range(KINDS_OF_DAY)]
    store = Store.open(folder, datetime(2026, 1, 1, tzinfo=UTC), ballast_bytes=0)
    store.add_series(SERIES)
    for year in range(FIRST.year, AFTER.year):
        first = date(year, 1, 1)
        count = (date(year + 1, 1, 1) - first).days
        block = np.vstack([invented[i % KINDS_OF_DAY].halves for i in range(count)])
        # No two days alike, or the answers would pack better than those of a real house.
        block *= (
            np.random.default_rng(year).uniform(0.6, 1.4, (count, len(KEYS))).repeat(48, axis=0)
        )
        quality = np.full(block.shape, Quality.COUNTER, np.uint8)
        store.write_slot_block(day_bounds(first)[0], KEYS, (block, quality), TOKYO)
    store.close()
    put_minutes(folder / "store.db", invented)
    count = (AFTER - FIRST).days
    return (folder / "store.db").stat().st_size / (count * 1440 * len(KEYS))


def put_minutes(path: Path, invented: list[Day]) -> None:
    """Give the sealed days their minutes, as `seal_day` would after a day of writing them."""
    blobs = [blob_of(day) for day in invented]
    connection = sqlite3.connect(path)
    for i in range((AFTER - FIRST).days):
        day = FIRST + timedelta(days=i)
        blob = blobs[i % KINDS_OF_DAY]
        blob = blob[:5] + struct.pack("<q", unix(day_bounds(day)[0])) + blob[13:]
        row = (days.day_number(day), 1, 1440 * len(KEYS), blob, digest(blob), "")
        connection.execute("insert or replace into day values(?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()


def blob_of(day: Day) -> bytes:
    """The day as it is sealed."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder), datetime(2026, 1, 1, tzinfo=UTC), ballast_bytes=0)
        store.add_series(SERIES)
        start = day_bounds(FIRST)[0]
        quality = np.full(day.halves.shape, Quality.COUNTER, np.uint8)
        store.write_minutes(start, KEYS, day.minutes)
        store.write_slot_block(start, KEYS, (day.halves, quality), TOKYO)
        store.seal_day(FIRST, TOKYO)
        store.close()
        connection = sqlite3.connect(Path(folder) / "store.db")
        blob: bytes = connection.execute("select z from day").fetchone()[0]
        connection.close()
    DayBlob.from_bytes(blob)
    return blob


# -- writing -------------------------------------------------------------------------------------


class RowPerReading:
    """The peer: one row a reading, one commit a minute, as safe as ours."""

    def __init__(self, path: Path, minutes: Array) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.executescript("pragma journal_mode=wal; pragma synchronous=full;")
        connection.execute("create table r(c int, t int, v, primary key(c, t)) without rowid")
        values = minutes.tolist()
        before = bytes_written()
        for minute, row in enumerate(values):
            connection.execute("begin")
            rows = [(c, minute, value) for c, value in enumerate(row)]
            connection.executemany("insert into r values(?, ?, ?)", rows)
            connection.execute("commit")
        connection.execute("pragma wal_checkpoint(truncate)")
        self.written_bytes = bytes_written() - before
        self.bytes_per_reading = path.stat().st_size / minutes.size
        self.day_ms = 1000 * middle(
            lambda: connection.execute("select c, t, v from r where c < ?", (CIRCUITS,)).fetchall()
        )
        self.year_ms = self._year(connection)
        connection.close()

    def _year(self, connection: sqlite3.Connection) -> float:
        connection.execute("create table h(c int, t int, v, primary key(c, t)) without rowid")
        connection.execute("begin")
        for circuit in range(CIRCUITS):
            rows = [(circuit, slot, slot % 48 / 100) for slot in range(17_520)]
            connection.executemany("insert into h values(?, ?, ?)", rows)
        connection.execute("commit")
        query = "select c, t / 1460 as m, sum(v) from h group by c, m"
        return 1000 * middle(lambda: connection.execute(query).fetchall())


def written_in_a_day(folder: Path, peer: RowPerReading) -> Figure:
    """A day minute by minute, its half-hours, its sealing at night."""
    day = invented_day(1)
    store = Store.open(folder, datetime(2026, 1, 1, tzinfo=UTC), ballast_bytes=0)
    store.add_series(SERIES)
    minutes, halves = day.minutes.tolist(), day.halves.tolist()
    start = day_bounds(FIRST)[0]
    before = bytes_written()
    for minute, row in enumerate(minutes):
        at = start + timedelta(minutes=minute)
        store.write_minute(at, dict(zip(KEYS, row, strict=True)))
        if minute % 30 == 29:
            values = [SlotValue(value, Quality.COUNTER) for value in halves[minute // 30]]
            store.write_slots(at, dict(zip(KEYS, values, strict=True)))
    store.seal_day(FIRST, TOKYO)
    store.tidy()
    written_mb = (bytes_written() - before) / 1e6
    store.close()
    return figure(
        "store: written in a day, 50 circuits", written_mb, "MB", peer.written_bytes / 1e6, 20.0
    )


def kept_per_reading(kept_bytes: float, peer: RowPerReading) -> Figure:
    """What a stored reading takes on the disk, half-hours and totals included."""
    name = "store: kept per reading, ten years"
    return figure(name, kept_bytes, "B", peer.bytes_per_reading, 1.0)


def bytes_written() -> int:
    """What this process has sent towards the disk."""
    rows = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(rows["write_bytes"]) or int(rows["wchar"])  # in memory nothing is sent to a disk


# -- reading -------------------------------------------------------------------------------------


GRAPHS = {
    "day": ("2020-05-05", "2020-05-06", "30m"),
    "month": ("2020-05-01", "2020-06-01", "1d"),
    "year": ("2020-01-01", "2021-01-01", "1mo"),
    "year by day": ("2020-01-01", "2021-01-01", "1d"),
    "ten years": ("2016-01-01", "2026-01-01", "1mo"),
}


def reads(folder: Path, peer: RowPerReading) -> Iterator[Figure]:
    """Every graph of 50 circuits, from the question to the bytes of the answer."""
    with api(folder) as ask:
        for name, (first, after, step) in GRAPHS.items():
            series = ",".join(f"{key.device}.{key.name}" for key in POWERS)
            path = f"/api/v1/history?series={series}&from={first}&to={after}&step={step}"
            answer = ask(path)
            assert len(json.loads(answer.content)["series"]) == CIRCUITS
            took_ms = 1000 * middle(lambda path=path: ask(path))
            kb = int(answer.headers["content-length"]) / 1000
            of_peer = peer.year_ms if name == "year" else None
            yield figure(f"store: graph, {name}, 50 circuits", took_ms, "ms", of_peer, 50.0)
            yield figure(f"store: graph, {name}, its answer", kb, "kB", None, 100.0)


@contextmanager
def api(folder: Path) -> Iterator[Callable[[str], httpx.Response]]:
    """Asks the API of a home whose store is in `folder`, signed in, without a network."""
    home = PaperHome(folder)
    auth = Auth(folder, home.clock)
    auth.ensure_user("owner", PASSWORD)
    app = create_app(home, auth, Options(web=None))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost:8600")

        def ask(path: str) -> httpx.Response:
            answer = runner.run(client.get(path))
            assert answer.status_code == 200, answer.text
            return answer

        body = {"user": "owner", "password": PASSWORD}
        assert runner.run(client.post("/api/v1/session", json=body)).status_code == 200
        yield ask
        runner.run(client.aclose())
    home.store.close()


def full_day(folder: Path, peer: RowPerReading) -> Figure:
    """One day of all circuits, minute by minute, in the store."""
    store = Store.open(folder, datetime(2026, 1, 1, tzinfo=UTC), ballast_bytes=0)
    start, end = day_bounds(date(2021, 3, 3))
    assert store.minutes(POWERS, start, end).shape == (1440, CIRCUITS)
    took_ms = 1000 * middle(lambda: store.minutes(POWERS, start, end))
    store.close()
    return figure("store: a day of 50 circuits, each minute", took_ms, "ms", peer.day_ms, 10.0)


def middle(work: Callable[[], object]) -> float:
    """The median time of some rounds, in seconds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def figure(name: str, value: float, unit: str, peer: float | None, bar: float) -> Figure:
    """One figure, where less is better."""
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "peer": None if peer is None else f"a row a reading {peer:.2f} {unit}",
        "ratio": None if peer is None else round(value / peer, 3),
        "bar": f"<= {bar:g} {unit}",
        "ok": value <= bar,
    }
