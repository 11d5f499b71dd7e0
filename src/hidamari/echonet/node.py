"""Our place on the ECHONET Lite network: asks, answers, finds other nodes. Bytes in, bytes out.

Theory: `receive` takes each datagram with the host it came from and the time; `advance` is called
when `next_timeout` has come; both return events, and `take` returns the datagrams to send. Every
conversation with another node (one request, or the examination of a node) is a generator that
yields requests; this file runs them. No sockets, no clock, no device kinds in here.
"""

import secrets
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from hidamari.core.errors import FrameError
from hidamari.echonet.events import Announced, Answered, Event, NodeDoubted
from hidamari.echonet.exchange import Exchange
from hidamari.echonet.frame import (
    CONTROLLER,
    MULTICAST,
    NODE_PROFILE,
    Eoj,
    Esv,
    Frame,
    Property,
)
from hidamari.echonet.guard import CONTROLLER_LIMITS, DEVICE_LIMITS, Counters, Guard, Limits
from hidamari.echonet.neighbours import Neighbours, Search
from hidamari.echonet.profile import (
    INSTANCE_LIST,
    Label,
    controller_object,
    node_profile,
    read_instance_list,
    start_announcements,
)
from hidamari.echonet.request import Answer, Datagram, Request, same_object
from hidamari.echonet.responder import ObjectServer, read_one, respond

_MAKER_FORMAT = b"\x10\x82"
_ANSWERS = frozenset(
    {
        Esv.SET_I_SNA,
        Esv.SET_C_SNA,
        Esv.GET_SNA,
        Esv.INF_SNA,
        Esv.SET_GET_SNA,
        Esv.SET_RES,
        Esv.GET_RES,
        Esv.INFC_RES,
        Esv.SET_GET_RES,
    }
)

T = TypeVar("T")
Steps = Generator[Request, Answer | None, T]


@dataclass(frozen=True, slots=True)
class Setup:
    """Who we are on the network, and how we look for others.

    `objects` are served besides the node profile. `own_hosts` are our addresses: our multicasts
    come back. `peers` are told our announcements by unicast, where multicast does not reach them.
    `search` None makes a node that only answers (a simulated device).
    """

    label: Label
    objects: Mapping[Eoj, ObjectServer] = field(default_factory=dict)
    own_hosts: frozenset[str] = frozenset()
    peers: tuple[str, ...] = ()
    search: Search | None = None
    limits: Limits | None = None  # None: what suits the role
    new_tid: Callable[[], int] = lambda: secrets.randbelow(0x10000)  # not to be guessed


