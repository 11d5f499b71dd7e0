"""Home air conditioner (class 0x0130) and the room it serves."""

from dataclasses import dataclass, replace
from enum import IntEnum
from math import exp
from typing import Self

from hidamari.core.reading import Kind
from hidamari.devices.common import Common
from hidamari.devices.forms import steps
from hidamari.echonet.prop import Use, choice, flag, number


class AirMode(IntEnum):
    """What it shall do (EPC B0)."""

    OTHER = 0x40
    AUTO = 0x41
    COOLING = 0x42
    HEATING = 0x43
    DRYING = 0x44
    FAN = 0x45


class FlowAuto(IntEnum):
    """Who sets the direction of the air (EPC A1)."""

    AUTO = 0x41
    BY_HAND = 0x42
    AUTO_VERTICAL = 0x43
    AUTO_HORIZONTAL = 0x44


class Swing(IntEnum):
    """Which flaps swing (EPC A3)."""

    OFF = 0x31
    VERTICAL = 0x41
    HORIZONTAL = 0x42
    BOTH = 0x43


class Speed(IntEnum):
    """Rapid or silent (EPC B2)."""

    NORMAL = 0x41
    RAPID = 0x42
    SILENT = 0x43


class Special(IntEnum):
    """Special states (EPC AA)."""

    NORMAL = 0x40
    DEFROSTING = 0x41
    PREHEATING = 0x42
    HEAT_REMOVAL = 0x43


class AirConditioner(Common, group=0x01, code=0x30, kind="air_conditioner"):
    """Wire: what an air conditioner tells and takes."""

    power = "own_power_w"
    counter_in = "own_energy_kwh"
    state = "mode"
    card = ("on", "mode", "set_c", "room_c", "humidity_pct", "outdoor_c", "own_power_w")

    on = flag(0x80, yes=0x30, no=0x31, settable=True, use=Use(60))
    own_power_w = number(0x84, 2, unit="W", use=Use(60, Kind.POWER, 1))
    own_energy_kwh = number(0x85, 4, factor=0.001, unit="kWh", use=Use(300, Kind.COUNTER, 0.001))
    mode = choice(0xB0, AirMode, settable=True, use=Use(60))
    # FD = not settable in this mode (such as drying).
    set_c = number(0xB3, 1, unit="°C", lowest=0, highest=50, settable=True, use=Use(60))
    flow = steps(0xA0, 8, settable=True, use=Use(60))
    flow_auto = choice(0xA1, FlowAuto, settable=True)
    swing = choice(0xA3, Swing, settable=True)
    speed = choice(0xB2, Speed, settable=True)
    special = choice(0xAA, Special, use=Use(300))
    room_c = number(0xBB, 1, signed=True, unit="°C", use=Use(300, Kind.LEVEL, 0.1))
    humidity_pct = number(0xBA, 1, unit="%", use=Use(300, Kind.LEVEL, 1))
    outdoor_c = number(0xBE, 1, signed=True, unit="°C", use=Use(300, Kind.LEVEL, 0.1))
    saving = flag(0x8F, settable=True, use=Use(60))
    air_cleaning = flag(0xCF, settable=True)
    humidifying = flag(0xC1, settable=True)


@dataclass(frozen=True, slots=True)
class RoomModel:
    """Physics: one room as one heat store: C dT/dt = gain + heat - UA (T - outdoor).

    `after` is the exact solution for constant input over the step.
    """

    room_c: float
    outdoor_c: float
    gain_kw: float = 0.3
    loss_kw_k: float = 0.08
    store_kwh_k: float = 1.2

    def after(self, heat_kw: float, hours: float) -> Self:
        """The room after `hours` of `heat_kw` of heat from the machine (negative = cooling)."""
        final_c = self.outdoor_c + (self.gain_kw + heat_kw) / self.loss_kw_k
        kept = exp(-hours * self.loss_kw_k / self.store_kwh_k)
        return replace(self, room_c=final_c + (self.room_c - final_c) * kept)

    def heat_for_kw(self, target_c: float, hours: float) -> float:
        """The heat [kW] that brings the room to `target_c` in `hours`."""
        kept = exp(-hours * self.loss_kw_k / self.store_kwh_k)
        final_c = (target_c - self.room_c * kept) / (1.0 - kept)
        return (final_c - self.outdoor_c) * self.loss_kw_k - self.gain_kw


def compressor_kw(heat_kw: float, room_c: float, outdoor_c: float) -> float:
    """Electric power [kW] for `heat_kw` of heat or cold: 45 % of Carnot between the coils.

    The coils are 12 K warmer and colder than the air they blow on; 15 W for fan and control.
    """
    if heat_kw == 0.0:
        return 0.015
    lift_k = max(8.0, (room_c - outdoor_c if heat_kw > 0 else outdoor_c - room_c) + 24.0)
    warm_k = 273.15 + (room_c + 12.0 if heat_kw > 0 else outdoor_c + 12.0)
    cop = 0.45 * (warm_k / lift_k - (0.0 if heat_kw > 0 else 1.0))
    return abs(heat_kw) / cop + 0.015
