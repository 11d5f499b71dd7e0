"""Property lines: bytes to typed values and back, with the codes that mean no value."""

import math
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.core.errors import InputError
from hidamari.echonet.frame import Eoj
from hidamari.echonet.prop import (
    UNIT_FACTOR,
    Device,
    add_prop,
    choice,
    custom,
    flag,
    number,
    raw,
    text,
)


class Mode(IntEnum):
    CHARGE = 0x42
    WAIT = 0x44


def own_unit(device: Device) -> float | None:
    code = device.raw.get(0xC2)
    return None if code is None else UNIT_FACTOR.get(code[0])


class Thing(Device, group=0x02, code=0x7F, kind="thing"):
    on = flag(0x80, yes=0x30, no=0x31, settable=True)
    power_w = number(0xD3, 4, signed=True, unit="W", settable=True)
    energy_kwh = number(0xE1, 4, factor=0.001, unit="kWh")
    level_pct = number(0xE4, 1, unit="%", lowest=0, highest=100, settable=True)
    inside_c = number(0xBB, 1, signed=True, unit="C", settable=True)
    amps_a = number(0xB5, 2, signed=True, factor=0.1, unit="A", settable=True)
    tank_l = number(0xE2, 2, unit="L", settable=True)
    long = number(0xF1, 3)
    bought_kwh = number(0xC0, 4, unit="kWh", scaled_by=own_unit, settable=True)
    mode = choice(0xDA, Mode, settable=True)
    product = text(0x8C, 12)
    place = raw(0x81, frozenset({1, 17}), settable=True)
    pair = custom(0xC8, frozenset({2}), lambda edt, _: (edt[0], edt[1]), lambda v, _: bytes(v))


def read(**data: str) -> Thing:
    rows = {int(epc[1:], 16): bytes.fromhex(edt) for epc, edt in data.items()}
    return Thing(Eoj(2, 0x7F, 1), rows)


# Expected values after the Appendix: two's complement, big-endian, units in the line's factor.
@pytest.mark.parametrize(
    ("name", "epc", "edt", "value"),
    [
        ("on", "80", "30", True),
        ("on", "80", "31", False),
        ("on", "80", "32", None),
        ("power_w", "D3", "FFFFFE0C", -500.0),
        ("power_w", "D3", "7FFFFFFE", None),  # no data
        ("power_w", "D3", "80000000", None),  # underflow
        ("energy_kwh", "E1", "00000ED8", 3.8),
        ("energy_kwh", "E1", "FFFFFFFE", None),
        ("energy_kwh", "E1", "0ED8", None),  # short: no reading, never a smaller number
        ("level_pct", "E4", "3F", 63.0),
        ("level_pct", "E4", "FD", None),
        ("inside_c", "BB", "FB", -5.0),
        ("inside_c", "BB", "7E", None),
        ("amps_a", "B5", "FF38", -20.0),
        ("amps_a", "B5", "7FFE", None),
        ("tank_l", "E2", "0172", 370.0),
        ("tank_l", "E2", "FFFF", None),
        ("long", "F1", "010000", 65536.0),
        ("mode", "DA", "42", Mode.CHARGE),
        ("mode", "DA", "99", 0x99),  # a word of a later release stays a number
        ("product", "8C", "41424300" + "00" * 8, "ABC"),
        ("product", "8C", "20" * 12, None),
        ("place", "81", "08", b"\x08"),
        ("place", "81", "0801", None),
        ("pair", "C8", "0102", (1, 2)),
    ],
)
def test_bytes_become_the_value_of_the_standard(
    name: str, epc: str, edt: str, value: object
) -> None:
    assert getattr(read(**{f"x{epc}": edt}), name) == value


def test_a_property_that_was_not_given_is_none() -> None:
    assert read().power_w is None
    assert read().mode is None


@pytest.mark.parametrize(("unit", "kwh"), [("00", 12345.0), ("01", 1234.5), ("0A", 123450.0)])
def test_energies_are_scaled_by_the_unit_the_device_tells(unit: str, kwh: float) -> None:
    assert read(xC0="00003039", xC2=unit).bought_kwh == pytest.approx(kwh)


