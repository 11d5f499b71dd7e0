"""The service: records acknowledged, bytes of a day on the wire, memory of a link, relay.

Each figure stands beside its floor, measured in the same run: the same rows written without a hub,
a bare WebSocket with the same certificate, the same request without the way over the service.
"""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from tests.cloud import sent
from tests.cloud.lab import Home, hub_on
from tests.cloud.postgres import Server
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from bench._relay import relay
from hidamari.cloud.ports import Arrived, SegmentStore
from hidamari.cloud.segments_postgresql import PostgresqlSegments
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.clock import VirtualClock
from hidamari.link.messages import Acked, LiveFrame, Query, Record, Reply, Welcome, encode

Figure = dict[str, Any]

SENDERS, RECORDS = 40, 250  # within the burst of 300 records that a home may send at once
BATCH = 500
IDLE, WARM = 500, 50  # the first ones also fill what is shared
LINK_LIMIT_KIB = 80
HERE = Path(__file__).parents[1]
ROUNDS = 300
DAY_LIMIT_KB = 400


def figures() -> list[Figure]:
    """All figures of this part."""
    with tempfile.TemporaryDirectory(prefix="bench-cloud-") as name:
        folder = Path(name)
        rows = ingest("sqlite", lambda n: SqliteSegments(folder / f"{n}.db", CLOCK))
        server = Server(durable=True)
        try:
            server.start()

            def on_server(database: str) -> SegmentStore:
                server.psql(f"create database {database}")
                return PostgresqlSegments(server.url(database), CLOCK)

            rows += ingest("postgresql", on_server)
        finally:
            server.remove()
        rows += [asyncio.run(link_request(folder)), *relay(folder)]
        rows.append(idle_links(folder))
    return [*rows, wire_day()]


CLOCK = VirtualClock(sent.NOW)


def segments() -> list[Record]:
    """Quarters of an hour of 20 circuits, one after the other."""
    return sent.segments(RECORDS, sent.NOW - timedelta(days=4))


def ingest(name: str, store_named: Callable[[str], SegmentStore]) -> list[Figure]:
    """Segments a second through real links into a store, beside the store alone."""
    records = segments()
    homes = [bytes([number + 1]) * 16 for number in range(SENDERS)]

    async def through_hub() -> float:
        async with hub_on(store_named("hub"), CLOCK) as lab:
            linked = [lab.home(home) for home in homes]
            for one in linked:
                await one.enter()
            start = time.perf_counter()
            await asyncio.gather(*(one.deliver(records) for one in linked))
            took = time.perf_counter() - start
            for one in linked:
                await one.hang_up()
            return SENDERS * RECORDS / took

    async def alone() -> float:
        store = store_named("alone")
        await store.open()
        rows = [Arrived(home, 1, record) for record in records for home in homes]
        start = time.perf_counter()
        for first in range(0, len(rows), BATCH):
            await store.write(rows[first : first + BATCH])
        took = time.perf_counter() - start
        await store.close()
        return len(rows) / took

    hub_s, alone_s = asyncio.run(through_hub()), asyncio.run(alone())
    return [
        {
            "name": f"cloud_acked_segments_{name}",
            "value": round(hub_s),
            "unit": "/s",
            "peer": round(alone_s),
            "ratio": round(hub_s / alone_s, 3),
        }
    ]


