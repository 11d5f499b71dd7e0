"""Relayed requests, carried out against the home's own API, each unsafe one once.

The same request may come twice: the phone repeats it, or the service does. Its key is written
down before anything is done, and its answer after that; what comes again gets the earlier answer.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
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
MOST_TOLD = 256  # refusals that wait to be sent; whoever does not take them gets no more
UNSAFE_S = 60.0  # a request that has begun is not stopped before
REMEMBERED_BYTES = 65_536  # of an answer; a longer one is told by its status alone

_EXPIRED = Problem(409, "expired", "this request came too late and was not carried out")
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


@dataclass(frozen=True, slots=True)
class _Act:
    """A request that changes something: its key, what was asked, and its times."""

    name: str
    digest: bytes
    asked: Asked
    until_s: float  # when it is too late to begin, by our count
    at_s: int  # when it came, by the service's


class Relay:
    """The requests of one service; unsafe ones go on when the connection ends."""

    def __init__(self, app: ASGIApp, admit: Admit, answers: Answers) -> None:
        """`admit` makes the entries of the ASGI scope that say who asks; raises InputError."""
        self._app = app
        self._admit = admit
        self._answers = answers
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._told: set[asyncio.Task[None]] = set()
        self._running: dict[str, asyncio.Task[_Kept]] = {}  # unsafe ones, by their name

    def ask(self, query: Query, offset_s: float, send: SendReply) -> None:
        """Carry out a request; returns at once. `offset_s`: the service's time minus ours."""
        if query.id in self._tasks:
            return  # said twice
        now_s = asyncio.get_running_loop().time()
        sent_s = query.sent_ms / 1000.0 - offset_s if query.sent_ms else now_s
        left_s = min(sent_s, now_s) + min(query.ttl_ms / 1000.0, LONGEST_TTL_S) - now_s
        at_s = int(now_s + offset_s)
        if left_s <= 0.0:
            self._tell(_EXPIRED.reply(query.id), send)
            return
        if len(self._tasks) >= AT_ONCE:
            self._tell(_BUSY.reply(query.id), send)
            return
        work = self._work(query, now_s + left_s, at_s, send)
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
        for task in (*self._tasks.values(), *self._told):
            task.cancel()
        self._tasks = {}

    def _tell(self, refusal: Reply, send: SendReply) -> None:
        """Refuse a request that gets none of the places."""
        if len(self._told) < MOST_TOLD:
            task = asyncio.create_task(send(refusal), name="relayed refusal")
            self._told.add(task)
            task.add_done_callback(partial(self._ended, refusal.id))

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        self._told.discard(task)
        if self._tasks.get(number) is task:
            del self._tasks[number]
        if not task.cancelled() and task.exception() is not None:
            logger.debug("a relayed request ended: %s", task.exception())

    async def _work(self, query: Query, until_s: float, at_s: int, send: SendReply) -> None:
        try:
            await self._answer(query, until_s, at_s, send)
        except Problem as problem:
            await send(problem.reply(query.id))
        except TimeoutError:
            await send(Problem(504, "expired", "the answer took too long").reply(query.id))

    async def _answer(self, query: Query, until_s: float, at_s: int, send: SendReply) -> None:
        try:
            one = asked(query, self._admit(query.actor))
        except InputError as error:
            raise Problem(400, "bad_request", str(error)) from None
        if query.method == WS:
            await run_socket(self._app, one, send)
        elif query.method in SAFE:
            async with asyncio.timeout_at(until_s):
                await run_http(self._app, one, send)
        else:
            kept = await self._once(_act(query, one, until_s, at_s))
            await send(Reply(query.id, kept.status, kept.headers, kept.body))

    async def _once(self, act: _Act) -> _Kept:
        """Carry it out unless that was done, or is being done."""
        running = self._running.get(act.name)
        if running is None:
            running = self._start(act)
        kept = await asyncio.shield(running)
        if kept.asked != act.digest:
            raise Problem(422, "idempotency_key_reused", "another key is expected for this request")
        return kept

    def _start(self, act: _Act) -> asyncio.Task[_Kept]:
        task = asyncio.create_task(self._carry_out(act), name="relayed act")
        self._running[act.name] = task

        def over(done: asyncio.Task[_Kept]) -> None:
            del self._running[act.name]
            if not done.cancelled():
                done.exception()  # whoever waits is told

        task.add_done_callback(over)
        return task

    async def _carry_out(self, act: _Act) -> _Kept:
        try:
            before = await asyncio.to_thread(self._answers.begin, act.name, act.at_s)
        except HidamariError as error:
            raise Problem(507, "no_room", str(error)) from None
        if before == b"":
            expected = "look at the state of the device; it may or may not have been carried out"
            raise Problem(409, "outcome_unknown", expected)
        if before is not None:
            return msgspec.msgpack.decode(before, type=_Kept)
        if asyncio.get_running_loop().time() > act.until_s:  # the disk was slow
            return await self._remember(act, _EXPIRED.reply(act.asked.id))
        return await self._remember(act, await self._ask_api(act.asked))

    async def _ask_api(self, one: Asked) -> Reply:
        pieces: list[Reply] = []

        async def keep(reply: Reply) -> None:
            pieces.append(reply)

        # A task of its own: an application that fails answers first, and then raises.
        task = asyncio.create_task(run_http(self._app, one, keep), name="relayed act of the API")
        await asyncio.wait({task}, timeout=UNSAFE_S)
        if not task.done():
            task.cancel()
            raise TimeoutError
        if not pieces:
            raise Problem(500, "internal", "nothing was answered")
        if not task.cancelled() and task.exception() is not None:
            logger.warning("a relayed request failed: %s", task.exception())
        body = b"".join(piece.body for piece in pieces)
        return msgspec.structs.replace(pieces[0], body=body)

    async def _remember(self, act: _Act, reply: Reply) -> _Kept:
        kept = _Kept(act.digest, reply.status, reply.headers, reply.body)
        is_long = len(reply.body) > REMEMBERED_BYTES
        told = msgspec.structs.replace(kept, body=b"", headers={}) if is_long else kept
        await asyncio.to_thread(self._answers.finish, act.name, msgspec.msgpack.encode(told))
        return kept


def _act(query: Query, one: Asked, until_s: float, at_s: int) -> _Act:
    """A request under its key; raises Problem where it has none."""
    key = {name.lower(): value for name, value in query.headers.items()}.get(KEY_HEADER, "")
    if not 0 < len(key) <= LONGEST_KEY:
        raise Problem(400, "idempotency_key_needed", "a header Idempotency-Key is expected")
    who = query.actor.get("account", "")
    name = hashlib.sha256(f"{who}\0{key}".encode()).hexdigest()
    text = f"{query.method} {query.path}\0".encode()
    return _Act(name, hashlib.sha256(text + query.body).digest(), one, until_s, at_s)
