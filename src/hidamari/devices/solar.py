"""Household solar power generation (class 0x0279)."""

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from hidamari.core.reading import Kind
from hidamari.devices.common import Common
from hidamari.echonet.prop import Use, choice, flag, number, raw


class Grid(IntEnum):
    """How the system is connected (EPC D0)."""

    EXPORT_ALLOWED = 0x00
    INDEPENDENT = 0x01
    NO_EXPORT = 0x02
    UNKNOWN = 0x03


class Restraint(IntEnum):
    """Whether its output is held back now, and by whom (EPC D1)."""

    OUTPUT_CONTROL = 0x41
    OTHER_CONTROL = 0x42
    REASON_UNKNOWN = 0x43
    NONE = 0x44
    UNKNOWN = 0x45


class Contract(IntEnum):
    """Under which rule it sells (EPC C1)."""

    FIT = 0x41
    NON_FIT = 0x42
    UNDEFINED = 0x43


class OwnUse(IntEnum):
    """Whether the house uses its own generation first (EPC C2)."""

    FIRST = 0x41
    ALL_SOLD = 0x42
    UNKNOWN = 0x43


class Solar(Common, group=0x02, code=0x79, kind="solar"):
    """Wire: what a solar power conditioner tells."""

    quantity = "pv_kw"
    power = "power_w"
    counter_in = "energy_kwh"
    state = "restraint"
    card = ("power_w", "energy_kwh", "restraint", "grid", "rated_w")
    read_after = MappingProxyType({0xB1: 0xB0})  # a new schedule of output control was fetched

    power_w = number(0xE0, 2, unit="W", use=Use(10, Kind.POWER, 1))
    energy_kwh = number(0xE1, 4, factor=0.001, unit="kWh", use=Use(60, Kind.COUNTER, 0.001))
    sold_kwh = number(0xE3, 4, factor=0.001, unit="kWh", use=Use(300))
    grid = choice(0xD0, Grid, use=Use(300))
    restraint = choice(0xD1, Restraint, use=Use(60))
    limit_pct = number(0xA0, 1, unit="%", lowest=0, highest=100, settable=True, use=Use(60))
    limit_w = number(0xA1, 2, unit="W", settable=True, use=Use(60))
    surplus_only = flag(0xA2, settable=True)
    schedule = raw(0xB0, frozenset({100}), use=Use(0))  # date, then 96 half-hour ratios
    next_schedule = raw(0xB1, frozenset({7}), use=Use(300))
    contract = choice(0xC1, Contract, settable=True)
    own_use = choice(0xC2, OwnUse, use=Use(0))
    approved_w = number(0xC3, 2, unit="W", use=Use(0))
    rated_w = number(0xE8, 2, unit="W", settable=True, use=Use(0))

    def model(self) -> "SolarModel | None":
        """Home: its rating and the limit in force."""
        rated_w = self.rated_w if self.rated_w is not None else self.approved_w
        if rated_w is None:
            return None
        limit_pct = self.limit_pct if self.limit_pct is not None else 100.0
        return SolarModel(rated_w / 1000.0, limit_pct)


@dataclass(frozen=True, slots=True)
class SolarModel:
    """Physics: an array and its conditioner; what the sun offers is cut at the rated power."""

    rated_kw: float
    limit_pct: float = 100.0

    def output_kw(self, offered_kw: float) -> float:
        """Power at the AC side [kW] when the sun offers `offered_kw`."""
        return max(0.0, min(offered_kw, self.rated_kw * self.limit_pct / 100.0))
