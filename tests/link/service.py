"""A service for tests: keeps every record once, in memory, and speaks link/v1 over any pipe."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hidamari.link import messages
from hidamari.link.dial import Closed, LineLost
from hidamari.link.enrol import LinkCode, Member, OpenCode, Status
from hidamari.link.identity import Identity
from hidamari.link.messages import (
    Acked,
    Bye,
    Hello,
    LiveFrame,
    Nonce,
    Query,
    Record,
    Refused,
    Reply,
    Welcome,
    decode_up,
    encode,
)

NAME = "cloud.test"


class Pipe(Protocol):
    async def send(self, frame: bytes) -> None: ...
    async def receive(self) -> bytes: ...


@dataclass(slots=True)
class Service:
    """Homes by id; what each sent, by epoch, stream and number."""

    key: bytes
    now_s: Callable[[], float]  # the service's unix time
    bound: bool = True
    name: str = NAME
    kept: dict[tuple[int, int, int], Record] = field(default_factory=dict)
    came: int = 0  # records that came, again or not
    refuse: Callable[[Record], str | None] = lambda record: None
    live: list[LiveFrame] = field(default_factory=list)
    hellos: list[tuple[float, Hello]] = field(default_factory=list)
    refused: set[tuple[int, int, int]] = field(default_factory=set)
    replies: dict[int, asyncio.Queue[Reply]] = field(default_factory=dict)
    pipe: Pipe | None = None
    code: LinkCode | None = None
    said: list[str] = field(default_factory=list)
    _ids: int = 0

    async def converse(self, pipe: Pipe) -> None:
        """One connection from the challenge to its end."""
        nonce = bytes(range(messages.NONCE_BYTES))
        await pipe.send(encode(Nonce(nonce, round(self.now_s() * 1000))))
        hello = decode_up(await pipe.receive())
        assert isinstance(hello, Hello)
        self.hellos.append((self.now_s(), hello))
        if not self.bound:
            await pipe.send(encode(Bye("unlinked", 30)))
            return
        try:
            text = messages.proof_text(self.name, nonce)
            Ed25519PublicKey.from_public_bytes(self.key).verify(hello.proof, text)
        except InvalidSignature:
            await pipe.send(encode(Bye("bad_proof", 300)))
            return
        await pipe.send(encode(Welcome(self.committed(hello.epoch))))
        self.pipe = pipe
        while True:
            await self.take(decode_up(await pipe.receive()), hello.epoch, pipe)

    async def take(self, message: object, epoch: int, pipe: Pipe) -> None:
        if isinstance(message, Record):
            self.came += 1
            key = (epoch, message.stream, message.seq)
            code = self.refuse(message)
            if code is not None:
                self.refused.add(key)
                await pipe.send(encode(Refused(message.stream, message.seq, code)))
                return
            self.kept.setdefault(key, message)
            await pipe.send(encode(Acked(message.stream, [message.seq])))
        elif isinstance(message, LiveFrame):
            self.live.append(message)
        elif isinstance(message, Reply) and message.id in self.replies:
            self.replies[message.id].put_nowait(message)

    def committed(self, epoch: int) -> dict[int, int]:
        found: dict[int, int] = {}
        for stream in messages.STREAMS:
            seq = 0
            while {(epoch, stream, seq + 1)} & (self.kept.keys() | self.refused):
                seq += 1
            if seq:
                found[stream] = seq
        return found

    def of(self, stream: int) -> list[Record]:
        """What came in a stream, by epoch and number."""
        keys = sorted(key for key in self.kept if key[1] == stream)
        return [self.kept[key] for key in keys]

    async def ask(self, query: Query) -> AsyncIterator[Reply]:
        """Relay a request: its pieces."""
        self._ids += 1
        one = Query(self._ids, *(getattr(query, name) for name in Query.__struct_fields__[1:]))
        queue = self.replies[one.id] = asyncio.Queue()
        assert self.pipe is not None
        await self.pipe.send(encode(one))
        while True:
            reply = await queue.get()
            yield reply
            if not reply.more:
                return


class Line:
    """Two ends in memory; what is under way is lost when it is cut."""

    def __init__(self) -> None:
        self.up: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.down: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.is_cut = False
        self.error: type[Exception] = Closed

    def cut(self, error: type[Exception] = Closed) -> None:
        self.is_cut, self.error = True, error
        self.up.put_nowait(None)
        self.down.put_nowait(None)


class HomeEnd:
    """The home's end: a wire."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def send(self, frame: bytes) -> None:
        if self._line.is_cut:
            raise self._line.error("cut")
        self._line.up.put_nowait(frame)

    async def receive(self) -> bytes:
        frame = None if self._line.is_cut else await self._line.down.get()
        if frame is None:
            raise self._line.error("cut")
        return frame

    async def ping(self) -> None:
        if self._line.is_cut:
            raise self._line.error("cut")

    async def close(self) -> None:
        self._line.cut()


class TheirEnd:
    """The service's end."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def send(self, frame: bytes) -> None:
        if self._line.is_cut:
            raise Closed("cut")
        self._line.down.put_nowait(frame)

    async def receive(self) -> bytes:
        frame = None if self._line.is_cut else await self._line.up.get()
        if frame is None:
            raise Closed("cut")
        return frame


@dataclass(slots=True)
class Exchange:
    """The way between home and service: there or not, and every line that is open on it."""

    service: Service
    is_there: bool = True
    own_line: bool = True
    lines: list[Line] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    serve: Callable[[Pipe], Awaitable[None]] | None = None

    async def dial(self) -> HomeEnd:
        if not self.own_line:
            raise LineLost("no network") from OSError(errno.ENETUNREACH, "no route")
        if not self.is_there:
            raise Closed("refused")
        line = Line()
        self.lines.append(line)
        task = asyncio.create_task(self._serve(line))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return HomeEnd(line)

    def go(self) -> None:
        """The service is away."""
        self.is_there = False
        self.cut()

    def cut(self, error: type[Exception] = Closed) -> None:
        for line in self.lines:
            line.cut(error)
        self.lines = []

    async def _serve(self, line: Line) -> None:
        with suppress(Closed):
            await (self.serve or self.service.converse)(TheirEnd(line))
        await asyncio.sleep(0)
        line.down.put_nowait(None)


@dataclass(slots=True)
class PaperDesk:
    """The device's endpoints of a service in memory."""

    service: Service
    identity: Identity
    is_there: bool = True
    members: list[Member] = field(default_factory=list)

    @property
    def offset_s(self) -> float:
        return self.service.now_s() - asyncio.get_running_loop().time()

    async def register(self, version: str) -> tuple[Identity, bool]:
        self._must("register")
        return self.identity, self.service.bound

    async def link_code(self) -> LinkCode:
        self._must("link-code")
        until = datetime.fromtimestamp(self.service.now_s(), UTC) + timedelta(hours=1)
        self.service.code = LinkCode("123456", until)
        return self.service.code

    async def status(self) -> Status:
        self._must("status")
        code = self.service.code
        return Status(
            self.service.bound, self.members, OpenCode(code.expires_at, 5) if code else None
        )

    async def unlink(self) -> None:
        self._must("unlink")
        self.service.bound = False

    def _must(self, what: str) -> None:
        if not self.is_there:
            raise OSError("no network")
        self.service.said.append(what)


def seeded(seed: int) -> Random:
    return Random(seed)
