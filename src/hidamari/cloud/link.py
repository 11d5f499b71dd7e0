"""One linked home: what waits to be sent to it, what it was asked, what it said last."""

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from hidamari.cloud.ports import Presence
from hidamari.core.time import from_unix
from hidamari.link import messages
from hidamari.link.messages import (
    Acked,
    Bye,
    Cancel,
    Down,
    Hello,
    LiveFrame,
    Query,
    Record,
    Reply,
    Time,
)

TIME_EVERY = timedelta(hours=1)
MOST_WAITING_BYTES = 16 * 2**20  # of answers that a reader outside does not take up


@dataclass(slots=True)
class Question:
    """A relayed request and the pieces of its answer that nobody has taken yet."""

    id: int
    replies: asyncio.Queue[Reply | None] = field(default_factory=asyncio.Queue)  # None: home gone
    waiting_bytes: int = 0
    is_over: bool = False

    def put(self, reply: Reply) -> bool:
        """Take a piece up; False when too much waits already."""
        self.waiting_bytes += len(reply.body)
        self.is_over = self.is_over or not reply.more
        self.replies.put_nowait(reply)
        return self.waiting_bytes <= MOST_WAITING_BYTES

    def end(self) -> None:
        """No more pieces will come."""
        self.is_over = True
        self.replies.put_nowait(None)

    async def next(self) -> Reply | None:
        """The next piece; None when the home went away."""
        reply = await self.replies.get()
        if reply is not None:
            self.waiting_bytes -= len(reply.body)
        return reply


class Link:
    """A home from its welcome to its goodbye."""

    def __init__(self, hello: Hello, at: datetime) -> None:
        self.home = hello.home
        self.epoch = hello.epoch
        self.presence = Presence(linked=True, last_seen=at, caps=hello.caps)
        self.in_flight: set[tuple[int, int]] = set()  # (stream, seq) read and not answered
        self._questions: dict[int, Question] = {}
        self._last_id = 0
        self._down: deque[Down] = deque()
        self._filled = asyncio.Event()
        self._is_over = False
        self._timed = at

    # down

    def send(self, message: Down) -> None:
        """Say something after what waits already; nothing is said after a goodbye."""
        if not self._is_over:
            self._is_over = isinstance(message, Bye)
            self._down.append(message)
            self._filled.set()

    async def next(self) -> Down:
        """The next message to send."""
        while not self._down:
            self._filled.clear()
            await self._filled.wait()
        return self._down.popleft()

    def ack(self, records: list[Record]) -> None:
        """Tell which records are committed."""
        by_stream: dict[int, list[int]] = {}
        for record in records:
            self.in_flight.discard((record.stream, record.seq))
            by_stream.setdefault(record.stream, []).append(record.seq)
        for stream, seqs in by_stream.items():
            self.send(Acked(stream, seqs))

    # up

    def heard(self, frame: LiveFrame, at: datetime) -> None:
        """Keep a live frame and how far the home's clock is off."""
        skew_s = (from_unix(frame.at_ms / 1000) - at).total_seconds()
        self.presence = replace(self.presence, last_seen=at, live=frame, skew_s=skew_s)
        if at - self._timed >= TIME_EVERY:
            self._timed = at
            self.send(Time(round(at.timestamp() * 1000)))

    def answered(self, reply: Reply) -> bool:
        """Hand a piece on to who asked; False when nobody did."""
        question = self._questions.get(reply.id)
        if question is None:
            return False
        if not question.put(reply):
            self.send(Cancel(reply.id))
            question.end()
        if question.is_over:
            del self._questions[reply.id]
        return True

    # requests

    def ask(self, query: Query) -> Question:
        """Send a request under a number of our own."""
        self._last_id += 1
        question = Question(self._last_id)
        self._questions[question.id] = question
        self.send(msgspec.structs.replace(query, id=question.id))
        return question

    def forget(self, question: Question) -> None:
        """Nobody waits any more: an answer that is not complete is cancelled at home."""
        if self._questions.pop(question.id, None) is not None:
            self.send(Cancel(question.id))

    def end(self) -> None:
        """The home is gone: who waits for it is told."""
        for question in self._questions.values():
            question.end()
        self._questions.clear()
        self.presence = replace(self.presence, linked=False)


def is_possible(frame: LiveFrame) -> bool:
    """Whether a live frame is of a size and time that can be shown."""
    return len(frame.watts) == len(messages.BUS) and 0 <= frame.at_ms < 2**42
