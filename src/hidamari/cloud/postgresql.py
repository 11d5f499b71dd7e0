"""What PostgreSQL reports, in the words of our exception tree."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from hidamari.core.errors import InputError, StoreError, StoreFull

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_NO_ROOM = ("53100", "58030", "25006")  # disk full, input or output failed, read-only
_BAD_VALUE = ("22", "23")


@contextmanager
def faults(what: str) -> Iterator[None]:
    """Raise StoreFull or StoreError where the server gives up, InputError for a bad value."""
    try:
        yield
    except asyncpg.PostgresError as error:
        code = error.sqlstate or ""
        if code in _NO_ROOM:
            raise StoreFull(f"{what}: the store cannot be written now ({error})") from error
        if code.startswith(_BAD_VALUE):
            raise InputError(f"{what}: a value that the store takes expected ({error})") from error
        raise StoreError(f"{what}: {error}") from error
    except asyncpg.InterfaceError as error:
        if isinstance(error, ValueError):  # the driver refuses a value before the server sees it
            raise InputError(f"{what}: a value that the store takes expected ({error})") from error
        raise StoreError(f"{what}: {error}") from error
    except (OSError, TimeoutError) as error:
        raise StoreError(f"{what}: the database server cannot be reached ({error})") from error
