"""Which source is true: one per quantity, chosen in a fixed order, changeable by the owner.

Order (architecture, the home as data): import and export energy from the smart meter, else the
board's main counter, else the sum of circuits. Power now: the fresher of board main and meter.
Of several meters or boards only one stands at the house bus: the main one, else the first.
Solar and generators: a board channel that carries nothing else, else the device. Battery and V2H:
own counters, else a two-way channel. Water heater and charger: their circuit, else the device.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from hidamari.core.contract import Role

CIRCUIT = "circuit:"
Quantity = Literal["energy", "grid", "pv", "gen", "battery", "ev", "heater"]
QUANTITIES: tuple[Quantity, ...] = ("energy", "grid", "pv", "gen", "battery", "ev", "heater")
PARTS: tuple[Quantity, ...] = ("pv", "gen", "battery", "ev", "heater")
CHANNEL_FIRST: frozenset[Quantity] = frozenset({"pv", "gen", "heater"})
SOURCES_OF_POWER: frozenset[Quantity] = frozenset({"pv", "gen"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where a quantity is read: a device or a circuit, with the names of its numbers.

    `sign` turns the source's own power into ours (-1 where a channel counts generation as
    negative drawing). `counter_in` grows when our quantity is positive, `counter_out` when it is
    negative; empty = there is none. `two_way`: the quantity can be negative here.
    """

    device: str
    power: str
    sign: int
    counter_in: str = ""
    counter_out: str = ""
    two_way: bool = False

    @property
    def is_circuit(self) -> bool:
        """A board's channel rather than a device."""
        return self.device.startswith(CIRCUIT)


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a device can tell: the names of its power and energy counters.

    `quantity` is the one of the house that its power belongs to, such as "pv_kw".
    """

    id: str
    kind: str
    quantity: str
    power: str = ""
    counter_in: str = ""
    counter_out: str = ""
    two_way: bool = False


@dataclass(frozen=True, slots=True)
class CircuitFacts:
    """A circuit of the board, the device it feeds ("" = none), and whether it counts both ways."""

    id: str
    device: str = ""
    two_way: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The sources of a quantity that are used, and the ones that could be.

    `live`: for each part of the power now, the sources that tell it, of which the fresher one is
    shown (an array's channel is read every minute, its conditioner every ten seconds).
    """

    used: tuple[Source, ...]
    offered: tuple[Source, ...]
    live: tuple[tuple[Source, ...], ...] = ()


def choose(
    devices: Iterable[DeviceFacts],
    circuits: Iterable[CircuitFacts],
    wanted: Mapping[str, str],
    roles: Mapping[str, Role] | None = None,
) -> dict[Quantity, Choice]:
    """The true sources of each quantity; `wanted` is the owner's choice: quantity -> id of source.

    Several devices of a kind add up; for each of them one source is used. Meters and boards never
    do: `roles` says which of them (by id) is the main one and which measure something else.
    """
    devices, circuits = list(devices), list(circuits)
    found: dict[Quantity, Choice] = {}
    at_grid = _at_grid(devices, roles or {})
    for quantity in ("energy", "grid"):
        able = [d for d in at_grid if (d.counter_in if quantity == "energy" else d.power)]
        first = [d for d in able if d.id == wanted.get(quantity)] or _first_of_each_kind(able)
        used = tuple(_own(d) for d in (first[:1] if quantity == "energy" else first))
        found[quantity] = Choice(used, tuple(_own(d) for d in able), (used,) if used else ())
    for quantity in PARTS:
        used_list: list[Source] = []
        offered_list: list[Source] = []
        live: list[tuple[Source, ...]] = []
        for device in (d for d in devices if d.quantity == f"{quantity}_kw"):
            offered = _of_device(quantity, device, circuits)
            offered_list += offered
            chosen = _chosen(offered, wanted.get(quantity))
            used_list += chosen
            live += _fresh(offered, chosen, is_wanted=quantity in wanted)
        found[quantity] = Choice(tuple(used_list), tuple(offered_list), tuple(live))
    return found


def _at_grid(devices: list[DeviceFacts], roles: Mapping[str, Role]) -> list[DeviceFacts]:
    """Meters and boards that may stand at the house bus, the preferred one of each kind first."""
    here = [d for d in devices if d.quantity == "grid_kw"]
    here = [d for d in here if roles.get(d.id, Role.MAIN) is Role.MAIN]
    return sorted(here, key=lambda d: (d.kind != "smart_meter", d.id not in roles))


def _first_of_each_kind(devices: Iterable[DeviceFacts]) -> list[DeviceFacts]:
    found: dict[str, DeviceFacts] = {}
    for device in devices:
        found.setdefault(device.kind, device)
    return list(found.values())


def _of_device(
    quantity: Quantity, device: DeviceFacts, circuits: list[CircuitFacts]
) -> list[Source]:
    """All ways to measure one device, the preferred one first."""
    own = [_own(device)] if device.power or device.counter_in else []
    fed = [_circuit(quantity, c) for c in circuits if c.device == device.id]
    return fed + own if quantity in CHANNEL_FIRST else own + fed


def _chosen(offered: list[Source], wish: str | None) -> list[Source]:
    """The owner's source, else the first; circuits of one device are used together."""
    if not offered:
        return []
    lead = next((s for s in offered if s.device == wish), offered[0])
    return [s for s in offered if s.is_circuit] if lead.is_circuit else [lead]


def _fresh(
    offered: list[Source], chosen: list[Source], *, is_wanted: bool
) -> list[tuple[Source, ...]]:
    """What may tell the power now: any source of the part, but not against the owner's word."""
    if is_wanted or len(chosen) != 1 or sum(source.is_circuit for source in offered) > 1:
        return [(source,) for source in chosen]
    return [tuple(source for source in offered if source.power)]


def _own(device: DeviceFacts) -> Source:
    return Source(device.id, device.power, 1, device.counter_in, device.counter_out, device.two_way)


def _circuit(quantity: Quantity, circuit: CircuitFacts) -> Source:
    """A channel counts drawing as positive; generation is what it gives back."""
    back = "back_kwh" if circuit.two_way else ""
    if quantity in SOURCES_OF_POWER and circuit.two_way:
        return Source(circuit.id, "power_kw", -1, back, "energy_kwh")
    # A one-way clamp around a solar line counts generation as its energy.
    return Source(circuit.id, "power_kw", 1, "energy_kwh", back)