async def link_request(folder: Path) -> Figure:
    """A request to a linked home and its answer, beside an echo over a bare WebSocket."""
    query = Query(0, 5000, {"name": "x"}, "GET", "/api/v1/now", {})
    body = os.urandom(2000)

    async def timed(job: Callable[[], Awaitable[None]]) -> list[float]:
        taken = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            await job()
            taken.append((time.perf_counter() - start) * 1000)
        return sorted(taken)

    async with hub_on(SqliteSegments(folder / "relay.db", CLOCK), CLOCK) as lab:
        home = lab.home(sent.HOME)
        await home.enter()

        async def answer() -> None:
            while True:
                asked = await home.hear(60.0)
                if isinstance(asked, Query):
                    await home.say(Reply(asked.id, 200, {}, body))

        async def ask() -> None:
            async with aclosing(lab.bus.request(sent.HOME, query)) as replies:
                async for _ in replies:
                    pass

        answering = asyncio.create_task(answer())
        relayed = await timed(ask)
        answering.cancel()
        await asyncio.wait([answering])
        await home.hang_up()

    async with serve(_echo, "127.0.0.1", 0, compression=None) as door:
        port = door.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None) as bare:

            async def echo() -> None:
                await bare.send(body)
                await bare.recv()

            floor = await timed(echo)
    half = ROUNDS // 2
    return {
        "name": "cloud_link_request_p50",
        "value": round(relayed[half], 3),
        "unit": "ms",
        "peer": round(floor[half], 3),
        "ratio": round(relayed[half] / floor[half], 2),
    }


async def _echo(socket: Any) -> None:
    async for message in socket:
        await socket.send(message)


def idle_links(folder: Path) -> Figure:
    """Memory of a welcomed link over TLS that says nothing, beside a bare WebSocket over TLS."""
    homes = [Home(bytes([1, n // 256, n % 256]) + bytes(13), 1, "") for n in range(IDLE)]
    kept = {one.home.hex(): one.public.hex() for one in homes}
    (folder / "keys.json").write_text(json.dumps(kept))
    found = {kind: asyncio.run(_memory_kib(kind, folder, homes)) for kind in ("hub", "bare")}
    return {
        "name": "cloud_memory_idle_tls_link",
        "value": round(found["hub"], 1),
        "unit": "KiB",
        "peer": round(found["bare"], 1),
        "ratio": round(found["hub"] / found["bare"], 2),
        "bar": LINK_LIMIT_KIB,
        "ok": found["hub"] <= LINK_LIMIT_KIB,
    }


async def _memory_kib(kind: str, folder: Path, homes: Sequence[Home]) -> float:
    """KiB that one more connection costs the server, over all of them."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    command = [sys.executable, "-m", "bench._links", kind, str(folder)]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            port = int(await asyncio.to_thread(process.stdout.readline))
            server = psutil.Process(process.pid)
            for number, one in enumerate(homes):
                one.url, one.tls = f"wss://127.0.0.1:{port}/link/v1", tls
                if number == WARM:
                    before = server.memory_info().rss
                if kind == "hub":
                    answer = await one.enter()
                    assert isinstance(answer, Welcome), answer
                else:
                    await one.connect()
                await asyncio.sleep(0.01)
            return (server.memory_info().rss - before) / 1024 / (len(homes) - WARM)
        finally:
            process.kill()
            for one in homes:
                await one.hang_up()


def wire_day() -> Figure:
    """Bytes of a day of 20 circuits in WebSocket frames: what is sent and what is answered."""
    quarters = [sent.segment(n + 1, sent.NOW + timedelta(minutes=15 * n)) for n in range(96)]
    events = [sent.event(n + 1, sent.NOW) for n in range(50)]
    records = [*quarters, *events, sent.day(1, sent.TODAY), sent.totals(1, sent.TODAY)]
    live = LiveFrame(1_775_000_000_000, [-1234, 0, 2345, -345, None, None, 1500, 1500], 55.5)
    up = [encode(one) for one in records] + [encode(live)] * 1440
    down = [encode(Acked(one.stream, [one.seq])) for one in records]
    # RFC 6455: 2 bytes of head up to 125, 4 above; up has 4 of a mask. RFC 8446: 22 of a record.
    sizes = [len(f) + (2 if len(f) < 126 else 4) + 22 for f in (*up, *down)]
    total_kb = (sum(sizes) + 4 * len(up)) / 1000
    floor_kb = sum(len(one.payload) for one in records) / 1000
    return {
        "name": "cloud_wire_day_20_circuits",
        "value": round(total_kb, 1),
        "unit": "kB",
        "peer": round(floor_kb, 1),
        "ratio": round(total_kb / floor_kb, 2),
        "bar": DAY_LIMIT_KB,
        "ok": total_kb <= DAY_LIMIT_KB,
    }
