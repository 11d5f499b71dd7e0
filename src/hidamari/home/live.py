"""What the home's devices said last, and how long ago."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hidamari.core.reading import Kind, Series
from hidamari.devices.channels import ChannelValue
from hidamari.devices.common import Common
from hidamari.echonet.prop import Device, Prop
from hidamari.home.registry import Binding

KEPT_S = 90.0  # older than this a live value is not shown as current (design: states of a screen)
CHANNELS_S = 60.0  # how often the lists of a board are read


@dataclass(slots=True)
class LiveDevice:
    """A device with its last data; `at_s` and the ages count on the monotonic clock.

    `factor`: how much slower than wished its node is asked; `least_s`: and never more often.
    `wrong_lengths`: how often data came in a length that the property cannot have.
    """

    binding: Binding
    device: Common
    readable: frozenset[int] = frozenset()
    writable: frozenset[int] = frozenset()
    announced: frozenset[int] = frozenset()
    at_s: dict[int, float] = field(default_factory=dict)
    channels: dict[tuple[str, str], tuple[float | None, float]] = field(default_factory=dict)
    channels_s: float = -1e9
    last_contact: datetime | None = None
    contact_s: float | None = None
    silent: bool = False
    factor: float = 1.0
    least_s: float = 0.0
    wrong_lengths: int = 0
    looked_s: float = -1e9  # when somebody last looked at all that it can tell

    @property
    def who(self) -> int | None:
        """The EPC that tells it from others: what it is known by, if it gives that."""
        number, serial = Common.identity.epc, Common.serial.epc
        by_serial = self.binding.identity.startswith("serial:")
        order = (serial, number) if by_serial else (number, serial)
        return next((epc for epc in order if epc in self.readable), None)

    def changed(self, values: Mapping[int, bytes]) -> set[int]:
        """Of what an answer gives, the EPCs that had other data before."""
        raw = self.device.raw
        return {epc for epc, edt in values.items() if raw.get(epc, edt) != edt}

    def took(self, values: Mapping[int, bytes], refused: frozenset[int], now_s: float) -> None:
        """Keep an answer; what was refused has no value any more.

        Data of a wrong length are kept to be seen, but have no value either: their line says so.
        """
        for epc, edt in values.items():
            prop = self.device.props.get(epc)
            if prop is not None and prop.sizes is not None and len(edt) not in prop.sizes:
                self.wrong_lengths += 1
            self.device.raw[epc] = edt
            self.at_s[epc] = now_s
        for epc in refused:
            self.device.raw.pop(epc, None)
            self.at_s.pop(epc, None)

    def took_channels(self, found: list[ChannelValue], now_s: float) -> None:
        """Keep the values of a board's circuits."""
        for one in found:
            self.channels[(one.channel, one.name)] = (one.value, now_s)
            self.channels_s = now_s

    def number(self, name: str, now_s: float, kept_s: float = KEPT_S) -> float | None:
        """The value of a property by name, `None` when it is missing or too old."""
        prop = self.device.by_name.get(name)
        if prop is None or self.age_s(prop.epc, now_s) > kept_s * self.patience(prop):
            return None
        value = prop.decode(self.device.raw[prop.epc], self.device)
        return float(value) if isinstance(value, int | float) else None

    def can_tell(self, name: str) -> bool:
        """Whether it has a property, by name.

        One that has not told yet (known from before, not found since the start) counts as able to
        tell all of its kind: it is missing then, and not absent.
        """
        prop = self.device.by_name.get(name)
        return prop is not None and (prop.epc in self.readable or not self.readable)

    def channel(self, channel: str, name: str, now_s: float) -> float | None:
        """A board channel's value, `None` when missing or too old."""
        value, at_s = self.channels.get((channel, name), (None, -1e9))
        return value if now_s - at_s <= self.held_s(CHANNELS_S, 2 * KEPT_S) else None

    def channel_age_s(self, channel: str, name: str, now_s: float) -> float | None:
        """How old a board channel's value is."""
        found = self.channels.get((channel, name))
        return None if found is None else now_s - found[1]

    def age_s(self, epc: int, now_s: float) -> float:
        """How old a property is; for ever when it was never read."""
        return now_s - self.at_s.get(epc, -1e9)

    def name_age_s(self, name: str, now_s: float) -> float | None:
        """How old a property is, by name."""
        prop = self.device.by_name.get(name)
        if prop is None or prop.epc not in self.at_s:
            return None
        return now_s - self.at_s[prop.epc]

    def patience(self, prop: Prop[object]) -> float:
        """Slowly asked properties stay current for longer: two of their turns at least."""
        return self.held_s(prop.use.every_s or 0) / KEPT_S

    def held_s(self, every_s: float, least_s: float = KEPT_S) -> float:
        """How long a value that is asked every so many seconds stands for the present."""
        return max(least_s, 2.0 * max(every_s * self.factor, self.least_s))

    def channel_names(self) -> list[str]:
        """The channels the board has told of, one-way first."""
        found = {channel for channel, _ in self.channels}
        return sorted(found, key=lambda c: (not c.isdigit(), int(c.lstrip("t") or 0)))


def kilo(name: str) -> tuple[str, float]:
    """The name and factor a wire quantity has inside the house: kW and kWh instead of W and Wh."""
    for short, long in (("_w", "_kw"), ("_wh", "_kwh")):
        if name.endswith(short):
            return name.removesuffix(short) + long, 0.001
    return name, 1.0


def recorded(device: str, kind: type[Device]) -> Iterator[tuple[Prop[object], Series, float]]:
    """The series that a device kind records: property, series, factor from wire to series."""
    for prop in kind.props.values():
        if prop.use.record is not None:
            name, factor = kilo(prop.name)
            unit = "k" + prop.unit if factor != 1.0 else prop.unit
            yield prop, Series(device, name, unit, prop.use.scale * factor, prop.use.record), factor


def channel_series(circuit: str) -> tuple[Series, Series, Series]:
    """The three series of a circuit: power, energy drawn, energy given back."""
    return (
        Series(circuit, "power_kw", "kW", 0.001, Kind.POWER),
        Series(circuit, "energy_kwh", "kWh", 0.001, Kind.COUNTER),
        Series(circuit, "back_kwh", "kWh", 0.001, Kind.COUNTER),
    )
