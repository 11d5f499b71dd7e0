"""Which nodes are out there: searching, binding, and noticing when one moves or is doubled.

A node is *bound* once it was examined by unicast. Whatever is heard from an unknown address is a
reason to examine it, never a value: anybody on the network can send anything.
"""

import math
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from hidamari.echonet.discovery import (
    SUPER_CLASS,
    KnownEpcs,
    NodeRecord,
    Survey,
    examine,
    renamed,
    same_node,
)
from hidamari.echonet.events import Event, NodeDoubled, NodeFound, NodeMoved
from hidamari.echonet.frame import MULTICAST, NODE_PROFILE, NODE_PROFILE_ANY, Eoj
from hidamari.echonet.request import Answer, Request

T = TypeVar("T")

# Get D6 from everybody at these times after a search began, since multicasts get lost; in the end
# from those that listen to instance 0 only.
SEARCH_PLAN = (
    (0.0, NODE_PROFILE),
    (1.0, NODE_PROFILE),
    (3.0, NODE_PROFILE),
    (4.0, NODE_PROFILE_ANY),
)
ANSWERS_WITHIN_S = 1.0  # after the last search frame
EXAMINED_AT_ONCE = 16
WAITING_AT_MOST = 256
LEFT_ALONE_S = 60.0  # an address that did not answer an examination
RENEWED_AFTER_S = 10.0  # a bound node is not examined again sooner
SEARCH_AGAIN_S = 60.0  # since the last search, for a node that has just become silent
SEARCH_AT_LEAST_S = 300.0  # a node that stays away must not make all others answer each minute
HEARD_AT_MOST = 1024  # objects announced by one host

Start = Callable[[Generator[Request, Answer | None, T], Callable[[T, float], None], float], None]


@dataclass(frozen=True, slots=True)
class Search:
    """How to look for nodes."""

    known_epcs: KnownEpcs = lambda _code: SUPER_CLASS
    mac: Callable[[str], str] = lambda _host: ""
    multicast: bool = True


