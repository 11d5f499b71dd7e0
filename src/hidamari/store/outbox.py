"""Records on their way to the cloud: each is kept until the cloud says that it is stored for good.

Only a window of records lies here. What has not been made into a record yet is the history
itself, behind marks that move in the same transaction in which a record is put in, so that a
power cut can neither lose nor double one. Numbers rise by one in each stream of an epoch; a store
that begins anew, or went back to an older copy, takes another epoch and begins again at 1.
"""

import secrets
import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hidamari.store.database import Database

_COUNT = struct.Struct("<I")
_EPOCH_BITS = 63
_DEAD_KEPT = 1000  # refused records are looked at by people; a hostile cloud must not fill the disk


@dataclass(frozen=True, slots=True)
class Draft:
    """A record without its number; `at_s` is the start of what it tells, `count` how much."""

    stream: int
    at_s: int
    count: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that the cloud has not confirmed."""

    stream: int
    seq: int
    at_s: int
    count: int
    payload: bytes


class Outbox:
    """The tables outbox and dead of a store; any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def epoch(self) -> int:
        """The number of this generation of the store."""
        with self._database.reading() as connection:
            row = connection.execute("select v from kv where k = 'epoch'").fetchone()
            return int(row[0])

    def put(self, drafts: Iterable[Draft], marks: Mapping[str, bytes | None]) -> None:
        """Number the records and keep them, and move the marks (None deletes), all or nothing."""

        def job(connection: sqlite3.Connection) -> None:
            for draft in drafts:
                _insert(connection, draft)
            for key, value in marks.items():
                if value is None:
                    connection.execute("delete from kv where k = ?", (key,))
                else:
                    connection.execute("insert or replace into kv values(?, ?)", (key, value))

        self._database.write(job)

    def last(self) -> dict[int, int]:
        """By stream the newest number given, sent or not."""
        with self._database.reading() as connection:
            return _last(connection)

    def counts(self) -> dict[int, int]:
        """By stream how many records wait."""
        with self._database.reading() as connection:
            found = connection.execute("select stream, count(*) from outbox group by stream")
            return dict(found.fetchall())

    def after(self, stream: int, seq: int, limit: int) -> list[Waiting]:
        """The oldest records of a stream behind the number `seq`."""
        with self._database.reading() as connection:
            found = connection.execute(
                "select stream, seq, t, z from outbox where stream = ? and seq > ?"
                " order by seq limit ?",
                (stream, seq, limit),
            ).fetchall()
        return [
            Waiting(s, n, t, _COUNT.unpack_from(z)[0], z[_COUNT.size :]) for s, n, t, z in found
        ]

    def forget(self, gone: Sequence[tuple[int, int]]) -> None:
        """The cloud has stored these (stream, number) for good."""
        self._database.write(
            lambda c: c.executemany("delete from outbox where stream = ? and seq = ?", gone)
        )

    def forget_up_to(self, committed: Mapping[int, int]) -> None:
        """By stream the number up to which the cloud has settled everything."""
        pairs = list(committed.items())
        self._database.write(
            lambda c: c.executemany("delete from outbox where stream = ? and seq <= ?", pairs)
        )

    def refuse(self, stream: int, seq: int, code: str) -> None:
        """The cloud will never take this record: it is put aside for people to look at."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "insert into dead select stream, seq, ?, z from outbox"
                " where stream = ? and seq = ?",
                (code, stream, seq),
            )
            connection.execute("delete from outbox where stream = ? and seq = ?", (stream, seq))
            connection.execute(
                "delete from dead where rowid <= (select max(rowid) from dead) - ?", (_DEAD_KEPT,)
            )

        self._database.write(job)

    def refused(self) -> list[tuple[int, int, str]]:
        """Stream, number and code of every record that was put aside."""
        with self._database.reading() as connection:
            found = connection.execute("select stream, seq, code from dead order by rowid")
            return [(int(stream), int(seq), str(code)) for stream, seq, code in found]

    def clear(self) -> None:
        """Nobody waits for these records any more."""
        self._database.write(lambda c: c.execute("delete from outbox"))

    def begin_epoch(self) -> int:
        """Take a new epoch; what waits is numbered anew from 1."""
        epoch = secrets.randbits(_EPOCH_BITS)

        def job(connection: sqlite3.Connection) -> None:
            text = str(epoch).encode()
            connection.execute("insert or replace into kv values('epoch', ?)", (text,))
            waiting = connection.execute(
                "select stream, t, z from outbox order by stream, seq"
            ).fetchall()
            connection.execute("delete from outbox")
            connection.execute("delete from kv where k glob 'seq:*'")
            for stream, at_s, blob in waiting:
                _insert_blob(connection, stream, at_s, blob)

        self._database.write(job)
        return epoch


def _insert(connection: sqlite3.Connection, draft: Draft) -> None:
    blob = _COUNT.pack(draft.count) + draft.payload
    _insert_blob(connection, draft.stream, draft.at_s, blob)


def _insert_blob(connection: sqlite3.Connection, stream: int, at_s: int, blob: bytes) -> None:
    key = f"seq:{stream}"
    row = connection.execute("select v from kv where k = ?", (key,)).fetchone()
    seq = int(row[0]) + 1 if row else 1
    connection.execute("insert into outbox values(?, ?, ?, ?, 0, 0)", (stream, seq, at_s, blob))
    connection.execute("insert or replace into kv values(?, ?)", (key, str(seq).encode()))


def _last(connection: sqlite3.Connection) -> dict[int, int]:
    found = connection.execute("select k, v from kv where k glob 'seq:*'").fetchall()
    return {int(key.removeprefix("seq:")): int(value) for key, value in found}
