"""Packing: every row comes back as it was, foreign bytes are refused."""

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hidamari.core.errors import StoreDamaged
from hidamari.store.pack import (
    MISSING,
    DayBlob,
    DaySpan,
    digest,
    empty_slots,
    frame_blob,
    frame_rows,
)

INT32 = st.one_of(
    st.just(MISSING),
    st.sampled_from([0, -1, 127, -128, 128, -129, 32767, -32768, 32768, -32769, 2**31 - 1]),
    st.integers(-(2**31), 2**31 - 1),
)


def frame_bytes(row: np.ndarray) -> bytes:
    return frame_blob(row.tolist())


def rows(shape: tuple[int, int]) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.int32, shape, elements=INT32)


@given(
    st.lists(st.integers(0, 12), max_size=8).flatmap(
        lambda sizes: st.tuples(*(hnp.arrays(np.int32, size, elements=INT32) for size in sizes))
    )
)
def test_minutes_of_any_width_come_back(minutes: tuple[np.ndarray, ...]) -> None:
    got = frame_rows([frame_bytes(row) for row in minutes], 12)
    for row, found in zip(minutes, got, strict=True):
        np.testing.assert_array_equal(found[: row.size], row)
        assert (found[row.size :] == MISSING).all()


@given(rows((7, 9)))
def test_minutes_of_one_width_come_back(minutes: np.ndarray) -> None:
    np.testing.assert_array_equal(frame_rows([frame_bytes(row) for row in minutes], 9), minutes)


def test_a_frame_takes_two_bits_and_the_bytes_that_its_number_needs() -> None:
    # 3 bytes of head, one byte for four codes, then 1 + 2 + 4 bytes; the missing one takes none.
    assert len(frame_bytes(np.array([5, MISSING, 300, 70_000], np.int32))) == 3 + 1 + 7
    assert len(frame_bytes(np.full(50, MISSING, np.int32))) == 3


def test_a_narrower_reader_gets_the_first_series_only() -> None:
    got = frame_rows([frame_bytes(np.array([1, 2, 3], np.int32))], 2)
    assert got.tolist() == [[1, 2]]


@given(st.binary(max_size=40))
def test_foreign_bytes_are_no_frame_or_one(blob: bytes) -> None:
    with contextlib.suppress(StoreDamaged):
        frame_rows([blob], 4)


@given(st.integers(0, 200), st.data())
def test_every_cut_of_a_frame_is_refused(kept: int, data: st.DataObject) -> None:
    blob = frame_bytes(data.draw(rows((1, 20)))[0])
    for wrong in (blob[: min(kept, len(blob) - 1)], blob + b"\0"):
        with pytest.raises(StoreDamaged):
            frame_rows([wrong], 20)


@given(st.integers(0, 40), st.integers(0, 3), st.integers(0, 5), st.data())
def test_days_of_any_shape_come_back(
    minutes: int, slots: int, series: int, data: st.DataObject
) -> None:
    halves = empty_slots(slots, series)
    halves["value"] = data.draw(rows((slots, series)))
    halves["quality"] = data.draw(hnp.arrays(np.uint8, (slots, series)))
    ids = np.arange(1, series + 1, dtype=np.uint32)
    day = DayBlob(1_700_000_040, ids, data.draw(rows((minutes, series))), halves)
    blob = day.to_bytes()
    got = DayBlob.from_bytes(blob)
    assert got.start_s == day.start_s
    np.testing.assert_array_equal(got.ids, ids)
    np.testing.assert_array_equal(got.minutes, day.minutes)
    np.testing.assert_array_equal(got.slots, day.slots)
    assert DaySpan.of(blob[:25]) == DaySpan(day.start_s, minutes, slots, series)
    assert day.to_bytes() == blob  # the same day has the same hash


@pytest.mark.t(5)
@given(st.data())
def test_a_flipped_byte_of_a_day_changes_its_hash_and_harms_nothing_else(
    data: st.DataObject,
) -> None:
    halves = empty_slots(2, 3)
    values = data.draw(rows((30, 3)))
    blob = DayBlob(1_700_000_040, np.arange(1, 4, dtype=np.uint32), values, halves).to_bytes()
    at = data.draw(st.integers(0, len(blob) - 1))
    flipped = bytearray(blob)
    flipped[at] ^= data.draw(st.integers(1, 255))
    assert digest(bytes(flipped)) != digest(blob)
    with contextlib.suppress(StoreDamaged):
        DayBlob.from_bytes(bytes(flipped))


def test_a_day_that_claims_to_be_huge_is_refused_before_it_is_unpacked() -> None:
    head = struct.pack("<4sBqIII", b"HDAY", 1, 0, 2**31, 2**31, 1000)
    with pytest.raises(StoreDamaged, match="at most 64000000 bytes"):
        DayBlob.from_bytes(head + b"x")
