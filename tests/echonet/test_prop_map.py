"""Property maps in both forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.echonet.prop import is_whole_map, read_property_map, write_property_map

codes = st.frozensets(st.integers(0x80, 0xFF))


@given(codes)
def test_every_map_survives_the_wire(epcs: frozenset[int]) -> None:
    edt = write_property_map(epcs)
    assert read_property_map(edt) == epcs
    assert is_whole_map(edt)
    assert len(edt) == (17 if len(epcs) >= 16 else 1 + len(epcs))


def test_sixteen_codes_are_written_as_bits() -> None:
    # Specification Part 2, appendix 1: byte n (0..15), bit b -> EPC ((b + 8) << 4) | n.
    # 80 to 8F: bit 0 of each of the sixteen bytes.
    assert write_property_map(range(0x80, 0x90)) == b"\x10" + b"\x01" * 16
    # F0 and 80 (bits 7 and 0 of byte 0) and 81 to 8F.
    assert read_property_map(b"\x11\x81" + b"\x01" * 15) == {0xF0, *range(0x80, 0x90)}


def test_an_empty_map_names_nothing() -> None:
    assert read_property_map(b"\x00") == frozenset()
    assert read_property_map(b"") is None


@pytest.mark.parametrize(
    ("edt", "epcs"),
    [
        (b"\x05\x80\x81", {0x80, 0x81}),  # shorter than it counts
        (b"\x01\x80\x81", {0x80, 0x81}),  # longer than it counts
        (b"\x14" + bytes(range(0x80, 0x94)), set(range(0x80, 0x94))),  # a list of twenty
        (b"\x02\x80\x00", {0x80}),  # 00 is no property
    ],
)
def test_a_miscounted_map_gives_what_is_there_and_is_not_whole(edt: bytes, epcs: set[int]) -> None:
    assert read_property_map(edt) == epcs
    assert is_whole_map(edt) == (len(epcs) == edt[0])


@given(st.binary(max_size=40))
def test_any_bytes_are_a_map_or_none(edt: bytes) -> None:
    found = read_property_map(edt)
    assert found is None or all(0x80 <= epc <= 0xFF for epc in found)
