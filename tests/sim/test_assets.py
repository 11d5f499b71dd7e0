"""The stores of the simulated house act as real ones by mode, method and amount."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.devices.air_conditioner import AirMode, RoomModel
from hidamari.devices.battery import BatteryModel, ChargeBy, DischargeBy, Working
from hidamari.devices.v2h import CarMode, CarModel, CarWorking
from hidamari.devices.v2h import ChargeBy as CarChargeBy
from hidamari.devices.v2h import DischargeBy as CarDischargeBy
from hidamari.devices.water_heater import Heating, TankModel
from hidamari.sim.assets import (
    BatteryState,
    CarState,
    Draw,
    HeaterState,
    step_battery,
    step_car,
    step_heater,
)
from hidamari.sim.rooms import AirState, step_air

PACK = BatteryModel(10.0, 5.0, 4.0, 4.0)
BATTERY = BatteryState(PACK)
CAR = CarState(CarModel(BatteryModel(40.0, 20.0, 6.0, 6.0)))
HALF_H = 0.5


@pytest.mark.parametrize(
    ("told", "surplus_kw", "power_kw"),
    [
        ({"mode": Working.AUTO}, 1.5, 1.5),
        ({"mode": Working.AUTO}, -1.2, -1.2),
        ({"mode": Working.AUTO}, 9.0, 4.0),
        ({"mode": Working.STANDBY}, 3.0, 0.0),
        ({"mode": Working.CHARGING, "charge_by": ChargeBy.MAXIMUM}, -1.0, 4.0),
        ({"mode": Working.CHARGING, "charge_by": ChargeBy.SURPLUS}, 0.7, 0.7),
        ({"mode": Working.CHARGING, "charge_by": ChargeBy.SURPLUS}, -0.7, 0.0),
        ({"mode": Working.CHARGING, "charge_by": ChargeBy.POWER, "charge_kw": 1.3}, -1.0, 1.3),
        ({"mode": Working.RAPID_CHARGING, "charge_by": ChargeBy.MAXIMUM}, 0.0, 4.0),
        ({"mode": Working.DISCHARGING, "discharge_by": DischargeBy.LOAD}, -2.0, -2.0),
        # Stored energy never goes to the grid: no more than the house lacks.
        ({"mode": Working.DISCHARGING, "discharge_by": DischargeBy.MAXIMUM}, -0.5, -0.5),
        ({"mode": Working.DISCHARGING, "discharge_by": DischargeBy.MAXIMUM}, 1.0, 0.0),
        (
            {
                "mode": Working.DISCHARGING,
                "discharge_by": DischargeBy.POWER,
                "discharge_kw": 0.8,
            },
            -2.0,
            -0.8,
        ),
    ],
)
def test_a_battery_does_what_mode_and_method_say(
    told: dict, surplus_kw: float, power_kw: float
) -> None:
    after = step_battery(replace(BATTERY, **told), surplus_kw, 10 / 3600)
    assert after.power_kw == pytest.approx(power_kw)


def test_a_battery_stands_by_when_the_amount_is_charged() -> None:
    told = replace(BATTERY, mode=Working.CHARGING, charge_by=ChargeBy.MAXIMUM, charge_kwh=1.0)
    after = told
    for _ in range(400):  # 1 kWh at 4 kW are 90 steps of 10 s
        after = step_battery(after, -0.3, 10 / 3600)
    assert after.charged_kwh == pytest.approx(1.0, abs=0.001)
    assert (after.mode, after.charge_kwh) == (Working.STANDBY, 0.0)
    assert after.working is Working.STANDBY


def test_a_battery_stands_by_when_the_amount_is_given() -> None:
    told = replace(BATTERY, mode=Working.DISCHARGING, discharge_kwh=0.5)
    after = step_battery(step_battery(told, -1.0, HALF_H), -1.0, HALF_H)
    assert after.discharged_kwh == pytest.approx(0.5)
    assert after.mode is Working.STANDBY


def test_what_a_battery_really_does_is_told_beside_its_mode() -> None:
    charging = step_battery(BATTERY, 1.0, HALF_H)
    assert (charging.mode, charging.working) == (Working.AUTO, Working.CHARGING)
    assert step_battery(BATTERY, -1.0, HALF_H).working is Working.DISCHARGING
    assert step_battery(BATTERY, 0.0, HALF_H).working is Working.STANDBY


@given(
    st.sampled_from(list(Working)),
    st.floats(-8, 8),
    st.floats(0, 10),
    st.sampled_from([10 / 3600, 0.5]),
)
def test_counters_and_cells_of_a_battery_agree(
    mode: Working, surplus_kw: float, stored_kwh: float, hours: float
) -> None:
    before = replace(BATTERY, mode=mode, model=replace(PACK, stored_kwh=stored_kwh))
    after = step_battery(before, surplus_kw, hours)
    into_kwh = 0.95 * after.charged_kwh - after.discharged_kwh / 0.95
    assert after.model.stored_kwh - stored_kwh == pytest.approx(into_kwh, abs=1e-9)
    if after.power_kw < 0:
        assert -after.power_kw <= max(0.0, -surplus_kw) + 1e-9


@pytest.mark.parametrize(
    ("told", "surplus_kw", "power_kw"),
    [
        ({"mode": CarMode.CHARGE_DISCHARGE}, 2.0, 2.0),
        ({"mode": CarMode.CHARGE_DISCHARGE}, -2.0, -2.0),
        ({"mode": CarMode.CHARGE_DISCHARGE}, 0.2, 0.0),  # below the least power of the stand
        ({"mode": CarMode.CHARGE, "charge_by": CarChargeBy.MAXIMUM}, 0.0, 6.0),
        ({"mode": CarMode.CHARGE, "charge_by": CarChargeBy.SURPLUS}, 1.0, 1.0),
        ({"mode": CarMode.CHARGE, "charge_by": CarChargeBy.POWER, "charge_kw": 2.5}, 0.0, 2.5),
        ({"mode": CarMode.DISCHARGE, "discharge_by": CarDischargeBy.LOAD}, -1.5, -1.5),
        ({"mode": CarMode.DISCHARGE, "discharge_by": CarDischargeBy.MAXIMUM}, 1.5, 0.0),
        ({"mode": CarMode.STANDBY}, 5.0, 0.0),
        ({"mode": CarMode.IDLE}, -5.0, 0.0),
        ({"mode": CarMode.AUTO}, -2.0, 0.0),  # at 50 % it keeps the rest for driving
    ],
)
def test_a_car_stand_does_what_mode_and_method_say(
    told: dict, surplus_kw: float, power_kw: float
) -> None:
    after = step_car(replace(CAR, **told), surplus_kw, 10 / 3600, 12.0)
    assert after.power_kw == pytest.approx(power_kw)


def test_a_car_stand_stops_when_the_amount_is_charged() -> None:
    told = replace(CAR, mode=CarMode.CHARGE, charge_by=CarChargeBy.MAXIMUM, charge_kwh=2.0)
    after = step_car(told, 0.0, HALF_H, 12.0)
    assert after.charged_kwh == pytest.approx(2.0)
    assert (after.mode, after.charge_kwh) == (CarMode.STANDBY, 0.0)


def test_a_low_car_charges_by_night_on_its_own() -> None:
    low = replace(CAR, model=CarModel(replace(CAR.model.battery, stored_kwh=12.0)))
    assert step_car(low, 0.0, HALF_H, 2.0).power_kw == pytest.approx(3.0)
    assert step_car(low, 0.0, HALF_H, 12.0).power_kw == 0.0


def test_a_stand_without_a_car_idles() -> None:
    away = replace(CAR, model=CAR.model.leave(), mode=CarMode.CHARGE)
    after = step_car(away, 5.0, HALF_H, 12.0)
    assert after.power_kw == 0.0
    assert after.working is CarWorking.IDLE


NO_DRAW = Draw(0.0, 380.0)
TANK = TankModel(size_l=460.0, heat_kwh=4.0)
HEATER = HeaterState(TANK)


def lived(state: HeaterState, from_h: float, hours: float, step_h: float = 0.25) -> list:
    """Heater states at the ends of equal steps, with the local hour each began."""
    found = []
    for i in range(round(hours / step_h)):
        hour = (from_h + i * step_h) % 24.0
        state = step_heater(state, NO_DRAW, step_h, hour)
        found.append((hour, state))
    return found


def test_an_ecocute_boils_by_night_and_is_done_at_seven() -> None:
    night = lived(HEATER, 21.0, 14.0)
    runs = [hour for hour, state in night if state.running]
    assert runs
    assert all(hour >= 23.0 or hour < 7.0 for hour in runs)
    at_seven = next(state for hour, state in night if hour == 7.0)
    # A day's 380 L of 42 °C water and 15 % more: 380 * 25 K * 1.1628 Wh = 11.05 kWh, 12.7 kWh.
    assert at_seven.tank.heat_kwh == pytest.approx(12.7, abs=0.6)
    assert 5.0 <= min(hour for hour in runs if hour < 7.0) < 6.0  # late, as little is lost so


def test_heat_now_runs_until_full_and_goes_back_to_automatic() -> None:
    now = lived(replace(HEATER, heating=Heating.NOW), 14.0, 8.0)
    assert now[0][1].power_kw == pytest.approx(TANK.run_kw + 0.006)
    last = now[-1][1]
    assert last.heating is Heating.AUTO
    assert last.tank.heat_kwh > 0.97 * TANK.full_kwh
    assert not last.running


def test_a_stopped_heater_does_not_run_at_all() -> None:
    stopped = lived(replace(HEATER, heating=Heating.STOP), 20.0, 24.0)
    assert not any(state.running for _, state in stopped)


def test_a_shift_made_before_the_decision_moves_the_run_into_the_day() -> None:
    shifted = replace(HEATER, shift=True, shift_h=11)
    day = lived(shifted, 20.0, 22.0)
    runs = {hour for hour, state in day if state.running}
    assert any(11.0 <= hour < 16.0 for hour in runs)
    night_h = sum(0.25 for hour in runs if hour >= 23.0 or hour < 7.0)
    day_h = sum(0.25 for hour in runs if 11.0 <= hour < 18.0)
    assert day_h > night_h
    assert (day[-1][1].armed_h, day[-1][1].shift_h) == (0, 0)  # it holds for one day


def test_a_shift_written_after_the_decision_waits_for_the_next_day() -> None:
    late = lived(replace(HEATER, shift=True, shift_h=11), 23.25, 14.0)
    assert not any(state.running for hour, state in late if 11.0 <= hour < 13.0)
    assert late[-1][1].shift_h == 11


def test_an_empty_tank_is_heated_by_day_only_where_that_is_allowed() -> None:
    empty = replace(HEATER, tank=replace(TANK, heat_kwh=1.0))
    assert step_heater(empty, NO_DRAW, 0.25, 15.0).running
    assert not step_heater(replace(empty, day_heating=False), NO_DRAW, 0.25, 15.0).running


ROOM = AirState(RoomModel(27.0, 33.0))


def test_an_air_conditioner_runs_as_measured_until_somebody_commands_it() -> None:
    running = step_air(ROOM, 0.6, 33.0, 0.5, 13.0)
    assert (running.on, running.mode, running.power_kw) == (True, AirMode.COOLING, 0.6)
    assert running.room.room_c == pytest.approx(26.0)
    off = step_air(replace(running, on=False, by_hand=True), 0.6, 33.0, 0.5, 13.5)
    assert (off.on, off.power_kw) == (False, 0.0)
    assert off.room.room_c > 26.0
    dawn = step_air(off, 0.6, 33.0, 0.5, 3.5)
    assert dawn.on
    assert not dawn.by_hand


def test_a_machine_switched_on_by_hand_draws_for_the_heat_it_moves() -> None:
    told = replace(ROOM, on=True, mode=AirMode.COOLING, set_c=24.0, by_hand=True)
    after = step_air(told, 0.0, 33.0, 10 / 3600, 13.0)
    assert 0.3 < after.power_kw < 3.0
    fan = replace(told, mode=AirMode.FAN)
    assert step_air(fan, 0.0, 33.0, 0.5, 13.0).power_kw == pytest.approx(0.015)
    # Cooling does not heat a cold room.
    cold = replace(told, room=RoomModel(18.0, 10.0))
    assert step_air(cold, 0.0, 10.0, 0.5, 13.0).room.room_c < 18.0


def test_a_car_stand_stops_when_the_amount_is_given() -> None:
    told = replace(CAR, mode=CarMode.DISCHARGE, discharge_kwh=1.0)
    half = step_car(replace(told, discharge_kwh=1.5), -2.0, HALF_H, 12.0)
    assert half.working is CarWorking.DISCHARGE
    assert half.discharge_kwh == pytest.approx(0.5)
    done = step_car(told, -2.0, HALF_H, 12.0)
    assert done.discharged_kwh == pytest.approx(1.0)
    assert (done.mode, done.discharge_kwh) == (CarMode.STANDBY, 0.0)


def test_a_battery_counts_down_what_it_still_has_to_give() -> None:
    told = replace(BATTERY, mode=Working.DISCHARGING, discharge_kwh=2.0)
    assert step_battery(told, -1.0, HALF_H).discharge_kwh == pytest.approx(1.5)
