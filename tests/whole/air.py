"""The network of a simulated home in memory: datagrams late, lost or doubled by a seeded die."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from hidamari.echonet.frame import MULTICAST
from hidamari.echonet.udp import Received, Transport

NEAR_S = 0.002
ESV_AT = 10  # of a frame in the usual format: the byte that says which service it asks for
SETS = (0x60, 0x61)  # SetI and SetC


@dataclass(slots=True)
class Weather:
    """What the network does to datagrams: shares of all, and seconds."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    late_s: float = 3.0
    slow_s: float = 0.0  # every datagram
    multicast: bool = True
    lost_to: Mapping[str, float] = field(default_factory=dict)  # share of what is for an address


class Air:
    """All transports of a home by address."""

    def __init__(self, seed: int) -> None:
        self.weather = Weather()
        self.carried = 0
        self.told: list[tuple[float, str, bytes]] = []  # every order: when, to whom, what
        self._die = Random(seed)
        self._places: dict[str, _Place] = {}

    def connect(self, host: str) -> Callable[[Received], Transport]:
        """What a node uses to come onto the network at an address."""

        def connected(received: Received) -> Transport:
            if host in self._places:
                raise RuntimeError(f"{host} is taken")
            self._places[host] = _Place(self, host, received)
            return self._places[host]

        return connected

    def leave(self, place: "_Place") -> None:
        """A node goes off; what is under way to it is lost."""
        if self._places.get(place.host) is place:
            del self._places[place.host]

    def carry(self, data: bytes, sender: str, host: str) -> None:
        """Send a datagram on its way."""
        if len(data) > ESV_AT and data[ESV_AT] in SETS:
            self.told.append((asyncio.get_running_loop().time(), host, data))
        if host != MULTICAST:
            self._carry(data, sender, host)
        elif self.weather.multicast:
            for one in tuple(self._places):
                if one != sender:
                    self._carry(data, sender, one)

    def _carry(self, data: bytes, sender: str, host: str) -> None:
        weather, die = self.weather, self._die
        self.carried += 1
        if weather.lost and die.random() < weather.lost:
            return
        if host in weather.lost_to and die.random() < weather.lost_to[host]:
            return
        wait_s = NEAR_S + weather.slow_s
        if weather.late and die.random() < weather.late:
            wait_s += die.random() * weather.late_s
        loop = asyncio.get_running_loop()
        loop.call_later(wait_s, self._arrive, data, sender, host)
        if weather.doubled and die.random() < weather.doubled:
            loop.call_later(wait_s + die.random(), self._arrive, data, sender, host)

    def _arrive(self, data: bytes, sender: str, host: str) -> None:
        place = self._places.get(host)
        if place is not None:
            place.received(data, sender)


class _Place:
    def __init__(self, air: Air, host: str, received: Received) -> None:
        self.host = host
        self.received = received
        self._air = air

    def send(self, data: bytes, host: str) -> None:
        self._air.carry(data, self.host, host)

    def close(self) -> None:
        self._air.leave(self)
