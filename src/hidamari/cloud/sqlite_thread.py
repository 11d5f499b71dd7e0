"""One thread with one connection to a SQLite file: jobs one by one, each a transaction."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeVar

from hidamari.store.faults import faults

T = TypeVar("T")
_WAIT_S = 10.0  # for the other writer of the file: the accounts
_PRAGMAS = """
pragma journal_mode = wal;
pragma synchronous = full;
pragma secure_delete = off;
pragma cache_size = -8000;
"""


class SqliteThread:
    """Runs jobs beside the loop; a connection that failed is opened anew with the next job."""

    def __init__(self, path: Path, begin: Literal["begin", "begin immediate"]) -> None:
        self._path = path
        self._begin = begin
        self._thread = ThreadPoolExecutor(1, "store")
        self._connection: sqlite3.Connection | None = None

    async def do(self, what: str, job: Callable[[sqlite3.Connection], T]) -> T:
        """The outcome of a job, committed; a StoreError says that it failed at `what`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, what, job)

    async def close(self) -> None:
        """End the thread after what it has begun."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _do(self, what: str, job: Callable[[sqlite3.Connection], T]) -> T:
        with faults(what):
            if self._connection is None:
                self._connection = _connected(self._path)
            connection = self._connection
            try:
                connection.execute(self._begin)
                outcome = job(connection)
                connection.execute("commit")
            except sqlite3.DatabaseError:
                self._close()  # its next words may be about this failure
                raise
            except BaseException:
                connection.execute("rollback")
                raise
            return outcome

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
    )
    connection.executescript(_PRAGMAS)
    return connection
