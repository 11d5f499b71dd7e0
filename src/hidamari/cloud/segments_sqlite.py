"""What homes sent in one SQLite file: one thread writes, one reads, nothing blocks the loop."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from hidamari.cloud.ports import Arrived, Kept, Newest
from hidamari.cloud.reading import Row, bounds_of, kept
from hidamari.cloud.rows import Key, rows_of
from hidamari.cloud.segments_schema import SQLITE, VERSION
from hidamari.cloud.spans import Spans, end_of_first, holds, joined
from hidamari.cloud.sqlite_thread import SqliteThread
from hidamari.core.clock import Clock
from hidamari.core.errors import StoreError
from hidamari.core.time import unix
from hidamari.link.messages import Record, digest_of
from hidamari.link.records import Day, DayTotals, EventRecord, Reported, Segment
from hidamari.store.days import day_number

SEGMENTS_KEPT = timedelta(days=8)
_ERASE = (
    "delete from seg where home = ?",
    "delete from event where home = ?",
    "delete from reported where home = ?",
    "delete from day where home = ?",
    "delete from total where home = ?",
    "delete from hwm where home = ?",
    "delete from generation where home = ?",
)
# A UTC day lies in two local days of Japan: its own and the next.
_TIDY = """
delete from seg as s where d < ?
  and exists(select 1 from day where home = s.home and epoch = s.epoch and d = s.d)
  and exists(select 1 from day where home = s.home and epoch = s.epoch and d = s.d + 1)
"""
_SPANS: msgspec.msgpack.Decoder[Spans] = msgspec.msgpack.Decoder(Spans)
_INSERTS: dict[str, str] = {
    "segments": "insert or ignore into seg values(?, ?, ?, ?, ?, ?, ?)",
    "events": "insert or ignore into event values(?, ?, ?, ?, ?)",
    "days": "insert or ignore into day values(?, ?, ?, ?, ?, ?)",
    "reported": "insert or ignore into reported values(?, ?, ?, ?)",
    "totals": "insert or ignore into total values(?, ?, ?, ?, ?)",
}


@dataclass(frozen=True, slots=True)
class _Done:
    """The numbers of a stream that are done, and the digest of the newest record."""

    spans: Spans = ()
    tail: bytes | None = None

    @property
    def newest(self) -> int:
        """The highest number; 0 where there is none."""
        return self.spans[-1][1] if self.spans else 0

    def with_records(self, records: Sequence[Record]) -> "_Done":
        """The same and these."""
        last = max(records, key=lambda one: one.seq)
        tail = digest_of(last.payload) if last.seq > self.newest else self.tail
        return _Done(joined(self.spans, [one.seq for one in records]), tail)


class SqliteSegments:
    """The tables of segments in a file that `cloud.database` has made."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._writer = SqliteThread(path, "begin immediate")
        self._reader = SqliteThread(path, "begin")

    async def open(self) -> None:
        """Make the tables; raises StoreError where the file cannot be written."""
        await self._writer.do("opening the store", _make_tables)

    async def close(self) -> None:
        """Let go of the file."""
        await self._writer.close()
        await self._reader.close()

    async def write(self, batch: Sequence[Arrived]) -> None:
        """Commit records, each once; they are on the disk when this returns."""
        since = unix(self._clock.now())
        await self._writer.do("keeping records of homes", lambda c: _write(c, batch, since))

    async def refuse(self, one: Arrived) -> None:
        """Remember that a record was refused for good."""
        since, key = unix(self._clock.now()), Key(one.home, one.epoch, one.record.stream)

        def job(connection: sqlite3.Connection) -> None:
            _note(connection, {key: _done(connection, key).with_records([one.record])}, since)

        await self._writer.do("refusing a record", job)

    async def committed(self, home: bytes, epoch: int) -> dict[int, int]:
        """By stream the number up to which all is committed or refused."""
        rows = await self._done(home, epoch)
        return {stream: end_of_first(done.spans) for stream, done in rows.items()}

    async def newest(self, home: bytes, epoch: int) -> dict[int, Newest]:
        """By stream what is committed or refused last."""
        rows = await self._done(home, epoch)
        return {stream: Newest(done.newest, done.tail) for stream, done in rows.items()}

    async def reported(self, home: bytes) -> list[Kept[Reported]]:
        """The newest table of series of each epoch, newest epoch last."""
        rows = await self._rows(
            "select epoch, z from reported join generation using(home, epoch) where home = ?1"
            " and (epoch, seq) in"
            " (select epoch, max(seq) from reported where home = ?1 group by epoch)"
            " order by since, epoch",
            home,
        )
        return kept(rows, Reported)

    async def days(self, home: bytes, first: date, last: date) -> list[Kept[Day]]:
        """Sealed days, newest epoch last; see `rows.rank_of` for what is the best of each."""
        rows = await self._rows(
            "select epoch, z from day join generation using(home, epoch) where home = ?1"
            " and (d, epoch, rev) in (select d, epoch, max(rev) from day"
            " where home = ?1 and d between ?2 and ?3 group by d, epoch, rev > 0)"
            " order by since, epoch, d, rev",
            home,
            day_number(first),
            day_number(last),
        )
        return kept(rows, Day)

    async def segments(self, home: bytes, start_s: int, end_s: int) -> list[Kept[Segment]]:
        """Segments that touch [start_s, end_s), newest epoch last."""
        rows = await self._rows(
            "select epoch, z from seg join generation using(home, epoch)"
            " where home = ? and d between ? and ? and t0 * 60 < ? and (t0 + n) * 60 > ?"
            " order by since, epoch, t0, seq",
            home,
            start_s // 86400 - 1,
            end_s // 86400,
            end_s,
            start_s,
        )
        return kept(rows, Segment)

    async def totals(self, home: bytes, first: date, last: date) -> list[Kept[DayTotals]]:
        """Totals of days, newest epoch last."""
        rows = await self._rows(
            "select epoch, z from total join generation using(home, epoch) where home = ?1"
            " and (d, epoch, seq) in (select d, epoch, max(seq) from total"
            " where home = ?1 and d between ?2 and ?3 group by d, epoch) order by since, epoch, d",
            home,
            day_number(first),
            day_number(last),
        )
        return kept(rows, DayTotals)

    async def events(self, home: bytes, before_ms: int | None, limit: int) -> list[EventRecord]:
        """The newest events first."""
        rows = await self._rows(
            "select epoch, z from event where home = ? and t < ? order by t desc, seq desc limit ?",
            home,
            2**62 if before_ms is None else before_ms,
            limit,
        )
        return [one.record for one in kept(rows, EventRecord)]

    async def bounds(self, home: bytes) -> tuple[datetime, datetime] | None:
        """Oldest and newest instant of which something is stored."""
        days = await self._rows(
            "select epoch, z from day where home = ?1 and d in"
            " (select min(d) from day where home = ?1"
            " union select max(d) from day where home = ?1)",
            home,
        )

        def spans(connection: sqlite3.Connection) -> list[tuple[int | None, int | None]]:
            return connection.execute(
                "select min(t0) * 60, max(t0 + n) * 60 from seg where home = ?1"
                " union all select min(t) / 1000, max(t) / 1000 from event where home = ?1",
                (home,),
            ).fetchall()

        return bounds_of(kept(days, Day), await self._reader.do("reading of a home", spans))

    async def erase(self, home: bytes) -> None:
        """Everything of a home is gone."""

        def job(connection: sqlite3.Connection) -> None:
            for statement in _ERASE:
                connection.execute(statement, (home,))

        await self._writer.do("erasing a home", job)

    async def tidy(self, today: date) -> None:
        """Let go of old segments whose days are sealed."""
        before = day_number(today - SEGMENTS_KEPT)

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(_TIDY, (before,))

        await self._writer.do("tidying the store", job)

    async def _done(self, home: bytes, epoch: int) -> dict[int, _Done]:
        def job(connection: sqlite3.Connection) -> dict[int, _Done]:
            query = "select stream, done, tail from hwm where home = ? and epoch = ?"
            rows = connection.execute(query, (home, epoch))
            return {stream: _Done(_SPANS.decode(done), tail) for stream, done, tail in rows}

        return await self._reader.do("reading of a home", job)

    async def _rows(self, query: str, *values: bytes | int) -> list[Row]:
        def job(connection: sqlite3.Connection) -> list[Row]:
            return connection.execute(query, values).fetchall()

        return await self._reader.do("reading of a home", job)


