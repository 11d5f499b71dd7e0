"""Where the links of homes end: who comes in, what is read from them, how they are sent away."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from hidamari.cloud.bus import TWO_CONTROLLERS_S, LocalBus, come_back_s
from hidamari.cloud.checks import LARGEST_SEQ, refusal
from hidamari.cloud.gate import IN_FLIGHT, PATIENCE_S, Allowance, Gate, whole_s
from hidamari.cloud.ingest import Counters, Ingest
from hidamari.cloud.link import Link, is_possible
from hidamari.cloud.ports import Directory, SegmentStore
from hidamari.core.clock import Clock
from hidamari.core.errors import HidamariError, LinkError, StoreError
from hidamari.http.doors import split_host
from hidamari.link import messages
from hidamari.link.messages import Bye, Hello, LiveFrame, Nonce, Record, Reply, Welcome
from hidamari.link.terms import LIVE_S, SEGMENT_S, SPREAD_S

logger = logging.getLogger(__name__)

TIDY_S = 3600.0
GOODBYE_S = 2.0
LATER_S = 30
SLOW_DOWN_S = 10
CONFIG = {"live_s": LIVE_S, "segment_s": SEGMENT_S, "window": IN_FLIGHT, "spread_s": SPREAD_S}
_LARGEST_STREAM = 255
_MOST_VERSION = 64
_LARGEST_EPOCH = 2**63 - 1  # homes draw 63 bits
_NOBODY = Ed25519PublicKey.from_public_bytes(bytes(32))  # proves nothing: takes the same time


class _Away(HidamariError):
    """The link ends with this goodbye."""

    def __init__(self, bye: Bye) -> None:
        super().__init__(bye.reason)
        self.bye = bye


class _Over(Exception):
    """Everything was said."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a hub works with."""

    store: SegmentStore
    directory: Directory
    bus: LocalBus
    clock: Clock


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a hub waits for what must come."""

    hello_s: float = 10.0
    silent_s: float = 150.0  # without any frame the link is dead


PATIENT = Patience()


class Hub:
    """The links of this process."""

    def __init__(self, parts: Parts, patience: Patience = PATIENT) -> None:
        self._parts = parts
        self._patience = patience
        self._gate = Gate()
        self._is_closing = False
        self.counters = Counters()
        self._ingest = Ingest(parts.store, self.counters)

    def install(self, app: FastAPI) -> None:
        """Serve the path of links."""
        app.add_api_websocket_route(messages.PATH, self.serve)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write what comes; at the end every home is told to come back later."""
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._ingest.run(), name="ingest"),
                tasks.create_task(self._tidy(), name="tidy"),
            ]
            try:
                yield
            finally:
                await self._drain()
                for task in work:
                    task.cancel()

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its challenge to its end."""
        await socket.accept()
        try:
            link = await self._enter(socket)
        except _Away as away:
            self.counters.turned_away += 1
            await _farewell(socket, away.bye)
        except LinkError as error:
            self.counters.bad_messages += 1
            logger.info("a hello was expected: %s", error)
            await _farewell(socket, Bye("bad_message", LATER_S))
        except (TimeoutError, WebSocketDisconnect):
            await _farewell(socket, None)
        else:
            await self._converse(socket, link)

    async def _drain(self) -> None:
        """Send everybody away; homes come back spread over the next minutes."""
        self._is_closing = True
        self._parts.bus.say_goodbye()
        until_s = _now_s() + GOODBYE_S
        while len(self._parts.bus) and _now_s() < until_s:
            await asyncio.sleep(0.02)

    # coming in

    async def _enter(self, socket: WebSocket) -> Link:
        """The link of a home that has proved itself and was let in."""
        if self._is_closing:
            raise _Away(Bye("drain", come_back_s()))
        wait_s = self._gate.connect_wait_s(_now_s())
        if wait_s > 0.0:
            raise _Away(Bye("slow_down", whole_s(wait_s) + secrets.randbelow(LATER_S)))
        hello = await self._hello(socket)
        self.counters.hellos += 1
        wait_s = self._gate.hello_wait_s(hello.home, _now_s())
        if wait_s > 0.0:
            raise _Away(Bye("slow_down", whole_s(wait_s)))
        try:
            committed = await self._parts.store.committed(hello.home, hello.epoch)
            newest = await self._parts.store.newest(hello.home, hello.epoch)
        except StoreError as error:
            logger.warning("a home has to come again: %s", error)
            raise _Away(Bye("slow_down", LATER_S + secrets.randbelow(LATER_S))) from None
        link = Link(hello, self._parts.clock.now())
        numbers = {stream: one.seq for stream, one in newest.items()}
        digests = {stream: one.digest for stream, one in newest.items() if one.digest is not None}
        link.send(Welcome(committed, CONFIG, numbers, digests))
        if not self._parts.bus.attach(link):
            raise _Away(Bye("two_controllers", TWO_CONTROLLERS_S))
        return link

    async def _hello(self, socket: WebSocket) -> Hello:
        """The hello of a bound home; whether the home or its proof is wrong is not told."""
        nonce = secrets.token_bytes(messages.NONCE_BYTES)
        now_ms = int(self._parts.clock.now().timestamp() * 1000)
        await socket.send_bytes(messages.encode(Nonce(nonce, now_ms)))
        async with asyncio.timeout(self._patience.hello_s):
            message = messages.decode_up(await _frame(socket))
        if not isinstance(message, Hello) or not _is_possible(message):
            raise LinkError("the first message is no hello")
        host = split_host(socket.headers.get("host", ""))
        signed = messages.proof_text(host[0] if host else "", nonce)
        try:
            key = await self._parts.directory.device_key(message.home)
        except StoreError as error:
            logger.warning("a home has to come again: %s", error)
            raise _Away(Bye("slow_down", LATER_S + secrets.randbelow(LATER_S))) from None
        if not _is_proof(key, message.proof, signed):
            address = socket.client.host if socket.client else ""
            wait_s = self._gate.stranger_wait_s(address, _now_s())
            raise _Away(Bye("unknown_home", max(LATER_S, whole_s(wait_s))))
        return message

    # while it lasts

    async def _converse(self, socket: WebSocket, link: Link) -> None:
        """Read and send until either side ends it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(socket, link), name="send")
                tasks.create_task(self._read(socket, link), name="read")
        except* (_Over, WebSocketDisconnect):
            pass
        except* StoreError as errors:
            logger.warning("a link ends: %s", errors.exceptions[0])
        finally:
            self._parts.bus.detach(link)

    async def _send(self, socket: WebSocket, link: Link) -> None:
        while True:
            message = await link.next()
            await socket.send_bytes(messages.encode(message))
            if isinstance(message, Bye):
                await socket.close()
                raise _Over

    async def _read(self, socket: WebSocket, link: Link) -> None:
        allowance = self._gate.allowance(link.home, _now_s())
        while True:
            try:
                async with asyncio.timeout(self._patience.silent_s):
                    frame = await _frame(socket)
                wait_s = await self._take(link, frame, allowance)
            except TimeoutError:
                link.send(Bye("silent"))
                return
            except LinkError as error:
                self.counters.bad_messages += 1
                logger.info("a link ends: %s", error)
                link.send(Bye("bad_message", LATER_S))
                return
            if wait_s > PATIENCE_S or len(link.in_flight) > IN_FLIGHT:
                self.counters.sent_away += 1
                link.send(Bye("slow_down", max(SLOW_DOWN_S, whole_s(wait_s))))
                return
            if wait_s > 0.0:
                await asyncio.sleep(wait_s)

    async def _take(self, link: Link, frame: bytes, allowance: Allowance) -> float:
        """Do what a message asks for; the seconds to wait before the next is read."""
        message = messages.decode_up(frame)
        if isinstance(message, Record):
            await self._record(link, message)
            return allowance.record(len(frame), _now_s())
        if isinstance(message, Reply) and link.answered(message):
            return 0.0
        if isinstance(message, Bye):
            raise _Over
        if isinstance(message, LiveFrame):
            if not is_possible(message):
                raise LinkError("a live frame of the house bus expected")
            self.counters.live_frames += 1
            link.heard(message, self._parts.clock.now())
        return allowance.other(len(frame), _now_s())

    async def _record(self, link: Link, record: Record) -> None:
        if not 0 < record.seq <= LARGEST_SEQ or not 0 < record.stream <= _LARGEST_STREAM:
            raise LinkError("a sequence number from 1 on expected")
        self.counters.records += 1
        if (record.stream, record.seq) in link.in_flight:
            return  # sent again before it was answered: one answer will do
        link.in_flight.add((record.stream, record.seq))
        code = refusal(record, self._parts.clock.now())
        if code is None:
            await self._ingest.put(link, record)
        else:
            await self._ingest.refuse(link, record, code)

    async def _tidy(self) -> None:
        """Once an hour, let go of what is not needed any more."""
        while True:
            try:
                await self._parts.store.tidy(self._parts.clock.now().date())
            except StoreError as error:
                logger.warning("the store could not be tidied: %s", error)
            await asyncio.sleep(TIDY_S)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _frame(socket: WebSocket) -> bytes:
    """The next binary frame; text is none of ours."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    frame = message.get("bytes")
    if not isinstance(frame, bytes):
        raise LinkError("a binary frame expected")
    return frame


def _is_possible(hello: Hello) -> bool:
    return (
        len(hello.home) == messages.HOME_BYTES
        and 0 < hello.epoch <= _LARGEST_EPOCH
        and len(hello.version) <= _MOST_VERSION
    )


def _is_proof(key: bytes | None, proof: bytes, signed: bytes) -> bool:
    try:
        public = _NOBODY if key is None else Ed25519PublicKey.from_public_bytes(key)
        public.verify(proof, signed)
    except (InvalidSignature, ValueError):
        return False
    return key is not None


async def _farewell(socket: WebSocket, bye: Bye | None) -> None:
    """Say goodbye, if there is still somebody."""
    try:
        if bye is not None:
            await socket.send_bytes(messages.encode(bye))
        await socket.close()
    except (WebSocketDisconnect, RuntimeError):
        return
