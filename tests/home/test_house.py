"""The house as a whole: what is removed counts no more, several of a kind are one quantity."""

import pytest

from hidamari.core.config import PlanSettings, Settings
from hidamari.core.time import from_unix
from hidamari.devices import kind_of
from hidamari.echonet.frame import Eoj
from hidamari.home.assets import assets_of
from hidamari.home.compare import pairs
from hidamari.home.house import Circuit, House, Level
from hidamari.home.live import LiveDevice
from hidamari.home.registry import Binding
from hidamari.home.showing import snapshot

NOW_S = 1000.0


def device(name: str, eoj: str, **told: str) -> LiveDevice:
    """A device that told these properties (EPC=hex) ten seconds ago."""
    kind = kind_of(Eoj.parse(eoj).class_code)
    values = {int(epc[1:], 16): bytes.fromhex(edt) for epc, edt in told.items()}
    binding = Binding(name, kind.kind, name, weak=False, host="10.0.0.2", eoj=eoj)
    live = LiveDevice(binding, kind(Eoj.parse(eoj)), readable=frozenset(values))
    live.took(values, frozenset(), NOW_S - 10.0)
    return live


def house(*devices: LiveDevice) -> House:
    found = House({live.binding.id: live for live in devices})
    found.choose_sources({})
    return found


def battery(name: str, soc_pct: int, size_wh: int) -> LiveDevice:
    told = {"xE4": f"{soc_pct:02X}", "xD0": f"{size_wh:08X}", "xD3": "000003E8"}
    return device(name, "027D01", **told)


def shown(home: House, **settings: object):
    now = snapshot(home, Settings(**settings), from_unix(1_800_000_000), NOW_S, None)
    return now, {name: value.value for name, value in now.values.items()}


def test_two_batteries_are_as_full_as_their_energy_together():
    # 90 % of 5 kWh and 30 % of 15 kWh are 9.0 of 20 kWh.
    home = house(battery("a", 90, 5000), battery("b", 30, 15000))
    assert home.level("battery", NOW_S) == Level(pytest.approx(45.0), 10.0)
    assert shown(home)[1]["soc_pct"] == 45.0


def test_where_a_battery_does_not_tell_its_size_each_counts_the_same():
    small = device("a", "027D01", xE4="5A")
    assert house(small, battery("b", 30, 15000)).level("battery", NOW_S).value == 60.0


def test_of_two_batteries_one_that_is_silent_makes_the_whole_unknown_until_it_is_removed():
    silent = battery("b", 30, 15000)
    silent.at_s.clear()
    home = house(battery("a", 90, 5000), silent)
    assert home.level("battery", NOW_S).value is None
    assert home.flow(NOW_S)[0].battery_kw is None
    home.choose_sources({}, {"b"})
    assert home.level("battery", NOW_S).value == 90.0
    assert home.flow(NOW_S)[0].battery_kw == 1.0


def test_a_car_that_is_away_does_not_hide_the_other():
    here = device("v", "027E01", xE4="32", xD0="00009C40")
    away = device("w", "027E01", xE4="32", xD0="00009C40")
    away.took({}, frozenset({0xE4, 0xD0}), NOW_S - 5.0)
    assert house(here, away).level("ev", NOW_S).value == 50.0
    assert house(away).level("ev", NOW_S).value is None


def test_two_tanks_hold_their_litres_together():
    one = device("h", "026B01", xE1="00C8", xE2="0172")  # 200 of 370 L
    two = device("i", "026B01", xE1="0064", xE2="012C")  # 100 of 300 L
    now, values = shown(house(one, two))
    assert (values["tank_l"], now.tank_size_l) == (300.0, 670.0)


def test_a_charger_that_knows_nothing_of_the_car_has_no_level():
    assert house(device("c", "02A101", xD3="00000000")).level("ev", NOW_S) is None


def test_a_removed_device_is_neither_shown_nor_steered():
    home = house(battery("a", 90, 5000), battery("b", 30, 15000))
    home.choose_sources({}, {"b"})
    now, values = shown(home, devices={"b": {"hidden": True}})
    assert [asset.device for asset in now.assets] == ["a"]
    assert values["soc_pct"] == 90.0
    assert [asset.id for asset in assets_of(home.present(), PlanSettings(), NOW_S)] == ["a"]


def test_the_circuits_of_a_removed_board_are_gone_with_it():
    home = house(device("p", "028701", xC6="00000064"), device("q", "028701", xC6="00000064"))
    for board in ("p", "q"):
        home.circuits[f"circuit:{board}"] = Circuit(f"circuit:{board}", board, "1", "Kitchen")
    home.choose_sources({}, {"q"})
    now, _ = shown(home)
    assert [circuit.id for circuit in now.circuits] == ["circuit:p"]
    assert [circuit.id for circuit in home.consuming()] == ["circuit:p"]


def test_the_power_at_the_grid_never_changes_between_meters():
    meter = {"xE7": "000001F4", "xE0": "00000064", "xE1": "00", "xD3": "00000001"}
    home = house(
        device("board", "028701", xC6="00000208"),
        device("main", "028801", **meter),
        device("night", "028801", **meter | {"xE7": "00000FA0"}),
        device("sub", "028701", xC6="00000064"),
    )
    for answered in home.devices.values():
        answered.took(dict(answered.device.raw), frozenset(), NOW_S - 1.0)
        found = home.flow(NOW_S)[0].grid_kw
        assert found in (0.5, 0.52), answered.binding.id


def test_a_second_meter_is_not_compared_with_the_main_one():
    meter = {"xE7": "000001F4", "xE0": "00000064", "xE1": "00", "xD3": "00000001"}
    home = house(
        device("main", "028801", **meter),
        device("night", "028801", **meter),
        device("board", "028701", xC6="00000208", xC0="00000064", xC2="00"),
    )
    (pair,) = pairs(home)
    assert [source.device for source in (*pair.used, *pair.other)] == ["main", "board"]
