"""Physics: energy is kept, limits hold, and cases worked out by hand come out."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.devices.air_conditioner import RoomModel, compressor_kw
from hidamari.devices.battery import BatteryModel
from hidamari.devices.solar import SolarModel
from hidamari.devices.v2h import CarModel
from hidamari.devices.water_heater import KWH_PER_L_K, TankModel

HOURS = st.sampled_from([10 / 3600, 1 / 60, 0.25, 0.5, 1.0, 3.0])
POWER_KW = st.floats(-8.0, 8.0)


@st.composite
def batteries(draw) -> BatteryModel:
    capacity_kwh = draw(st.floats(1.0, 60.0))
    floor_kwh = capacity_kwh * draw(st.floats(0.0, 0.5))
    return BatteryModel(
        capacity_kwh=capacity_kwh,
        stored_kwh=capacity_kwh * draw(st.floats(0.0, 1.0)),
        charge_kw=draw(st.floats(0.5, 10.0)),
        discharge_kw=draw(st.floats(0.5, 10.0)),
        floor_kwh=floor_kwh,
        ceiling_kwh=floor_kwh + capacity_kwh * draw(st.floats(0.0, 1.0)),
        charge_eff=draw(st.floats(0.8, 1.0)),
        discharge_eff=draw(st.floats(0.8, 1.0)),
        loss_per_h=draw(st.floats(0.0, 0.01)),
        taper_from=draw(st.floats(0.5, 1.0)),
    )


@given(batteries(), POWER_KW, HOURS)
def test_a_battery_keeps_energy_and_its_limits(
    battery: BatteryModel, power_kw: float, hours: float
) -> None:
    ac_kw = battery.bound_kw(power_kw, hours)
    after = battery.after(power_kw, hours)
    assert abs(ac_kw) <= abs(power_kw) + 1e-9
    assert ac_kw * power_kw >= 0.0
    assert -battery.discharge_kw <= ac_kw <= battery.charge_kw
    cells_kwh = max(0.0, ac_kw) * battery.charge_eff + min(0.0, ac_kw) / battery.discharge_eff
    lost_kwh = battery.stored_kwh * battery.loss_per_h * hours
    assert after.stored_kwh == pytest.approx(battery.stored_kwh + cells_kwh * hours - lost_kwh)
    assert -1e-9 <= after.stored_kwh <= battery.capacity_kwh * (1 + 1e-9)
    if power_kw > 0 and battery.stored_kwh < battery.ceiling_kwh:
        assert after.stored_kwh <= min(battery.ceiling_kwh, battery.capacity_kwh) * (1 + 1e-9)
    if power_kw < 0 and battery.stored_kwh - lost_kwh > battery.floor_kwh:
        assert after.stored_kwh >= battery.floor_kwh - 1e-9


def test_charging_by_hand() -> None:
    # 10 kWh, 4 kWh inside, 2 kW for half an hour: 1 kWh AC, 0.95 kWh arrive.
    battery = BatteryModel(10.0, 4.0, 4.0, 4.0)
    assert battery.after(2.0, 0.5).stored_kwh == pytest.approx(4.95)
    # 2 kW out for half an hour take 1 / 0.95 kWh from the cells.
    assert battery.after(-2.0, 0.5).stored_kwh == pytest.approx(4.0 - 1.0 / 0.95)
    assert battery.soc_pct == pytest.approx(40.0)
    assert battery.room_ac_kwh() == pytest.approx(6.0 / 0.95)
    assert battery.spare_ac_kwh() == pytest.approx(3.8)


def test_a_nearly_full_battery_charges_slowly_by_hand() -> None:
    # Taper from 95 % of 10 kWh: slope = 4 kW / 0.5 kWh = 8 per hour. At 9.8 kWh, one hour:
    # p = 8 * 0.2 / (1 + 8 * 0.95) = 0.18605 kW, and E = 9.8 + 0.95 p = 9.97674 = 10 - p / 8.
    battery = BatteryModel(10.0, 9.8, 4.0, 4.0)
    assert battery.bound_kw(4.0, 1.0) == pytest.approx(0.186047, abs=1e-6)
    assert battery.after(4.0, 1.0).stored_kwh == pytest.approx(9.976744, abs=1e-6)


def test_the_reserve_stays_in_the_battery() -> None:
    battery = BatteryModel(10.0, 2.1, 4.0, 4.0, floor_kwh=2.0)
    # 0.1 kWh in the cells are 0.095 kWh AC, in half an hour 0.19 kW.
    assert battery.bound_kw(-3.0, 0.5) == pytest.approx(-0.19)
    assert battery.after(-3.0, 0.5).stored_kwh == pytest.approx(2.0)


def test_no_power_flows_to_a_car_that_is_away() -> None:
    car = CarModel(BatteryModel(40.0, 20.0, 6.0, 6.0, charge_eff=0.93, discharge_eff=0.93))
    away = car.leave()
    assert away.bound_kw(6.0, 0.5) == 0.0
    assert away.after(6.0, 0.5).battery.stored_kwh == pytest.approx(20.0)
    back = away.back(7.5)
    assert back.plugged
    assert back.battery.stored_kwh == pytest.approx(12.5)
    # 3 kW for an hour: 2.79 kWh arrive in the cells.
    assert back.after(3.0, 1.0).battery.stored_kwh == pytest.approx(15.29)
    assert away.back(99.0).battery.stored_kwh == 0.0


@pytest.mark.req("MEA-06")
def test_the_tank_holds_what_the_facts_sheet_says() -> None:
    # 460 L from 17 to 65 °C: 460 * 48 * 4.186 / 3600 = 25.67 kWh; as 42 °C water 883 L.
    tank = TankModel(size_l=460.0, heat_kwh=0.0)
    assert tank.full_kwh == pytest.approx(25.67, abs=0.02)
    full = TankModel(size_l=460.0, heat_kwh=tank.full_kwh)
    assert full.hot_l == pytest.approx(460.0)
    assert full.tap_l() == pytest.approx(883.0, abs=1.0)
    assert tank.draw_kwh(180.0) == pytest.approx(180.0 * 25.0 * KWH_PER_L_K)


@pytest.mark.parametrize(
    ("outdoor_c", "run_kw"),
    # a * (65 - T) + b with a = 0.0125, b = 0.4574: 1.1824, 1.0699, 0.9574 kW.
    [(7.0, 1.1824), (16.0, 1.0699), (25.0, 0.9574), (33.0, 0.9574)],
)
def test_the_heat_pump_draws_what_the_energy_method_says(outdoor_c: float, run_kw: float) -> None:
    tank = TankModel(size_l=460.0, heat_kwh=5.0, outdoor_c=outdoor_c)
    assert tank.run_kw == pytest.approx(run_kw)
    assert tank.cop == pytest.approx(4.5 / run_kw)


@given(st.floats(0.0, 1.0), st.floats(0.0, 3.0), HOURS, st.floats(0.0, 10.0), st.floats(-5, 35))
def test_a_tank_keeps_energy_and_its_limits(
    share: float, power_kw: float, hours: float, draw_kwh: float, outdoor_c: float
) -> None:
    empty = TankModel(size_l=460.0, heat_kwh=0.0, outdoor_c=outdoor_c)
    tank = TankModel(size_l=460.0, heat_kwh=share * empty.full_kwh, outdoor_c=outdoor_c)
    after = tank.after(power_kw, hours, draw_kwh)
    used_kwh = tank.bound_kw(power_kw, hours) * hours
    assert 0.0 <= used_kwh <= power_kw * hours + 1e-9
    assert 0.0 <= after.heat_kwh <= tank.full_kwh + 1e-9
    gained_kwh = after.heat_kwh - tank.heat_kwh
    assert gained_kwh <= used_kwh * tank.cop + 1e-9
    lost_kwh = 0.0018 * (65.0 - outdoor_c) * share * hours
    expected_kwh = tank.heat_kwh + used_kwh * tank.cop - draw_kwh - lost_kwh
    if expected_kwh > 0.0:
        assert after.heat_kwh == pytest.approx(expected_kwh)


def test_a_full_tank_stops_the_heat_pump() -> None:
    empty = TankModel(size_l=460.0, heat_kwh=0.0)
    full = TankModel(size_l=460.0, heat_kwh=empty.full_kwh)
    assert full.bound_kw(1.2, 0.5) < 0.03  # only what the tank loses meanwhile


def test_the_sun_is_cut_at_the_rating_and_at_the_limit() -> None:
    assert SolarModel(5.0).output_kw(6.0) == 5.0
    assert SolarModel(5.0, limit_pct=40.0).output_kw(3.0) == pytest.approx(2.0)
    assert SolarModel(5.0).output_kw(-1.0) == 0.0


def test_a_room_goes_to_its_balance_as_an_exponential() -> None:
    # Balance: 5 + 0.3 / 0.08 = 8.75 °C; time constant 1.2 / 0.08 = 15 h.
    room = RoomModel(20.0, 5.0)
    assert room.after(0.0, 3.0).room_c == pytest.approx(8.75 + 11.25 * exp(-0.2))
    assert room.after(room.heat_for_kw(22.0, 0.5), 0.5).room_c == pytest.approx(22.0)


def test_two_half_hours_are_one_hour_in_a_room() -> None:
    room = RoomModel(18.0, 2.0)
    assert room.after(2.0, 0.5).after(2.0, 0.5).room_c == pytest.approx(room.after(2.0, 1.0).room_c)


def test_an_air_conditioner_works_better_in_mild_weather() -> None:
    # Heating 2 kW to 20 °C at 5 °C: coils 32 and -7 °C, 0.45 * 305.15 / 39 = 3.52; plus 15 W.
    assert compressor_kw(2.0, 20.0, 5.0) == pytest.approx(2.0 / 3.521 + 0.015, abs=1e-3)
    assert compressor_kw(2.0, 20.0, 15.0) < compressor_kw(2.0, 20.0, -5.0)
    assert compressor_kw(-2.0, 26.0, 30.0) < compressor_kw(-2.0, 26.0, 37.0)
    assert compressor_kw(0.0, 26.0, 30.0) == pytest.approx(0.015)


def test_a_battery_without_taper_charges_at_full_power_to_the_top() -> None:
    battery = BatteryModel(10.0, 9.0, 4.0, 4.0, taper_from=1.0)
    # 1 kWh of room takes 1 / 0.95 kWh AC.
    assert battery.bound_kw(4.0, 0.25) == pytest.approx(4.0)
    assert battery.bound_kw(4.0, 0.5) == pytest.approx(2.0 / 0.95)
