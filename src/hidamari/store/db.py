"""The history of a home: what the rest of the program sees of the store."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from hidamari.core.errors import StoreFull
from hidamari.core.reading import Event, Series, SeriesKey, SlotValue
from hidamari.core.time import MINUTE_S, SLOT_S, from_unix, unix
from hidamari.store import days, journal, reads, settings, unsent, writes
from hidamari.store.answers import Answers
from hidamari.store.catalog import Catalog
from hidamari.store.database import Database
from hidamari.store.journal import JsonValue
from hidamari.store.outbox import Outbox
from hidamari.store.pack import BoolArray, DayBlob, FloatArray, UInt8Array
from hidamari.store.reads import Selection
from hidamari.store.rollup import Totals
from hidamari.store.room import BALLAST_BYTES, RoomState
from hidamari.store.unsent import UnsentDay
from hidamari.store.writes import Slots

_DAYS_AT_ONCE = 31


class Store:
    """One data folder, one process. Writes return when they are on the disk; reads may come from
    any thread.

    Every write raises StoreFull when there is no room; minutes and half-hours then wait in
    memory (at most three days) and are written with the next write that finds room.
    """

    def __init__(self, folder: Path, now: datetime, ballast_bytes: int) -> None:
        self._copy = folder / settings.SETTINGS_COPY
        self._opened = now
        self._adding = threading.Lock()
        self._catalog = Catalog()
        self.settings_mended = False  # they were damaged and came from their copy
        self._database = Database(folder, self._begin, ballast_bytes)
        self.outbox = Outbox(self._database)
        self.answers = Answers(self._database)

    @classmethod
    def open(cls, folder: Path, now: datetime, ballast_bytes: int = BALLAST_BYTES) -> Self:
        """Open or create the store of a folder, recovering whatever a power cut left.

        Raises StoreBusy while another process holds the folder, StoreError for a file of a
        newer release. A file that cannot be read is moved aside, see `damaged`.
        """
        return cls(folder, now, ballast_bytes)

    def close(self) -> None:
        """Give the folder free."""
        self._database.close()

    @property
    def damaged(self) -> Path | None:
        """Where a broken database file was moved; measuring goes on in a fresh one."""
        return self._database.damaged

    # series

    def add_series(self, series: Iterable[Series]) -> None:
        """Make series known, again and again at no cost; raises StoreError when one differs."""
        with self._adding:
            new = self._catalog.new_among(series)
            if new:
                self._database.write(lambda c: self._catalog.add(c, new, self._opened))
                self._catalog = self._catalog.added(new)

    def series(self) -> dict[SeriesKey, Series]:
        """Every known series by its key."""
        return self._catalog.by_key()

    # writing

    def write_minute(self, at: datetime, values: Mapping[SeriesKey, float | None]) -> None:
        """One frame for the minute of `at`; a value for a filled place is ignored."""
        at_s = _floor(at, MINUTE_S)
        row = self._catalog.minute_row(values).reshape(1, -1)
        self._database.write(lambda c: writes.write_minutes(c, [at_s], row), keep=True)

    def write_minutes(self, start: datetime, keys: Sequence[SeriesKey], values: FloatArray) -> None:
        """Minutes in a row from `start`, shape (n, len(keys)), NaN = missing, all or none."""
        start_s = _floor(start, MINUTE_S)
        catalog = self._catalog
        rows = catalog.minute_array(catalog.columns(keys), values)
        starts = range(start_s, start_s + MINUTE_S * len(rows), MINUTE_S)
        self._database.write(lambda c: writes.write_minutes(c, starts, rows))

    def write_slots(
        self, at: datetime, values: Mapping[SeriesKey, SlotValue], why: str = ""
    ) -> None:
        """The half-hour of `at`; a better quality replaces a worse one, nothing else does.

        A sealed day is sealed again with the reason, its totals follow.
        """
        slot = Slots(_floor(at, SLOT_S), self._catalog.slot_row(values))
        self._put_slots([slot], why, keep=True)

    def write_history(
        self, slots: Iterable[tuple[datetime, Mapping[SeriesKey, SlotValue]]], zone: ZoneInfo
    ) -> None:
        """Many half-hours, all or none; then all their days but the newest are sealed."""
        catalog = self._catalog
        rows = [Slots(_floor(at, SLOT_S), catalog.slot_row(v)) for at, v in slots]
        again = self._database.write(lambda c: writes.write_history(c, rows))
        self._seal_closed(rows, zone, again)

    def write_slot_block(
        self,
        start: datetime,
        keys: Sequence[SeriesKey],
        block: tuple[FloatArray, UInt8Array],
        zone: ZoneInfo,
    ) -> None:
        """Years of half-hours from `start` on, a month at a time; shape (n, len(keys))."""
        catalog = self._catalog
        first_s = _floor(start, SLOT_S)
        rows = catalog.slot_array(catalog.columns(keys), *block)
        slots = [Slots(first_s + SLOT_S * i, rows[i : i + 1]) for i in range(len(rows))]
        at_once = 48 * _DAYS_AT_ONCE
        for first in range(0, len(slots), at_once):
            self._put_slots(slots[first : first + at_once], "import")
        self._seal_closed(slots, zone)

    def _seal_closed(
        self, slots: Sequence[Slots], zone: ZoneInfo, again: Iterable[date] = ()
    ) -> None:
        wanted = sorted({*writes.closed_days(slots, zone), *again})
        with suppress(StoreFull):  # what finds no room now is sealed at night
            for first in range(0, len(wanted), _DAYS_AT_ONCE):
                self.seal_days(wanted[first : first + _DAYS_AT_ONCE], zone, "import")

    def _put_slots(self, slots: Sequence[Slots], why: str, *, keep: bool = False) -> None:
        catalog = self._catalog
        self._database.write(lambda c: writes.write_slots(c, catalog, slots, why), keep=keep)

    # days

    def seal_day(self, day: date, zone: ZoneInfo, why: str = "") -> None:
        """Pack a closed local day into its blob and add it up; drop frames older than 3 days."""
        self.seal_days([day], zone, why)

    def seal_days(self, wanted: Sequence[date], zone: ZoneInfo, why: str = "") -> None:
        """`seal_day` for several days in one transaction."""
        catalog = self._catalog
        self._database.write(lambda c: writes.seal_days(c, catalog, wanted, zone, why))

    def unsealed_days(self, before: date, zone: ZoneInfo) -> list[date]:
        """Local days before `before` that hold something and wait to be sealed."""
        with self._database.reading() as connection:
            return list(days.unsealed(connection, before, zone))

    def verify_day(self, day: date) -> bool:
        """Whether a sealed day is what was written: hash, content, and its half-hours once more."""
        with self._database.reading() as connection:
            return days.verify(connection, days.day_number(day), len(self._catalog))

    def sealed(self) -> list[date]:
        """All sealed days, oldest first."""
        with self._database.reading() as connection:
            return [days.day_of(d) for (d,) in connection.execute("select d from day order by d")]

    # what the cloud does not have yet

    def mark_unsent(self) -> None:
        """The cloud has no sealed day at all."""
        self._database.write(unsent.mark_all)

    def unsent_days(self, limit: int) -> list[UnsentDay]:
        """The newest sealed days that the cloud does not have as they are now."""
        with self._database.reading() as connection:
            return unsent.newest(connection, limit)

    def unsent_count(self) -> int:
        """How many sealed days the cloud does not have as they are now."""
        with self._database.reading() as connection:
            return unsent.count(connection)

    def segment(self, start_s: int, end_s: int) -> DayBlob | None:
        """The minutes of [start_s, end_s) of all series with the half-hours that end in it."""
        catalog = self._catalog
        with self._database.reading() as connection:
            return unsent.segment(connection, catalog, unsent.minutes_of(start_s, end_s))

    # frames without a time

    def write_undated(
        self, boot: int, mono_s: int, values: Mapping[SeriesKey, float | None]
    ) -> None:
        """One minute while the time is unknown: the number of the boot and its monotonic second."""
        row = self._catalog.minute_row(values)
        self._database.write(lambda c: writes.put_undated(c, boot, mono_s, row), keep=True)

    def redate(self, boot: int, offset_s: float) -> int:
        """Give a boot's frames and events their time, unix = monotonic + offset; how many frames
        there were.
        """
        catalog = self._catalog

        def job(connection: sqlite3.Connection) -> int:
            journal.redate_events(connection, boot, offset_s)
            return writes.redate(connection, catalog, boot, offset_s)

        return self._database.write(job)

    # events, settings, values

    def add_event(self, event: Event) -> int:
        """Store an event; its number."""
        row = journal.event_row(event)
        return self._database.write(lambda c: journal.add_event(c, row))

    def events(
        self,
        *,
        before_seq: int | None = None,
        kinds: Collection[str] | None = None,
        limit: int = 100,
    ) -> list[Event]:
        """The newest events first, at most `limit`, of these kinds, older than `before_seq`."""
        with self._database.reading() as connection:
            return journal.read_events(connection, before_seq, kinds, limit)

    def events_after(self, seq: int, limit: int) -> list[Event]:
        """The oldest events behind the number `seq`."""
        with self._database.reading() as connection:
            return journal.read_after(connection, seq, limit)

    def settings(self) -> dict[str, JsonValue]:
        """Every setting by its path."""
        with self._database.reading() as connection:
            texts = settings.texts_of(connection)
        return {path: json.loads(text) for path, text in texts.items()}

    def put_settings(self, values: Mapping[str, JsonValue | None], at: datetime) -> None:
        """Write all of these settings or none; `None` deletes.

        A checksummed copy beside the database outlives a broken one.
        """
        texts = {p: None if v is None else journal.to_json(v) for p, v in values.items()}
        with self._adding:
            self._database.write(lambda c: settings.put(c, texts, at))
            with self._database.reading() as connection:
                settings.save_copy(self._copy, settings.texts_of(connection))

    def export_settings(self) -> bytes:
        """All settings as one JSON document for a backup; `settings.imported` reads it."""
        with self._database.reading() as connection:
            return settings.export(settings.texts_of(connection))

    def get_kv(self, key: str) -> bytes | None:
        """One small value of the program's own."""
        with self._database.reading() as connection:
            row = connection.execute("select v from kv where k = ?", (key,)).fetchone()
            return row[0] if row else None

    def put_kv(self, key: str, value: bytes) -> None:
        """Write one small value of the program's own."""
        self._database.write(
            lambda c: c.execute("insert or replace into kv values(?, ?)", (key, value))
        )

    # reading

    def minutes(self, keys: Sequence[SeriesKey], start: datetime, end: datetime) -> FloatArray:
        """Every minute in [start, end), NaN = missing; shape (minutes, len(keys)).

        Raises StoreDamaged when a sealed day in it is not what was written.
        """
        span = range(_floor(start, MINUTE_S), unix(end), MINUTE_S)
        with self._database.reading() as connection:
            return reads.minutes(connection, self._select(keys), span)

    def slots(
        self, keys: Sequence[SeriesKey], start: datetime, end: datetime
    ) -> tuple[FloatArray, UInt8Array]:
        """Every half-hour in [start, end): values (NaN = missing) and Quality, (n, len(keys))."""
        span = range(_floor(start, SLOT_S), unix(end), SLOT_S)
        with self._database.reading() as connection:
            return reads.slots(connection, self._select(keys), span)

    def totals(
        self, keys: Sequence[SeriesKey], first: date, last: date
    ) -> tuple[FloatArray, FloatArray]:
        """kWh and peak kW (largest half-hour) of the sealed days first..last, (days, len(keys))."""
        totals, _ = self.day_totals(keys, first, last)
        return totals.values, totals.peaks

    def day_totals(
        self, keys: Sequence[SeriesKey], first: date, last: date
    ) -> tuple[Totals, BoolArray]:
        """Totals of the days first..last and which of them are sealed."""
        span = range(days.day_number(first), days.day_number(last) + 1)
        with self._database.reading() as connection:
            return reads.day_totals(connection, self._select(keys), span)

    def month_totals(
        self, keys: Sequence[SeriesKey], first: date, last: date
    ) -> tuple[Totals, BoolArray]:
        """Totals of the months holding first..last and which have all their days sealed."""
        span = range(days.month_number(first), days.month_number(last) + 1)
        with self._database.reading() as connection:
            return reads.month_totals(connection, self._select(keys), span)

    def last_minute(self) -> datetime | None:
        """The newest minute stored."""
        with self._database.reading() as connection:
            at_s = reads.last_minute(connection)
        return None if at_s is None else from_unix(at_s)

    def slot_bounds(self) -> tuple[datetime, datetime] | None:
        """Start of the oldest and end of the newest half-hour stored."""
        with self._database.reading() as connection:
            first = connection.execute("select min(t) from slot").fetchone()[0]
            last = connection.execute("select max(t) from slot").fetchone()[0]
        return None if first is None else (from_unix(first), from_unix(last + SLOT_S))

    # room

    @property
    def waiting(self) -> int:
        """How many writes wait in memory for room on the disk."""
        return self._database.waiting

    def room(self) -> RoomState:
        """How full the disk is, and whether the ballast lies there."""
        return self._database.room.state()

    def free_space_step(self) -> str | None:
        """One step of making room: ballast, logs, outbox, days; None when none is left."""
        return self._database.free_space_step()

    def tidy(self) -> None:
        """Nightly: move the log into the file, take ballast again where there is room."""
        self._database.checkpoint()
        self._database.room.take_ballast()

    def _select(self, keys: Sequence[SeriesKey]) -> Selection:
        catalog = self._catalog
        return Selection(catalog, catalog.columns(keys))

    def _begin(self, connection: sqlite3.Connection) -> None:
        """After opening: a new file gets its epoch, the series known and the settings' copy."""
        if connection.execute("select 1 from kv where k = 'epoch'").fetchone():
            self._catalog = Catalog.load(connection)
            self.settings_mended = settings.mend(connection, self._copy, self._opened)
            return
        epoch = str(secrets.randbits(63)).encode()
        connection.execute("insert into kv values('epoch', ?)", (epoch,))
        Catalog().add(connection, self._catalog.all(), self._opened)
        copied = settings.load_copy(self._copy)
        if copied:
            settings.put(connection, dict(copied), self._opened)
            self.settings_mended = True


def _floor(at: datetime, step_s: int) -> int:
    return unix(at) // step_s * step_s
