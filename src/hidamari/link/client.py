"""One connection of the home to the service: the shell around `state.Link`, without decisions."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from hidamari.core.errors import HidamariError
from hidamari.link.dial import Closed, Dial, LineLost, Wire
from hidamari.link.identity import Identity
from hidamari.link.messages import (
    Acked,
    Bye,
    Cancel,
    Hello,
    LiveFrame,
    Nonce,
    Query,
    Record,
    Refused,
    Reply,
    Welcome,
    digest_of,
    encode,
    proof_text,
)
from hidamari.link.relay import Relay
from hidamari.link.state import ORDER, Fact, Key, Link, Window
from hidamari.link.terms import Terms

logger = logging.getLogger(__name__)

ANSWER_S = 30.0  # for challenge and welcome, and for a ping
QUIET_S = 120.0  # after so long without a word the service is asked whether it is there


class Waiting(Protocol):
    """A record as the outbox has it."""

    @property
    def stream(self) -> int:
        """Its stream."""
        ...

    @property
    def seq(self) -> int:
        """Its number."""
        ...

    @property
    def at_s(self) -> int:
        """The start of what it tells."""
        ...

    @property
    def count(self) -> int:
        """How much it tells."""
        ...

    @property
    def payload(self) -> bytes:
        """What it tells."""
        ...


class Outbox(Protocol):
    """Where records wait until they are stored for good; called in threads."""

    def epoch(self) -> int:
        """The number of this generation of the store."""
        ...

    def last(self) -> dict[int, int]:
        """By stream the newest number given."""
        ...

    def after(self, stream: int, seq: int, limit: int) -> Sequence[Waiting]:
        """The oldest records of a stream behind a number."""
        ...

    def forget(self, gone: Sequence[Key]) -> object:
        """These are stored for good."""
        ...

    def forget_up_to(self, committed: Mapping[int, int]) -> object:
        """By stream everything up to this number is settled."""
        ...

    def refuse(self, stream: int, seq: int, code: str) -> object:
        """This one will never be taken."""
        ...

    def begin_epoch(self) -> int:
        """Number everything anew in a new epoch."""
        ...


class Home(Protocol):
    """What the connection needs of its home; returns at once."""

    def live(self) -> LiveFrame | None:
        """The house bus now."""
        ...

    def caps(self) -> dict[str, str | int | bool]:
        """What hello tells of the home."""
        ...

    def time_told(self, offset_s: float) -> None:
        """The service's unix time minus the loop's count of seconds."""
        ...

    def welcomed(self, terms: Terms) -> None:
        """The service took us in, and asks this of us."""
        ...

    def heard(self) -> None:
        """The service said something."""
        ...

    def refused(self, stream: int, seq: int, code: str) -> None:
        """A record was refused for good."""
        ...

    def settled(self) -> None:
        """There is room in the outbox again."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What connections are made of."""

    identity: Identity
    server_name: str
    version: str
    dial: Dial
    outbox: Outbox
    home: Home
    relay: Relay


