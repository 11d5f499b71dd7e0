"""Finds devices, knows them again, and has each of them polled."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from hidamari.core.clock import Clock
from hidamari.core.config import Settings
from hidamari.core.errors import DeviceSilent
from hidamari.core.time import unix
from hidamari.devices import kind_of
from hidamari.echonet.client import Client
from hidamari.echonet.discovery import NodeRecord, ObjectRecord
from hidamari.echonet.events import (
    Announced,
    Event,
    NodeDoubled,
    NodeDoubted,
    NodeFound,
    NodeMoved,
)
from hidamari.echonet.frame import NODE_PROFILE, Eoj
from hidamari.echonet.identity import Facts, identify
from hidamari.home.house import Circuit, House
from hidamari.home.inventory import Inventory, Wire
from hidamari.home.live import LiveDevice
from hidamari.home.poll import NodePoller
from hidamari.home.record import Recorder
from hidamari.home.registry import Binding, Seen
from hidamari.home.supervise import Failure, keep_running

logger = logging.getLogger(__name__)

SEARCH_AGAIN_S = 600.0  # devices that were added later are found without being asked to
SEARCH_PER_LIVE = 12.0  # a home that is asked seldom is searched seldom: within the hour
NOT_DEVICES = frozenset({0x05, 0x0E})  # controllers and node profiles
NUMBER = 0x83  # EPC of what tells a node from all others


class Owner(Protocol):
    """The home, as far as finding needs it."""

    house: House
    inventory: Inventory
    recorder: Recorder

    @property
    def clock(self) -> Clock:
        """The home's time."""
        ...

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

    def met_stranger(self, live: LiveDevice) -> None:
        """Another device answers at the address of this one."""
        ...

    def doubted(self, host: str) -> None:
        """Somebody else sends in the name of this host."""
        ...

    def note(self, kind: str, code: str, data: dict[str, object], device: str = "home") -> None:
        """Record something that a person may ask about."""
        ...

    def part_failed(self, failure: Failure) -> None:
        """A supervised part has failed and will be started again."""
        ...

    def choose_sources(self) -> None:
        """Decide again which source of each quantity is true."""
        ...