@pytest.mark.parametrize("unit", ["", "07", "FF"])
def test_without_a_known_unit_an_energy_is_no_value(unit: str) -> None:
    rows = {"xC0": "00003039"} | ({"xC2": unit} if unit else {})
    assert read(**rows).bought_kwh is None


@given(st.integers(-0x7FFFFFFF, 0x7FFFFFFD))
def test_every_power_round_trips(power_w: int) -> None:
    thing = read()
    edt = Thing.power_w.encode(power_w, thing)
    assert Thing.power_w.decode(edt, thing) == power_w


@given(st.integers(-0x7FFF, 0x7FFD))
def test_tenths_come_back_exactly(tenths: int) -> None:
    thing = read()
    assert Thing.amps_a.decode(Thing.amps_a.encode(tenths / 10, thing), thing) == tenths / 10


@given(st.binary(max_size=20), st.sampled_from(sorted(Thing.props)))
def test_any_data_is_a_value_or_none(edt: bytes, epc: int) -> None:
    thing = Thing(Eoj(2, 0x7F, 1), {0xC2: b"\x01", epc: edt})
    assert thing.values().keys() <= Thing.by_name.keys()


@pytest.mark.parametrize(
    ("prop", "value", "said"),
    [
        (Thing.level_pct, 101, "0xE4: 0 to 100 % expected, got 101"),
        (Thing.level_pct, -1, "0 to 100"),
        (Thing.power_w, 3e9, "0xD3: a number of 4 bytes in W expected, got 3000000000.0"),
        (Thing.power_w, math.nan, "a number of 4 bytes"),
        (Thing.power_w, math.inf, "a number of 4 bytes"),
        (Thing.tank_l, 65535, "a number of 2 bytes"),  # FFFF means no value
        (Thing.mode, 0x41, "0xDA: one of charge, wait expected, got 65"),
        (Thing.energy_kwh, 1.0, r"energy_kwh \(EPC 0xE1\) cannot be set"),
        (Thing.product, "X", "cannot be set"),
    ],
)
def test_a_value_that_cannot_be_sent_is_refused_in_words(
    prop: object, value: object, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        prop.encode(value, read())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("prop", "value", "edt"),
    [
        (Thing.on, True, "30"),
        (Thing.on, False, "31"),
        (Thing.mode, Mode.WAIT, "44"),
        (Thing.inside_c, -5, "FB"),
        (Thing.place, b"\x08", "08"),
        (Thing.pair, (1, 2), "0102"),
    ],
)
def test_values_are_sent_as_the_standard_writes_them(prop: object, value: object, edt: str) -> None:
    assert prop.encode(value, read()) == bytes.fromhex(edt)  # type: ignore[attr-defined]


def test_a_scaled_energy_is_sent_in_the_devices_own_unit() -> None:
    assert Thing.bought_kwh.encode(1234.5, read(xC2="01")) == bytes.fromhex("00003039")


def test_the_class_describes_and_the_instance_tells() -> None:
    assert Thing.class_code() == 0x027F
    assert Thing.by_name["power_w"] is Thing.power_w is Thing.props[0xD3]
    assert Thing.power_w.unit == "W"
    assert list(read(xDA="42", xEE="00").values()) == ["mode"]


def test_a_line_can_be_added_to_a_kind() -> None:
    class Board(Device, group=0x02, code=0x87):
        pass

    add_prop(Board, "channel_1_kwh", number(0xD0, 4, factor=0.1))
    assert Board.by_name["channel_1_kwh"].epc == 0xD0
    assert Board(Eoj(2, 0x87, 1), {0xD0: b"\0\0\0\x19"}).channel_1_kwh == 2.5  # type: ignore[attr-defined]
    text_line = text(0x8D, 4)
    assert text_line.encode_edt is not None
    assert text_line.encode_edt("ab", Board(Eoj(2, 0x87, 1))) == b"ab\0\0"
