"""What SQLite reports, in the words of our exception tree."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from hidamari.core.errors import StoreDamaged, StoreError, StoreFull

# Result codes, https://www.sqlite.org/rescode.html: the low byte is the primary code.
_NO_ROOM = {5: "another program holds it", 8: "it is read-only", 10: "input or output failed"}
_FULL = 13
_DAMAGED = (11, 26)


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Raise StoreFull, StoreDamaged or StoreError where SQLite gives up."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a mistake of ours, not of the disk
    except sqlite3.DatabaseError as error:
        raise translated(error, what) from error


def is_damaged_file(error: BaseException) -> bool:
    """Whether the database file itself is broken, not just one blob in it."""
    return isinstance(error, StoreDamaged) and isinstance(error.__cause__, sqlite3.DatabaseError)


def translated(error: sqlite3.DatabaseError, what: str) -> StoreError:
    """The exception of ours for one of SQLite, which gave up at `what`."""
    code = getattr(error, "sqlite_errorcode", 1) & 0xFF
    if code == _FULL:
        return StoreFull(f"{what}: the disk is full")
    if code in _NO_ROOM:
        return StoreFull(f"{what}: the store cannot be written now, {_NO_ROOM[code]} ({error})")
    if code in _DAMAGED:
        return StoreDamaged(f"{what}: the database file is damaged ({error})")
    return StoreError(f"{what}: {error}")
