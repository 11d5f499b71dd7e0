"""Data as devices send them, read by hand from the Appendix and by our lines."""

import json
from pathlib import Path

import pytest

from hidamari.devices import kind_of
from hidamari.devices.board import Board
from hidamari.devices.common import Common
from hidamari.devices.forms import Pair, WireTime
from hidamari.devices.smart_meter import SmartMeter
from hidamari.echonet.frame import Eoj

FILES = sorted((Path(__file__).parents[1] / "data" / "devices").glob("*.json"))


def recorded(file: Path) -> tuple[Common, dict]:
    found = json.loads(file.read_text())
    eoj = Eoj.parse(found["eoj"])
    raw = {int(epc, 16): bytes.fromhex(edt) for epc, edt in found["get"].items()}
    return kind_of(eoj.class_code)(eoj, raw), found["values"]


def named(name: str) -> Common:
    return recorded(next(file for file in FILES if file.stem == name))[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_recorded_data_read_as_the_appendix_says(file: Path) -> None:
    device, values = recorded(file)
    for name, value in values.items():
        expected = pytest.approx(value) if isinstance(value, float) else value
        assert device.value(name) == expected, name


def test_power_is_in_kw_with_the_sign_of_the_house() -> None:
    assert named("battery").power_kw() == pytest.approx(-0.5)  # 0.5 kW into the house
    assert named("smart_meter").power_kw() == pytest.approx(-0.7)  # selling
    assert named("water_heater").power_kw() == pytest.approx(1.17)


def test_the_meter_wraps_at_its_digits_and_the_board_at_eight() -> None:
    # D7 = 6 digits of 0.1 kWh: 999,999 counts are 99,999.9 kWh, then it starts from zero.
    assert named("smart_meter").wrap_kwh() == pytest.approx(100_000.0)
    # 0287 counts to 99,999,999, here 0.01 kWh each.
    assert named("board").wrap_kwh() == pytest.approx(1_000_000.0)
    assert SmartMeter(Eoj.parse("028801"), {0xE1: b"\x01"}).wrap_kwh() is None
    assert named("battery").wrap_kwh() == pytest.approx(1_000_000.0)


def test_energy_is_unknown_until_the_unit_is_known() -> None:
    meter = SmartMeter(Eoj.parse("028801"), {0xE0: b"\x00\x00\x00\x64"})
    assert meter.import_kwh is None
    meter.raw[0xE1] = b"\x0a"  # ten kWh a count
    assert meter.import_kwh == pytest.approx(1000.0)
    meter.raw[0xD3] = (20).to_bytes(4, "big")
    assert meter.import_kwh == pytest.approx(20_000.0)


@pytest.mark.parametrize(
    "told", ["", "14", "000014", "00000000", "FFFFFFFE", "FFFFFFFF", "FF" * 129]
)
def test_a_factor_that_is_no_number_makes_no_energy_and_is_not_taken_for_one(told: str) -> None:
    # Appendix 0288, D3: four bytes; where the property is there it is not 1.
    raw = {0xE0: b"\x00\x00\x00\x64", 0xE1: b"\x0a", 0xD7: b"\x06", 0xD3: bytes.fromhex(told)}
    meter = SmartMeter(Eoj.parse("028801"), raw)
    assert meter.import_kwh is None
    assert meter.wrap_kwh() is None


def test_one_phase_currents_leave_the_other_phase_open() -> None:
    assert named("smart_meter").value("current_a") == Pair(4.0, None)


def test_the_half_hour_counter_carries_its_time() -> None:
    stamped = named("smart_meter").value("import_at_half")
    assert stamped is not None
    assert stamped.at == WireTime(2026, 11, 20, 12, 0, 0)
    assert stamped.in_kwh == pytest.approx(12345.5)


@pytest.mark.req("MEA-02")
def test_lists_give_values_by_channel_and_nothing_where_the_board_has_none() -> None:
    board = named("board")
    found = {
        (value.channel, value.name): value.value
        for one in Board.lists
        for value in one.read(board.raw[one.list_epc], 0.01)
    }
    assert found == {
        ("1", "power_w"): 100.0,
        ("2", "power_w"): 300.0,
        ("3", "power_w"): None,
        ("1", "energy_kwh"): 10.0,
        ("2", "energy_kwh"): None,
        ("t1", "power_w"): -3000.0,
        ("t1", "energy_kwh"): 0.1,
        ("t1", "back_kwh"): 30.0,
    }


def test_a_list_shorter_than_it_says_gives_nothing_at_all() -> None:
    assert Board.lists[0].read(bytes.fromhex("010300000064000001"), 0.01) == []
    assert Board.lists[0].read(b"", 0.01) == []
    assert Board.lists[0].read(bytes.fromhex("0001000000640000"), 0.01) == []


def test_ranges_cover_all_channels_with_few_requests() -> None:
    board = Board(Eoj.parse("028701"), {0xB1: bytes((130,))})
    assert list(Board.lists[0].requests(board)) == [b"\x01\x3c", b"\x3d\x3c", b"\x79\x0a"]
    board.raw[0xB1] = b"\xfd"  # undefined
    assert list(Board.lists[0].requests(board)) == []


def test_old_channels_give_energy_and_current() -> None:
    values = {(v.channel, v.name): v.value for v in named("board").channel_values()}
    assert values == {("1", "energy_kwh"): 10.0, ("1", "current_a"): pytest.approx(1.0)}


def test_a_board_writes_the_range_that_was_asked_for() -> None:
    powers, energies = Board.lists[0], Board.lists[1]
    assert powers.write(b"\x02\x02", [(1.0,), (-2.4,), (None,)], 0.01).hex() == (
        "0202" + "fffffffe" + "7ffffffe"
    )
    assert energies.write(b"\x01\x02", [(1.239,), (None,)], 0.01).hex() == (
        "0102" + "0000007b" + "fffffffe"
    )
    assert powers.write(b"", [(7.0,)], 0.01).hex() == "010100000007"
    assert powers.write(b"\x09\x05", [(7.0,)], 0.01) == b"\x09\x00"
