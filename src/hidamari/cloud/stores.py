"""Which store an address means."""

from pathlib import Path

from hidamari.cloud.ports import SegmentStore
from hidamari.cloud.segments_postgresql import PostgresqlSegments
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.clock import Clock
from hidamari.core.errors import InputError

SQLITE, POSTGRESQL = "sqlite:///", "postgresql://"


def open_store(url: str, folder: Path, clock: Clock) -> SegmentStore:
    """The store of what homes sent, to be opened; a relative file of SQLite lies in `folder`."""
    if url.startswith(SQLITE) and len(url) > len(SQLITE):
        return SqliteSegments(folder / url.removeprefix(SQLITE), clock)
    if url.startswith(POSTGRESQL) and len(url) > len(POSTGRESQL):
        return PostgresqlSegments(url, clock)
    raise InputError("a store expected: sqlite:///FILE or postgresql://user:password@host/name")