class Node:
    """One ECHONET Lite node, both roles."""

    def __init__(self, setup: Setup) -> None:
        self.counters = Counters()
        self._setup = setup
        objects = dict(setup.objects)
        if setup.search is not None:
            objects.setdefault(CONTROLLER, controller_object(setup.label))
        self._listed = list(objects)
        self._objects = {NODE_PROFILE: node_profile(setup.label, self._listed), **objects}
        self._exchange = Exchange(setup.new_tid)
        usual = DEVICE_LIMITS if setup.search is None else CONTROLLER_LIMITS
        self._guard = Guard(self.counters, setup.limits or usual)
        self._talks: dict[int, Steps[None]] = {}
        self._asked: dict[int, Steps[None]] = {}  # by ticket
        self._now_s = 0.0
        self._events: list[Event] = []
        self._search_tids: deque[int] = deque(maxlen=8)
        self._tickets = 0
        self._doubted: set[str] = set()
        self.neighbours = Neighbours(
            setup.search or Search(),
            self._start_talk,
            self._start_talk,
            lambda: self._now_s,
            self._events.append,
            self._knock,
            self._exchange.found_nobody,
        )

    # -- what the owner calls --------------------------------------------------------------------

    def start(self) -> None:
        """Say to everybody which objects we have, as a node must when it comes up."""
        for frame in start_announcements(self._listed, self._setup.new_tid()):
            self._tell_all(frame)

    def request(self, request: Request, now_s: float) -> int:
        """Ask or command another node; the ticket comes back in an `Answered` event."""
        self._tickets += 1
        host = request.host
        unsure = host in self.neighbours.unsure
        steps = self.neighbours.confirmed(request) if unsure else _once(request)
        talk = self._talk(steps, partial(self._answered, self._tickets, request))
        self._asked[self._tickets] = talk
        self._step(talk, None, now_s)
        return self._tickets

    def withdraw(self, ticket: int, now_s: float) -> None:
        """Nobody waits for this answer any more; nothing more is sent for it."""
        talk = self._asked.pop(ticket, None)
        number = next((n for n, one in self._talks.items() if one is talk), None)
        if number is not None:
            self._talks.pop(number).close()
            self._exchange.withdraw(number, now_s)

    def search(self, hosts: Iterable[str], now_s: float) -> None:
        """Look for nodes by multicast, and at these addresses."""
        self.neighbours.search(hosts, now_s)

    def announce(self, eoj: Eoj, epcs: Iterable[int]) -> None:
        """Tell everybody the present data of some properties of one of our objects."""
        server = self._objects[eoj]
        found = ((epc, read_one(server, epc)) for epc in epcs)
        props = tuple(Property(epc, edt) for epc, edt in found if edt)
        if props:
            self._tell_all(Frame(self._setup.new_tid(), eoj, NODE_PROFILE, Esv.INF, props))

    def receive(self, data: bytes, host: str, now_s: float) -> list[Event]:
        """Take a datagram; whatever it is, it raises nothing."""
        if host in self._setup.own_hosts:
            return []
        expected = self._exchange.expects(data, host)
        if not expected and not self._guard.admits(host, now_s):
            return []
        self.counters.received += 1
        if data[:2] == _MAKER_FORMAT:
            self.counters.maker_format += 1
            return []
        try:
            frame = Frame.from_bytes(data)
        except FrameError as error:
            self._guard.bad(data, host, error, now_s)
            if expected:
                self._exchange.broken(data, host, now_s)
        else:
            self._handle(frame, host, now_s)
        return self._run(now_s)

    def advance(self, now_s: float) -> list[Event]:
        """Do what is due."""
        self.neighbours.advance(now_s)
        self._exchange.advance(now_s)
        return self._run(now_s)

    def next_timeout(self) -> float | None:
        """When `advance` must be called next, on the caller's clock; None while nothing waits."""
        due = (self._exchange.next_timeout(), self.neighbours.next_timeout())
        return min((at for at in due if at is not None), default=None)

    def take(self) -> list[Datagram]:
        """The datagrams to send now, each once."""
        out = self._exchange.outgoing
        self._exchange.outgoing = []
        self.counters.sent += len(out)
        return out

    def batch_size(self, host: str) -> int:
        """How many properties a frame to this host may name, as learned so far."""
        return self._exchange.batch_size(host)

    # -- frames ----------------------------------------------------------------------------------

    def _handle(self, frame: Frame, host: str, now_s: float) -> None:
        if frame.esv in _ANSWERS or frame.esv is Esv.INF:
            if frame.tid in self._search_tids and frame.seoj.class_code == 0x0EF0:
                self._heard_from(host, now_s)
                return
            if self._exchange.accept(frame, host, now_s):
                if frame.esv is Esv.INF:
                    self._announced(frame, host, now_s)
                return
        if frame.esv in _ANSWERS:
            self._exchange.unasked(frame, host, now_s)
            self._note_doubt(now_s)
        elif frame.esv in (Esv.INF, Esv.INFC):
            self._announced(frame, host, now_s)
        self._reply(frame, host)
        self._heard_from(host, now_s)

    def _reply(self, frame: Frame, host: str) -> None:
        if frame.esv is Esv.INF_REQ and same_object(frame.deoj, NODE_PROFILE):
            frame = self._list_objects(frame)
        for reply in respond(self._objects, frame):
            if reply.to_all:
                self._tell_all(reply.frame)
            else:
                self._send(reply.frame, host)

    def _list_objects(self, frame: Frame) -> Frame:
        """Tell everybody which objects we have where D5 is asked for; returns what else is.

        D5 is the one property that is announced and never read: it takes a frame for 84 objects.
        """
        rest = tuple(prop for prop in frame.props if prop[0] != INSTANCE_LIST)
        if rest != frame.props:
            for inf in start_announcements(self._listed, frame.tid):
                self._tell_all(inf._replace(deoj=frame.seoj))
        return frame._replace(props=rest)

    def _announced(self, frame: Frame, host: str, now_s: float) -> None:
        values = {epc: edt for epc, edt in frame.props if edt}
        if frame.seoj.class_code == 0x0EF0 and INSTANCE_LIST in values:
            self.neighbours.listed(host, read_instance_list(values[INSTANCE_LIST]), now_s)
        record = self.neighbours.records.get(host)
        if record is None or (frame.seoj.group != 0x0E and record.object(frame.seoj) is None):
            self.counters.unbound += 1
            return
        self._events.append(Announced(host, frame.seoj, values))

    def _heard_from(self, host: str, now_s: float) -> None:
        if self._setup.search is not None:
            self.neighbours.hint(host, now_s)

    def _note_doubt(self, now_s: float) -> None:
        doubted = set(self._exchange.doubted(now_s))
        self._events.extend(NodeDoubted(host) for host in sorted(doubted - self._doubted))
        self._doubted = doubted

    # -- sending ---------------------------------------------------------------------------------

    def _send(self, frame: Frame, host: str) -> None:
        self._exchange.outgoing.append(Datagram(frame.to_bytes(), host))

    def _tell_all(self, frame: Frame) -> None:
        for host in (MULTICAST, *self._setup.peers):
            self._send(frame, host)

    def _knock(self, profile: Eoj, hosts: Iterable[str]) -> None:
        tid = self._setup.new_tid()
        self._search_tids.append(tid)
        ask = Frame(tid, CONTROLLER, profile, Esv.GET, (Property(0xD6),))
        for host in hosts:
            self._send(ask, host)

    # -- conversations ---------------------------------------------------------------------------

    def _start_talk(self, steps: Steps[T], then: Callable[[T, float], None], now_s: float) -> None:
        self._step(self._talk(steps, then), None, now_s)

    def _talk(self, steps: Steps[T], then: Callable[[T, float], None]) -> Steps[None]:
        result = yield from steps
        then(result, self._now_s)

    def _step(self, talk: Steps[None], answer: Answer | None, now_s: float) -> None:
        self._now_s = now_s
        try:
            request = talk.send(answer)
        except StopIteration:
            return
        self._talks[self._exchange.ask(request, now_s)] = talk

    def _run(self, now_s: float) -> list[Event]:
        while self._exchange.done:
            done = self._exchange.done.pop(0)
            if done.answer is None:
                self.neighbours.silent(done.request.host, now_s)
            self._step(self._talks.pop(done.number), done.answer, now_s)
        self.counters.foreign = self._exchange.foreign
        self.counters.conflicts = self._exchange.conflicts
        events = self._events[:]
        self._events.clear()
        return events

    def _answered(
        self, ticket: int, request: Request, answer: Answer | None, _now_s: float
    ) -> None:
        self._asked.pop(ticket, None)
        self._events.append(Answered(ticket, request, answer))


def _once(request: Request) -> Steps[Answer | None]:
    return (yield request)
