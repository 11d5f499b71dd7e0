"""The simulated house on the network: its nodes, its life by the clock, faults on demand."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from hidamari.core.clock import Clock
from hidamari.core.errors import InputError
from hidamari.echonet.client import Client
from hidamari.echonet.frame import Eoj
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.echonet.responder import ObjectServer
from hidamari.echonet.udp import Received, Transport, Udp
from hidamari.sim.fleet import DEVICES, NODES, SimDevice, build, label
from hidamari.sim.keep import load, save
from hidamari.sim.noise import chance
from hidamari.sim.recorded import read_recorded
from hidamari.sim.replay import TICK_S, Replay
from hidamari.sim.wire import LiveObject
from hidamari.sim.world import World

logger = logging.getLogger(__name__)

SAVE_S = 60.0
RECORDED_LOOK_S = 0.2  # how soon a written property is announced
LEAST_NAP_S = 0.05  # real seconds between two looks at a fast clock


@dataclass(frozen=True, slots=True)
class Net:
    """Where the nodes are. `hosts`: one per node, or a single one that carries every object.

    `controller` gets announcements by unicast where multicast does not reach it.
    """

    hosts: tuple[str, ...]
    controller: str = ""
    multicast: bool = True

    @classmethod
    def parse(cls, text: str) -> "Net":
        """Read "127.0.0.0/24" (nodes from .2 on, controller .1) or one address of this machine."""
        try:
            if "/" not in text:
                return cls((str(IPv4Address(text)),))
            network = IPv4Network(text, strict=False)
        except ValueError as error:
            raise InputError(f"network: an address or 127.0.0.0/24 expected ({error})") from None
        if network.num_addresses < NODES + 3:
            raise InputError(f"network: room for {NODES + 1} addresses expected, got {text}")
        hosts = tuple(str(network[2 + node]) for node in range(NODES))
        # On loopback every program of this machine would hear the group: addresses are listed.
        return cls(hosts, str(network[1]), multicast=not network.is_loopback)

    @property
    def peers(self) -> tuple[str, ...]:
        """Who is told announcements by unicast."""
        return () if self.multicast or not self.controller else (self.controller,)

    @property
    def one_node(self) -> bool:
        """Whether all objects share one address."""
        return len(self.hosts) == 1


@dataclass(slots=True)
class Faults:
    """What goes wrong on the network: share of datagrams lost, and how late answers are."""

    drop: float = 0.0
    delay_s: float = 0.0
    lost: int = 0


class FaultyUdp:
    """A transport that loses and delays datagrams as told."""

    def __init__(self, inner: Callable[[Received], Transport], received: Received, faults: Faults):
        self._faults = faults
        self._seen = 0
        self._received = received
        self._inner = inner(self._heard)

    def send(self, data: bytes, host: str) -> None:
        """Send, late or not at all."""
        if self._loses():
            return
        if self._faults.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._faults.delay_s, self._inner.send, data, host)
        else:
            self._inner.send(data, host)

    def close(self) -> None:
        """Stop."""
        self._inner.close()

    def _heard(self, data: bytes, host: str) -> None:
        if not self._loses():
            self._received(data, host)

    def _loses(self) -> bool:
        self._seen += 1
        lost = chance(17, self._seen) < self._faults.drop
        self._faults.lost += lost
        return lost


@dataclass(slots=True)
class _Node:
    host: str
    objects: dict[Eoj, LiveObject]
    label: Label
    client: Client | None = None


@dataclass(slots=True)
class SimHouse:
    """A house whose devices answer on UDP; `serve` runs until cancelled.

    `fine_ticks`: how many ticks of 10 s a step of its life has; it divides a half-hour.
    """

    world: World
    clock: Clock
    net: Net
    state_path: Path | None = None
    faults: Faults = field(default_factory=Faults)
    objects: dict[str, LiveObject] = field(default_factory=dict)
    nodes: list[_Node] = field(default_factory=list)
    fine_ticks: int = 1
    devices: tuple[SimDevice, ...] = DEVICES

    def open(self) -> None:
        """Catch up with the clock, bind all addresses and announce the devices."""
        self.world.advance(self.clock.now())
        self.objects = build(self.world, self.devices)
        seed = self.world.state.seed
        self.nodes = [
            _Node(host, {}, label(seed, index, self.devices))
            for index, host in enumerate(self.net.hosts)
        ]
        for device in self.devices:
            node = self.nodes[0 if self.net.one_node else device.node]
            obj = self.objects[device.key]
            eoj = _free(device.eoj, node.objects)
            obj.eoj = eoj
            node.objects[eoj] = obj
        try:
            for node in self.nodes:
                self._connect(node)
        except BaseException:
            self.close()
            raise
        for obj in self.objects.values():
            obj.changed()

    async def serve(self, ready: Callable[[], None] | None = None) -> None:
        """Live by the clock: move the house, announce what changed, save now and then."""
        self.open()
        if ready is not None:
            ready()
        loop = asyncio.get_running_loop()
        saved_s = loop.time()
        try:
            while True:
                self.catch_up()
                if self.state_path is not None and loop.time() - saved_s >= SAVE_S:
                    saved_s = loop.time()
                    self._save(self.state_path)
                await self._nap()
        finally:
            self.close()
            if self.state_path is not None:
                self._save(self.state_path)

    def _save(self, path: Path) -> None:
        """Keep the state; on a full disk the house lives on, and is as old as the last copy."""
        try:
            save(self.world, path)
        except OSError as error:
            logger.warning("the simulated house could not be saved: %s", error)

    def catch_up(self) -> None:
        """Live until the clock's present, and announce what changed."""
        self.world.advance(self.clock.now(), self.fine_ticks)
        for node in self.nodes:
            for eoj, obj in node.objects.items():
                epcs = obj.changed()
                if epcs and node.client is not None:
                    node.client.announce(eoj, epcs)

    def close(self) -> None:
        """Close all sockets."""
        for node in self.nodes:
            if node.client is not None:
                node.client.close()
                node.client = None

    def host_of(self, key: str) -> str:
        """The address a device is at."""
        return self._node(key).host

    def vanish(self, key: str) -> None:
        """The node of a device is unplugged."""
        node = self._node(key)
        if node.client is not None:
            node.client.close()
            node.client = None

    def come_back(self, key: str, host: str | None = None) -> None:
        """The node of a device is plugged in again, at its old or at another address."""
        self.vanish(key)
        node = self._node(key)
        node.host = host or node.host
        self._connect(node)

    def new_meter(self) -> None:
        """The smart meter is replaced: its counters start at zero."""
        counters = self.world.state.counters
        self.world.form = replace(
            self.world.form,
            import_offset_kwh=counters.import_kwh,
            export_offset_kwh=counters.export_kwh,
        )

    def _node(self, key: str) -> _Node:
        return next(n for n in self.nodes if self.objects[key] in n.objects.values())

    def _connect(self, node: _Node) -> None:
        served: dict[Eoj, ObjectServer] = dict(node.objects)
        setup = Setup(node.label, served, own_hosts=frozenset({node.host}), peers=self.net.peers)

        def udp(received: Received) -> Transport:
            return Udp.open(node.host, received, multicast=self.net.multicast)

        node.client = Client(setup, lambda received: FaultyUdp(udp, received, self.faults))

    async def _nap(self) -> None:
        # Sleep to the next step of the house, but let a fast clock run many steps at once.
        step_s = self.fine_ticks * TICK_S
        left_s = step_s - self.clock.now().timestamp() % step_s
        await asyncio.gather(self.clock.sleep(left_s), asyncio.sleep(LEAST_NAP_S))


