"""Frames: bytes to values and back, and nothing else accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.core.errors import FrameError
from hidamari.echonet.frame import (
    CONTROLLER,
    MAX_FRAME_BYTES,
    NODE_PROFILE,
    TWO_LISTS,
    Eoj,
    Esv,
    Frame,
    Property,
)

pytestmark = pytest.mark.t(13)

byte = st.integers(0, 255)
eojs = st.builds(Eoj, byte, byte, byte)
lists = st.lists(st.builds(Property, byte, st.binary(max_size=255)), max_size=12).map(tuple)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    esv = draw(st.sampled_from(Esv))
    tid = draw(st.integers(0, 0xFFFF))
    gets = draw(lists) if esv in TWO_LISTS else ()
    return Frame(tid, draw(eojs), draw(eojs), esv, draw(lists), gets)


# By hand after the specification, Part 2 chapter 3: EHD 1081, TID 0001, controller 05FF01 asks the
# battery 027D01 (ESV 62) for two properties; it answers (ESV 72) 80 = 30 and E4 = 3F.
ASKED = "1081 0001 05FF01 027D01 62 02 8000 E400"
GIVEN = "1081 0001 027D01 05FF01 72 02 800130 E4013F"
BATTERY = Eoj(0x02, 0x7D, 0x01)


def test_a_request_and_its_answer_read_as_written_by_hand() -> None:
    asked = Frame.from_bytes(bytes.fromhex(ASKED))
    assert asked == Frame(1, CONTROLLER, BATTERY, Esv.GET, (Property(0x80), Property(0xE4)))
    given_ = Frame.from_bytes(bytes.fromhex(GIVEN))
    props = (Property(0x80, b"\x30"), Property(0xE4, b"\x3f"))
    assert given_ == Frame(1, BATTERY, CONTROLLER, Esv.GET_RES, props)
    assert given_.to_bytes() == bytes.fromhex(GIVEN)


def test_a_set_and_get_frame_has_two_lists() -> None:
    raw = bytes.fromhex("1081 00FF 05FF01 027D01 6E 01 DA0142 02 CF00 E400")
    frame = Frame.from_bytes(raw)
    assert frame.props == (Property(0xDA, b"\x42"),)
    assert frame.gets == (Property(0xCF), Property(0xE4))
    assert frame.to_bytes() == raw


@given(frames())
def test_every_frame_survives_the_wire(frame: Frame) -> None:
    raw = frame.to_bytes()
    if len(raw) <= MAX_FRAME_BYTES:
        assert Frame.from_bytes(raw) == frame


@given(frames())
def test_every_truncation_is_refused(frame: Frame) -> None:
    raw = frame.to_bytes()[:400]
    if len(raw) < 400:
        for end in range(len(raw)):
            with pytest.raises(FrameError):
                Frame.from_bytes(raw[:end])


@given(frames(), st.binary(min_size=1, max_size=20))
def test_bytes_behind_the_last_property_are_refused(frame: Frame, more: bytes) -> None:
    if frame.esv in TWO_LISTS:
        return
    with pytest.raises(FrameError):
        Frame.from_bytes(frame.to_bytes() + more)


@st.composite
def alike(draw: st.DrawFn) -> list[Frame]:
    """Frames that begin the same and are of one size, with other codes or lengths in between."""
    first = Property(0x80, draw(st.binary(min_size=1, max_size=1)))
    cuts = draw(st.lists(st.tuples(byte, st.integers(0, 20), byte), min_size=2, max_size=6))
    return [
        Frame(
            draw(st.integers(0, 0xFFFF)),
            BATTERY,
            CONTROLLER,
            Esv.GET_RES,
            (first, Property(a, bytes(size)), Property(b, bytes(20 - size))),
        )
        for a, size, b in cuts
    ]


@given(alike())
def test_a_frame_that_begins_as_the_one_before_is_read_for_itself(several: list[Frame]) -> None:
    for frame in several:
        assert Frame.from_bytes(frame.to_bytes()) == frame


@given(frames(), st.integers(0, 400), byte)
def test_a_byte_changed_in_a_frame_just_read_is_seen(frame: Frame, at: int, code: int) -> None:
    raw = frame.to_bytes()[:MAX_FRAME_BYTES]
    at %= len(raw)
    other = raw[:at] + bytes((code,)) + raw[at + 1 :]
    for data in (raw, raw, other):
        try:
            read = Frame.from_bytes(data)
        except FrameError:
            continue
        assert read.to_bytes() == data


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_a_frame_error(raw: bytes) -> None:
    try:
        frame = Frame.from_bytes(raw)
    except FrameError:
        return
    assert frame.to_bytes() == raw


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("", "12 to 4096 bytes expected, got 0"),
        ("1082 0001 05FF01 027D01 62 01 8000", "EHD: 1081 expected, got 1082"),
        ("1081 0001 05FF01 027D01 99 01 8000", "ESV: a service of the standard"),
        ("1081 0001 05FF01 027D01 62 02 8000", "ends inside its property list"),
        ("1081 0001 05FF01 027D01 72 01 800230", "ends inside its property list"),
        ("1081 0001 05FF01 027D01 62 01 8000 00", "14 bytes expected from its lengths, got 15"),
    ],
)
def test_a_refusal_says_what_was_expected(raw: str, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        Frame.from_bytes(bytes.fromhex(raw))


def test_a_frame_above_four_kilobytes_is_refused() -> None:
    props = tuple(Property(0x80 + n, bytes(255)) for n in range(17))
    raw = Frame(1, CONTROLLER, BATTERY, Esv.SET_C, props).to_bytes()
    assert len(raw) == 12 + 17 * 257  # 4381
    with pytest.raises(FrameError, match="4096"):
        Frame.from_bytes(raw)


def test_an_object_is_written_as_six_hexadecimal_digits() -> None:
    assert str(NODE_PROFILE) == "0EF001"
    assert Eoj.parse("027d01") == BATTERY
    assert BATTERY.class_code == 0x027D
    assert Eoj.from_bytes(BATTERY.to_bytes()) == BATTERY


@pytest.mark.parametrize("text", ["", "027D", "027D0101", "solar", "02 7D"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(FrameError, match="3 bytes"):
        Eoj.parse(text)


def test_an_object_has_exactly_three_bytes() -> None:
    with pytest.raises(FrameError, match="3 bytes expected, got 2"):
        Eoj.from_bytes(b"\x02\x7d")
