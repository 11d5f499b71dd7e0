"""EV charger and discharger, V2H (class 0x027E), and the car behind it."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

from hidamari.core.errors import InputError
from hidamari.core.reading import Kind
from hidamari.devices.battery import BatteryModel, most_kw, watts
from hidamari.devices.common import Common
from hidamari.devices.forms import AMPERES, WATTS, pair
from hidamari.devices.solar import Grid
from hidamari.devices.wish import Wish
from hidamari.echonet.frame import Property
from hidamari.echonet.prop import Device, Prop, Use, choice, custom, flag, number, raw


class CarMode(IntEnum):
    """What it shall do (EPC DA); 41 and 45 only before release G."""

    OTHER = 0x40
    RAPID_CHARGE = 0x41
    CHARGE = 0x42
    DISCHARGE = 0x43
    STANDBY = 0x44
    TEST = 0x45
    CHARGE_DISCHARGE = 0x46
    IDLE = 0x47
    PREPARATION = 0x48
    AUTO = 0x49


class CarWorking(IntEnum):
    """What it does (EPC E1, since release Q)."""

    OTHER = 0x40
    CHARGE = 0x42
    DISCHARGE = 0x43
    STANDBY = 0x44
    IDLE = 0x47
    PREPARATION = 0x48


class Plug(IntEnum):
    """Whether a car is there and what it can do (EPC C7)."""

    NOT_CONNECTED = 0x30
    CONNECTED = 0x40
    CHARGEABLE = 0x41
    DISCHARGEABLE = 0x42
    BOTH = 0x43
    UNKNOWN = 0x44
    UNDEFINED = 0xFF


class ChargeBy(IntEnum):
    """How the charge power is found (EPC DC)."""

    OTHER = 0x00
    MAXIMUM = 0x01
    SURPLUS = 0x02
    POWER = 0x03
    CURRENT = 0x04
    PURCHASE = 0x05
    GRID = 0x06


class DischargeBy(IntEnum):
    """How the discharge power is found (EPC DD)."""

    OTHER = 0x00
    MAXIMUM = 0x01
    LOAD = 0x02
    POWER = 0x03
    CURRENT = 0x04
    PURCHASE = 0x05
    GRID = 0x06


def car_id(epc: int) -> Prop[str]:
    """The car's own number: length, then up to 24 bytes; empty = unknown."""

    def decode(edt: bytes, _: Device) -> str | None:
        return edt[1:].hex() if len(edt) > 1 and edt[0] == len(edt) - 1 else None

    def encode(value: str, _: Device) -> bytes:
        number_bytes = bytes.fromhex(value)
        return bytes((len(number_bytes),)) + number_bytes

    return custom(epc, frozenset(range(1, 26)), decode, encode, settable=False, use=Use(300))


