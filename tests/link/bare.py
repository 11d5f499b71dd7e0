"""A real home without devices and a real hub, joined by a line in memory, in virtual time.

The home has its store, its uplink and what a test measures for it; the hub has a store of
segments. Nothing else of either is needed to see what becomes of records.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from starlette.types import Message
from starlette.websockets import WebSocket
from tests.cloud.lab import Keys
from tests.link.service import NAME, Exchange, PaperDesk, Pipe, Service
from tests.whole.air import Air
from tests.whole.loop import LoopClock
from tests.whole.street import OWN, FakeKernel

from hidamari.answers.ranges import Span
from hidamari.cloud.bus import LocalBus
from hidamari.cloud.history import past_of
from hidamari.cloud.hub import Hub, Parts
from hidamari.cloud.ports import SegmentStore
from hidamari.core.errors import StoreError
from hidamari.core.reading import Kind, Quality, Series, SlotValue
from hidamari.core.time import SLOT_S, TOKYO, unix
from hidamari.echonet.client import Client
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.home.app import Home, Means
from hidamari.home.device_key import own_identity
from hidamari.home.night import Nights
from hidamari.home.uplink import Uplink, Way
from hidamari.link.dial import Closed
from hidamari.link.messages import PATH
from hidamari.link.relay import Relay
from hidamari.sim.replay import packaged_year
from hidamari.store.db import Store
from hidamari.store.history import Reader

SERIES = [Series(f"circuit:{i}", "power_kw", "kW", 0.001, Kind.POWER) for i in range(1, 21)]
KEYS = [one.key for one in SERIES]
SLOT = timedelta(seconds=SLOT_S)
_YEAR = packaged_year(7)


async def no_answer(scope: object, receive: object, send: object) -> None:
    """An API that takes for ever."""
    await asyncio.Event().wait()


def measured_kw(start: datetime, minutes: int = 30) -> np.ndarray:
    """What 20 circuits of a measured home take in these minutes; some are missing."""
    first = unix(start) // SLOT_S
    die = np.random.default_rng(first)
    load_kwh, _ = _YEAR.half_hours(first, 1)
    shares = np.linspace(1.0, 3.0, len(KEYS))
    noise = die.uniform(0.2, 1.8, (minutes, len(KEYS)))
    found = 2.0 * float(load_kwh[0]) * noise * shares / shares.sum()
    found[die.random(found.shape) < 0.002] = np.nan
    return found.round(3)


def add_up(store: Store, start: datetime) -> None:
    """Write a half-hour that is over."""
    values = store.minutes(KEYS, start, start + SLOT)
    means = np.nanmean(values, axis=0)
    slots = {key: SlotValue(kw / 2, Quality.POWER) for key, kw in zip(KEYS, means, strict=True)}
    store.write_slots(start, slots)


def in_half_hours(reader: Reader, start: datetime, end: datetime) -> dict[datetime, list[float]]:
    """What a reader has of each half-hour that has begun: energy by circuit."""
    values, _ = reader.slots(KEYS, start, end)
    return {start + SLOT * i: row.tolist() for i, row in enumerate(values)}


@dataclass
class Bare:
    """One home; it can be switched off and on, or on again from another folder."""

    folder: Path
    clock: LoopClock
    exchange: Exchange
    kernel: FakeKernel = field(default_factory=FakeKernel)
    home: Home | None = None
    uplink: Uplink | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _client: Client | None = None

    @property
    def id(self) -> bytes:
        return own_identity(self.folder).home

    @property
    def store(self) -> Store:
        assert self.home is not None
        return self.home.store

    async def switch_on(self) -> Uplink:
        """Start on the folder: link and upload, nothing that measures."""
        store = Store.open(self.folder, self.clock.now(), ballast_bytes=0)
        store.add_series(SERIES)
        self._client = Client(
            Setup(Label(b"BARE"), own_hosts=frozenset({OWN})), Air(1).connect(OWN)
        )
        kernel = self.kernel.kernel()
        self.home = Home(Means(self.folder, store, self._client, self.clock, kernel=kernel))
        identity = own_identity(self.folder)
        desk = PaperDesk(self.exchange.service, identity)
        relay = Relay(no_answer, lambda actor: {}, store.answers)
        way = Way("https://cloud.test", NAME, "1", 1, desk, self.exchange.dial)
        self.uplink = Uplink(self.home, identity, way, relay)
        self.tasks = [asyncio.create_task(part()) for part in (self.uplink.run, self.uplink.upload)]
        return self.uplink

    async def switch_off(self) -> None:
        """The power is cut."""
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        if self.home is not None and self._client is not None:
            self.exchange.cut()
            self._client.close()
            self.store.close()
            self.home = None

    async def live(self, half_hours: int, each: Callable[[datetime], None] | None = None) -> None:
        """Measure for so long; days are sealed as they are at home.

        The minutes of a half-hour are laid down at its beginning: nobody looks at one before it
        is over, and one transaction is faster than thirty.
        """
        assert self.home is not None
        nights = Nights(self.home)
        for _ in range(half_hours):
            start = self.clock.now()
            if unix(start) % SLOT_S:
                raise AssertionError("a whole half-hour expected")
            self.store.write_minutes(start, KEYS, measured_kw(start))
            await asyncio.sleep(SLOT_S)
            add_up(self.store, start)
            if each is not None:
                each(start)
            with suppress(StoreError):
                await nights.look(self.clock.now())


@dataclass
class World:
    """A hub and the way to it."""

    clock: LoopClock
    hub: Hub
    bus: LocalBus
    keys: Keys
    store: SegmentStore
    stack: AsyncExitStack

    def bare(self, folder: Path) -> Bare:
        """A home that is bound here."""
        folder.mkdir(exist_ok=True)
        identity = own_identity(folder)
        self.keys.known[identity.home] = identity.public_key
        service = Service(identity.public_key, lambda: self.clock.true().timestamp())
        exchange = Exchange(service, serve=through(self.hub))
        found = Bare(folder, self.clock, exchange)
        self.stack.push_async_callback(found.switch_off)
        return found

    async def in_half_hours(
        self, home: bytes, start: datetime, end: datetime
    ) -> dict[datetime, list[float]]:
        """The same of a home, out of what it has sent."""
        past = await past_of(self.store, home, [Span(start, end)], "30m", TOKYO)
        return in_half_hours(past, start, end)

    async def minutes(self, home: bytes, start: datetime, end: datetime) -> np.ndarray:
        """Its minutes."""
        past = await past_of(self.store, home, [Span(start, end)], "1m", TOKYO)
        return past.minutes(KEYS, start, end)


def through(hub: Hub) -> Callable[[Pipe], Awaitable[None]]:
    """A connection of the hub over a pipe instead of a socket."""

    async def serve(pipe: Pipe) -> None:
        is_connected = False

        async def receive() -> Message:
            nonlocal is_connected
            if not is_connected:
                is_connected = True
                return {"type": "websocket.connect"}
            try:
                return {"type": "websocket.receive", "bytes": await pipe.receive()}
            except Closed:
                return {"type": "websocket.disconnect", "code": 1006}

        async def send(message: Message) -> None:
            if message["type"] == "websocket.send":
                try:
                    await pipe.send(message["bytes"])
                except Closed:
                    raise OSError("cut") from None

        scope = {"type": "websocket", "path": PATH, "headers": [(b"host", NAME.encode())]}
        await hub.serve(WebSocket({**scope, "client": ("192.0.2.7", 1)}, receive, send))

    return serve


@asynccontextmanager
async def world_of(store: SegmentStore, clock: LoopClock) -> AsyncIterator[World]:
    """A running hub in virtual time."""
    keys, bus = Keys(), LocalBus(clock)
    hub = Hub(Parts(store, keys, bus, clock))
    await store.open()
    try:
        async with hub.running(), AsyncExitStack() as stack:
            yield World(clock, hub, bus, keys, store, stack)
            await stack.aclose()
    finally:
        await store.close()