@dataclass(slots=True)
class Neighbours:
    """All nodes we know, and the examinations under way."""

    search_with: Search
    start: Start[NodeRecord | None]
    start_check: Start[bool | None]
    now: Callable[[], float]
    emit: Callable[[Event], None]
    knock: Callable[[Eoj, Iterable[str]], None]  # Get D6 from these hosts, or the group
    found_nobody: Callable[[str], None]  # there is no node at this address
    records: dict[str, NodeRecord] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)  # bound, but silent since: may be another now
    doubled: set[str] = field(default_factory=set)  # identities that several nodes would have
    _plan: deque[tuple[float, Eoj]] = field(default_factory=deque)
    _searched_s: float | None = None
    _pause_s: float = SEARCH_AGAIN_S
    _probes: dict[str, None] = field(default_factory=dict)  # addresses to ask one by one
    _waiting: deque[str] = field(default_factory=deque)
    _examining: set[str] = field(default_factory=set)
    _meeting: int = 0  # nodes of one identity, not yet told apart
    _not_before_s: dict[str, float] = field(default_factory=dict)
    _heard: dict[str, dict[Eoj, None]] = field(default_factory=dict)

    def search(self, hosts: Iterable[str], now_s: float) -> None:
        """Look for everybody by multicast and at these addresses, and examine all bound again."""
        self._probes = dict.fromkeys((*self._probes, *hosts))
        for host in self.records:
            self._not_before_s.pop(host, None)
            self._queue(host, now_s)
        self._look_around(now_s)

    def _look_around(self, now_s: float) -> None:
        self._searched_s = now_s
        self._plan = deque((now_s + after_s, profile) for after_s, profile in SEARCH_PLAN)
        self.advance(now_s)

    def is_searching(self, now_s: float) -> bool:
        """True while nodes may still turn up."""
        if self._waiting or self._examining or self._meeting:
            return True
        due_s = math.inf if self._searched_s is None else now_s - self._searched_s
        hopeful = self.search_with.multicast or any(h not in self.records for h in self._probes)
        return hopeful and due_s < SEARCH_PLAN[-1][0] + ANSWERS_WITHIN_S

    def hint(self, host: str, now_s: float) -> None:
        """Something came from this address; if nobody is bound there, find out who it is."""
        if host not in self.records:
            self._queue(host, now_s)

    def listed(self, host: str, eojs: Collection[Eoj], now_s: float) -> None:
        """A node announced its objects: it is new, has restarted or has changed."""
        if host not in self.records and host not in self._examining:
            return
        heard = self._heard.setdefault(host, {})
        if len(heard) < HEARD_AT_MOST:
            heard.update(dict.fromkeys(eojs))
        if host in self.records:
            self._queue(host, now_s)

    def silent(self, host: str, now_s: float) -> None:
        """An object of a bound node did not answer: find out whether its node is still there."""
        record = self.records.get(host)
        if record is None:
            return
        if host not in self.unsure:
            self.unsure.add(host)
            self._pause_s = SEARCH_AGAIN_S
            self.start_check(same_node(record), partial(self._checked, host), now_s)
        elif self._searched_s is None or now_s - self._searched_s >= self._pause_s:
            self._pause_s = min(2 * self._pause_s, SEARCH_AT_LEAST_S)
            self._look_around(now_s)

    def confirmed(self, request: Request) -> Generator[Request, Answer | None, Answer | None]:
        """Make sure the bound node still lives at its address, then ask it."""
        record = self.records.get(request.host)
        if record is not None:
            same = yield from same_node(record)
            self._checked(request.host, same, self.now())
            if not same:
                return None
        return (yield request)

    def advance(self, now_s: float) -> None:
        """Send the search frames that are due."""
        while self._plan and self._plan[0][0] <= now_s:
            hosts = [h for h in self._probes if h not in self.records and h not in self._examining]
            if self.search_with.multicast:
                hosts.append(MULTICAST)
            self.knock(self._plan.popleft()[1], hosts)

    def next_timeout(self) -> float | None:
        """When `advance` must be called next."""
        return self._plan[0][0] if self._plan else None

    def _checked(self, host: str, same: bool | None, now_s: float) -> None:
        if same:
            self.unsure.discard(host)
        elif same is False:  # another node has the address now
            self._not_before_s.pop(host, None)
            self._queue(host, now_s)

    # -- examinations ----------------------------------------------------------------------------

    def _queue(self, host: str, now_s: float) -> None:
        if (
            host in self._examining
            or host in self._waiting
            or now_s < self._not_before_s.get(host, now_s)
            or len(self._waiting) >= WAITING_AT_MOST
        ):
            return
        self._waiting.append(host)
        self._begin(now_s)

    def _begin(self, now_s: float) -> None:
        while self._waiting and len(self._examining) < EXAMINED_AT_ONCE:
            host = self._waiting.popleft()
            self._examining.add(host)
            survey = Survey(
                self.search_with.known_epcs,
                self.doubled,
                lambda host: tuple(self._heard.get(host, ())),
                self.search_with.mac,
            )
            self.start(examine(host, survey), partial(self._examined, host), now_s)

    def _examined(self, host: str, record: NodeRecord | None, now_s: float) -> None:
        self._examining.discard(host)
        self._heard.pop(host, None)
        if len(self._not_before_s) >= 4 * WAITING_AT_MOST:
            self._not_before_s.clear()
        pause_s = LEFT_ALONE_S if record is None else RENEWED_AFTER_S
        self._not_before_s[host] = now_s + pause_s
        if record is not None:
            self._settle(record, now_s)
        elif host not in self.records:
            self.found_nobody(host)
        self._begin(now_s)

    def _settle(self, record: NodeRecord, now_s: float) -> None:
        twin = self._twin(record)
        if twin is None:
            self._bind(record)
            return
        # Two addresses, one identity: has it moved, or are there two? Ask at the old address.
        self._meeting += 1
        self.start_check(same_node(twin), partial(self._met_twin, record, twin), now_s)

    def _twin(self, record: NodeRecord) -> NodeRecord | None:
        if record.identity.weak:
            return None
        return next(
            (
                r
                for r in self.records.values()
                if r.host != record.host and r.identity.text == record.identity.text
            ),
            None,
        )

    def _met_twin(
        self, record: NodeRecord, twin: NodeRecord, there: bool | None, now_s: float
    ) -> None:
        self._meeting -= 1
        if there:
            self.doubled.add(record.identity.text)
            first, second = renamed(twin, self.doubled), renamed(record, self.doubled)
            self.records[first.host] = first
            self.records[second.host] = second
            self.emit(NodeDoubled(record.identity.text, first, second))
            if self._twin(second) is not None:
                self._settle(second, now_s)
            return
        if self.records.get(twin.host) is twin:  # else somebody else lives there by now
            del self.records[twin.host]
            self.unsure.discard(twin.host)
        self.records[record.host] = record
        self.unsure.discard(record.host)
        self.emit(NodeMoved(record, twin.host))

    def _bind(self, record: NodeRecord) -> None:
        before = self.records.get(record.host)
        self.records[record.host] = record
        self.unsure.discard(record.host)
        known = before is not None and before.identity == record.identity
        self.emit(NodeFound(record, known))
