"""What the durable records of each stream hold: MessagePack arrays with a format first.

Series are named by the number that the home's store gave them; the table of these numbers travels
in REPORTED. No record holds a name that a person gave (device, circuit, room, home).
"""

from typing import TypeVar

import msgspec

from hidamari.core.errors import LinkError
from hidamari.link.messages import UNREADABLE

FORMAT = 1
MAX_BLOB_BYTES = 900_000
MAX_EVENT_BYTES = 4096


class _Array(msgspec.Struct, frozen=True, array_like=True):
    """A record as an array."""


class Segment(_Array, frozen=True):
    """SEGMENTS: some minutes of all series, and each half-hour that is closed with them.

    `blob` is the same container as that of a sealed day (store.pack.DayBlob), over fewer minutes;
    its half-hours are those that end in them (DayBlob.slot_starts).
    """

    format: int
    step_s: int
    blob: bytes


class EventRecord(_Array, frozen=True):
    """EVENTS: something that happened at home; code and numbers, no words.

    Where the home never knew when (`is_dated` False), it was before `t_ms`.
    """

    format: int
    t_ms: int
    kind: str
    device: str
    code: str
    data: dict[str, msgspec.Raw] = {}
    is_dated: bool = True


class SeriesRow(_Array, frozen=True):
    """One series of the home."""

    id: int
    device: str
    name: str
    unit: str
    scale: float
    kind: str


class Reported(_Array, frozen=True):
    """REPORTED: what the service must know to read the other records."""

    format: int
    zone: str
    series: list[SeriesRow]


class Day(_Array, frozen=True):
    """DAYS: a sealed local day as it lies in the home's store; a higher `rev` replaces a lower."""

    format: int
    day: int  # local date, days since 1970-01-01
    rev: int
    sha: bytes
    blob: bytes


class DayTotals(_Array, frozen=True):
    """TOTALS: one local day added up; `rows` are store.pack.TOTAL records, series 1 first."""

    format: int
    day: int
    rows: bytes


T = TypeVar("T", Segment, EventRecord, Reported, Day, DayTotals)


def pack(record: Segment | EventRecord | Reported | Day | DayTotals) -> bytes:
    """The payload of a record."""
    return msgspec.msgpack.encode(record)


def unpack(payload: bytes, kind: type[T]) -> T:
    """The record of a payload; raises LinkError for other bytes or a later format."""
    try:
        record = msgspec.msgpack.decode(payload, type=kind)
    except UNREADABLE as error:
        raise LinkError(f"a record of {kind.__name__} expected: {error}") from None
    if record.format != FORMAT:
        raise LinkError(f"format {FORMAT} of {kind.__name__} expected, got {record.format}")
    return record
