"""How minutes, half-hours and days become bytes: integers in, bytes out, and back without loss."""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hidamari.core.errors import StoreDamaged
from hidamari.core.time import SLOT_S

MISSING = -(2**31)  # the one int32 that is never a reading
LARGEST = 2**31 - 1
IntArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]
UInt8Array = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]
RowArray = NDArray[np.void]  # records of SLOT or TOTAL

# A row of the table slot: one record per series id. Fixed width, so that a year of half-hours is
# one array: 17,520 rows are read in the time of one copy.
SLOT = np.dtype([("value", "<i4"), ("quality", "u1")])
# A row of total or month: Wh and W for power, else the value and its maximum in steps of the
# scale; how many half-hours are in it, and the worst quality among them.
TOTAL = np.dtype([("value", "<i4"), ("peak", "<i4"), ("slots", "<u2"), ("quality", "u1")])

_FRAME_FORMAT = 1
_FRAME_HEAD = struct.Struct("<BH")  # format, number of series
_WIDTHS = ((1, np.dtype("<i1")), (2, np.dtype("<i2")), (3, np.dtype("<i4")))  # code -> integer

_DAY_FORMAT = 1
_DAY_HEAD = struct.Struct("<4sBqIII")  # magic, format, first second, minutes, slots, series
_DAY_MAGIC = b"HDAY"
_DAY_LIMIT = 64_000_000  # bytes unpacked: 4,000 series a day; a hostile blob ends here


def empty_slots(rows: int, width: int) -> RowArray:
    """Half-hours of `width` series in which everything is missing; shape (rows, width)."""
    array = np.zeros((rows, width), SLOT)
    array["value"] = MISSING
    return array


