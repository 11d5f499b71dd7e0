"""Finds devices, knows them again, and has each of them polled."""

import asyncio
import logging
from datetime import datetime
from typing import Protocol

from hidamari.core.clock import Clock
from hidamari.core.config import Settings
from hidamari.core.time import unix
from hidamari.devices import kind_of
from hidamari.echonet.client import Client
from hidamari.echonet.discovery import NodeRecord, ObjectRecord
from hidamari.echonet.events import Announced, Event, NodeDoubled, NodeFound, NodeMoved
from hidamari.echonet.frame import Eoj
from hidamari.home.house import Circuit, House
from hidamari.home.live import LiveDevice
from hidamari.home.poll import NodePoller
from hidamari.home.record import Recorder
from hidamari.home.registry import Binding, Registry, Seen
from hidamari.home.supervise import Failure, keep_running

logger = logging.getLogger(__name__)

SEARCH_AGAIN_S = 600.0  # devices that were added later are found without being asked to
NOT_DEVICES = frozenset({0x05, 0x0E})  # controllers and node profiles


class Owner(Protocol):
    """The home, as far as finding needs it."""

    house: House
    registry: Registry
    recorder: Recorder
    clock: Clock

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    def took(self, live: LiveDevice, at: datetime) -> None:
        """A device has answered."""
        ...

    def went(self, live: LiveDevice, silent: bool) -> None:
        """A device stopped or began to answer."""
        ...

    def note(self, kind: str, code: str, data: dict[str, object], device: str = "home") -> None:
        """Record something that a person may ask about."""
        ...

    def part_failed(self, failure: Failure) -> None:
        """A supervised part has failed and will be started again."""
        ...

    def save_registry(self) -> None:
        """Keep which device is which."""
        ...

    def choose_sources(self) -> None:
        """Decide again which source of each quantity is true."""
        ...


class Finder:
    """All nodes of the home and their pollers."""

    def __init__(self, home: Owner, client: Client, hosts: tuple[str, ...]) -> None:
        self._home = home
        self._client = client
        self._hosts = hosts
        self._pollers: dict[str, NodePoller] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._searching: asyncio.Task[None] | None = None

    @property
    def is_searching(self) -> bool:
        """Whether a search is under way."""
        return self._searching is not None and not self._searching.done()

    async def run(self) -> None:
        """Search now and every ten minutes, and poll every node that is found."""
        unsubscribe = self._client.subscribe(self._heard)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for poller in self._pollers.values():
                    self._start(poller)
                while True:
                    self.search()
                    await asyncio.sleep(SEARCH_AGAIN_S)
        finally:
            self._group = None
            self._tasks.clear()
            unsubscribe()

    def search(self) -> None:
        """Look for devices now; answers come as events."""
        if self._group is not None and not self.is_searching:
            self._searching = self._group.create_task(self._search(), name="search")

    async def _search(self) -> None:
        probe = [str(address) for address in self._home.settings.network.probe]
        await self._client.discover((*self._hosts, *probe))

    def ask_counters(self) -> None:
        """A half-hour ends: read all counters now, so that they fall near its edge."""
        for poller in self._pollers.values():
            poller.ask_counters()

    def rebind(self, old: str, binding: Binding) -> None:
        """The device found as `old` is `binding` from now on."""
        house = self._home.house
        live = house.devices.pop(old)
        house.devices.pop(binding.id, None)
        live.binding = binding
        house.devices[binding.id] = live
        self._home.recorder.follow(live)

    def name_circuits(self) -> None:
        """Take names, rooms and devices of circuits from the settings."""
        circuits = self._home.house.circuits
        for circuit in list(circuits.values()):
            circuits[circuit.id] = self._circuit(circuit.id, circuit.board, circuit.channel)

    def learn_circuits(self, board: LiveDevice) -> None:
        """A board told of channels: each is a circuit of the home."""
        circuits = self._home.house.circuits
        known = {c.channel for c in circuits.values() if c.board == board.binding.id}
        new = [channel for channel in board.channel_names() if channel not in known]
        if not new:
            return
        boards = [d.binding.id for d in self._home.house.devices.values() if d.channels]
        first = boards[0] == board.binding.id if boards else True
        for channel in new:
            short = channel if first else f"{board.binding.id}-{channel}"
            circuit = f"circuit:{short}"
            circuits[circuit] = self._circuit(circuit, board.binding.id, channel)
        self._home.recorder.follow_circuits(board)
        self._home.choose_sources()

    def _circuit(self, circuit: str, board: str, channel: str) -> Circuit:
        own = self._home.settings.circuits.get(circuit)
        name = own.name if own and own.name else circuit.removeprefix("circuit:")
        room = own.room if own else ""
        return Circuit(circuit, board, channel, name, room, (own.device if own else None) or "")

    def _heard(self, event: Event) -> None:
        if isinstance(event, Announced):
            poller = self._pollers.get(event.host)
            if poller is not None:
                poller.hint(event.eoj, tuple(event.values))
        elif isinstance(event, NodeFound):
            self._bind(event.record)
        elif isinstance(event, NodeMoved):
            self._drop(event.old_host)
            self._bind(event.record)
        elif isinstance(event, NodeDoubled):
            data: dict[str, object] = {"hosts": [event.first.host, event.second.host]}
            self._home.note("error", "identity_doubled", data)
            self._bind(event.first)
            self._bind(event.second)

    def _bind(self, record: NodeRecord) -> None:
        poller = self._pollers.get(record.host)
        if poller is None:
            poller = NodePoller(
                record.host, self._client, self._home.clock, self._home.took, self._home.went
            )
            self._pollers[record.host] = poller
        for found in record.objects:
            if found.eoj.group not in NOT_DEVICES:
                self._bind_object(record, found, poller)
        self._home.save_registry()
        self._home.choose_sources()
        self._start(poller)

    def _bind_object(self, record: NodeRecord, found: ObjectRecord, poller: NodePoller) -> None:
        home = self._home
        kind = kind_of(found.eoj.class_code)
        seen = Seen(
            kind.kind,
            found.identity.text,
            found.identity.weak,
            record.host,
            str(found.eoj),
            record.maker,
            record.product,
        )
        binding, how = home.registry.bind(seen, unix(home.clock.now()))
        live = home.house.devices.get(binding.id)
        if live is None:
            live = LiveDevice(binding, kind(found.eoj, dict(found.values)))
            home.house.devices[binding.id] = live
        if how != "same":
            self._home.note("log", f"device_{how}", {"host": record.host}, binding.id)
        self._forget_elsewhere(binding.id, record.host)
        live.binding = binding
        live.readable, live.writable = found.maps.readable, found.maps.writable
        live.announced = found.maps.announced
        home.recorder.follow(live)
        poller.add(live)

    def _forget_elsewhere(self, device: str, host: str) -> None:
        for poller in self._pollers.values():
            gone: list[Eoj] = [
                eoj
                for eoj, live in poller.devices.items()
                if live.binding.id == device and poller.host != host
            ]
            for eoj in gone:
                poller.remove(eoj)

    def _drop(self, host: str) -> None:
        self._pollers.pop(host, None)
        task = self._tasks.pop(host, None)
        if task is not None:
            task.cancel()

    def _start(self, poller: NodePoller) -> None:
        if self._group is not None and poller.host not in self._tasks:
            name = f"poll {poller.host}"
            part = keep_running(name, poller.run, self._home.clock, self._home.part_failed)
            task = self._group.create_task(part, name=name)
            self._tasks[poller.host] = task
