"""The house as the controller sees it now: devices, circuits, true sources, and the flow."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from hidamari.home.balance import Flow, Has, flow
from hidamari.home.live import LiveDevice
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


@dataclass(slots=True)
class House:
    """All live devices and circuits of the home."""

    devices: dict[str, LiveDevice] = field(default_factory=dict)
    circuits: dict[str, Circuit] = field(default_factory=dict)
    choices: dict[Quantity, Choice] = field(default_factory=dict)

    def choose_sources(
        self, wanted: Mapping[str, str], hidden: Collection[str] = frozenset()
    ) -> None:
        """Decide again which source is true; call after devices or circuits changed.

        What the owner has hidden is no part of the house any more.
        """
        here = [x for x in self.devices.values() if not x.binding.hidden]
        facts = [facts_of(live) for live in here if live.binding.id not in hidden]
        circuits = [CircuitFacts(c.id, c.device, c.two_way) for c in self.circuits.values()]
        self.choices = choose(facts, circuits, wanted)

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
        return [circuit for circuit in self.circuits.values() if circuit.id not in bus]

    def circuits_kw(self, now_s: float) -> float | None:
        """The sum of all consuming circuits [kW]; `None` when one of them is silent."""
        return total(self.circuit_now(c, now_s).power_kw for c in self.consuming())


def facts_of(live: LiveDevice) -> DeviceFacts:
    """What the sources need to know of a device; only what it can really tell.

    One that has not told yet (known from before, not found since the start) counts as able to
    tell all of its kind: it is missing then, and not absent.
    """
    kind = live.device

    def told(name: str) -> str:
        prop = kind.by_name.get(name) if name else None
        can = prop is not None and (prop.epc in live.readable or not live.readable)
        return name if can else ""

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
