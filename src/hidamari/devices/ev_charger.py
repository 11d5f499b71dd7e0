"""EV charger (class 0x02A1): charges only; schedules are kept by the controller."""

from enum import IntEnum

from hidamari.core.errors import InputError
from hidamari.core.reading import Kind
from hidamari.devices.battery import BatteryModel, most_kw, watts
from hidamari.devices.common import Common
from hidamari.devices.forms import WATTS, pair
from hidamari.devices.v2h import CAR_EFF, CarModel, car_id
from hidamari.devices.wish import Wish
from hidamari.echonet.frame import Property
from hidamari.echonet.prop import Use, choice, number, raw


class ChargerMode(IntEnum):
    """What it shall do (EPC DA)."""

    OTHER = 0x40
    CHARGE = 0x42
    STANDBY = 0x44
    IDLE = 0x47


class ChargerPlug(IntEnum):
    """Whether a car is there and can be charged (EPC C7)."""

    NOT_CONNECTED = 0x30
    NOT_CHARGEABLE = 0x40
    CHARGEABLE = 0x41
    UNKNOWN = 0x44
    UNDEFINED = 0xFF


class EvCharger(Common, group=0x02, code=0xA1, kind="ev_charger"):
    """Wire: what a charger tells and takes; many AC chargers know nothing of the car."""

    quantity = "ev_kw"
    power = "power_w"
    counter_in = "charged_kwh"
    level = "soc_pct"
    state = "mode"
    card = ("power_w", "plug", "mode", "soc_pct", "charged_kwh")
    modes = frozenset({"surplus", "charge", "hold"})
    # Appendix 0x02A1, EPC CD: vehicle connection confirmation; C7 is announced seconds later.
    confirm = Property(0xCD, b"\x10")

    mode = choice(0xDA, ChargerMode, settable=True, use=Use(60, Kind.STATE, 1))
    plug = choice(0xC7, ChargerPlug, use=Use(60, Kind.STATE, 1))
    ask_plug = raw(0xCD, frozenset({1}), settable=True, gettable=False)
    power_w = number(0xD3, 4, unit="W", use=Use(10, Kind.POWER, 1))
    charged_kwh = number(0xD8, 4, factor=0.001, unit="kWh", use=Use(60, Kind.COUNTER, 0.001))
    soc_pct = number(0xE4, 1, unit="%", use=Use(60, Kind.LEVEL, 0.1))
    stored_wh = number(0xE2, 4, unit="Wh", use=Use(300))
    capacity_wh = number(0xD0, 4, unit="Wh", use=Use(300))
    chargeable_capacity_wh = number(0xCE, 4, unit="Wh", use=Use(300))
    chargeable_wh = number(0xCF, 4, unit="Wh", use=Use(60))
    charge_power_w = number(0xEB, 4, unit="W", settable=True, use=Use(300))
    charge_current_a = number(0xED, 2, factor=0.1, unit="A", settable=True, use=Use(300))
    charge_wh = number(0xE7, 4, unit="Wh", settable=True, use=Use(300))
    charge_range_w = pair(0xC8, WATTS, use=Use(3600))
    rated_charge_w = number(0xC5, 4, unit="W", use=Use(0))
    type_code = raw(0xCC, frozenset({1}), use=Use(0))
    car = car_id(0xE6)

    def size_kwh(self) -> float | None:
        """The energy in the car's battery when full [kWh]; `None` while unknown."""
        return self.capacity_wh / 1000.0 if self.capacity_wh else None

    def model(self) -> CarModel | None:
        """Home: the car as last seen; no model where the charger knows nothing of it."""
        whole_kwh = self.size_kwh()
        if whole_kwh is None or (self.soc_pct is None and self.stored_wh is None):
            return None
        soc_kwh = whole_kwh * (self.soc_pct or 0.0) / 100.0
        pack = BatteryModel(
            capacity_kwh=whole_kwh,
            stored_kwh=soc_kwh if self.stored_wh is None else self.stored_wh / 1000.0,
            charge_kw=most_kw(self.charge_range_w, whole_kwh),
            discharge_kw=0.0,
            charge_eff=CAR_EFF,
        )
        return CarModel(pack, plugged=self.plug == ChargerPlug.CHARGEABLE)

    def commands(self, wish: Wish) -> list[Property]:
        """Home: charge with a given power or stand by; the surplus is what `power_kw` says."""
        if wish.mode == "hold" or (wish.mode == "surplus" and not wish.power_kw):
            return self.order(EvCharger.mode, ChargerMode.STANDBY)
        if wish.mode not in self.modes:
            raise InputError(f"charger {self.eoj}: cannot {wish.mode}")
        return [
            *self.order(EvCharger.charge_wh, watts(wish.energy_kwh)),
            *self.order(EvCharger.charge_power_w, watts(wish.power_kw)),
            *self.order(EvCharger.mode, ChargerMode.CHARGE),
        ]
