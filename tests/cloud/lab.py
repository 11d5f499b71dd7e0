"""A hub behind a real socket, and homes that speak link/v1 to it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from hidamari.cloud.bus import LocalBus
from hidamari.cloud.hub import PATIENT, Hub, Parts, Patience
from hidamari.cloud.ports import Access, SegmentStore
from hidamari.core.clock import Clock, RealClock
from hidamari.core.errors import StoreError
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.serve import Room, serve
from hidamari.link import messages
from hidamari.link.messages import (
    Acked,
    Bye,
    Down,
    Hello,
    LiveFrame,
    Nonce,
    Record,
    Refused,
    Up,
    Welcome,
)

CLOUD = Room(connections=5000, message_bytes=messages.MAX_MESSAGE_BYTES, backlog=4096, ping_s=None)


@dataclass
class Keys:
    """A directory that knows public keys and nobody's access."""

    known: dict[bytes, bytes] = field(default_factory=dict)
    is_down: bool = False

    async def device_key(self, home: bytes) -> bytes | None:
        if self.is_down:
            raise StoreError("reading the tables of the service: they are away")
        return self.known.get(home)

    async def access(self, account: int, home: bytes) -> Access | None:
        return None


@dataclass
class Lab:
    """A running hub."""

    hub: Hub
    bus: LocalBus
    keys: Keys
    url: str

    def home(self, home: bytes, epoch: int = 1) -> "Home":
        """A home that is bound here."""
        made = Home(home, epoch, self.url)
        self.keys.known[home] = made.public
        return made


@asynccontextmanager
async def hub_on(
    store: SegmentStore, clock: Clock | None = None, patience: Patience = PATIENT
) -> AsyncIterator[Lab]:
    """A hub with this store, until the end."""
    bus, keys = LocalBus(clock or RealClock()), Keys()
    hub = Hub(Parts(store, keys, bus, clock or RealClock()), patience)
    app = FastAPI()
    hub.install(app)
    listening = Listening(DoorPlan("127.0.0.1", 0, None))
    url = f"ws://127.0.0.1:{listening.http_port}{messages.PATH}"
    await store.open()
    door = asyncio.create_task(serve(app, listening, room=CLOUD))
    try:
        async with hub.running():
            yield Lab(hub, bus, keys, url)
    finally:
        door.cancel()
        await asyncio.wait([door])
        await store.close()


class Home:
    """One home's end of the link; what comes is handed out message by message."""

    def __init__(self, home: bytes, epoch: int, url: str) -> None:
        self.home = home
        self.epoch = epoch
        self.url = url
        self._key = Ed25519PrivateKey.from_private_bytes(home + home)
        self.public = self._key.public_key().public_bytes_raw()
        self.tls: ssl.SSLContext | None = None
        self.nonce: Nonce | None = None
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """End the connection without a word."""
        if self._socket is not None:
            await self._socket.close()

    async def connect(self) -> None:
        """Open the socket."""
        self._socket = await connect(
            self.url, ssl=self.tls, compression=None, ping_interval=None, proxy=None
        )

    async def dial(self) -> Nonce | Bye:
        """Connect; what the service says first."""
        await self.connect()
        first = await self.hear()
        assert isinstance(first, Nonce | Bye)
        self.nonce = first if isinstance(first, Nonce) else None
        return first

    def hello(self, nonce: bytes, name: str = "127.0.0.1") -> Hello:
        """Who this is."""
        proof = self._key.sign(messages.proof_text(name, nonce))
        return Hello(self.home, self.epoch, proof, "0.1.0", {}, {"name": "test"})

    async def enter(self) -> Welcome | Bye:
        """Connect and say hello; the answer."""
        first = await self.dial()
        if isinstance(first, Bye):
            return first
        await self.say(self.hello(first.nonce))
        answer = await self.hear()
        assert isinstance(answer, Welcome | Bye)
        return answer

    async def say(self, message: Up) -> None:
        await self.raw(messages.encode(message))

    async def raw(self, frame: bytes | str) -> None:
        assert self._socket is not None
        await self._socket.send(frame)

    async def hear(self, timeout_s: float = 20.0) -> Down:
        """The next message of a known type."""
        assert self._socket is not None
        async with asyncio.timeout(timeout_s):
            while True:
                frame = await self._socket.recv(decode=False)
                message = messages.decode_down(frame)
                if message is not None:
                    return message

    async def live(self, at_ms: int) -> None:
        """A live frame in which everything is 1 W."""
        await self.say(LiveFrame(at_ms, [1] * len(messages.BUS), 50.0))

    async def deliver(self, records: Sequence[Record]) -> list[Refused]:
        """Send records 64 at a time until each is answered; those that were refused."""
        refused: list[Refused] = []
        waiting = list(records)
        open_seqs: set[tuple[int, int]] = set()
        while waiting or open_seqs:
            while waiting and len(open_seqs) < 64:
                record = waiting.pop(0)
                open_seqs.add((record.stream, record.seq))
                await self.say(record)
            answer = await self.hear()
            if isinstance(answer, Acked):
                open_seqs -= {(answer.stream, seq) for seq in answer.seqs}
            elif isinstance(answer, Refused):
                open_seqs.discard((answer.stream, answer.seq))
                refused.append(answer)
            else:
                assert not isinstance(answer, Bye), answer
        return refused
