"""The whole house: energy adds up, one seed is one house, its past goes on into its present."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hidamari.devices.forms import Span, WireTime
from hidamari.sim.house import HouseState
from hidamari.sim.keep import load, save
from hidamari.sim.meter import HalfHours, MeterForm
from hidamari.sim.past import COUNTERS, KEYS, POWERS, Key, history
from hidamari.sim.replay import packaged_year
from hidamari.sim.world import World

AT = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)  # noon in Japan
YEAR = packaged_year(7)


def world(at: datetime = AT, seed: int = 7) -> World:
    first = int(at.timestamp()) // 10
    return World(HouseState.new(seed, first), HalfHours(), YEAR if seed == 7 else None)


def test_the_house_bus_balances_over_a_day() -> None:
    house = world()
    before = house.state
    grid_kwh = use_kwh = 0.0
    for _ in range(1440):
        flows = house.step(6).flows
        grid_kwh += flows.grid_kw / 60
        use_kwh += (flows.load_kw + flows.heater_kw) / 60
    after = house.state
    bought = after.counters.import_kwh - before.counters.import_kwh
    sold = after.counters.export_kwh - before.counters.export_kwh
    made = after.counters.pv_kwh - before.counters.pv_kwh
    stored = (
        after.battery.charged_kwh
        - before.battery.charged_kwh
        + after.car.charged_kwh
        - before.car.charged_kwh
    )
    given = (
        after.battery.discharged_kwh
        - before.battery.discharged_kwh
        + after.car.discharged_kwh
        - before.car.discharged_kwh
    )
    assert bought - sold == pytest.approx(grid_kwh)
    assert bought + made + given == pytest.approx(sold + use_kwh + stored)
    assert use_kwh > 3.0


def test_the_circuits_and_what_is_behind_none_are_the_use_of_the_house() -> None:
    house = world()
    for _ in range(48):
        state = house.step(180)
        measured_kw = sum(state.circuits_kw)
        use_kw = state.flows.load_kw + state.flows.heater_kw
        assert measured_kw <= use_kw + 1e-9
        assert measured_kw > 0.5 * use_kw
    before = HouseState.new(7, int(AT.timestamp()) // 10).counters.circuits_kwh
    grown = np.array(house.state.counters.circuits_kwh) - before
    assert grown.min() >= 0.0
    assert grown[3] == pytest.approx(house.state.heater.used_kwh - _new_heater_kwh())


def _new_heater_kwh() -> float:
    return HouseState.new(7, 0).heater.used_kwh


def test_stored_energy_never_goes_to_the_grid() -> None:
    house = world(AT - timedelta(hours=12))
    for _ in range(2 * 1440):
        flows = house.step(6).flows
        if flows.battery_kw < -1e-9 or flows.ev_kw < -1e-9:
            assert flows.grid_kw >= -1e-9


def test_the_measured_load_and_sun_come_out_hour_by_hour() -> None:
    house = world()
    load_kwh, pv_kwh = YEAR.half_hours(int(AT.timestamp()) // 1800, 4)
    found = []
    for _ in range(4):
        flows = [house.step(1).flows for _ in range(180)]
        found.append((np.mean([f.load_kw for f in flows]), np.mean([f.pv_kw for f in flows])))
    assert [load * 0.5 for load, _ in found] == pytest.approx(list(load_kwh))
    assert [pv * 0.5 for _, pv in found] == pytest.approx(list(pv_kwh))


def test_one_seed_is_one_house_to_the_last_bit() -> None:
    one, two, other = world(), world(), world(seed=8)
    for house in (one, two, other):
        house.advance(AT + timedelta(hours=3))
    assert one.state == two.state
    assert one.half_hours == two.half_hours
    assert other.state.flows != one.state.flows


def test_a_house_that_is_looked_at_often_is_the_same_house() -> None:
    seldom, often = world(), world()
    seldom.advance(AT + timedelta(hours=1))
    for second in range(0, 3601, 7):
        often.advance(AT + timedelta(seconds=second))
    often.advance(AT + timedelta(hours=1))
    assert seldom.state == often.state


def test_time_that_runs_back_changes_nothing() -> None:
    house = world()
    house.advance(AT + timedelta(minutes=5))
    before = house.state
    assert house.advance(AT - timedelta(days=400)) == 0
    assert house.state is before


def test_a_long_absence_is_caught_up_quickly_and_ends_in_fine_steps() -> None:
    house = world()
    steps = house.advance(AT + timedelta(days=30))
    assert house.at == AT + timedelta(days=30)
    assert steps < 30 * 48 + 900
    assert len(house.half_hours.kwh) == 30 * 48


def test_the_car_comes_home_with_less_and_asks_to_be_looked_at() -> None:
    house = world(datetime(2026, 6, 5, 15, 0, tzinfo=UTC))
    states = [house.step(180) for _ in range(4 * 48)]
    away = [not state.car.model.plugged for state in states]
    assert any(away)
    left = away.index(True)
    back = away.index(False, left)
    before, after = states[left - 1].car, states[back].car
    assert after.model.battery.stored_kwh < before.model.battery.stored_kwh
    assert not after.confirmed
    asked = replace(house.state, car=replace(after, asked=True))
    house.state = replace(asked, tick=house.state.tick)
    assert house.step(180).car.confirmed


def test_the_meter_remembers_its_half_hours() -> None:
    house = world(datetime(2026, 6, 9, 15, 0, tzinfo=UTC))  # midnight in Japan
    shown = []
    for _ in range(60):
        shown.append(house.form.shown(house.state.counters))
        house.step(180)
    yesterday = house.half_hours.day(1, house.slot, export=False)
    today = house.half_hours.day(0, house.slot, export=True)
    assert yesterday.kwh == tuple(pair.first for pair in shown[:48])
    assert today.kwh[:12] == tuple(pair.second for pair in shown[48:])
    assert today.kwh[12:] == (None,) * 36  # 06:00 is now: not recorded before it is lived
    assert house.half_hours.day(2, house.slot, export=False).kwh == (None,) * 48
    span = house.half_hours.span(Span(WireTime(2026, 6, 10, 23, 30), 3), house.slot)
    assert [pair.first for pair in span.kwh] == [pair.first for pair in shown[47:50]]


def test_counters_roll_over_at_their_digits_and_a_new_meter_starts_at_zero() -> None:
    counters = replace(HouseState.new(7, 0).counters, import_kwh=100_012.3, export_kwh=5.0)
    six = MeterForm(unit_code=1, unit_kwh=0.1, digits=6)
    assert six.shown(counters).first == pytest.approx(12.3)
    new = MeterForm(import_offset_kwh=100_000.0, export_offset_kwh=5.0)
    assert new.shown(counters).first == pytest.approx(12.3)
    assert new.shown(counters).second == 0.0


SMALL = history(7, AT + timedelta(minutes=17), days=5, minute_days=1, replay=YEAR)


def column(values: np.ndarray, device: str, name: str) -> np.ndarray:
    return values[:, KEYS.index(Key(device, name))]


def test_every_half_hour_of_the_past_balances() -> None:
    values = SMALL.half_hours.values
    assert values.shape == (5 * 48, len(KEYS))
    assert SMALL.half_hours.start == AT - timedelta(days=5)

    def home(name: str) -> np.ndarray:
        return column(values, "home", name)

    stores = home("battery_kw") + home("ev_kw") + home("heater_kw")
    assert home("grid_kw") == pytest.approx(home("load_kw") + stores - home("pv_kw"))
    assert home("import_kw") - home("export_kw") == pytest.approx(home("grid_kw"))
    assert home("use_kw") == pytest.approx(
        home("load_kw") + home("heater_kw") + np.maximum(home("ev_kw"), 0.0)
    )
    assert not np.isnan(values).any()


def test_counters_of_the_past_grow_by_the_energy_of_their_powers() -> None:
    values = SMALL.half_hours.values
    pairs = {
        ("solar", "energy_kwh"): column(values, "home", "pv_kw"),
        ("battery", "charged_kwh"): column(values, "home", "charge_kw"),
        ("battery", "discharged_kwh"): column(values, "home", "discharge_kw"),
        ("smart_meter", "import_kwh"): column(values, "home", "import_kw"),
        ("board", "export_kwh"): column(values, "home", "export_kw"),
        ("circuit:5", "energy_kwh"): column(values, "circuit:5", "power_kw"),
        ("circuit:t2", "back_kwh"): column(values, "home", "discharge_kw"),
    }
    for (device, name), power_kw in pairs.items():
        assert np.diff(column(values, device, name)) == pytest.approx(power_kw[1:] * 0.5), name


def test_the_last_days_are_the_mean_of_their_minutes() -> None:
    fine = SMALL.minutes.values
    assert fine.shape == (1440, len(KEYS))
    assert SMALL.minutes.start == AT - timedelta(days=1)
    powers = slice(0, len(POWERS))
    halves = fine[:, powers].reshape(48, 30, -1).mean(axis=1)
    assert SMALL.half_hours.values[-48:, powers] == pytest.approx(halves)
    last = slice(len(KEYS) - len(COUNTERS), len(KEYS))
    assert SMALL.half_hours.values[-1, last] == pytest.approx(fine[-1, last])


def test_the_past_ends_where_the_present_begins() -> None:
    assert SMALL.world.at == AT
    counters = SMALL.world.state.counters
    assert column(SMALL.half_hours.values, "smart_meter", "import_kwh")[-1] == counters.import_kwh
    at, row = next(SMALL.half_hours.rows())
    assert at == AT - timedelta(days=5)
    assert set(row) == set(KEYS)
    assert len(SMALL.world.half_hours.kwh) == 5 * 48


def test_a_saved_house_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "sim.json"
    house = world()
    house.advance(AT + timedelta(hours=1))
    save(house, path)
    again = load(path, YEAR)
    assert again is not None
    assert again.state == house.state
    assert again.form == house.form
    assert set(again.half_hours.kwh) == set(house.half_hours.kwh)
    for one in (house, again):
        one.advance(AT + timedelta(hours=2))
    assert again.state == house.state
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 99}', '{"version": 1, "slots": [], "state": {}}', "null"],
)
def test_a_file_that_cannot_be_used_gives_no_house(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sim.json"
    path.write_text(text)
    assert load(path) is None
    assert load(tmp_path / "absent.json") is None


def test_a_saved_house_of_another_shape_gives_no_house(tmp_path: Path) -> None:
    path = tmp_path / "sim.json"
    save(world(), path)
    data = json.loads(path.read_text())
    data["state"]["battery"]["colour"] = "white"
    path.write_text(json.dumps(data))
    assert load(path, YEAR) is None


def test_a_new_house_has_a_hundred_days_behind_it() -> None:
    house = World.new(7, AT, YEAR)
    assert house.at == AT
    oldest = house.half_hours.day(99, house.slot, export=False)
    assert None not in oldest.kwh
    assert list(oldest.kwh) == sorted(oldest.kwh)


def test_a_value_where_a_part_should_be_gives_no_house(tmp_path: Path) -> None:
    path = tmp_path / "sim.json"
    save(world(), path)
    data = json.loads(path.read_text())
    data["state"]["battery"] = 7
    path.write_text(json.dumps(data))
    assert load(path, YEAR) is None