def _free(eoj: Eoj, taken: dict[Eoj, LiveObject]) -> Eoj:
    """The object itself, or the next instance of its class where a node has several."""
    instance = eoj.instance
    while Eoj(eoj.group, eoj.code, instance) in taken:
        instance += 1
    return Eoj(eoj.group, eoj.code, instance)


def world_of(
    seed: int, clock: Clock, state_path: Path | None = None, replay: Replay | None = None
) -> World:
    """The house as it was saved, or a new one of this seed with a past behind it."""
    kept = None if state_path is None else load(state_path, replay)
    return World.new(seed, clock.now(), replay) if kept is None else kept


async def run_sim(
    net: str,
    seed: int,
    clock: Clock,
    state_path: Path | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve the simulated house until cancelled; StartError where an address is taken."""
    world = world_of(seed, clock, state_path)
    await SimHouse(world, clock, Net.parse(net), state_path).serve(ready)


async def run_recorded(net: str, path: Path, ready: Callable[[], None] | None = None) -> None:
    """Serve the devices of a file until cancelled, at an address or the first one of a network."""
    objects = read_recorded(path)
    place = Net.parse(net)
    host = place.hosts[0]
    served: dict[Eoj, ObjectServer] = dict(objects)
    setup = Setup(Label(b"RECORDED"), served, own_hosts=frozenset({host}), peers=place.peers)
    client = Client.open(setup, host, multicast=place.multicast)
    try:
        if ready is not None:
            ready()
        while True:
            await asyncio.sleep(RECORDED_LOOK_S)
            for eoj, one in objects.items():
                client.announce(eoj, one.changed())
    finally:
        client.close()
