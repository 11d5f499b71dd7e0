"""Shapes of data: times, histories, spans."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.core.errors import InputError
from hidamari.core.time import TOKYO
from hidamari.devices.air_conditioner import AirConditioner
from hidamari.devices.common import Common
from hidamari.devices.forms import DayHistory, Pair, Span, SpanHistory, WireTime
from hidamari.devices.node_profile import NodeProfile
from hidamari.devices.smart_meter import SmartMeter
from hidamari.echonet.frame import Eoj

METER = SmartMeter(Eoj.parse("028801"), {0xE1: b"\x01"})


def test_a_wire_time_is_an_instant_only_in_a_zone() -> None:
    at = WireTime.from_bytes(bytes.fromhex("07EA0B140C1E00"))
    assert at == WireTime(2026, 11, 20, 12, 30, 0)
    assert at is not None
    assert at.at(TOKYO) == datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
    assert at.at(UTC) == datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@given(st.binary(max_size=10))
def test_no_bytes_make_a_time_that_the_calendar_has_not(edt: bytes) -> None:
    found = WireTime.from_bytes(edt)
    if found is not None:
        assert found.at(UTC) is not None
        assert found.to_bytes(len(edt)) == edt


def test_a_day_of_counters_marks_what_is_not_reached_yet() -> None:
    edt = bytes.fromhex("0001") + bytes.fromhex("000003E8") * 47 + bytes.fromhex("FFFFFFFE")
    day = SmartMeter.import_history.decode(edt, METER)
    assert day == DayHistory(1, (100.0,) * 47 + (None,))
    assert SmartMeter.import_history.encode_edt is not None
    assert SmartMeter.import_history.encode_edt(day, METER) == edt


def test_the_default_day_of_a_history_is_no_day() -> None:
    edt = bytes.fromhex("00FF") + bytes(4 * 48)
    day = SmartMeter.import_history.decode(edt, METER)
    assert day is not None
    assert day.days_back is None


def test_a_span_of_pairs_is_read_whole_or_not() -> None:
    head = bytes.fromhex("07EA0B140C1E02")
    rows = bytes.fromhex("00000064000000C8" + "FFFFFFFE00000000")
    assert SmartMeter.span_values.decode(head + rows, METER) == SpanHistory(
        WireTime(2026, 11, 20, 12, 30), (Pair(10.0, 20.0), Pair(None, 0.0))
    )
    assert SmartMeter.span_values.decode(head + rows[:8], METER) is None


def test_a_span_of_more_than_the_meter_gives_is_refused() -> None:
    at = WireTime(2026, 11, 20, 12, 30)
    assert SmartMeter.span_wanted.encode(Span(at, 12), METER).hex() == "07ea0b140c1e0c"
    with pytest.raises(InputError, match="1 to 12"):
        SmartMeter.span_wanted.encode(Span(at, 13), METER)


def test_levels_of_air_flow_are_31_to_38_and_41_is_automatic() -> None:
    air = AirConditioner(Eoj.parse("013001"))
    assert [AirConditioner.flow.decode(bytes((c,)), air) for c in (0x31, 0x38, 0x41, 0x39)] == [
        1,
        8,
        0,
        None,
    ]
    assert AirConditioner.flow.encode(3, air) == b"\x33"
    with pytest.raises(InputError):
        AirConditioner.flow.encode(9, air)


def test_a_clock_of_25_hours_is_no_clock() -> None:
    device = Common(Eoj.parse("029001"))
    assert Common.clock_min.decode(b"\x17\x3b", device) == 1439
    assert Common.clock_min.decode(b"\x19\x00", device) is None


def test_an_instance_list_must_hold_what_it_counts() -> None:
    node = NodeProfile(Eoj.parse("0EF001"))
    edt = bytes.fromhex("02027901027D01")
    assert NodeProfile.object_list.decode(edt, node) == (Eoj(2, 0x79, 1), Eoj(2, 0x7D, 1))
    assert NodeProfile.object_list.decode(b"\x05" + edt[1:], node) is None
    assert NodeProfile.class_codes.decode(bytes.fromhex("020279027D"), node) == (0x279, 0x27D)


def test_only_times_of_the_day_can_be_set() -> None:
    device = AirConditioner(Eoj.parse("013001"))
    assert Common.clock_min.encode_edt is not None
    assert Common.clock_min.encode_edt(750, device) == b"\x0c\x1e"
    with pytest.raises(InputError, match="0 to 1439"):
        Common.clock_min.encode_edt(1440, device)
