"""How the battery, the car at its stand and the water heater of the simulated house behave.

Each is a frozen state with the settings that came over the wire; `step_*` gives the state after a
step and the AC power of it. Amounts (AA, E7 ...) count down and the device then stands by, as the
standard asks; nothing here ever feeds stored energy to the grid, as a Japanese system must not.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from hidamari.devices.battery import BatteryModel, ChargeBy, DischargeBy, Working
from hidamari.devices.v2h import CarMode, CarModel, CarWorking
from hidamari.devices.v2h import ChargeBy as CarChargeBy
from hidamari.devices.v2h import DischargeBy as CarDischargeBy
from hidamari.devices.water_heater import Heating, TankModel

IDLE_KW = 0.02  # less than this is standing by
DONE_KWH = 0.0005
CAR_LEAST_KW = 0.3
CAR_NIGHT_PCT, CAR_NIGHT_TO_PCT, CAR_FLOOR_PCT, CAR_SUN_TO_PCT = 45.0, 60.0, 50.0, 75.0
TANK_IDLE_KW = 0.006
DAY_TANK_L, DAY_TANK_TO_L = 60.0, 120.0  # litres: a daytime run starts and ends
MORNING_H, NIGHT_H = 7.0, 23.0


@dataclass(frozen=True, slots=True)
class BatteryState:
    """The battery and what it was told: mode, methods, amounts (AC kWh, 0 = not set), powers."""

    model: BatteryModel
    mode: Working = Working.AUTO
    charge_by: ChargeBy = ChargeBy.SURPLUS
    discharge_by: DischargeBy = DischargeBy.LOAD
    charge_kwh: float = 0.0
    discharge_kwh: float = 0.0
    charge_kw: float = 2.0
    discharge_kw: float = 2.0
    power_kw: float = 0.0
    charged_kwh: float = 0.0
    discharged_kwh: float = 0.0

    @property
    def working(self) -> Working:
        """What it really does (EPC CF)."""
        if self.mode is Working.AUTO:
            if abs(self.power_kw) < IDLE_KW:
                return Working.STANDBY
            return Working.CHARGING if self.power_kw > 0 else Working.DISCHARGING
        return self.mode


def battery_wants_kw(state: BatteryState, surplus_kw: float, hours: float) -> float:
    """The AC power [kW] its mode asks for while the rest of the house leaves `surplus_kw`."""
    lack_kw, spare_kw = max(0.0, -surplus_kw), max(0.0, surplus_kw)
    match state.mode:
        case Working.AUTO:
            return spare_kw - lack_kw
        case Working.CHARGING | Working.RAPID_CHARGING:
            wanted_kw = {ChargeBy.SURPLUS: spare_kw, ChargeBy.POWER: state.charge_kw}.get(
                state.charge_by, state.model.charge_kw
            )
            return min(wanted_kw, _amount_kw(state.charge_kwh, hours))
        case Working.DISCHARGING:
            wanted_kw = state.discharge_kw if state.discharge_by is DischargeBy.POWER else lack_kw
            return -min(wanted_kw, lack_kw, _amount_kw(state.discharge_kwh, hours))
        case _:
            return 0.0


def step_battery(state: BatteryState, surplus_kw: float, hours: float) -> BatteryState:
    """The battery after a step; its `power_kw` is the mean of that step."""
    power_kw = state.model.bound_kw(battery_wants_kw(state, surplus_kw, hours), hours)
    charged, discharged = max(0.0, power_kw) * hours, max(0.0, -power_kw) * hours
    after = replace(
        state,
        model=state.model.after(power_kw, hours),
        power_kw=power_kw,
        charged_kwh=state.charged_kwh + charged,
        discharged_kwh=state.discharged_kwh + discharged,
    )
    if state.mode in (Working.CHARGING, Working.RAPID_CHARGING) and state.charge_kwh:
        left_kwh = state.charge_kwh - charged
        if left_kwh <= DONE_KWH:
            return replace(after, charge_kwh=0.0, mode=Working.STANDBY)
        return replace(after, charge_kwh=left_kwh)
    if state.mode is Working.DISCHARGING and state.discharge_kwh:
        left_kwh = state.discharge_kwh - discharged
        if left_kwh <= DONE_KWH:
            return replace(after, discharge_kwh=0.0, mode=Working.STANDBY)
        return replace(after, discharge_kwh=left_kwh)
    return after


@dataclass(frozen=True, slots=True)
class CarState:
    """The car, its stand, and what the stand was told; `confirmed`: it knows which car is there."""

    model: CarModel
    mode: CarMode = CarMode.AUTO
    charge_by: CarChargeBy = CarChargeBy.SURPLUS
    discharge_by: CarDischargeBy = CarDischargeBy.LOAD
    charge_kwh: float = 0.0
    discharge_kwh: float = 0.0
    charge_kw: float = 3.0
    discharge_kw: float = 3.0
    power_kw: float = 0.0
    charged_kwh: float = 0.0
    discharged_kwh: float = 0.0
    confirmed: bool = True
    asked: bool = False  # EPC CD was written
    trip_kwh: float = 0.0
    night_charge: bool = False

    @property
    def working(self) -> CarWorking:
        """What it really does (EPC E1)."""
        if abs(self.power_kw) >= IDLE_KW:
            return CarWorking.CHARGE if self.power_kw > 0 else CarWorking.DISCHARGE
        return CarWorking.STANDBY if self.model.plugged else CarWorking.IDLE


def car_wants_kw(state: CarState, surplus_kw: float, hours: float) -> float:
    """The AC power [kW] its mode asks for while house and battery leave `surplus_kw`."""
    lack_kw, spare_kw = max(0.0, -surplus_kw), max(0.0, surplus_kw)
    match state.mode:
        case CarMode.AUTO:
            if state.night_charge:
                return state.model.battery.charge_kw / 2.0
            soc_pct = state.model.battery.soc_pct
            if spare_kw:
                return spare_kw if soc_pct < CAR_SUN_TO_PCT else 0.0
            return -lack_kw if soc_pct > CAR_FLOOR_PCT else 0.0
        case CarMode.CHARGE_DISCHARGE:
            return spare_kw - lack_kw
        case CarMode.CHARGE:
            wanted_kw = {CarChargeBy.SURPLUS: spare_kw, CarChargeBy.POWER: state.charge_kw}.get(
                state.charge_by, state.model.battery.charge_kw
            )
            return min(wanted_kw, _amount_kw(state.charge_kwh, hours))
        case CarMode.DISCHARGE:
            wanted_kw = (
                state.discharge_kw if state.discharge_by is CarDischargeBy.POWER else lack_kw
            )
            return -min(wanted_kw, lack_kw, _amount_kw(state.discharge_kwh, hours))
        case _:
            return 0.0


def step_car(state: CarState, surplus_kw: float, hours: float, hour: float) -> CarState:
    """The car after a step that begins at local `hour`; below its least power the stand waits."""
    soc_pct = state.model.battery.soc_pct
    to_pct = CAR_NIGHT_TO_PCT if state.night_charge else CAR_NIGHT_PCT
    night = state.model.plugged and 1.0 <= hour < 5.0 and soc_pct < to_pct
    if night is not state.night_charge:
        state = replace(state, night_charge=night)
    wanted_kw = car_wants_kw(state, surplus_kw, hours)
    power_kw = state.model.bound_kw(wanted_kw if abs(wanted_kw) >= CAR_LEAST_KW else 0.0, hours)
    charged, discharged = max(0.0, power_kw) * hours, max(0.0, -power_kw) * hours
    after = replace(
        state,
        model=state.model.after(power_kw, hours),
        power_kw=power_kw,
        charged_kwh=state.charged_kwh + charged,
        discharged_kwh=state.discharged_kwh + discharged,
    )
    if state.mode is CarMode.CHARGE and state.charge_kwh:
        left_kwh = max(0.0, state.charge_kwh - charged)
        done = left_kwh <= DONE_KWH
        return replace(after, charge_kwh=left_kwh, mode=CarMode.STANDBY if done else state.mode)
    if state.mode is CarMode.DISCHARGE and state.discharge_kwh:
        left_kwh = max(0.0, state.discharge_kwh - discharged)
        done = left_kwh <= DONE_KWH
        return replace(after, discharge_kwh=left_kwh, mode=CarMode.STANDBY if done else state.mode)
    return after


@dataclass(frozen=True, slots=True)
class HeaterState:
    """The EcoCute: its tank, its orders, and the run it is in."""

    tank: TankModel
    heating: Heating = Heating.AUTO
    shift: bool = False
    shift_h: int = 0
    second_h: int = 0
    armed_h: int = 0  # the shift hour made final for the coming day
    day_heating: bool = True
    auto_bath: bool = True
    running: bool = False
    power_kw: float = 0.0
    used_kwh: float = 0.0
    drawn_l_h: float = 0.0


class Draw(NamedTuple):
    """Hot water taken in a step, and what a whole day takes: litres of 42 °C water."""

    litres: float
    day_l: float


def step_heater(state: HeaterState, draw: Draw, hours: float, hour: float) -> HeaterState:
    """The heater after a step that begins at local `hour`."""
    state = _decided(state, hours, hour)
    running = heater_runs(state, draw.day_l, hour)
    tank = state.tank
    heat_pump_kw = tank.bound_kw(tank.run_kw, hours) if running else 0.0
    power_kw = heat_pump_kw + TANK_IDLE_KW
    full = running and heat_pump_kw < 0.98 * tank.run_kw
    shifted_done = state.running and not running and 0 < state.armed_h <= hour < NIGHT_H
    return replace(
        state,
        tank=tank.after(heat_pump_kw, hours, tank.draw_kwh(draw.litres)),
        heating=Heating.AUTO if full and state.heating is Heating.NOW else state.heating,
        armed_h=0 if shifted_done else state.armed_h,
        shift_h=0 if shifted_done else state.shift_h,
        running=running,
        power_kw=power_kw,
        used_kwh=state.used_kwh + power_kw * hours,
        drawn_l_h=draw.litres / hours,
    )


def heater_runs(state: HeaterState, day_l: float, hour: float) -> bool:
    """Whether the heat pump runs at local `hour`: by night so that it ends at 7, or as shifted."""
    tank = state.tank
    if state.heating is Heating.NOW:
        return tank.heat_kwh < 0.99 * tank.full_kwh
    if state.heating is Heating.STOP:
        return False
    enough_kwh = min(0.99 * tank.full_kwh, 1.15 * tank.draw_kwh(day_l))
    if state.armed_h and state.armed_h <= hour < state.armed_h + 7.0:
        return tank.heat_kwh < enough_kwh
    if hour < MORNING_H or hour >= NIGHT_H:
        # A shifted day keeps a third for the morning; the rest is made in the sun.
        enough_kwh *= 0.35 if state.armed_h else 1.0
        needed_h = (enough_kwh - tank.heat_kwh) / tank.heat_kw + 0.25
        until_h = (MORNING_H - hour) % 24.0
        return tank.heat_kwh < enough_kwh and (state.running or until_h <= needed_h)
    low_l = DAY_TANK_TO_L if state.running else DAY_TANK_L
    return state.day_heating and tank.hot_l < low_l


def _decided(state: HeaterState, hours: float, hour: float) -> HeaterState:
    """At the hour of EPC C8 the shift for the coming day becomes final."""
    if not hour <= NIGHT_H < hour + hours:
        return state
    return replace(state, armed_h=state.shift_h if state.shift else 0)


def _amount_kw(left_kwh: float, hours: float) -> float:
    return left_kwh / hours if left_kwh else float("inf")
