"""The node with its sockets and timers: what the rest of the program awaits.

Time-outs here are real seconds of the network, also where the house runs faster than life.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Self

from hidamari.core.errors import DeviceSilent, InputError
from hidamari.echonet.discovery import NodeRecord
from hidamari.echonet.events import Answered, Event
from hidamari.echonet.frame import Eoj, Property
from hidamari.echonet.guard import Counters
from hidamari.echonet.node import Node, Setup
from hidamari.echonet.request import WAITS_S, Answer, Request
from hidamari.echonet.udp import ANY, Received, Transport, Udp

logger = logging.getLogger(__name__)

LONGEST_EDT_BYTES = 255  # PDC is one byte
LOOK_S = 0.2  # how often `discover` looks whether the search is over

Listener = Callable[[Event], None]


class Client:
    """One ECHONET Lite node on this machine: a controller, or a device of the simulator."""

    def __init__(self, setup: Setup, connect: Callable[[Received], Transport]) -> None:
        self._loop = asyncio.get_running_loop()
        self._node = Node(setup)
        self._waiting: dict[int, asyncio.Future[Answer | None]] = {}
        self._listeners: list[Listener] = []
        self._timer: asyncio.TimerHandle | None = None
        self._transport = connect(self._received)
        self._node.start()
        self._flush([])

    @classmethod
    def open(cls, setup: Setup, host: str = ANY, *, multicast: bool = True) -> Self:
        """Start a node on an address of this machine; StartError when port 3610 is taken."""
        own = setup.own_hosts if host == ANY else setup.own_hosts | {host}
        return cls(
            replace(setup, own_hosts=own),
            lambda received: Udp.open(host, received, multicast=multicast),
        )

    def close(self) -> None:
        """End all requests as silent and close the sockets."""
        self._transport.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    @property
    def nodes(self) -> Mapping[str, NodeRecord]:
        """The nodes that are bound, by host."""
        return self._node.neighbours.records

    @property
    def doubled(self) -> set[str]:
        """Identities that were found to name several nodes; add those of before a restart."""
        return self._node.neighbours.doubled

    @property
    def counters(self) -> Counters:
        """What happened on the network, for diagnostics."""
        return self._node.counters

    def batch_size(self, host: str) -> int:
        """How many properties a frame to this host may name, as learned so far."""
        return self._node.batch_size(host)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear of announcements and of nodes found, moved, doubled or doubted; returns the end."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def search(self, hosts: Iterable[str] = ()) -> None:
        """Look for nodes; they come as events."""
        self._node.search(hosts, self._loop.time())
        self._flush(self._node.advance(self._loop.time()))

    async def discover(self, hosts: Iterable[str] = (), within_s: float = 30.0) -> list[NodeRecord]:
        """Look for nodes by multicast and at these addresses until no more turn up."""
        self.search(hosts)
        end_s = self._loop.time() + within_s
        neighbours = self._node.neighbours
        while neighbours.is_searching(now_s := self._loop.time()) and now_s < end_s:
            await asyncio.sleep(LOOK_S)
        return list(neighbours.records.values())

    async def get(self, host: str, eoj: Eoj, epcs: Iterable[int]) -> Answer:
        """Read properties, in as many frames as the device needs; DeviceSilent after all tries."""
        return await self._ask(Request(host, eoj, epcs=tuple(epcs)))

    async def set(
        self,
        host: str,
        eoj: Eoj,
        values: Mapping[int, bytes],
        waits_s: tuple[float, ...] = WAITS_S,
    ) -> Answer:
        """Write properties; `refused` names those not taken; DeviceSilent after all tries.

        Silence means: it may or may not have run. A command that must not be repeated has one
        entry in `waits_s`.
        """
        for epc, edt in values.items():
            if not 0 < len(edt) <= LONGEST_EDT_BYTES:
                raise InputError(f"EPC 0x{epc:02X}: 1 to 255 bytes expected, got {len(edt)}")
        sets = tuple(Property(epc, edt) for epc, edt in values.items())
        return await self._ask(Request(host, eoj, sets=sets, waits_s=waits_s))

    def announce(self, eoj: Eoj, epcs: Iterable[int]) -> None:
        """Tell everybody the present data of some properties of one of our own objects."""
        self._node.announce(eoj, epcs)
        self._flush([])

    async def _ask(self, request: Request) -> Answer:
        now_s = self._loop.time()
        ticket = self._node.request(request, now_s)
        future = self._loop.create_future()
        self._waiting[ticket] = future
        self._flush(self._node.advance(now_s))
        try:
            answer: Answer | None = await future
        except asyncio.CancelledError:
            now_s = self._loop.time()
            self._node.withdraw(ticket, now_s)
            self._flush(self._node.advance(now_s))
            raise
        finally:
            self._waiting.pop(ticket, None)
        if answer is None:
            raise DeviceSilent(f"{request.eoj} at {request.host} does not answer")
        return answer

    def _received(self, data: bytes, host: str) -> None:
        self._flush(self._node.receive(data, host, self._loop.time()))

    def _due(self) -> None:
        self._timer = None
        self._flush(self._node.advance(self._loop.time()))

    def _flush(self, events: list[Event]) -> None:
        for datagram in self._node.take():
            self._transport.send(datagram.data, datagram.host)
        self._plan_timer()
        for event in events:
            if isinstance(event, Answered):
                future = self._waiting.get(event.ticket)
                if future is not None and not future.done():
                    future.set_result(event.answer)
                continue
            for listener in tuple(self._listeners):
                listener(event)

    def _plan_timer(self) -> None:
        due_s = self._node.next_timeout()
        if due_s is None:
            return
        if self._timer is not None:
            # A timer that fires too early only looks again: cheaper than a new one per frame.
            if self._timer.when() <= due_s:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due_s, self._due)
