"""The tables of the home, and how an older file becomes one of today."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from hidamari.core.errors import StoreError

VERSION = 1

TABLES = """
create table series(id integer primary key, device text, name text, unit text, scale real,
                    kind text, since int, unique(device, name)) strict;
create table frame(t integer primary key, z blob) strict;
create table undated(boot int, mono int, z blob, primary key(boot, mono)) strict;
create table slot(t integer primary key, z blob) strict;
create table day(d integer primary key, rev int, n int, z blob, sha blob, why text) strict;
create table total(d integer primary key, z blob) strict;
create table month(m integer primary key, days int, z blob) strict;
create table event(seq integer primary key, t int, kind text, device text, z blob) strict;
create index event_kind on event(kind);
create table setting(path text primary key, value text, at int) strict;
create table outbox(stream int, seq int, t int, z blob, tries int, next int,
                    primary key(stream, seq)) strict, without rowid;
create table dead(stream int, seq int, code text, z blob) strict;
create table kv(k text primary key, v blob) strict;
"""
# d: days since 1970-01-01 of the local date; m: year x 12 + month - 1; t: unix seconds.

# Version -> statements that lead to the next one. Data have no way back, code has no branches.
STEPS: Mapping[int, str] = MappingProxyType({})

# Pages of 4 KiB are what a file system writes anyway: a minute costs one page of the log.
# secure_delete (on in Debian's build) would write every dropped frame once more as zeros.
_WRITER = """
pragma page_size=4096;
pragma auto_vacuum=none;
pragma journal_mode=wal;
pragma synchronous=full;
pragma secure_delete=off;
pragma journal_size_limit=8000000;
pragma cache_size=-2000;
"""


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes; its tables are those of VERSION."""
    connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        connection.executescript(_WRITER)
        bring_up_to_date(connection, STEPS, VERSION)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, for one thread at a time."""
    connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    connection.execute("pragma query_only=on")
    connection.execute("pragma cache_size=-1000")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: committed at the end, rolled back on any exception."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def bring_up_to_date(
    connection: sqlite3.Connection, steps: Mapping[int, str], version: int
) -> None:
    """Make the tables in a new file, or apply the steps that an older file lacks, each at once.

    Raises StoreError for a file made by a newer release.
    """
    found = _version(connection)
    if found > version:
        raise StoreError(
            f"this store has format {found}, made by a newer release; "
            f"this release knows formats up to {version}"
        )
    if found == 0:
        _apply(connection, TABLES, version)
        return
    for number in range(found, version):
        _apply(connection, steps[number], number + 1)


def _version(connection: sqlite3.Connection) -> int:
    if not connection.execute("select 1 from sqlite_schema where name = 'kv'").fetchone():
        return 0
    row = connection.execute("select v from kv where k = 'schema'").fetchone()
    return int(row[0]) if row else 0


def _apply(connection: sqlite3.Connection, script: str, version: int) -> None:
    with transaction(connection):
        for statement in script.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(
            "insert or replace into kv values('schema', ?)", (str(version).encode(),)
        )
