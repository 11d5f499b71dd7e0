"""The house as the controller sees it now: devices, circuits, true sources, and the flow."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from hidamari.core.contract import Role
from hidamari.home.balance import Flow, Has, flow
from hidamari.home.live import KEPT_S, LiveDevice
from hidamari.home.sources import (
    QUANTITIES,
    Choice,
    CircuitFacts,
    DeviceFacts,
    Quantity,
    Source,
    choose,
)


@dataclass(frozen=True, slots=True)
class Circuit:
    """A breaker of a board: where it is on the wire, and what the owner calls it."""

    id: str
    board: str
    channel: str
    name: str
    room: str = ""
    device: str = ""

    @property
    def two_way(self) -> bool:
        """Whether the channel counts both directions."""
        return self.channel.startswith("t")


@dataclass(frozen=True, slots=True)
class CircuitNow:
    """A circuit's power [kW, positive = drawn] and the age of it [s]."""

    circuit: Circuit
    power_kw: float | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Level:
    """How full the storages of a kind are, and the age of the oldest of them [s]."""

    value: float | None
    age_s: float | None


@dataclass(slots=True)
class House:
    """All live devices and circuits of the home."""

    devices: dict[str, LiveDevice] = field(default_factory=dict)
    circuits: dict[str, Circuit] = field(default_factory=dict)
    choices: dict[Quantity, Choice] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    def choose_sources(
        self,
        wanted: Mapping[str, str],
        hidden: Collection[str] = frozenset(),
        roles: Mapping[str, Role] | None = None,
    ) -> None:
        """Decide again which source is true; call after devices or circuits changed.

        `hidden`: the devices that the owner has removed; `roles`: what meters are for, by device.
        """
        self.hidden = frozenset(hidden)
        facts = [facts_of(live) for live in self.present()]
        circuits = [CircuitFacts(c.id, c.device, c.two_way) for c in self.wired()]
        self.choices = choose(facts, circuits, wanted, roles)

    def present(self) -> list[LiveDevice]:
        """The devices that count: what is removed is recorded on, but no part of the house."""
        return [live for live in self.devices.values() if live.binding.id not in self.hidden]

    def wired(self) -> list[Circuit]:
        """The circuits of the boards that count."""
        return [circuit for circuit in self.circuits.values() if circuit.board not in self.hidden]

    def used(self, quantity: Quantity) -> tuple[Source, ...]:
        """The sources of a quantity that count."""
        found = self.choices.get(quantity)
        return found.used if found else ()

    def has(self) -> Has:
        """Which parts the home owns."""
        owned = {quantity: bool(self.used(quantity)) for quantity in QUANTITIES}
        return Has(owned["pv"], owned["gen"], owned["battery"], owned["ev"], owned["heater"])

    def power_kw(self, source: Source, now_s: float) -> float | None:
        """What a source says now, in our direction [kW]."""
        if source.is_circuit:
            found = self.circuit_now(self.circuits[source.device], now_s).power_kw
        else:
            watts = self.devices[source.device].number(source.power, now_s)
            found = None if watts is None else watts / 1000.0
        return None if found is None else found * source.sign

    def age_s(self, source: Source, now_s: float) -> float | None:
        """How old a source's power is."""
        if source.is_circuit:
            return self.circuit_now(self.circuits[source.device], now_s).age_s
        return self.devices[source.device].name_age_s(source.power, now_s)

    def circuits_of(self, board: str) -> list[str]:
        """The ids of a board's circuits."""
        return [circuit.id for circuit in self.circuits.values() if circuit.board == board]

    def circuit_now(self, circuit: Circuit, now_s: float) -> CircuitNow:
        """A circuit's power and age."""
        live = self.devices.get(circuit.board)
        if live is None:
            return CircuitNow(circuit, None, None)
        watts = live.channel(circuit.channel, "power_w", now_s)
        age_s = live.channel_age_s(circuit.channel, "power_w", now_s)
        return CircuitNow(circuit, None if watts is None else watts / 1000.0, age_s)

    def flow(self, now_s: float) -> tuple[Flow, dict[str, float | None]]:
        """The power flow of the house bus and the age of each of its parts [s]."""
        parts: dict[str, float | None] = {}
        ages: dict[str, float | None] = {}
        for quantity in ("pv", "gen", "battery", "ev", "heater"):
            found = [self._freshest(group, now_s) for group in self._live(quantity)]
            parts[quantity] = total([power_kw for power_kw, _ in found])
            ages[f"{quantity}_kw"] = oldest([age_s for _, age_s in found])
        grid, ages["grid_kw"] = self._freshest(self.used("grid"), now_s)
        measured = Flow(
            parts["pv"], parts["gen"], grid, parts["battery"], parts["ev"], parts["heater"]
        )
        without_meter_kw = self.circuits_kw(now_s) if grid is None else None
        bus = flow(measured, self.has(), without_meter_kw)
        known = [age for name, age in ages.items() if getattr(bus, name) is not None]
        ages["load_kw"] = ages["use_kw"] = oldest([age for age in known if age is not None])
        return bus, ages

    def level(self, quantity: Quantity, now_s: float, kept_s: float = KEPT_S) -> Level | None:
        """How full the storages of a kind are together; `None` when none of them can tell.

        Percents are weighted by what each holds when full, litres are added. A car may be away:
        what is told of the others counts. Any other that is missing makes the whole missing.
        """
        told = [live for live in self.present() if live.device.quantity == f"{quantity}_kw"]
        told = [live for live in told if live.can_tell(live.device.level)]
        if not told:
            return None
        found = [(live.number(live.device.level, now_s, kept_s), live) for live in told]
        if quantity == "ev":
            found = [pair for pair in found if pair[0] is not None] or found
        age_s = oldest(live.name_age_s(live.device.level, now_s) for _, live in found)
        if quantity == "heater":
            return Level(total(value for value, _ in found), age_s)
        sizes_kwh = [live.device.size_kwh() or 0.0 for _, live in found]
        shares = sizes_kwh if all(sizes_kwh) else [1.0] * len(found)
        values = (None if v is None else v * x for (v, _), x in zip(found, shares, strict=True))
        whole = total(values)
        return Level(None if whole is None else whole / sum(shares), age_s)

    def _live(self, quantity: Quantity) -> tuple[tuple[Source, ...], ...]:
        choice = self.choices.get(quantity)
        return choice.live if choice else ()

    def _freshest(
        self, sources: tuple[Source, ...], now_s: float
    ) -> tuple[float | None, float | None]:
        """Power [kW] and age of the freshest source that has a value."""
        ages = [(self.age_s(source, now_s), source) for source in sources]
        fresh = [(age_s, source) for age_s, source in ages if age_s is not None]
        for age_s, source in sorted(fresh, key=lambda pair: pair[0]):
            power_kw = self.power_kw(source, now_s)
            if power_kw is not None:
                return power_kw, age_s
        return None, fresh[0][0] if fresh else None

    def consuming(self) -> list[Circuit]:
        """Circuits that draw: not those that only carry a source or storage of the bus."""
        bus = {
            source.device
            for quantity in ("pv", "gen", "battery", "ev")
            for source in self.choices.get(quantity, Choice((), ())).offered
            if source.is_circuit
        }
        return [circuit for circuit in self.wired() if circuit.id not in bus]

    def circuits_kw(self, now_s: float) -> float | None:
        """The sum of all consuming circuits [kW]; `None` when one of them is silent."""
        return total(self.circuit_now(c, now_s).power_kw for c in self.consuming())


def facts_of(live: LiveDevice) -> DeviceFacts:
    """What the sources need to know of a device; only what it can really tell."""
    kind = live.device

    def told(name: str) -> str:
        return name if live.can_tell(name) else ""

    counter_in, counter_out = told(kind.counter_in), told(kind.counter_out)
    two_way = bool(kind.counter_out)
    return DeviceFacts(
        live.binding.id,
        kind.kind,
        kind.quantity,
        told(kind.power),
        counter_in,
        counter_out,
        two_way,
    )


def total(parts: Iterable[float | None]) -> float | None:
    """The sum; `None` when there is nothing or a part is missing."""
    amount, count = 0.0, 0
    for part in parts:
        if part is None:
            return None
        amount += part
        count += 1
    return amount if count else None


def oldest(ages: Iterable[float | None]) -> float | None:
    """The largest age; `None` when there is nothing or one was never read."""
    worst: float | None = None
    for age in ages:
        if age is None:
            return None
        worst = age if worst is None else max(worst, age)
    return worst
