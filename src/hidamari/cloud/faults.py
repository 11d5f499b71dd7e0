"""What the databases of the service report, in the words of our exception tree."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError

from hidamari.core.errors import InputError, StoreError, StoreFull
from hidamari.store import faults as sqlite

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_NO_ROOM = ("53100", "58030", "25006")  # disk full, input or output failed, read-only
_BAD_VALUE = ("22", "23")


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Raise StoreFull or StoreError where a database gives up, InputError for a bad value.

    A broken constraint passes: it is an answer to who wrote.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise _of_sqlalchemy(error, what) from error
    except asyncpg.PostgresError as error:
        raise _of_code(error.sqlstate or "", error, what) from error
    except asyncpg.InterfaceError as error:
        if isinstance(error, ValueError):  # the driver refuses a value before the server sees it
            raise InputError(f"{what}: a value that the store takes expected ({error})") from error
        raise StoreError(f"{what}: {error}") from error
    # What the driver says of itself when a server dies in the middle of a word (asyncpg issue 784).
    except asyncpg.InternalClientError as error:
        raise StoreError(f"{what}: {error}") from error
    except (OSError, TimeoutError) as error:
        raise StoreError(f"{what}: the database server cannot be reached ({error})") from error


def _of_sqlalchemy(error: DBAPIError, what: str) -> Exception:
    if isinstance(error.orig, sqlite3.DatabaseError):
        return sqlite.translated(error.orig, what)
    return _of_code(str(getattr(error.orig, "sqlstate", "") or ""), error.orig or error, what)


def _of_code(code: str, error: BaseException, what: str) -> Exception:
    if code in _NO_ROOM:
        return StoreFull(f"{what}: the store cannot be written now ({error})")
    if code.startswith(_BAD_VALUE):
        return InputError(f"{what}: a value that the store takes expected ({error})")
    return StoreError(f"{what}: {error}")