class V2h(Common, group=0x02, code=0x7E, kind="v2h"):
    """Wire: what a V2H stand tells and takes; C7, E4 and E6 are fresh only after CD was set."""

    quantity = "ev_kw"
    power = "power_w"
    counter_in = "charged_kwh"
    counter_out = "discharged_kwh"
    level = "soc_pct"
    state = "working"
    card = ("soc_pct", "power_w", "plug", "working", "mode", "charged_kwh", "discharged_kwh")
    modes = frozenset({"follow", "surplus", "charge", "discharge", "hold", "auto"})
    # Appendix 0x027E, EPC CD: vehicle connection confirmation; C7 is announced seconds later.
    confirm = Property(0xCD, b"\x10")

    mode = choice(0xDA, CarMode, settable=True, use=Use(60))
    working = choice(0xE1, CarWorking, use=Use(60, Kind.STATE, 1))
    plug = choice(0xC7, Plug, use=Use(60, Kind.STATE, 1))
    ask_plug = raw(0xCD, frozenset({1}), settable=True, gettable=False)
    power_w = number(0xD3, 4, signed=True, unit="W", use=Use(10, Kind.POWER, 1))
    soc_pct = number(0xE4, 1, unit="%", use=Use(60, Kind.LEVEL, 0.1))
    stored_wh = number(0xE2, 4, unit="Wh", use=Use(300))
    capacity_wh = number(0xD0, 4, unit="Wh", use=Use(300))
    dischargeable_capacity_wh = number(0xC0, 4, unit="Wh", use=Use(300))
    dischargeable_wh = number(0xC2, 4, unit="Wh", use=Use(60))
    dischargeable_pct = number(0xC4, 1, unit="%", use=Use(300))
    chargeable_capacity_wh = number(0xCE, 4, unit="Wh", use=Use(300))
    chargeable_wh = number(0xCF, 4, unit="Wh", use=Use(60))
    charged_kwh = number(0xD8, 4, factor=0.001, unit="kWh", use=Use(60, Kind.COUNTER, 0.001))
    discharged_kwh = number(0xD6, 4, factor=0.001, unit="kWh", use=Use(60, Kind.COUNTER, 0.001))
    charge_by = choice(0xDC, ChargeBy, settable=True, use=Use(300))
    discharge_by = choice(0xDD, DischargeBy, settable=True, use=Use(300))
    charge_power_w = number(0xEB, 4, unit="W", settable=True, use=Use(300))
    discharge_power_w = number(0xEC, 4, unit="W", settable=True, use=Use(300))
    both_power_w = number(0xE0, 4, signed=True, unit="W", settable=True)
    purchase_w = number(0xDE, 4, unit="W", settable=True)
    charge_wh = number(0xE7, 4, unit="Wh", settable=True, use=Use(300))
    discharge_wh = number(0xEA, 4, unit="Wh", settable=True, use=Use(300))
    charge_range_w = pair(0xC8, WATTS, use=Use(3600))
    discharge_range_w = pair(0xC9, WATTS, use=Use(3600))
    charge_range_a = pair(0xCA, AMPERES)
    discharge_range_a = pair(0xCB, AMPERES)
    rated_charge_w = number(0xC5, 4, unit="W", use=Use(0))
    rated_discharge_w = number(0xC6, 4, unit="W", use=Use(0))
    type_code = raw(0xCC, frozenset({1}), use=Use(0))
    car = car_id(0xE6)
    grid = choice(0xDB, Grid, use=Use(300))
    maintenance = flag(0xE5, use=Use(600))

    def size_kwh(self) -> float | None:
        """The energy in the car's battery when full [kWh]; `None` while unknown."""
        whole_wh = self.capacity_wh or self.dischargeable_capacity_wh
        return whole_wh / 1000.0 if whole_wh else None

    def model(self) -> "CarModel | None":
        """Home: the car as last seen; no model while its battery is unknown."""
        whole_kwh = self.size_kwh()
        if whole_kwh is None or (self.soc_pct is None and self.stored_wh is None):
            return None
        stored_wh = self.stored_wh
        stored_kwh = (
            whole_kwh * (self.soc_pct or 0.0) / 100.0 if stored_wh is None else stored_wh / 1000.0
        )
        pack = BatteryModel(
            capacity_kwh=whole_kwh,
            stored_kwh=stored_kwh,
            charge_kw=most_kw(self.charge_range_w, whole_kwh),
            discharge_kw=most_kw(self.discharge_range_w, whole_kwh),
            charge_eff=CAR_EFF,
            discharge_eff=CAR_EFF,
        )
        return CarModel(pack, plugged=self.plug in (Plug.CHARGEABLE, Plug.DISCHARGEABLE, Plug.BOTH))

    def commands(self, wish: Wish) -> list[Property]:
        """Home: amounts and methods first, the mode last, so that it never starts unlimited."""
        if wish.mode in ("charge", "discharge") and not wish.energy_kwh:
            raise InputError(f"V2H {self.eoj}: {wish.mode} needs an amount of energy")
        if wish.mode in ("charge", "surplus"):
            by = ChargeBy.SURPLUS if wish.mode == "surplus" else ChargeBy.MAXIMUM
            if wish.mode == "charge" and wish.power_kw is not None:
                by = ChargeBy.POWER
            return [
                *self.order(V2h.charge_wh, watts(wish.energy_kwh)),
                *self.order(V2h.charge_power_w, watts(wish.power_kw)),
                *self.order(V2h.charge_by, by),
                *self.order(V2h.mode, CarMode.CHARGE),
            ]
        if wish.mode == "discharge":
            by_power = DischargeBy.LOAD if wish.power_kw is None else DischargeBy.POWER
            return [
                *self.order(V2h.discharge_wh, watts(wish.energy_kwh)),
                *self.order(V2h.discharge_power_w, watts(wish.power_kw)),
                *self.order(V2h.discharge_by, by_power),
                *self.order(V2h.mode, CarMode.DISCHARGE),
            ]
        if wish.mode == "follow":
            return [
                *self.order(V2h.charge_by, ChargeBy.SURPLUS),
                *self.order(V2h.discharge_by, DischargeBy.LOAD),
                *self.order(V2h.mode, CarMode.CHARGE_DISCHARGE),
            ]
        return self.order(V2h.mode, CarMode.STANDBY if wish.mode == "hold" else CarMode.AUTO)


CAR_EFF = 0.93  # AC to battery and back through a DC stand, each way


@dataclass(frozen=True, slots=True)
class CarModel:
    """Physics: a battery on wheels; no power flows while it is away."""

    battery: BatteryModel
    plugged: bool = True

    def bound_kw(self, power_kw: float, hours: float) -> float:
        """The mean AC power [kW] that `power_kw` becomes over `hours` [h] from here."""
        return self.battery.bound_kw(power_kw, hours) if self.plugged else 0.0

    def after(self, power_kw: float, hours: float) -> Self:
        """The car after `hours` of `power_kw` at the stand."""
        return replace(self, battery=self.battery.after(self.bound_kw(power_kw, hours), hours))

    def leave(self) -> Self:
        """The car pulled out of the stand."""
        return replace(self, plugged=False)

    def back(self, trip_kwh: float) -> Self:
        """The car at the stand again after a trip that took `trip_kwh` from its battery."""
        left_kwh = max(0.0, self.battery.stored_kwh - trip_kwh)
        return replace(self, battery=replace(self.battery, stored_kwh=left_kwh), plugged=True)
