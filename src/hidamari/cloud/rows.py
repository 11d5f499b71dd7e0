"""What a record becomes in the tables of a store: its keys beside the bytes as they came."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from hidamari.cloud.checks import LARGEST_SEQ
from hidamari.cloud.ports import Arrived
from hidamari.link import messages
from hidamari.link.messages import Record
from hidamari.link.records import Day, DayTotals, EventRecord, unpack

_DAY_MIN = 1440


class Key(NamedTuple):
    """One stream of one store generation of a home."""

    home: bytes
    epoch: int
    stream: int


class SegmentRow(NamedTuple):
    """A piece of a day, kept until the day itself has come."""

    home: bytes
    epoch: int
    seq: int
    d: int  # UTC day of t0, days since 1970-01-01
    t0: int  # minutes since 1970
    n: int  # minutes
    z: bytes


class EventRow(NamedTuple):
    """Something that happened."""

    home: bytes
    epoch: int
    seq: int
    t_ms: int
    z: bytes


class ReportedRow(NamedTuple):
    """The table of series; the newest counts."""

    home: bytes
    epoch: int
    seq: int
    z: bytes


class DayRow(NamedTuple):
    """A sealed local day."""

    home: bytes
    epoch: int
    d: int
    rev: int  # as `rank_of` has it
    sha: bytes
    z: bytes


class TotalRow(NamedTuple):
    """A local day added up; the newest counts."""

    home: bytes
    epoch: int
    d: int
    seq: int
    z: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch by table, and the records it is made of."""

    records: dict[Key, list[Record]] = field(default_factory=dict)
    segments: list[SegmentRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    reported: list[ReportedRow] = field(default_factory=list)
    days: list[DayRow] = field(default_factory=list)
    totals: list[TotalRow] = field(default_factory=list)


def rows_of(batch: Iterable[Arrived]) -> Rows:
    """The rows of records that were checked, each record once."""
    rows = Rows()
    seen: set[tuple[Key, int]] = set()
    for one in batch:
        record = one.record
        key = Key(one.home, one.epoch, record.stream)
        if (key, record.seq) in seen:
            continue
        seen.add((key, record.seq))
        rows.records.setdefault(key, []).append(record)
        _add(rows, one)
    return rows


def rank_of(rev: int, readings: int) -> int:
    """What sealings of one day are compared by: below all with minutes are those without any.

    A home with a full disk takes the minutes out of old days, and half-hours that are corrected
    later make a new `rev` of such a day: it must not hide the minutes that are kept here.
    """
    return rev if readings else rev - LARGEST_SEQ - 1


def _add(rows: Rows, one: Arrived) -> None:
    home, epoch, record = one.home, one.epoch, one.record
    seq, z = record.seq, record.payload
    match record.stream:
        case messages.SEGMENTS:
            d = record.t0_min // _DAY_MIN
            rows.segments.append(SegmentRow(home, epoch, seq, d, record.t0_min, record.count, z))
        case messages.EVENTS:
            rows.events.append(EventRow(home, epoch, seq, unpack(z, EventRecord).t_ms, z))
        case messages.REPORTED:
            rows.reported.append(ReportedRow(home, epoch, seq, z))
        case messages.DAYS:
            day = unpack(z, Day)
            rank = rank_of(day.rev, record.count)
            rows.days.append(DayRow(home, epoch, day.day, rank, day.sha, z))
        case messages.TOTALS:
            rows.totals.append(TotalRow(home, epoch, unpack(z, DayTotals).day, seq, z))