def _make_tables(connection: sqlite3.Connection) -> None:
    tables = "select 1 from sqlite_schema where name = 'segment_format'"
    if connection.execute(tables).fetchone() is None:
        for statement in SQLITE.split(";"):
            connection.execute(statement)
        connection.execute("insert into segment_format values(?)", (VERSION,))
        return
    found = connection.execute("select max(version) from segment_format").fetchone()[0]
    if found > VERSION:
        raise StoreError(f"this store has format {found}, made by a newer release")
    if found < VERSION:
        connection.execute("alter table hwm add column tail blob")
        connection.execute("insert into segment_format values(?)", (VERSION,))


def _write(connection: sqlite3.Connection, batch: Sequence[Arrived], since: int) -> None:
    """All new records of a batch, and the numbers that are done with them."""
    keys = {Key(one.home, one.epoch, one.record.stream) for one in batch}
    done = {key: _done(connection, key) for key in keys}
    rows = rows_of(
        one
        for one in batch
        if not holds(done[Key(one.home, one.epoch, one.record.stream)].spans, one.record.seq)
    )
    for table, insert in _INSERTS.items():
        connection.executemany(insert, getattr(rows, table))
    after = {key: done[key].with_records(records) for key, records in rows.records.items()}
    _note(connection, after, since)


def _done(connection: sqlite3.Connection, key: Key) -> _Done:
    found = connection.execute(
        "select done, tail from hwm where home = ? and epoch = ? and stream = ?", key
    ).fetchone()
    return _Done(_SPANS.decode(found[0]), found[1]) if found else _Done()


def _note(connection: sqlite3.Connection, done: Mapping[Key, _Done], since: int) -> None:
    connection.executemany(
        "insert into hwm values(?, ?, ?, ?, ?)"
        " on conflict do update set done = excluded.done, tail = excluded.tail",
        [(*key, msgspec.msgpack.encode(one.spans), one.tail) for key, one in done.items()],
    )
    connection.executemany(
        "insert or ignore into generation values(?, ?, ?)",
        [(key.home, key.epoch, since) for key in done],
    )
