"""The properties that every device object has, and what the home may ask of any kind."""

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeVar

from hidamari.core.errors import InputError
from hidamari.devices.channels import ChannelValue, ListRead
from hidamari.devices.forms import calendar, clock
from hidamari.devices.wish import Mode, Wish
from hidamari.echonet.frame import Property
from hidamari.echonet.prop import Device, Prop, Use, flag, number, raw, read_property_map, text

T = TypeVar("T")
Quantity = Literal["", "pv_kw", "gen_kw", "grid_kw", "battery_kw", "ev_kw", "heater_kw"]

# Counters of 0.001 kWh run to 999,999,999 (Appendix, all classes with u32 x 0.001 kWh).
WRAP_KWH = 1_000_000.0


class Common(Device):
    """Wire: what any device may tell about itself. Home: its roles, as names of its properties.

    `quantity`: the quantity of the house that its power is part of. `power`: its power now in W,
    signed as that quantity times `power_sign`. `counter_in` counts kWh where the quantity is
    positive, `counter_out` where it is negative. `level`: how full it is (% or litres). `state`:
    the word that says what it does. An empty name = this kind has none.
    """

    quantity: ClassVar[Quantity] = ""
    power: ClassVar[str] = ""
    counter_in: ClassVar[str] = ""
    counter_out: ClassVar[str] = ""
    level: ClassVar[str] = ""
    state: ClassVar[str] = "on"
    card: ClassVar[tuple[str, ...]] = ("on",)
    modes: ClassVar[frozenset[Mode]] = frozenset()
    lists: ClassVar[tuple[ListRead, ...]] = ()
    # What is read once more when another property has changed, by the EPC of that one.
    read_after: ClassVar[Mapping[int, int]] = {}
    # SetC this first and let some seconds pass, or what it confirms is stale (027E and 02A1: CD).
    confirm: ClassVar[Property | None] = None

    on = flag(0x80, yes=0x30, no=0x31, use=Use(60))
    place = raw(0x81, frozenset({1, 17}), use=Use(0))
    release = raw(0x82, frozenset({4}), use=Use(0))
    identity = raw(0x83, frozenset({9, 17}), use=Use(0))
    own_power_w = number(0x84, 2, unit="W")
    own_energy_kwh = number(0x85, 4, factor=0.001, unit="kWh")
    maker_fault_code = raw(0x86, frozenset(range(1, 256)), use=Use(600))
    fault = flag(0x88, use=Use(600))
    fault_code = raw(0x89, frozenset({2}), use=Use(600))
    maker = raw(0x8A, frozenset({3}), use=Use(0))
    product = text(0x8C, 12, use=Use(0))
    serial = text(0x8D, 12, use=Use(0))
    clock_min = clock(0x97)
    date = calendar(0x98, 4)

    @classmethod
    def title(cls) -> str:
        """The key of its name in the dictionaries."""
        return f"device.{cls.kind}"

    def value(self, name: str) -> object | None:
        """The typed value of a property by its name; `None` where it is unknown."""
        prop = self.by_name.get(name)
        edt = None if prop is None else self.raw.get(prop.epc)
        return None if prop is None or edt is None else prop.decode(edt, self)

    def as_number(self, name: str) -> float | None:
        """The same where the value is a number."""
        found = self.value(name)
        return float(found) if isinstance(found, int | float) else None

    def power_kw(self) -> float | None:
        """Its power now [kW], signed as its `quantity`."""
        watts = self.as_number(self.power)
        return None if watts is None else watts / 1000.0

    def size_kwh(self) -> float | None:
        """The energy in it when full [kWh]; `None` while unknown, and for kinds without."""
        return None

    def wrap_kwh(self) -> float | None:
        """Where its energy counters start again from zero [kWh]; `None` while unknown."""
        return WRAP_KWH

    def model(self) -> object | None:
        """Its physics as it stands now; `None` for kinds without, or while too little is known."""
        return None

    def commands(self, wish: Wish) -> list[Property]:
        """What to send, in this order, so that it does what is wished; InputError if it cannot."""
        raise InputError(f"{self.kind} {self.eoj}: cannot {wish.mode}")

    def channel_values(self) -> list[ChannelValue]:
        """Values of its circuits that came one by one (old boards), not through `lists`."""
        return []

    def order(self, prop: Prop[T], value: T | None) -> list[Property]:
        """One property to send; nothing where the device has it not or there is no value."""
        map_edt = self.raw.get(0x9E)
        allowed = None if map_edt is None else read_property_map(map_edt)
        if value is None or (allowed is not None and prop.epc not in allowed):
            return []
        return [Property(prop.epc, prop.encode(value, self))]
