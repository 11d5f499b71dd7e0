"""Storage battery (class 0x027D)."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

from hidamari.core.errors import InputError
from hidamari.core.reading import Kind
from hidamari.devices.common import Common
from hidamari.devices.forms import WATTS, Pair, pair
from hidamari.devices.solar import Grid
from hidamari.devices.wish import Wish
from hidamari.echonet.frame import Property
from hidamari.echonet.prop import Use, choice, number


class Working(IntEnum):
    """What it shall do (EPC DA) and what it does (EPC CF)."""

    OTHER = 0x40
    RAPID_CHARGING = 0x41
    CHARGING = 0x42
    DISCHARGING = 0x43
    STANDBY = 0x44
    TEST = 0x45
    AUTO = 0x46
    RESTART = 0x48
    RECALCULATION = 0x49


class ChargeBy(IntEnum):
    """How the charge power is found (EPC C1)."""

    OTHER = 0x00
    MAXIMUM = 0x01
    SURPLUS = 0x02
    POWER = 0x03
    CURRENT = 0x04


class DischargeBy(IntEnum):
    """How the discharge power is found (EPC C2)."""

    OTHER = 0x00
    MAXIMUM = 0x01
    LOAD = 0x02
    POWER = 0x03
    CURRENT = 0x04


class Cells(IntEnum):
    """Kind of cells (EPC E6)."""

    UNKNOWN = 0x00
    LEAD = 0x01
    NI_MH = 0x02
    NI_CD = 0x03
    LITHIUM = 0x04
    ZINC = 0x05
    ALKALINE = 0x06


class Battery(Common, group=0x02, code=0x7D, kind="battery"):
    """Wire: what a storage battery tells and takes."""

    quantity = "battery_kw"
    power = "power_w"
    counter_in = "charged_kwh"
    counter_out = "discharged_kwh"
    level = "soc_pct"
    state = "working"
    card = ("soc_pct", "power_w", "working", "mode", "charged_kwh", "discharged_kwh", "health_pct")
    modes = frozenset({"follow", "surplus", "charge", "discharge", "hold", "auto"})

    mode = choice(0xDA, Working, settable=True, use=Use(60))
    working = choice(0xCF, Working, use=Use(60, Kind.STATE, 1))
    power_w = number(0xD3, 4, signed=True, unit="W", use=Use(10, Kind.POWER, 1))
    soc_pct = number(0xE4, 1, unit="%", use=Use(60, Kind.LEVEL, 0.1))
    stored_wh = number(0xE2, 4, unit="Wh", use=Use(300))
    charge_capacity_wh = number(0xA0, 4, unit="Wh", use=Use(3600))
    discharge_capacity_wh = number(0xA1, 4, unit="Wh", use=Use(3600))
    chargeable_capacity_wh = number(0xA2, 4, unit="Wh", use=Use(3600))
    dischargeable_capacity_wh = number(0xA3, 4, unit="Wh", use=Use(3600))
    chargeable_wh = number(0xA4, 4, unit="Wh", use=Use(60))
    dischargeable_wh = number(0xA5, 4, unit="Wh", use=Use(60))
    ceiling_pct = number(0xA6, 1, unit="%", lowest=0, highest=100, settable=True, use=Use(300))
    floor_pct = number(0xA7, 1, unit="%", lowest=0, highest=100, settable=True, use=Use(300))
    charged_kwh = number(0xA8, 4, factor=0.001, unit="kWh", use=Use(60, Kind.COUNTER, 0.001))
    discharged_kwh = number(0xA9, 4, factor=0.001, unit="kWh", use=Use(60, Kind.COUNTER, 0.001))
    dc_discharged_kwh = number(0xD6, 4, factor=0.001, unit="kWh", use=Use(300))
    dc_charged_kwh = number(0xD8, 4, factor=0.001, unit="kWh", use=Use(300))
    charge_wh = number(0xAA, 4, unit="Wh", settable=True, use=Use(300))  # 0 = not set
    discharge_wh = number(0xAB, 4, unit="Wh", settable=True, use=Use(300))
    charge_by = choice(0xC1, ChargeBy, settable=True, use=Use(300))
    discharge_by = choice(0xC2, DischargeBy, settable=True, use=Use(300))
    charge_range_w = pair(0xC8, WATTS, use=Use(3600))
    discharge_range_w = pair(0xC9, WATTS, use=Use(3600))
    charge_power_w = number(0xEB, 4, unit="W", settable=True, use=Use(300))
    discharge_power_w = number(0xEC, 4, unit="W", settable=True, use=Use(300))
    rated_wh = number(0xD0, 4, unit="Wh", use=Use(0))
    health_pct = number(0xE5, 1, unit="%", use=Use(3600))
    cells = choice(0xE6, Cells, use=Use(0))
    grid = choice(0xDB, Grid, use=Use(300))

    @property
    def spare_ac_kwh(self) -> float | None:
        """Home: what it can still give at its AC side [kWh] (EPC A5), where it tells."""
        wh = self.dischargeable_wh
        return None if wh is None else wh / 1000.0

    def size_kwh(self) -> float | None:
        """The energy in it when full [kWh]; `None` while unknown."""
        whole_wh = self.rated_wh or self.discharge_capacity_wh or self.charge_capacity_wh
        return whole_wh / 1000.0 if whole_wh else None

    def model(self) -> "BatteryModel | None":
        """Home: what is stored and the limits, as far as the device tells them."""
        whole_kwh = self.size_kwh()
        if whole_kwh is None:
            return None
        stored_kwh = _stored_kwh(self.stored_wh, self.soc_pct, whole_kwh)
        if stored_kwh is None:
            return None
        return BatteryModel(
            capacity_kwh=whole_kwh,
            stored_kwh=stored_kwh,
            charge_kw=most_kw(self.charge_range_w, whole_kwh),
            discharge_kw=most_kw(self.discharge_range_w, whole_kwh),
            floor_kwh=whole_kwh * (self.floor_pct or 0.0) / 100.0,
            ceiling_kwh=whole_kwh * (100.0 if self.ceiling_pct is None else self.ceiling_pct) / 100,
        )

    def commands(self, wish: Wish) -> list[Property]:
        """Home: energies and powers first, the mode last, so that it never starts unlimited."""
        if wish.mode in ("charge", "discharge") and not wish.energy_kwh:
            raise InputError(f"battery {self.eoj}: {wish.mode} needs an amount of energy")
        if wish.mode in ("charge", "surplus"):
            by = ChargeBy.SURPLUS if wish.mode == "surplus" else ChargeBy.MAXIMUM
            if wish.mode == "charge" and wish.power_kw is not None:
                by = ChargeBy.POWER
            return [
                *self.order(Battery.charge_wh, watts(wish.energy_kwh)),
                *self.order(Battery.charge_power_w, watts(wish.power_kw)),
                *self.order(Battery.charge_by, by),
                *self.order(Battery.mode, Working.CHARGING),
            ]
        if wish.mode == "discharge":
            by_power = DischargeBy.LOAD if wish.power_kw is None else DischargeBy.POWER
            return [
                *self.order(Battery.discharge_wh, watts(wish.energy_kwh)),
                *self.order(Battery.discharge_power_w, watts(wish.power_kw)),
                *self.order(Battery.discharge_by, by_power),
                *self.order(Battery.mode, Working.DISCHARGING),
            ]
        if wish.mode == "follow":
            return [
                *self.order(Battery.charge_by, ChargeBy.SURPLUS),
                *self.order(Battery.discharge_by, DischargeBy.LOAD),
                *self.order(Battery.mode, Working.AUTO),
            ]
        return self.order(Battery.mode, Working.STANDBY if wish.mode == "hold" else Working.AUTO)


@dataclass(frozen=True, slots=True)
class BatteryModel:
    """Physics: a store with losses on both ways, limits, and a taper when nearly full.

    dE/dt = charge_eff * p - loss_per_h * E for p >= 0, p / discharge_eff - loss_per_h * E below
    (p: AC power in kW, positive = charging; E: stored_kwh). Near the top the charge power falls
    linearly from `charge_kw` at `taper_from` x capacity to nothing at the full capacity, which is
    the concave bound p <= a - b * E that the planner uses (E at the end of the step).
    """

    capacity_kwh: float
    stored_kwh: float
    charge_kw: float
    discharge_kw: float
    floor_kwh: float = 0.0
    ceiling_kwh: float = float("inf")
    charge_eff: float = 0.95
    discharge_eff: float = 0.95
    loss_per_h: float = 0.0
    taper_from: float = 0.95

    @property
    def soc_pct(self) -> float:
        """How full it is, 0 to 100."""
        return 100.0 * self.stored_kwh / self.capacity_kwh

    def bound_kw(self, power_kw: float, hours: float) -> float:
        """The mean AC power [kW] that `power_kw` becomes over `hours` [h] from here."""
        left_kwh = self.stored_kwh * (1.0 - self.loss_per_h * hours)
        if power_kw >= 0.0:
            top_kwh = min(self.ceiling_kwh, self.capacity_kwh)
            room_kw = max(0.0, top_kwh - left_kwh) / (self.charge_eff * hours)
            return min(power_kw, self.charge_kw, self._taper_kw(left_kwh, hours), room_kw)
        spare_kw = max(0.0, left_kwh - self.floor_kwh) * self.discharge_eff / hours
        return -min(-power_kw, self.discharge_kw, spare_kw)

    def after(self, power_kw: float, hours: float) -> Self:
        """The battery after `hours` of `power_kw`, as far as it can take or give it."""
        ac_kw = self.bound_kw(power_kw, hours)
        cell_kw = ac_kw * self.charge_eff if ac_kw >= 0.0 else ac_kw / self.discharge_eff
        left_kwh = self.stored_kwh * (1.0 - self.loss_per_h * hours)
        return replace(self, stored_kwh=left_kwh + cell_kw * hours)

    def room_ac_kwh(self) -> float:
        """AC energy [kWh] it can still take."""
        top_kwh = min(self.ceiling_kwh, self.capacity_kwh)
        return max(0.0, top_kwh - self.stored_kwh) / self.charge_eff

    def spare_ac_kwh(self) -> float:
        """AC energy [kWh] it can still give."""
        return max(0.0, self.stored_kwh - self.floor_kwh) * self.discharge_eff

    def _taper_kw(self, left_kwh: float, hours: float) -> float:
        span_kwh = self.capacity_kwh * (1.0 - self.taper_from)
        if span_kwh <= 0.0:
            return self.charge_kw
        slope = self.charge_kw / span_kwh
        # p = slope * (capacity - E_end) with E_end = left + charge_eff * p * hours, solved for p.
        room_kwh = max(0.0, self.capacity_kwh - left_kwh)
        return slope * room_kwh / (1.0 + slope * self.charge_eff * hours)


def most_kw(range_w: Pair | None, capacity_kwh: float) -> float:
    """The upper end of a power range [kW]; half the capacity per hour where it is not told."""
    most_w = None if range_w is None else range_w.second
    return most_w / 1000.0 if most_w else capacity_kwh / 2.0


def watts(kilo: float | None) -> float | None:
    """kW or kWh as the W or Wh of the wire."""
    return None if kilo is None else kilo * 1000.0


def _stored_kwh(stored_wh: float | None, soc_pct: float | None, whole_kwh: float) -> float | None:
    if stored_wh is not None:
        return stored_wh / 1000.0
    return None if soc_pct is None else whole_kwh * soc_pct / 100.0