class Finder:
    """All nodes of the home and their pollers."""

    def __init__(self, home: Owner, client: Client, probe: tuple[str, ...]) -> None:
        self._home = home
        self._client = client
        self._probe = probe
        self._pollers: dict[str, NodePoller] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._searching: asyncio.Task[None] | None = None

    @property
    def is_searching(self) -> bool:
        """Whether a search is under way."""
        return self._searching is not None and not self._searching.done()

    def remember(self) -> None:
        """Put the devices and circuits of before into the house: missing now, but not absent."""
        home = self._home
        self._client.doubled.update(home.inventory.doubled)
        for binding in home.inventory.registry.all():
            eoj, maps = binding.object, binding.maps
            live = LiveDevice(binding, kind_of(eoj.class_code)(eoj))
            live.readable, live.writable = maps.readable, maps.writable
            live.announced = maps.announced
            home.house.devices[binding.id] = live
            home.recorder.follow(live)
        for wire in home.inventory.wires:
            circuit = self._circuit(wire.circuit, wire.board, wire.channel)
            home.house.circuits[wire.circuit] = circuit
        for live in home.house.devices.values():
            home.recorder.follow_circuits(live)
        home.choose_sources()

    async def run(self) -> None:
        """Search now and every ten minutes, and poll every node that is found."""
        unsubscribe = self._client.subscribe(self._heard)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for poller in self._pollers.values():
                    self._start(poller)
                for host, bindings in self._known().items():
                    group.create_task(self._greet(host, bindings), name=f"greet {host}")
                while True:
                    self.search()
                    live_s = self._home.settings.network.live_s
                    await asyncio.sleep(max(SEARCH_AGAIN_S, SEARCH_PER_LIVE * live_s))
        finally:
            self._group = None
            self._tasks.clear()
            unsubscribe()

    def search(self) -> None:
        """Look for devices now; answers come as events."""
        if self._group is not None and not self.is_searching:
            self._searching = self._group.create_task(self._search(), name="search")

    async def _search(self) -> None:
        hosts = [str(address) for address in self._home.settings.network.probe]
        await self._client.discover((*self._probe, *self._known(), *hosts))

    def _known(self) -> dict[str, list[Binding]]:
        """Where devices were last, without those whose place is not known."""
        found: dict[str, list[Binding]] = {}
        for binding in self._home.inventory.registry.all():
            if binding.host:
                found.setdefault(binding.host, []).append(binding)
        return found

    async def _greet(self, host: str, bindings: list[Binding]) -> None:
        """Poll the devices of before at once if their node is still where it was.

        The search finds them too, but asks each of their objects for its maps first, which takes
        half a minute on a slow bridge.
        """
        try:
            answer = await self._client.get(host, NODE_PROFILE, (NUMBER,))
        except DeviceSilent:
            return
        number = answer.values.get(NUMBER, b"")
        told = identify(Facts(host, number), self._home.inventory.doubled)
        for binding in bindings:
            live = self._home.house.devices.get(binding.id)
            is_same = not told.weak and binding.node_identity == told.text
            if is_same and live is not None and live.readable and live.binding.host == host:
                self._poller(host).add(live)
                self._start(self._poller(host))

    def look(self, live: LiveDevice) -> None:
        """Somebody looks at a device: what is not asked by itself is read now."""
        poller = self._pollers.get(live.binding.host)
        if poller is not None:
            poller.look(live.binding.object)

    def keep_pace(self) -> None:
        """Ask as often as the settings say."""
        for poller in self._pollers.values():
            poller.schedule.least_s = self._home.settings.network.live_s

    def ask_counters(self) -> None:
        """A half-hour ends: read all counters now, so that they fall near its edge."""
        for poller in self._pollers.values():
            poller.ask_counters()

    def rebind(self, old: str, binding: Binding) -> None:
        """The device found as `old` is `binding` from now on."""
        house = self._home.house
        live = house.devices.pop(old)
        gone = house.devices.pop(binding.id, None)
        for poller in self._pollers.values():
            for eoj in [eoj for eoj, one in poller.devices.items() if one is gone]:
                poller.remove(eoj)
        own = house.circuits_of(old)
        for circuit in own:
            del house.circuits[circuit]  # those of the unit that is gone go on
        inventory, recorder = self._home.inventory, self._home.recorder
        inventory.wires = [wire for wire in inventory.wires if wire.board != old]
        live.binding = binding
        house.devices[binding.id] = live
        recorder.forget({old, *own})
        recorder.follow(live)
        recorder.follow_circuits(live)
        recorder.counting.restart({binding.id, *house.circuits_of(binding.id)})

    # -- circuits ------------------------------------------------------------------------------

    def name_circuits(self) -> None:
        """Take names, rooms and devices of circuits from the settings."""
        circuits = self._home.house.circuits
        for circuit in list(circuits.values()):
            circuits[circuit.id] = self._circuit(circuit.id, circuit.board, circuit.channel)

    def learn_circuits(self, board: LiveDevice) -> None:
        """A board told of channels: each is a circuit of the home."""
        if not board.channels:
            return
        circuits = self._home.house.circuits
        known = {c.channel for c in circuits.values() if c.board == board.binding.id}
        if all(channel in known for channel, _ in board.channels):
            return
        others = any(c.board != board.binding.id for c in circuits.values())
        for channel in board.channel_names():
            if channel not in known:
                short = f"{board.binding.id}-{channel}" if others else channel
                wire = Wire(f"circuit:{short}", board.binding.id, channel)
                circuits[wire.circuit] = self._circuit(wire.circuit, wire.board, channel)
                self._home.inventory.wires.append(wire)
        self._home.inventory.touch()
        self._home.recorder.follow_circuits(board)
        self._home.choose_sources()

    def _circuit(self, circuit: str, board: str, channel: str) -> Circuit:
        own = self._home.settings.circuits.get(circuit)
        name = own.name if own and own.name else circuit.removeprefix("circuit:")
        room = own.room if own else ""
        return Circuit(circuit, board, channel, name, room, (own.device if own else None) or "")

    # -- nodes ---------------------------------------------------------------------------------

    def _heard(self, event: Event) -> None:
        if isinstance(event, Announced):
            poller = self._pollers.get(event.host)
            if poller is not None:
                poller.hint(event.eoj, tuple(event.values))
        elif isinstance(event, NodeFound | NodeMoved):
            self._bind(event.record)
        elif isinstance(event, NodeDoubled):
            self._doubled(event)
        elif isinstance(event, NodeDoubted):
            self._home.doubted(event.host)

    def _doubled(self, event: NodeDoubled) -> None:
        """Two nodes have one identity: the one we know keeps its name, the other is new."""
        inventory = self._home.inventory
        is_new = event.identity not in inventory.doubled
        inventory.doubled.add(event.identity)
        if is_new and event.second.identity != event.first.identity:
            hosts: dict[str, object] = {"hosts": [event.first.host, event.second.host]}
            self._home.note("error", "identity_doubled", hosts)
        inventory.registry.renamed(event.identity, list(_all_seen(event.first)))
        self._bind(event.first)
        if event.second.identity != event.first.identity:  # else their serial numbers come next
            self._bind(event.second)

    def _bind(self, record: NodeRecord) -> None:
        poller = self._poller(record.host)
        for found in record.objects:
            if found.eoj.group not in NOT_DEVICES:
                self._bind_object(record, found, poller)
        self._home.inventory.touch()
        self._home.choose_sources()
        self._start(poller)

    def _bind_object(self, record: NodeRecord, found: ObjectRecord, poller: NodePoller) -> None:
        home = self._home
        seen = _seen(record, found)
        binding, how = home.inventory.registry.bind(seen, unix(home.clock.now()))
        known, told = binding.maps, found.maps
        if not found.maps_told and told.readable < known.readable:
            told = known  # its answers were lost: it can still be asked what it could before
        binding = home.inventory.registry.told_maps(binding.id, told)
        live = home.house.devices.get(binding.id)
        if live is None or live.device.eoj != found.eoj:
            live = LiveDevice(binding, kind_of(found.eoj.class_code)(found.eoj))
            home.house.devices[binding.id] = live
        if how != "same":
            home.note("log", f"device_{how}", {"host": record.host}, binding.id)
        self._forget_elsewhere(binding.id, record.host)
        live.binding = binding
        live.readable, live.writable, live.announced = told.readable, told.writable, told.announced
        live.device.raw.update(found.values)
        home.recorder.follow(live)
        poller.add(live)

    def _forget_elsewhere(self, device: str, host: str) -> None:
        for poller in list(self._pollers.values()):
            gone: list[Eoj] = [
                eoj
                for eoj, live in poller.devices.items()
                if live.binding.id == device and poller.host != host
            ]
            for eoj in gone:
                poller.remove(eoj)
            if gone:
                self._drop_empty(poller.host)

    def _poller(self, host: str) -> NodePoller:
        poller = self._pollers.get(host)
        if poller is None:
            home = self._home
            least_s = home.settings.network.live_s
            poller = NodePoller(host, self._client, home.clock, home, least_s)
            self._pollers[host] = poller
        return poller

    def _drop_empty(self, host: str) -> None:
        """Nobody of ours is at this address any more."""
        poller = self._pollers.get(host)
        if poller is None or poller.devices:
            return
        del self._pollers[host]
        task = self._tasks.pop(host, None)
        if task is not None:
            task.cancel()

    def _start(self, poller: NodePoller) -> None:
        if self._group is not None and poller.host not in self._tasks:
            name = f"poll {poller.host}"
            part = keep_running(name, poller.run, self._home.clock, self._home.part_failed)
            task = self._group.create_task(part, name=name)
            self._tasks[poller.host] = task


def _seen(record: NodeRecord, found: ObjectRecord) -> Seen:
    return Seen(
        kind_of(found.eoj.class_code).kind,
        found.identity.text,
        found.identity.weak,
        record.host,
        str(found.eoj),
        record.maker,
        record.product,
    )


def _all_seen(record: NodeRecord) -> Iterable[Seen]:
    return (_seen(record, found) for found in record.objects)