class Client:
    """Connects when told to; keeps what is under way between two connections."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._window = Window()
        self._wake = asyncio.Event()

    def has_news(self) -> None:
        """Something was put into the outbox."""
        self._wake.set()

    async def connect(self) -> Bye | None:
        """One connection from its start to its end; the service's farewell, if it said one.

        Raises LineLost, Closed, LinkError and what the outbox raises.
        """
        wire = await self._means.dial()
        try:
            return await self._talk(wire)
        finally:
            with suppress(LineLost, Closed, OSError):
                await wire.close()

    async def _talk(self, wire: Wire) -> Bye | None:
        epoch = await asyncio.to_thread(self._means.outbox.epoch)
        last = await asyncio.to_thread(self._means.outbox.last)
        talk = _Talk(self._means, wire, Link(self._window, last), self._wake)
        welcome = await talk.begin(epoch)
        if isinstance(welcome, Bye):
            return welcome
        outbox = self._means.outbox
        if talk.link.went_back(welcome) or await asyncio.to_thread(_differs, outbox, welcome):
            # Our store is an older copy of itself: what it makes now must not pass for what it
            # had made before.
            logger.warning("the store is older than what it had sent: a new epoch begins")
            await asyncio.to_thread(outbox.begin_epoch)
            self._window = Window()
            return None
        await asyncio.to_thread(outbox.forget_up_to, welcome.committed)
        self._means.home.welcomed(talk.link.terms)
        try:
            return await talk.run()
        finally:
            self._means.relay.left()


class _Talk:
    """A connection that is up."""

    def __init__(self, means: Means, wire: Wire, link: Link, wake: asyncio.Event) -> None:
        self.link = link
        self._means = means
        self._wire = wire
        self._wake = wake
        self._gone: list[Key] = []
        self._has_more = True

    async def begin(self, epoch: int) -> Welcome | Bye:
        """Challenge, hello, welcome."""
        async with asyncio.timeout(ANSWER_S):
            nonce = await self._next()
            if isinstance(nonce, Bye):
                return nonce
            if isinstance(nonce, Nonce):
                await self._wire.send(encode(self._hello(nonce, epoch)))
            while True:
                fact = await self._next()
                if isinstance(fact, Welcome | Bye):
                    return fact

    async def run(self) -> Bye | None:
        """Records, live frames and relayed requests until the end."""
        bye: Bye | None = None
        ended: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(), name="link write")
                bye = await self._read()
                writer.cancel()
        except* (LineLost, Closed, HidamariError) as errors:
            ended = _first(errors)
        if ended is not None:
            raise ended
        return bye

    def _hello(self, nonce: Nonce, epoch: int) -> Hello:
        means = self._means
        if self.link.offset_s is not None:
            means.home.time_told(self.link.offset_s)
        proof = means.identity.sign(proof_text(means.server_name, nonce.nonce))
        last = dict(self.link.last)
        caps = means.home.caps()
        return Hello(means.identity.home, epoch, proof, means.version, last, caps)

    async def _read(self) -> Bye:
        while True:
            fact = await self._next()
            if isinstance(fact, Bye):
                return fact
            if fact is not None:
                await self._take(fact)

    async def _next(self) -> Fact | None:
        """The next message; a long silence is answered by a question."""
        try:
            async with asyncio.timeout(QUIET_S):
                frame = await self._wire.receive()
        except TimeoutError:
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._wire.ping()
            except TimeoutError:
                raise LineLost("the service does not answer") from None
            return None
        self._means.home.heard()
        return self.link.receive(frame, _now_s())

    async def _take(self, fact: Fact) -> None:
        means = self._means
        if isinstance(fact, Acked):
            self._gone += [(fact.stream, seq) for seq in fact.seqs]
        elif isinstance(fact, Refused):
            await asyncio.to_thread(means.outbox.refuse, fact.stream, fact.seq, fact.code[:40])
            means.home.refused(fact.stream, fact.seq, fact.code[:40])
        elif isinstance(fact, Query):
            means.relay.ask(fact, self.link.offset_s or 0.0, self._reply)
        elif isinstance(fact, Cancel):
            means.relay.cancel(fact.id)
        self._wake.set()

    async def _reply(self, reply: Reply) -> None:
        await self._wire.send(encode(reply))

    async def _write(self) -> None:
        while True:
            self._wake.clear()
            await self._forget()
            await self._fill()
            for record in self.link.window.due(_now_s()):
                await self._wire.send(encode(record))
            if self.link.live_due(_now_s()):
                frame = self._means.home.live()
                if frame is not None:
                    await self._wire.send(encode(frame))
            pause_s = self.link.next_s(_now_s()) - _now_s()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(pause_s, 0.01)):
                    await self._wake.wait()

    async def _forget(self) -> None:
        if self._gone:
            gone, self._gone = self._gone, []
            await asyncio.to_thread(self._means.outbox.forget, gone)
            self._means.home.settled()

    async def _fill(self) -> None:
        """Take records from the outbox into the window, as many as fit."""
        window, outbox = self.link.window, self._means.outbox
        for stream in ORDER:
            room = window.room(stream)
            if room <= 0:
                continue
            found = await asyncio.to_thread(outbox.after, stream, window.taken(stream), room)
            window.add([_record(one) for one in found], _now_s())


def _record(one: Waiting) -> Record:
    return Record(one.stream, one.seq, one.at_s // 60, one.count, one.payload)


def _differs(outbox: Outbox, welcome: Welcome) -> bool:
    """Whether the service's newest record of a stream is another one than ours of this number.

    A store that was put back numbers from where its copy ended: what it made since then, and the
    service does not know, still waits, so there is no need to remember what was confirmed.
    """
    for stream, digest in welcome.digests.items():
        newest = welcome.newest[stream]
        ours = outbox.after(stream, newest - 1, 1)
        if ours and ours[0].seq == newest and digest_of(ours[0].payload) != digest:
            return True
    return False


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of several errors that ended a connection: they have one cause."""
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _now_s() -> float:
    """Real seconds: the service counts them too, whatever the pace of the home's clock."""
    return asyncio.get_running_loop().time()
