"""Makes records for the cloud out of what is stored, each exactly once.

Nothing is kept for the cloud beside the history: marks say how far it was made into records, and
move in the transaction that puts a record into the outbox. The outbox holds a window of each
stream, so that a month without a line costs nothing; behind two days of waiting segments the
sealed days carry the data.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

import msgspec

from hidamari.core.reading import Event, Moment, Series
from hidamari.core.time import day_bounds, local_day, unix
from hidamari.link import records
from hidamari.link.messages import DAYS, EVENTS, REPORTED, SEGMENTS, TOTALS
from hidamari.link.terms import SEGMENT_S
from hidamari.store.days import unsent_key
from hidamari.store.db import Store
from hidamari.store.outbox import Draft
from hidamari.store.unsent import UnsentDay

logger = logging.getLogger(__name__)

CLOSED_IN_S = 120  # the half-hour that ends with a segment is written a minute later
# How many records of a stream may wait; what is beyond stays behind its mark.
WINDOW: Mapping[int, int] = {SEGMENTS: 192, EVENTS: 256, DAYS: 16}
EVENTS_BEFORE = 200  # of the time before the home was linked
LINKED = "up:linked"
REPORTED_MARK, EVENT_MARK, SEGMENT_MARK = "up:reported", "up:event", "up:segment"
# Strings in an event that are codes; all others may be names and stay at home.
CODES = frozenset(
    {"asset", "before", "day", "device", "devices", "mode", "new", "other", "part", "path"}
    | {"plan", "quantity", "reason", "role", "scope", "sections", "series", "since", "state"}
    | {"until", "used"}
)
_DEEPEST = 3


class Upload:
    """The marks of one store; called by one thread at a time."""

    def __init__(self, store: Store, zone: Callable[[], ZoneInfo], boot: int) -> None:
        """`boot`: this run of the kernel, see `HomeClock`."""
        self._store = store
        self._boot = boot
        self._zone = zone
        self.segment_s = SEGMENT_S
        self._told: tuple[str, int] | None = None  # the zone and how many series

    @property
    def is_linked(self) -> bool:
        """Whether an owner has linked this home; nothing is made into records before."""
        return self._store.get_kv(LINKED) is not None

    def link(self, now: datetime) -> None:
        """From now on records are made; what of the history the cloud has is not known."""
        if self.is_linked:
            return
        newest = self._store.events(limit=1)
        event = max(0, newest[0].seq - EVENTS_BEFORE) if newest else 0
        event = max(event, self._mark(EVENT_MARK))  # linked before: no event is told twice
        start, _ = day_bounds(local_day(now, self._zone()), self._zone())
        self._store.mark_unsent()
        marks: dict[str, bytes | None] = {
            EVENT_MARK: b"%d" % event,
            SEGMENT_MARK: b"%d" % unix(start),
            REPORTED_MARK: None,
            LINKED: b"1",
        }
        self._store.outbox.put([], marks)
        self._told = None

    def unlink(self) -> None:
        """Nobody waits for records any more; events that were not taken may be told later."""
        waiting = self._store.outbox.counts().get(EVENTS, 0)
        event = b"%d" % max(0, self._mark(EVENT_MARK) - waiting)
        self._store.outbox.put([], {LINKED: None, EVENT_MARK: event})
        self._store.outbox.clear()

    def renew(self) -> None:
        """A new epoch has begun: its numbers of series are told again."""
        self._store.outbox.put([], {REPORTED_MARK: None})
        self._told = None

    def derive(self, now: datetime) -> bool:
        """Make records of everything that is new; whether there was any."""
        if not self.is_linked:
            return False
        waiting = self._store.outbox.counts()
        made = self._reported(now)
        made |= self._events(now, WINDOW[EVENTS] - waiting.get(EVENTS, 0))
        made |= self._segments(now, WINDOW[SEGMENTS] - waiting.get(SEGMENTS, 0))
        made |= self._days(WINDOW[DAYS] - waiting.get(DAYS, 0))
        return made

    def waiting(self) -> int:
        """How many records and days the cloud does not have."""
        return sum(self._store.outbox.counts().values()) + self._store.unsent_count()

    def _mark(self, key: str) -> int:
        return int(self._store.get_kv(key) or 0)

    def _reported(self, now: datetime) -> bool:
        zone, series = self._zone().key, list(self._store.series().values())
        now_told = zone, len(series)
        if self._told == now_told:
            return False
        table = records.Reported(records.FORMAT, zone, _rows(series))
        payload = records.pack(table)
        digest = hashlib.sha256(payload).digest()
        is_new = self._store.get_kv(REPORTED_MARK) != digest
        if is_new:
            draft = Draft(REPORTED, unix(now), len(series), payload)
            self._store.outbox.put([draft], {REPORTED_MARK: digest})
        self._told = now_told
        return is_new

    def _events(self, now: datetime, room: int) -> bool:
        found = self._store.events_after(self._mark(EVENT_MARK), room) if room > 0 else []
        # What is to get its time in a moment, and all behind it, waits for that.
        found = list(takewhile(lambda one: not self._will_be_dated(one), found))
        if not found:
            return False
        drafts: list[Draft] = []
        before = now
        for event in reversed(found):
            before = before if isinstance(event.at, Moment) else event.at
            drafts.append(Draft(EVENTS, unix(before), 1, _event(event, before)))
        self._store.outbox.put(reversed(drafts), {EVENT_MARK: b"%d" % found[-1].seq})
        return True

    def _will_be_dated(self, event: Event) -> bool:
        return isinstance(event.at, Moment) and event.at.boot == self._boot

    def _segments(self, now: datetime, room: int) -> bool:
        """Pieces of the day, as far as no sealed day carries the same."""
        step_s = self.segment_s
        end_s = (unix(now) - CLOSED_IN_S) // step_s * step_s
        mark_s = self._mark(SEGMENT_MARK)
        start_s = max(mark_s, self._unsealed_from_s(mark_s, end_s))
        if mark_s > end_s + SEGMENT_S:  # the clock was set back
            start_s = end_s
        drafts: list[Draft] = []
        while (stop_s := start_s // step_s * step_s + step_s) <= end_s and len(drafts) < room:
            blob = self._store.segment(start_s, stop_s)
            if blob is not None:
                payload = records.pack(records.Segment(records.FORMAT, 60, blob.to_bytes()))
                drafts.append(Draft(SEGMENTS, start_s, blob.minutes.shape[0], payload))
            start_s = stop_s
        if start_s == mark_s:
            return False
        self._store.outbox.put(drafts, {SEGMENT_MARK: b"%d" % start_s})
        return bool(drafts)

    def _unsealed_from_s(self, mark_s: int, end_s: int) -> int:
        """Where the newest sealed day ends; asked only after a pause, which may have one in it."""
        if end_s - mark_s <= 2 * SEGMENT_S:
            return mark_s
        sealed = self._store.sealed()
        return unix(day_bounds(sealed[-1], self._zone())[1]) if sealed else mark_s

    def _days(self, room: int) -> bool:
        made = False
        for day in self._store.unsent_days(room) if room > 0 else []:
            self._store.outbox.put(self._drafts(day), {unsent_key(day.number): None})
            made = True
        return made

    def _drafts(self, day: UnsentDay) -> list[Draft]:
        noon_s = day.number * 86400 + 43200  # within the local day in every zone of our homes
        if len(day.blob) > records.MAX_BLOB_BYTES:
            logger.warning("the day %d is too large for the cloud: %d", day.number, len(day.blob))
            return []
        blob = records.Day(records.FORMAT, day.number, day.rev, day.sha, day.blob)
        totals = records.DayTotals(records.FORMAT, day.number, day.rows)
        return [
            Draft(TOTALS, noon_s, 1, records.pack(totals)),
            Draft(DAYS, noon_s, day.readings, records.pack(blob)),
        ]


def _rows(series: Sequence[Series]) -> list[records.SeriesRow]:
    return [
        records.SeriesRow(number, one.device, one.name, one.unit, one.scale, one.kind.value)
        for number, one in enumerate(series, start=1)
    ]


def _event(event: Event, before: datetime) -> bytes:
    """The payload of an event: its numbers and codes, no names.

    One whose time nobody knows has its place before the next that is dated.
    """
    data = {
        key: msgspec.Raw(msgspec.msgpack.encode(value))
        for key, value in _without_names(event.data, 0).items()
    }
    whole = records.EventRecord(
        records.FORMAT,
        round(before.timestamp() * 1000),
        event.kind,
        event.device,
        event.code,
        data,
        is_dated=not isinstance(event.at, Moment),
    )
    payload = records.pack(whole)
    if len(payload) <= records.MAX_EVENT_BYTES:
        return payload
    return records.pack(msgspec.structs.replace(whole, data={}))


def _without_names(data: Mapping[str, object], depth: int) -> dict[str, object]:
    kept: dict[str, object] = {}
    for key, value in data.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            kept[key] = _without_names(value, depth + 1)
        elif key in CODES or _is_number(value):
            kept[key] = value
    return kept


def _is_number(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_number(one) for one in value)
    return value is None or isinstance(value, bool | int | float)
