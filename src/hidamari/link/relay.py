"""Relayed requests, carried out against the home's own API, each unsafe one once.

The same request may come twice: the phone repeats it, or the service does. Its key is written
down before anything is done, and its answer after that; what comes again gets the earlier answer.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Protocol

import msgspec
from starlette.types import ASGIApp

from hidamari.core.errors import HidamariError, InputError
from hidamari.link.asgi import WS, Asked, Problem, asked, run_http, run_socket
from hidamari.link.messages import Query, Reply

logger = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS", WS})
KEY_HEADER = "idempotency-key"
LONGEST_KEY = 100
LONGEST_TTL_S = 60.0
AT_ONCE = 32  # requests and streams of one link; a hostile service gets no more of this machine
UNSAFE_S = 60.0  # a request that has begun is not stopped before
REMEMBERED_BYTES = 65_536  # of an answer; a longer one is told by its status alone

_BUSY = Problem(503, "busy", f"at most {AT_ONCE} requests at once are carried out")

SendReply = Callable[[Reply], Coroutine[None, None, None]]
Admit = Callable[[Mapping[str, str]], Mapping[str, object]]


class Answers(Protocol):
    """What was carried out before; called in threads."""

    def begin(self, name: str, at_s: int) -> bytes | None:
        """None where the request is new, else the answer, empty where none is known."""
        ...

    def finish(self, name: str, answer: bytes) -> None:
        """Keep the answer."""
        ...


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A remembered answer, with what was asked."""

    asked: bytes
    status: int
    headers: dict[str, str]
    body: bytes


class Relay:
    """The requests of one service; unsafe ones go on when the connection ends."""

    def __init__(self, app: ASGIApp, admit: Admit, answers: Answers) -> None:
        """`admit` makes the entries of the ASGI scope that say who asks; raises InputError."""
        self._app = app
        self._admit = admit
        self._answers = answers
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._running: dict[str, asyncio.Task[_Kept]] = {}  # unsafe ones, by their name

    def ask(self, query: Query, offset_s: float, send: SendReply) -> None:
        """Carry out a request; returns at once. `offset_s`: the service's time minus ours."""
        if query.id in self._tasks:
            return  # said twice
        now_s = asyncio.get_running_loop().time()
        sent_s = query.sent_ms / 1000.0 - offset_s if query.sent_ms else now_s
        left_s = min(sent_s, now_s) + min(query.ttl_ms / 1000.0, LONGEST_TTL_S) - now_s
        at_s = int(now_s + offset_s)
        if len(self._tasks) >= AT_ONCE:
            work = send(_BUSY.reply(query.id))
        else:
            work = self._work(query, left_s, at_s, send)
        task = asyncio.create_task(work, name="relayed request")
        self._tasks[query.id] = task
        task.add_done_callback(partial(self._ended, query.id))

    def cancel(self, number: int) -> None:
        """Nobody waits for this answer."""
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()

    def left(self) -> None:
        """The connection is gone, and everybody who waited with it."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks = {}

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(number) is task:
            del self._tasks[number]
        if not task.cancelled() and task.exception() is not None:
            logger.debug("a relayed request ended: %s", task.exception())

    async def _work(self, query: Query, left_s: float, at_s: int, send: SendReply) -> None:
        try:
            await self._answer(query, left_s, at_s, send)
        except Problem as problem:
            await send(problem.reply(query.id))
        except TimeoutError:
            await send(Problem(504, "expired", "the answer took too long").reply(query.id))

    async def _answer(self, query: Query, left_s: float, at_s: int, send: SendReply) -> None:
        if left_s <= 0.0:
            raise Problem(409, "expired", "this request came too late and was not carried out")
        try:
            one = asked(query, self._admit(query.actor))
        except InputError as error:
            raise Problem(400, "bad_request", str(error)) from None
        if query.method == WS:
            await run_socket(self._app, one, send)
        elif query.method in SAFE:
            async with asyncio.timeout(left_s):
                await run_http(self._app, one, send)
        else:
            kept = await self._once(query, one, at_s)
            await send(Reply(query.id, kept.status, kept.headers, kept.body))

    async def _once(self, query: Query, one: Asked, at_s: int) -> _Kept:
        """Carry it out unless that was done, or is being done."""
        key = {name.lower(): value for name, value in query.headers.items()}.get(KEY_HEADER, "")
        if not 0 < len(key) <= LONGEST_KEY:
            raise Problem(400, "idempotency_key_needed", "a header Idempotency-Key is expected")
        who = query.actor.get("account", "")
        name = hashlib.sha256(f"{who}\0{key}".encode()).hexdigest()
        text = f"{query.method} {query.path}\0".encode()
        digest = hashlib.sha256(text + query.body).digest()
        running = self._running.get(name)
        if running is None:
            running = self._start(name, digest, one, at_s)
        kept = await asyncio.shield(running)
        if kept.asked != digest:
            raise Problem(422, "idempotency_key_reused", "another key is expected for this request")
        return kept

    def _start(self, name: str, digest: bytes, one: Asked, at_s: int) -> asyncio.Task[_Kept]:
        task = asyncio.create_task(self._carry_out(name, digest, one, at_s), name="relayed act")
        self._running[name] = task

        def over(done: asyncio.Task[_Kept]) -> None:
            del self._running[name]
            if not done.cancelled():
                done.exception()  # whoever waits is told

        task.add_done_callback(over)
        return task

    async def _carry_out(self, name: str, digest: bytes, one: Asked, at_s: int) -> _Kept:
        try:
            before = await asyncio.to_thread(self._answers.begin, name, at_s)
        except HidamariError as error:
            raise Problem(507, "no_room", str(error)) from None
        if before == b"":
            expected = "look at the state of the device; it may or may not have been carried out"
            raise Problem(409, "outcome_unknown", expected)
        if before is not None:
            return msgspec.msgpack.decode(before, type=_Kept)
        pieces: list[Reply] = []

        async def keep(reply: Reply) -> None:
            pieces.append(reply)

        # A task of its own: an application that fails answers first, and then raises.
        act = asyncio.create_task(run_http(self._app, one, keep), name="relayed act of the API")
        await asyncio.wait({act}, timeout=UNSAFE_S)
        if not act.done():
            act.cancel()
            raise TimeoutError
        if not pieces:
            raise Problem(500, "internal", "nothing was answered")
        if not act.cancelled() and act.exception() is not None:
            logger.warning("a relayed request failed: %s", act.exception())
        first, body = pieces[0], b"".join(piece.body for piece in pieces)
        kept = _Kept(digest, first.status, first.headers, body)
        is_long = len(body) > REMEMBERED_BYTES
        told = msgspec.structs.replace(kept, body=b"", headers={}) if is_long else kept
        await asyncio.to_thread(self._answers.finish, name, msgspec.msgpack.encode(told))
        return kept
