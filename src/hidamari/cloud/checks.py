"""Whether a record of a home can be kept: its form is looked at before it is acknowledged.

What is refused here will never be taken; what passes can be read again.
"""

from datetime import datetime, timedelta

from hidamari.core.errors import LinkError, StoreDamaged
from hidamari.core.time import unix
from hidamari.link import messages
from hidamari.link.messages import Record
from hidamari.link.records import (
    MAX_BLOB_BYTES,
    MAX_EVENT_BYTES,
    Day,
    DayTotals,
    EventRecord,
    Reported,
    Segment,
    unpack,
)
from hidamari.store.pack import TOTAL, DaySpan, check_day, digest

LARGEST_SEQ = 2**62
# Homes keep 90 days at most in the outbox: an older piece of a day comes from a broken clock.
SEGMENT_AT_MOST = timedelta(days=100)
AHEAD_AT_MOST = timedelta(days=2)  # a home's clock may be a zone off before it knows the time
FIRST_DAY = 10957  # 2000-01-01: no measurement of any home is older
_LONGEST_MIN = 1440
_DAY_MIN = (22 * 60, 26 * 60)  # local days of zones with a summer time
_DAY_S = 86400


def refusal(record: Record, now: datetime) -> str | None:
    """Why a record is refused for good; None where it is taken."""
    if not 0 < record.seq <= LARGEST_SEQ:
        return "bad_seq"
    if record.stream not in messages.STREAMS or record.stream == messages.SETTINGS:
        return "unknown_stream"
    limit = MAX_EVENT_BYTES if record.stream == messages.EVENTS else MAX_BLOB_BYTES
    if len(record.payload) > limit:
        return "too_large"
    try:
        return _LOOK[record.stream](record, unix(now))
    except (LinkError, StoreDamaged):
        return "unreadable"


def _segment(record: Record, now_s: int) -> str | None:
    segment = unpack(record.payload, Segment)
    span = DaySpan.of(segment.blob)
    if segment.step_s != 60 or not 0 < span.minutes <= _LONGEST_MIN:
        return "bad_span"
    if span.start_s != record.t0_min * 60 or span.minutes != record.count:
        return "bad_span"
    if span.start_s < now_s - SEGMENT_AT_MOST.total_seconds():
        return "too_old"
    if span.end_s > now_s + AHEAD_AT_MOST.total_seconds():
        return "in_the_future"
    check_day(segment.blob)
    return None


def _event(record: Record, now_s: int) -> str | None:
    event = unpack(record.payload, EventRecord)
    return _time_problem(event.t_ms // 1000, now_s)


def _reported(record: Record, _: int) -> str | None:
    unpack(record.payload, Reported)
    return None


def _day(record: Record, now_s: int) -> str | None:
    day = unpack(record.payload, Day)
    if not 0 < day.rev <= LARGEST_SEQ or digest(day.blob) != day.sha:
        return "bad_digest"
    span = DaySpan.of(day.blob)
    if span.minutes and not _DAY_MIN[0] <= span.minutes <= _DAY_MIN[1]:
        return "bad_span"  # imported days have half-hours only
    if abs(span.start_s - day.day * _DAY_S) > _DAY_S:
        return "bad_span"
    check_day(day.blob)
    return _time_problem(span.start_s, now_s)


def _totals(record: Record, now_s: int) -> str | None:
    totals = unpack(record.payload, DayTotals)
    if len(totals.rows) % TOTAL.itemsize:
        return "unreadable"
    return _time_problem(totals.day * _DAY_S, now_s)


def _time_problem(at_s: int, now_s: int) -> str | None:
    if at_s < FIRST_DAY * _DAY_S:
        return "too_old"
    return "in_the_future" if at_s > now_s + AHEAD_AT_MOST.total_seconds() else None


_LOOK = {
    messages.SEGMENTS: _segment,
    messages.EVENTS: _event,
    messages.REPORTED: _reported,
    messages.DAYS: _day,
    messages.TOTALS: _totals,
}
