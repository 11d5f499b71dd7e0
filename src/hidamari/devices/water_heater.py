"""Electric water heater, EcoCute (class 0x026B): a heat pump, a tank, a bath."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

from hidamari.core.errors import InputError
from hidamari.core.reading import Kind
from hidamari.devices.common import Common
from hidamari.devices.forms import clock
from hidamari.devices.wish import Wish
from hidamari.echonet.frame import Property
from hidamari.echonet.prop import Device, Prop, Use, choice, custom, flag, number, raw


class Heating(IntEnum):
    """What the heat pump shall do (EPC B0)."""

    AUTO = 0x41
    NOW = 0x42
    STOP = 0x43


class Bath(IntEnum):
    """What the bath does (EPC EA)."""

    FILLING = 0x41
    NONE = 0x42
    KEEPING_WARM = 0x43


def watt_hours(epc: int, size: int, count: int) -> Prop[tuple[float, ...]]:
    """Wh for each start hour on offer (10, 13, 15, 17 o'clock; second run from 13)."""

    def decode(edt: bytes, _: Device) -> tuple[float, ...]:
        return tuple(
            float(int.from_bytes(edt[i : i + size], "big")) for i in range(0, len(edt), size)
        )

    def encode(value: tuple[float, ...], _: Device) -> bytes:
        return b"".join(round(wh).to_bytes(size, "big") for wh in value)

    sizes = frozenset({size * count})
    return custom(epc, sizes, decode, encode, unit="Wh", settable=False, use=Use(3600))


class WaterHeater(Common, group=0x02, code=0x6B, kind="water_heater"):
    """Wire: what an EcoCute tells and takes."""

    quantity = "heater_kw"
    power = "own_power_w"
    counter_in = "own_energy_kwh"
    level = "tank_l"
    state = "heating_now"
    card = ("tank_l", "own_power_w", "heating_now", "heating", "shift_h", "bath", "auto_bath")
    modes = frozenset({"follow", "surplus", "charge", "hold", "auto"})

    own_power_w = number(0x84, 2, unit="W", use=Use(10, Kind.POWER, 1))
    own_energy_kwh = number(0x85, 4, factor=0.001, unit="kWh", use=Use(60, Kind.COUNTER, 0.001))
    heating = choice(0xB0, Heating, settable=True, use=Use(60))
    heating_now = flag(0xB2, use=Use(60, Kind.STATE, 1))
    boil_c = number(0xB3, 1, unit="°C", lowest=0, highest=100, settable=True, use=Use(300))
    day_heating = flag(0xC0, settable=True, use=Use(300))
    tank_c = number(0xC1, 1, unit="°C", use=Use(300))
    alarm = raw(0xC2, frozenset({4}), use=Use(600))
    running = flag(0xC3, use=Use(60))
    tank_l = number(0xE1, 2, unit="L", use=Use(60, Kind.LEVEL, 1))
    tank_size_l = number(0xE2, 2, unit="L", use=Use(0))
    auto_bath = flag(0xE3, settable=True, use=Use(60))
    bath = choice(0xEA, Bath, use=Use(60))
    tap_c = number(0xD1, 1, unit="°C", lowest=0, highest=100, settable=True, use=Use(300))
    bath_c = number(0xD3, 1, unit="°C", lowest=0, highest=100, settable=True, use=Use(300))
    # Energy shift (release I on): C7 takes part, CA and CD choose whole hours, final at C8.
    shift = flag(0xC7, yes=0x01, no=0x00, settable=True, use=Use(300))
    decide_h = number(0xC8, 1, unit="h", use=Use(3600))
    shifts = number(0xC9, 1, use=Use(0))
    shift_h = number(0xCA, 1, unit="h", lowest=0, highest=17, settable=True, use=Use(300))
    shift_wh = watt_hours(0xCB, 4, 4)
    shift_rate_wh = watt_hours(0xCC, 2, 4)
    second_h = number(0xCD, 1, unit="h", lowest=0, highest=17, settable=True, use=Use(300))
    second_wh = watt_hours(0xCE, 4, 3)
    second_rate_wh = watt_hours(0xCF, 2, 3)
    surplus_forecast = raw(0xD9, frozenset({51}), settable=True)
    winter_w = number(0xDB, 2, unit="W", use=Use(0))
    between_w = number(0xDC, 2, unit="W", use=Use(0))
    summer_w = number(0xDD, 2, unit="W", use=Use(0))
    timer = flag(0x90, settable=True)
    timer_min = clock(0x91, settable=True)

    def model(self) -> "TankModel | None":
        """Home: the tank as it stands; no model while its size or content is unknown."""
        if not self.tank_size_l or self.tank_l is None:
            return None
        boil_c = self.tank_c or self.boil_c or 65.0
        tank = TankModel(size_l=self.tank_size_l, heat_kwh=0.0, boil_c=boil_c)
        return replace(tank, heat_kwh=min(self.tank_l, self.tank_size_l) * tank.kwh_per_l)

    def commands(self, wish: Wish) -> list[Property]:
        """Home: heat now, stop, its own mode, or the energy shift at `start_h` of the next day."""
        if wish.mode == "charge":
            return self.order(WaterHeater.heating, Heating.NOW)
        if wish.mode == "hold":
            return self.order(WaterHeater.heating, Heating.STOP)
        if wish.mode == "surplus":
            # Appendix 0x026B, EPC CA: 9 to 17 o'clock, 0 = cleared; CD follows CA.
            if wish.start_h is None or not 9 <= wish.start_h <= 17:
                raise InputError(f"water heater {self.eoj}: a start hour of 9 to 17 expected")
            return [
                *self.order(WaterHeater.shift, value=True),
                *self.order(WaterHeater.shift_h, wish.start_h),
                *self.order(WaterHeater.heating, Heating.AUTO),
            ]
        if wish.mode in ("follow", "auto"):
            return [
                *self.order(WaterHeater.shift, value=False),
                *self.order(WaterHeater.heating, Heating.AUTO),
            ]
        raise InputError(f"water heater {self.eoj}: cannot {wish.mode}")


KWH_PER_L_K = 4.186 / 3600.0  # heat of a litre of water per kelvin
TAP_C = 42.0  # hot water is counted in litres of this temperature


@dataclass(frozen=True, slots=True)
class TankModel:
    """Physics: a layered tank, hot water at `boil_c` above cold water at `cold_c`.

    The heat pump gives `heat_kw` of heat and draws a * (boil - outdoor) + b kW for it, at most as
    cold as it can; below 5 °C defrosting costs `frost` more (residential energy method of the
    Building Research Institute, section 7-1, appendix E: machine of rated efficiency 3.0, 4.5 kW).
    The hot part loses `loss_w_k` watts per kelvin to the air.
    """

    size_l: float
    heat_kwh: float
    boil_c: float = 65.0
    cold_c: float = 17.0
    outdoor_c: float = 16.0
    heat_kw: float = 4.5
    a_kw_k: float = 0.0125
    b_kw: float = 0.4574
    frost: float = 1.05
    loss_w_k: float = 1.8

    @property
    def kwh_per_l(self) -> float:
        """Heat of one litre from the hot part [kWh]."""
        return KWH_PER_L_K * (self.boil_c - self.cold_c)

    @property
    def full_kwh(self) -> float:
        """Heat of the whole tank when hot to the bottom [kWh]."""
        return self.size_l * self.kwh_per_l

    @property
    def hot_l(self) -> float:
        """Litres of hot water left in the tank."""
        return self.heat_kwh / self.kwh_per_l

    @property
    def run_kw(self) -> float:
        """Electric power [kW] while the heat pump runs."""
        # The formula is made for air up to 20 °C; warmer air is taken as 25 °C at most.
        air_c = min(self.outdoor_c, 25.0)
        run_kw = self.a_kw_k * (self.boil_c - air_c) + self.b_kw
        return run_kw * (self.frost if air_c < 5.0 else 1.0)

    @property
    def cop(self) -> float:
        """Heat out per electricity in."""
        return self.heat_kw / self.run_kw

    def bound_kw(self, power_kw: float, hours: float) -> float:
        """The mean electric power [kW] that `power_kw` becomes over `hours`: it stops when full."""
        room_kwh = max(0.0, self.full_kwh - self._kept_kwh(hours))
        return max(0.0, min(power_kw, self.run_kw, room_kwh / (self.cop * hours)))

    def after(self, power_kw: float, hours: float, draw_kwh: float = 0.0) -> Self:
        """The tank after `hours` of `power_kw` electric while `draw_kwh` of heat was drawn."""
        heat_kwh = self.bound_kw(power_kw, hours) * self.cop * hours
        return replace(self, heat_kwh=max(0.0, self._kept_kwh(hours) + heat_kwh - draw_kwh))

    def draw_kwh(self, litres: float) -> float:
        """Heat [kWh] of `litres` of tap water at 42 °C."""
        return litres * KWH_PER_L_K * (TAP_C - self.cold_c)

    def tap_l(self) -> float:
        """Litres of 42 °C water that the tank can still give."""
        return self.heat_kwh / (KWH_PER_L_K * (TAP_C - self.cold_c))

    def _kept_kwh(self, hours: float) -> float:
        hot_share = self.heat_kwh / self.full_kwh
        loss_kwh = self.loss_w_k * (self.boil_c - self.outdoor_c) * hot_share * hours / 1000.0
        return max(0.0, self.heat_kwh - loss_kwh)
