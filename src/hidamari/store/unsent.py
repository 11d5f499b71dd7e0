"""What of the history the cloud does not have yet: sealed days by a mark, the rest by its time."""

import sqlite3
from dataclasses import dataclass

import numpy as np

from hidamari.core.time import MINUTE_S, SLOT_S
from hidamari.store.catalog import Catalog
from hidamari.store.pack import MISSING, DayBlob
from hidamari.store.rows import read_frames, read_slots


@dataclass(frozen=True, slots=True)
class UnsentDay:
    """A sealed day as it lies in the store; `rows` are its totals, series 1 first."""

    number: int
    rev: int
    readings: int
    sha: bytes
    blob: bytes
    rows: bytes


def mark_all(connection: sqlite3.Connection) -> None:
    """The cloud has no day at all."""
    connection.execute("insert or replace into kv select 'unsent:' || d, x'' from day")


def newest(connection: sqlite3.Connection, limit: int) -> list[UnsentDay]:
    """The newest marked days; a mark without its day is none."""
    found = connection.execute(
        "select d, rev, n, sha, day.z, total.z from kv"
        " join day on d = cast(substr(k, 8) as integer) left join total using(d)"
        " where k glob 'unsent:*' order by d desc limit ?",
        (limit,),
    ).fetchall()
    return [UnsentDay(d, rev, n, sha, z, rows or b"") for d, rev, n, sha, z, rows in found]


def count(connection: sqlite3.Connection) -> int:
    """How many sealed days are marked."""
    row = connection.execute("select count(*) from kv where k glob 'unsent:*'").fetchone()
    return int(row[0])


def segment(connection: sqlite3.Connection, catalog: Catalog, span: range) -> DayBlob | None:
    """The minutes of `span` and the half-hours that end in it; None where nothing is stored."""
    width = len(catalog)
    minutes = read_frames(connection, span, width)
    first_s = span.start // SLOT_S * SLOT_S
    slots = read_slots(connection, range(first_s, span.stop // SLOT_S * SLOT_S, SLOT_S), width)
    filled = np.flatnonzero((minutes != MISSING).any(axis=0) | slots["quality"].any(axis=0))
    if not filled.size:
        return None
    ids = (filled + 1).astype(np.uint32)
    return DayBlob(span.start, ids, minutes[:, filled], slots[:, filled])


def minutes_of(start_s: int, end_s: int) -> range:
    """The minutes of [start_s, end_s)."""
    return range(start_s, end_s, MINUTE_S)
