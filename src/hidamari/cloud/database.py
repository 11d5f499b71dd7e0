"""The tables of the service on SQLite or PostgreSQL: one way to read, one way to write.

A write transaction on SQLite owns the file from its first word, so that two cannot wait for each
other; on PostgreSQL it may take a named lock, which does the same for one home or one account.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, ColumnElement, Connection, event, func, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from hidamari.cloud.faults import faults
from hidamari.cloud.private import private_file, private_folder
from hidamari.core.errors import InputError, StoreBusy, StoreError
from hidamari.store.lock import FolderLock

logger = logging.getLogger(__name__)

READS = "hidamari_reads"  # an option of a connection: its transactions write nothing
MIGRATIONS = Path(__file__).with_name("migrations")
ONE_SERVICE = "hidamari one service"  # the name of the lock a running service holds
OWN_EVERY_S = 2.0  # how long another service could start unseen after a restart of the server
OWN_WITHIN_S = 10.0
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class Database:
    """Connections to the store of the service; `open` before use."""

    def __init__(self, url: str, folder: Path) -> None:
        """`folder` is where a relative path of SQLite begins."""
        self.url = store_url(url, folder)
        self.writes = 0  # transactions that may have changed something
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _engine(self.url)
        self._reading = self.engine.execution_options(**{READS: True})
        self._turn = asyncio.Lock()  # SQLite lets one write; to wait here is faster than to poll
        self._folder_lock: FolderLock | None = None
        self._lock_holder: AsyncConnection | None = None

    async def open(self) -> None:
        """Own the store and bring its tables up to date; StoreBusy when another service does."""
        if self.is_sqlite:
            file = Path(str(self.url.database))
            private_folder(file.parent)
            self._folder_lock = FolderLock(file.parent)
            private_file(file)
        with faults("opening the tables of the service"):
            if not self.is_sqlite:
                await self._own()
            async with self.engine.connect() as connection:
                await connection.run_sync(migrate)

    async def close(self) -> None:
        """Let go of everything."""
        await self._let_go()
        await self.engine.dispose()
        if self._folder_lock is not None:
            self._folder_lock.release()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of everything and changes nothing."""
        with faults("reading the tables of the service"):
            async with self._reading.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, *locks: str) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at its end; those with the same name in `locks` go one by one.

        Who takes several names them in the same order: mail, account, home.
        """
        with faults("writing the tables of the service"):
            try:
                async with self._transaction(locks) as connection:
                    yield connection
            finally:
                self.writes += 1

    @asynccontextmanager
    async def _transaction(self, locks: Sequence[str]) -> AsyncIterator[AsyncConnection]:
        if self.is_sqlite:
            async with self._turn, self.engine.begin() as connection:
                yield connection
            return
        async with self.engine.begin() as connection:
            for lock in locks:
                await connection.execute(select(func.pg_advisory_xact_lock(_number(lock))))
            yield connection

    async def stay_owner(self) -> None:
        """Take the lock again whenever its connection broke, for ever.

        Raises StoreBusy where another service was faster: then this one has to end. The lock of
        SQLite is a file, which the kernel keeps.
        """
        while True:
            await asyncio.sleep(OWN_EVERY_S)
            if self.is_sqlite or await self._is_owner():
                continue
            try:
                with faults("owning the store"):
                    await self._own()
            except StoreBusy:
                raise
            except StoreError as error:
                logger.warning("the lock of this service is lost for now: %s", error)
            else:
                logger.warning("the lock of this service was lost and is taken again")

    async def _own(self) -> None:
        """Hold the lock of the one service for as long as this connection lives."""
        await self._let_go()
        self._lock_holder = await self.engine.connect()
        asked = select(func.pg_try_advisory_lock(_number(ONE_SERVICE)))
        if not await self._lock_holder.scalar(asked):
            raise StoreBusy("another service works with this store: end it first")
        await self._lock_holder.commit()

    async def _is_owner(self) -> bool:
        """Whether the connection that holds the lock still lives."""
        if self._lock_holder is None:
            return False
        try:
            async with asyncio.timeout(OWN_WITHIN_S):
                await self._lock_holder.scalar(select(1))
                await self._lock_holder.commit()
        except (SQLAlchemyError, OSError, TimeoutError):
            await self._let_go()
            return False
        return True

    async def _let_go(self) -> None:
        """End the connection that holds the lock, if there is one."""
        holder, self._lock_holder = self._lock_holder, None
        if holder is not None:
            with suppress(SQLAlchemyError, OSError):
                await holder.invalidate()  # never back to the pool: the lock would live on there
                await holder.close()


def store_url(text: str, folder: Path) -> URL:
    """The address of a store with its driver; InputError where it is none."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise InputError(
            "a store expected: sqlite:///cloud.db or postgresql://user:password@host/name"
        ) from None
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None or not url.database:
        raise InputError("a store expected: sqlite:///FILE or postgresql://user:password@host/name")
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(folder / url.database))
    return url.set(drivername=driver)


def migrate(connection: Connection) -> None:
    """Make the tables, or bring those of an earlier release up to date."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    engine = create_async_engine(url, connect_args={"timeout": 30.0})
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """What a new connection to SQLite is told: the same as the store of a home."""
    connection.isolation_level = None  # transactions begin where we say so, see _begin
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("begin" if reads else "begin immediate")


def _number(name: str) -> ColumnElement[int]:
    """The number that PostgreSQL knows a named lock by."""
    return func.hashtextextended(name, 0)
