"""An ECHONET Lite object of the simulated house: properties taken from its state on each request.

The same property lines as the controller's encode what is given and decode what is set, so a line
that is wrong shows on both sides against foreign programs, and never against ourselves alone.
"""

from collections.abc import Callable, Container
from typing import TypeVar

from hidamari.core.errors import InputError
from hidamari.devices.common import Common
from hidamari.echonet.frame import Eoj
from hidamari.echonet.prop import Prop
from hidamari.echonet.responder import Maps
from hidamari.sim.house import HouseState
from hidamari.sim.world import World

T = TypeVar("T")
Give = Callable[[HouseState], T | None]
Take = Callable[[HouseState, T], HouseState]


class LiveObject:
    """One object of the house, described by `fixed`, `give` and `take` calls."""

    def __init__(self, world: World, kind: type[Common], eoj: Eoj) -> None:
        self.eoj = eoj
        self.world = world
        self.device = kind(eoj)  # carries the units that lines scale by
        self._gives: dict[int, Callable[[], bytes | None]] = {}
        self._takes: dict[int, Callable[[bytes], bool]] = {}
        self._announced: set[int] = {0x80, 0x81, 0x88}
        self._last: dict[int, bytes | None] = {}

    @property
    def maps(self) -> Maps:
        """The EPCs that this object serves."""
        return Maps(frozenset(self._gives), frozenset(self._takes), frozenset(self._announced))

    def get(self, epc: int) -> bytes | None:
        """The data of a property; None when it cannot be read."""
        give = self._gives.get(epc)
        return None if give is None else give()

    def set(self, epc: int, edt: bytes) -> bool:
        """Take new data; False refuses it."""
        take = self._takes.get(epc)
        return take is not None and take(edt)

    def changed(self) -> list[int]:
        """The announced properties whose data differ from the last time."""
        now = {epc: self.get(epc) for epc in sorted(self._announced & set(self._gives))}
        found = [epc for epc, edt in now.items() if epc in self._last and self._last[epc] != edt]
        self._last = now
        return found

    def fixed(self, epc: int, edt: bytes) -> None:
        """A property that never changes."""
        self.device.raw[epc] = edt
        self._gives[epc] = lambda: edt

    def stored(self, epc: int, edt: bytes, valid: Callable[[bytes], bool] | None = None) -> None:
        """A property that keeps what is written: as long as `edt`, or what `valid` accepts."""

        def take(new: bytes) -> bool:
            if not (len(new) == len(edt) if valid is None else valid(new)):
                return False
            self.device.raw[epc] = new
            return True

        self.device.raw[epc] = edt
        self._gives[epc] = lambda: self.device.raw[epc]
        self._takes[epc] = take

    def given(self, epc: int, edt: Callable[[], bytes | None]) -> None:
        """A property with a way of its own to be made."""
        self._gives[epc] = edt

    def taken(self, epc: int, take: Callable[[bytes], bool]) -> None:
        """A property with a way of its own to be set."""
        self._takes[epc] = take

    def give(self, prop: Prop[T], value: Give[T]) -> None:
        """A property made from the state of the house by its line."""

        def edt() -> bytes | None:
            found = value(self.world.state)
            if found is None or prop.encode_edt is None:
                return None
            return prop.encode_edt(found, self.device)

        self._gives[prop.epc] = edt

    def take(self, prop: Prop[T], change: Take[T], allowed: Container[T] | None = None) -> None:
        """A property that changes the house, unless its line or `allowed` refuses the value."""

        def taken(edt: bytes) -> bool:
            value = prop.decode(edt, self.device)
            if value is None or (allowed is not None and value not in allowed):
                return False
            try:
                prop.encode(value, self.device)
            except InputError:
                return False
            self.world.state = change(self.world.state, value)
            return True

        self._takes[prop.epc] = taken

    def announce(self, *epcs: int) -> None:
        """Properties that are told to everybody when they change."""
        self._announced |= set(epcs)
