"""Records as they come out of the tables of any store."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from hidamari.cloud.ports import Kept
from hidamari.core.errors import LinkError, StoreDamaged
from hidamari.core.time import from_unix
from hidamari.link.records import Day, DayTotals, EventRecord, Reported, Segment, unpack
from hidamari.store.pack import DaySpan

logger = logging.getLogger(__name__)

Row: TypeAlias = tuple[int, bytes]
T = TypeVar("T", Segment, EventRecord, Reported, Day, DayTotals)


def kept(rows: Iterable[Row], kind: type[T]) -> list[Kept[T]]:
    """The records of (epoch, payload); one that cannot be read is left out and logged."""
    found = []
    for epoch, payload in rows:
        try:
            found.append(Kept(epoch, unpack(payload, kind)))
        except LinkError as error:
            logger.warning("a stored record is left out: %s", error)
    return found


def bounds_of(
    days: Sequence[Kept[Day]], spans_s: Iterable[tuple[int | None, int | None]]
) -> tuple[datetime, datetime] | None:
    """First and last instant of some days and spans (None = of nothing); None without any."""
    ends = [end for span in spans_s for end in span if end is not None]
    for day in days:
        try:
            span = DaySpan.of(day.record.blob)
        except StoreDamaged as error:
            logger.warning("a stored day is left out: %s", error)
            continue
        ends += [span.start_s, span.start_s + max(span.minutes * 60, span.slots * 1800)]
    return (from_unix(min(ends)), from_unix(max(ends))) if ends else None
