"""Which source is true: the order of the house rules, and the owner's word above it."""

from dataclasses import replace

from hidamari.core.contract import Role
from hidamari.home.sources import CircuitFacts, DeviceFacts, choose

METER = DeviceFacts("m", "smart_meter", "grid_kw", "power_w", "import_kwh", "export_kwh")
BOARD = DeviceFacts("b", "board", "grid_kw", "power_w", "import_kwh", "export_kwh")
SOLAR = DeviceFacts("s", "solar", "pv_kw", "power_w", "energy_kwh")
BATTERY = DeviceFacts("a", "battery", "battery_kw", "power_w", "charged_kwh", "discharged_kwh")
HEATER = DeviceFacts("h", "water_heater", "heater_kw")


def used(found, quantity):
    return [source.device for source in found[quantity].used]


def test_energy_comes_from_the_meter_and_power_from_whichever_is_fresher():
    found = choose([BOARD, METER], [], {})
    assert used(found, "energy") == ["m"]
    assert set(used(found, "grid")) == {"m", "b"}


def second(one, name):
    return replace(one, id=name)


def test_of_two_meters_and_two_boards_one_of_each_stands_at_the_house_bus():
    found = choose([BOARD, second(BOARD, "b2"), METER, second(METER, "m2")], [], {})
    assert used(found, "energy") == ["m"]
    assert used(found, "grid") == ["m", "b"]
    assert [s.device for s in found["grid"].offered] == ["m", "m2", "b", "b2"]


def test_the_main_meter_goes_before_the_one_found_first():
    devices = [METER, second(METER, "m2"), BOARD, second(BOARD, "b2")]
    found = choose(devices, [], {}, {"m2": Role.MAIN})
    assert used(found, "energy") == ["m2"]
    assert used(found, "grid") == ["m2", "b"]


def test_a_meter_of_another_role_is_no_source_of_the_house_bus():
    devices = [METER, second(METER, "m2"), BOARD]
    found = choose(devices, [], {}, {"m": Role.NIGHT, "b": Role.SUB})
    assert used(found, "energy") == used(found, "grid") == ["m2"]
    assert [s.device for s in found["energy"].offered] == ["m2"]


def test_the_owner_may_choose_the_second_meter():
    found = choose([METER, second(METER, "m2"), BOARD], [], {"grid": "m2", "energy": "m2"})
    assert used(found, "grid") == used(found, "energy") == ["m2"]


def test_without_a_meter_the_board_counts():
    assert used(choose([BOARD], [], {}), "energy") == ["b"]


def test_sun_prefers_its_own_channel_and_storage_its_own_counters():
    circuits = [CircuitFacts("circuit:t1", "s", True), CircuitFacts("circuit:t2", "a", True)]
    found = choose([SOLAR, BATTERY], circuits, {})
    assert used(found, "pv") == ["circuit:t1"]
    assert found["pv"].used[0].sign == -1  # the channel counts generation as drawing less
    assert used(found, "battery") == ["a"]
    assert {s.device for s in found["battery"].offered} == {"a", "circuit:t2"}


def test_a_heater_without_a_power_of_its_own_is_its_circuit():
    found = choose([HEATER], [CircuitFacts("circuit:7", "h")], {})
    assert used(found, "heater") == ["circuit:7"]


def test_a_heater_that_nobody_measures_is_part_of_load():
    assert used(choose([HEATER], [], {}), "heater") == []


def test_the_power_of_a_device_is_that_of_its_circuits_or_its_own_never_both():
    own = DeviceFacts("h", "water_heater", "heater_kw", "own_power_w", "own_energy_kwh")
    circuits = [CircuitFacts("circuit:7", "h"), CircuitFacts("circuit:8", "h")]
    found = choose([own], circuits, {})
    assert used(found, "heater") == ["circuit:7", "circuit:8"]


def test_the_owner_may_choose_another_source():
    circuits = [CircuitFacts("circuit:t1", "s", True)]
    found = choose([SOLAR, METER, BOARD], circuits, {"pv": "s", "energy": "b"})
    assert used(found, "pv") == ["s"]
    assert used(found, "energy") == ["b"]


def test_two_batteries_add_up():
    other = DeviceFacts("a2", "battery", "battery_kw", "power_w", "charged_kwh", "discharged_kwh")
    assert used(choose([BATTERY, other], [], {}), "battery") == ["a", "a2"]


def test_the_power_now_may_come_from_whichever_source_of_the_array_is_fresher():
    circuits = [CircuitFacts("circuit:t1", "s", True)]
    found = choose([SOLAR], circuits, {})
    assert [s.device for s in found["pv"].live[0]] == ["circuit:t1", "s"]
    assert used(found, "pv") == ["circuit:t1"]  # its energy is that of the channel all the same


def test_the_owners_choice_is_not_overruled_by_a_fresher_value():
    circuits = [CircuitFacts("circuit:t1", "s", True)]
    found = choose([SOLAR], circuits, {"pv": "circuit:t1"})
    assert [s.device for s in found["pv"].live[0]] == ["circuit:t1"]
