"""Nothing is lost and nothing doubled, whenever hub or store is killed: real processes, sockets."""

import asyncio
import os
import random
import resource
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from tests.cloud import sent
from tests.cloud.lab import Home
from tests.cloud.postgres import Server
from tests.cloud.processes import HubProcess, Sender

from hidamari.core.clock import RealClock
from hidamari.link.messages import Record

HOMES, PHASES, PER_PHASE = 20, 4, 78  # 6,240 records
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
NOW = RealClock().now().replace(second=0, microsecond=0)


def batch(phase: int) -> list[Record]:
    """What a home has to send in one phase: events, and every fourth a segment."""
    made = []
    for number in range(phase * PER_PHASE, (phase + 1) * PER_PHASE):
        at = NOW - timedelta(minutes=number)
        is_segment = number % 4 == 3
        seq = number // 4 + 1 if is_segment else number - number // 4 + 1
        made.append(sent.segment(seq, at, 1, 4) if is_segment else sent.event(seq, at))
    return made


@asynccontextmanager
async def sending(senders: list[Sender]) -> AsyncIterator[None]:
    """Homes that send in the background."""
    tasks = [asyncio.create_task(one.run()) for one in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for one in senders:
            await one.home.hang_up()
        for task in tasks:
            if not task.cancelled() and task.exception() is not None:
                raise task.exception()  # type: ignore[misc]


async def all_done(senders: list[Sender], within_s: float = 100.0) -> None:
    """Return when every record is acknowledged."""
    async with asyncio.timeout(within_s):
        while not all(one.is_done for one in senders):
            await asyncio.sleep(0.05)


async def storm(url: str, folder: Path, kill_store: Callable[[], None] | None) -> list[Sender]:
    """20 homes send while hub (and store) are killed in each phase; what they sent."""
    print(f"SEED={SEED}")
    rng = random.Random(SEED)
    senders = [Sender(Home(bytes([i]) * 16, i + 1, ""), random.Random(i)) for i in range(HOMES)]
    hub = HubProcess(url, folder, [one.home for one in senders])
    try:
        await hub.start()
        for one in senders:
            one.home.url = f"ws://127.0.0.1:{hub.port}/link/v1"
        async with sending(senders):
            for phase in range(PHASES):
                for one in senders:
                    one.make(batch(phase))
                await asyncio.sleep(rng.uniform(0.05, 0.6))
                if kill_store is not None and phase % 2:
                    await asyncio.to_thread(kill_store)
                else:
                    hub.kill()
                    await hub.start()
            await all_done(senders)
    finally:
        hub.kill()
    return senders


def judge(senders: list[Sender], rows: list[tuple[bytes, int, bytes]]) -> None:
    """Every record once, byte for byte."""
    expected = Counter(
        (one.home.home, one.home.epoch, r.payload) for one in senders for r in one.made
    )
    found = Counter(rows)
    assert sum(expected.values()) >= 6000
    assert sum((expected - found).values()) == 0, "lost"
    assert sum((found - expected).values()) == 0, "doubled"


@pytest.mark.req("SRV-09")
@pytest.mark.t(9)
@pytest.mark.timeout(120)
def test_a_hub_that_is_killed_loses_and_doubles_nothing_on_sqlite(tmp_path: Path):
    senders = asyncio.run(storm(f"sqlite:///{tmp_path}/cloud.db", tmp_path, None))
    with closing(sqlite3.connect(tmp_path / "cloud.db")) as file:
        rows = file.execute(
            "select home, epoch, z from seg union all select home, epoch, z from event"
        ).fetchall()
    judge(senders, rows)


@pytest.mark.req("SRV-09")
@pytest.mark.t(9)
@pytest.mark.timeout(180)
def test_a_hub_and_a_server_that_are_killed_lose_and_double_nothing_on_postgresql(tmp_path: Path):
    server = Server(durable=True)
    try:
        server.start()

        def kill() -> None:
            server.kill()
            server.start()

        senders = asyncio.run(storm(server.url(), tmp_path, kill))

        judge(senders, asyncio.run(kept_by(server)))
    finally:
        server.remove()


async def kept_by(server: Server) -> list[tuple[bytes, int, bytes]]:
    """All records on the server."""
    owner = await asyncpg.connect(server.url())
    both = "select home, epoch, z from seg union all select home, epoch, z from event"
    rows = [tuple(row) for row in await owner.fetch(both)]
    await owner.close()
    return rows


FULL_RECORDS = 300  # the burst that a home may send


@pytest.mark.timeout(120)
def test_a_server_whose_disk_is_full_keeps_what_it_acknowledged_and_goes_on(tmp_path: Path):
    """Not one byte has room; then even a power cut; then somebody makes room."""
    server = Server(durable=True, disk_mb=120)
    sender = Sender(Home(sent.HOME, 5, ""), random.Random(1))
    assert server.disk is not None
    log, first = tmp_path / "hub.log", NOW - timedelta(days=4)

    async def run() -> None:
        hub = HubProcess(server.url(), tmp_path, [sender.home])
        try:
            await hub.start()
            sender.home.url = f"ws://127.0.0.1:{hub.port}/link/v1"
            async with sending([sender]):
                sender.make(sent.segments(20, first))
                await all_done([sender])
                await asyncio.to_thread(server.disk.fill)
                sender.make(sent.segments(FULL_RECORDS, first)[20:])
                while "nothing can be kept now" not in log.read_text():
                    await asyncio.sleep(0.05)
                assert "No space left on device" in log.read_text()
                acked = sender.acked
                await asyncio.sleep(1.0)
                assert (sender.acked, sender.is_done) == (acked, False)
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.disk.free)
                await asyncio.to_thread(server.start)
                await all_done([sender])
                assert hub.process is not None
                assert hub.process.poll() is None  # the same one all the time
        finally:
            hub.kill()
        rows = await kept_by(server)
        assert Counter(rows) == Counter((sent.HOME, 5, r.payload) for r in sender.made)

    try:
        server.start()
        asyncio.run(run())
    finally:
        server.remove()


@pytest.mark.timeout(120)
def test_a_full_disk_in_the_cloud_acknowledges_nothing_and_loses_nothing(tmp_path: Path):
    """No file of the service may grow (RLIMIT_FSIZE): links stay, and all is sent once it may."""
    sender = Sender(Home(sent.HOME, 5, ""), random.Random(1))
    url = f"sqlite:///{tmp_path}/cloud.db"

    async def run() -> None:
        hub = HubProcess(url, tmp_path, [sender.home])
        try:
            await hub.start()
            sender.home.url = f"ws://127.0.0.1:{hub.port}/link/v1"
            assert hub.process is not None
            async with sending([sender]):
                sender.make(batch(0))
                await all_done([sender])
                limit = resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (4096, -1))
                acked = sender.acked
                sender.make(batch(1))
                await asyncio.sleep(1.5)
                assert sender.acked == acked
                assert hub.process.poll() is None
                resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, limit)
                await all_done([sender])
        finally:
            hub.kill()
        with closing(sqlite3.connect(tmp_path / "cloud.db")) as file:
            rows = file.execute(
                "select seq, 1 from seg union all select seq, 2 from event"
            ).fetchall()
        assert len(rows) == len(set(rows)) == 2 * PER_PHASE
        assert "nothing can be kept now" in (tmp_path / "hub.log").read_text()

    asyncio.run(run())