def frame_blob(steps: Sequence[int]) -> bytes:
    """One minute: two bits a series for its width (0, 1, 2 or 4 bytes), then the integers by width.

    A missing value takes no byte but its two bits. Series missing at the end are cut.
    """
    width = next((n for n in range(len(steps), 0, -1) if steps[n - 1] != MISSING), 0)
    codes = bytearray(-(-width // 4))
    small: list[int] = []
    middle: list[int] = []
    large: list[int] = []
    for place, value in enumerate(steps[:width]):
        if value == MISSING:
            continue
        if -0x80 <= value < 0x80:
            code, pieces = 1, small
        elif -0x8000 <= value < 0x8000:
            code, pieces = 2, middle
        else:
            code, pieces = 3, large
        codes[place // 4] |= code << place % 4 * 2
        pieces.append(value)
    form = f"<{len(small)}b{len(middle)}h{len(large)}i"
    return b"".join(
        (_FRAME_HEAD.pack(_FRAME_FORMAT, width), codes, struct.pack(form, *small, *middle, *large))
    )


def frame_rows(blobs: Sequence[bytes], width: int) -> IntArray:
    """Minutes of `width` series, shape (len(blobs), width); raises StoreDamaged on other bytes."""
    out = np.full((len(blobs), width), MISSING, np.int32)
    by_size: dict[int, list[int]] = {}
    for index, blob in enumerate(blobs):
        by_size.setdefault(_frame_size(blob), []).append(index)
    for size, indexes in by_size.items():
        rows = _same_size_rows([blobs[i] for i in indexes], size)
        kept = min(size, width)
        if len(indexes) == len(blobs):
            out[:, :kept] = rows[:, :kept]
        else:
            out[indexes, :kept] = rows[:, :kept]
    return out


def _frame_size(blob: bytes) -> int:
    if len(blob) < _FRAME_HEAD.size or blob[0] != _FRAME_FORMAT:
        raise StoreDamaged(f"minute frame of format {_FRAME_FORMAT} expected, got {blob[:3].hex()}")
    return int(blob[1]) | int(blob[2]) << 8


def _same_size_rows(blobs: Sequence[bytes], size: int) -> IntArray:
    code_bytes = -(-size // 4)
    start = _FRAME_HEAD.size
    raw = np.frombuffer(b"".join([b[start : start + code_bytes] for b in blobs]), np.uint8)
    if raw.size != len(blobs) * code_bytes:
        raise StoreDamaged("a minute frame is cut short")
    quads = raw.reshape(len(blobs), code_bytes, 1) >> np.array([0, 2, 4, 6], np.uint8) & 3
    codes = quads.reshape(len(blobs), code_bytes * 4)[:, :size]
    rows = np.full((len(blobs), size), MISSING, np.int32)
    at = [start + code_bytes] * len(blobs)
    for code, kind in _WIDTHS:
        mask = codes == code
        ends = [a + n * kind.itemsize for a, n in zip(at, mask.sum(axis=1).tolist(), strict=True)]
        plane = b"".join([b[a:e] for b, a, e in zip(blobs, at, ends, strict=True)])
        at = ends
        if len(plane) != int(mask.sum()) * kind.itemsize:
            raise StoreDamaged("a minute frame is cut short")
        rows[mask] = np.frombuffer(plane, kind)
    if any(end != len(blob) for end, blob in zip(at, blobs, strict=True)):
        raise StoreDamaged("a minute frame is longer than its codes say")
    return rows


@dataclass(frozen=True, slots=True)
class DayBlob:
    """One local day: every minute (n, k) and every half-hour (m, k) of the k series in `ids`."""

    start_s: int  # unix seconds of the first minute
    ids: NDArray[np.uint32]
    minutes: IntArray
    slots: RowArray

    @property
    def slot_starts(self) -> range:
        """Unix seconds at which the half-hours begin: they end within the minutes."""
        end_s = (self.start_s + 60 * self.minutes.shape[0]) // SLOT_S * SLOT_S
        return range(end_s - SLOT_S * self.slots.shape[0], end_s, SLOT_S)

    def to_bytes(self) -> bytes:
        """Head in the clear, then zlib over: ids, gaps, deltas along time in four byte planes.

        Byte planes instead of varints: 4 % larger, but a day of 50 circuits unpacks in a
        third of the time, in numpy alone (docs/decisions.md).
        """
        count, slot_count = self.minutes.shape[0], self.slots.shape[0]
        ids = self.ids.astype("<u4").tobytes()
        if (self.minutes == MISSING).all():
            packer = _without_minutes(ids, count)
        else:
            packer = _Packer.begun(ids, _laid_out(self.minutes.T))
        quality = np.ascontiguousarray(self.slots["quality"].T).tobytes()
        body = packer.ended(_laid_out(self.slots["value"].T), quality)
        sizes = (self.start_s, count, slot_count, self.ids.size)
        return _DAY_HEAD.pack(_DAY_MAGIC, _DAY_FORMAT, *sizes) + body

    @classmethod
    def from_bytes(cls, blob: bytes) -> "DayBlob":
        """The day that `to_bytes` made these bytes from; raises StoreDamaged on any others."""
        span = DaySpan.of(blob)
        return cls(span.start_s, *_unpack_body(blob, span))


@dataclass(frozen=True, slots=True)
class DaySpan:
    """The head of a day blob: what it covers, known without unpacking it."""

    start_s: int
    minutes: int
    slots: int
    series: int

    @property
    def end_s(self) -> int:
        """Unix seconds of the first minute after the day."""
        return self.start_s + 60 * self.minutes

    @classmethod
    def of(cls, blob: bytes) -> "DaySpan":
        """Read the head; raises StoreDamaged when these bytes are not a day."""
        if len(blob) < _DAY_HEAD.size:
            raise StoreDamaged("a day blob is cut short")
        magic, version, *sizes = _DAY_HEAD.unpack_from(blob)
        if magic != _DAY_MAGIC or version != _DAY_FORMAT:
            raise StoreDamaged(f"day blob of format {_DAY_FORMAT} expected, got {blob[:5].hex()}")
        return cls(*sizes)


def check_day(blob: bytes) -> None:
    """Raise StoreDamaged where `DayBlob.from_bytes` would, at a fraction of its work."""
    _inflate(blob[_DAY_HEAD.size :], sum(_body_sizes(DaySpan.of(blob))))


def digest(blob: bytes) -> bytes:
    """The sha256 that is stored beside a sealed day."""
    return hashlib.sha256(blob).digest()


class _Packer:
    """The zlib stream of a body that has taken its first parts."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(6)
        self._so_far = b""

    @classmethod
    def begun(cls, *parts: bytes) -> Self:
        """The stream after these parts."""
        made = cls()
        made._so_far = b"".join(map(made._packer.compress, parts))
        return made

    def ended(self, *parts: bytes) -> bytes:
        """The whole stream with these parts at its end; this one stays as it is."""
        packer = self._packer.copy()
        return self._so_far + b"".join(map(packer.compress, parts)) + packer.flush()


@lru_cache(1)
def _without_minutes(ids: bytes, count: int) -> _Packer:
    """The same for a day that is known by its half-hours alone: an import has hundreds alike."""
    return _Packer.begun(ids, _laid_out(np.full((len(ids) // 4, count), MISSING, np.int32)))


def _laid_out(values: IntArray) -> bytes:
    return np.packbits(values == MISSING).tobytes() + _planes(values)


def _planes(values: IntArray) -> bytes:
    """Deltas along the last axis, zigzag, lowest bytes first: small numbers leave zero planes."""
    gaps = values == MISSING
    if gaps.all():  # a day known by its half-hours alone
        return bytes(4 * values.size)
    flat = values.copy()
    if gaps.any():  # repeat the value before a gap: its delta is zero
        index = np.where(gaps, 0, np.arange(flat.shape[1]))
        np.maximum.accumulate(index, axis=1, out=index)
        flat = np.take_along_axis(flat, index, axis=1)
        flat[flat == MISSING] = 0  # a gap at the start of the day
    delta = np.diff(flat, axis=1, prepend=0).astype(np.int32)  # wraps like the sum that undoes it
    zigzag = ((delta << 1) ^ (delta >> 31)).astype("<i4")
    return np.ascontiguousarray(zigzag.reshape(-1, 1).view(np.uint8).T).tobytes()


def _from_planes(raw: UInt8Array, gaps: UInt8Array, rows: int, columns: int) -> IntArray:
    count = rows * columns
    coded = np.ascontiguousarray(raw.reshape(4, count).T).view("<u4").reshape(rows, columns)
    delta = (coded >> 1).astype(np.int32) ^ -(coded & 1).astype(np.int32)
    values = np.cumsum(delta, axis=1, dtype=np.int32)
    if gaps.any():
        values[np.unpackbits(gaps, count=count).reshape(rows, columns).astype(bool)] = MISSING
    return values


def _body_sizes(span: DaySpan) -> list[int]:
    """How many bytes each part of an unpacked body has: ids, gaps and planes twice, quality."""
    k = span.series
    parts = [4 * k]
    for count in (span.minutes * k, span.slots * k):
        parts += [-(-count // 8), 4 * count]
    parts.append(span.slots * k)
    if sum(parts) > _DAY_LIMIT:
        raise StoreDamaged(f"a day of at most {_DAY_LIMIT} bytes expected, got {sum(parts)}")
    return parts


def _unpack_body(blob: bytes, span: DaySpan) -> tuple[NDArray[np.uint32], IntArray, RowArray]:
    k = span.series
    parts = _body_sizes(span)
    raw = np.frombuffer(_inflate(blob[_DAY_HEAD.size :], sum(parts)), np.uint8)
    ids, gaps, planes, slot_gaps, slot_planes, quality = np.split(raw, np.cumsum(parts)[:-1])
    slots = np.zeros((span.slots, k), SLOT)
    slots["value"] = _from_planes(slot_planes, slot_gaps, k, span.slots).T
    slots["quality"] = quality.reshape(k, span.slots).T
    return ids.view("<u4"), _from_planes(planes, gaps, k, span.minutes).T, slots


def _inflate(packed: bytes, expected: int) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed, expected + 1)
    except zlib.error as error:
        raise StoreDamaged(f"a day blob cannot be unpacked: {error}") from error
    if len(raw) != expected or not unpacker.eof or unpacker.unused_data:
        raise StoreDamaged(f"a day blob of {expected} bytes expected, got {len(raw)} or more")
    return raw
