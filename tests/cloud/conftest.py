"""Stores for the tests of the service: SQLite in a folder, PostgreSQL on a server of our own."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cloud.postgres import Server

from hidamari.cloud.database import Database
from hidamari.cloud.ports import SegmentStore
from hidamari.cloud.segments_postgresql import PostgresqlSegments
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.clock import Clock

StoreOn = Callable[[Clock], SegmentStore]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A running server that forgets everything at the end."""
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_on(request: pytest.FixtureRequest, tmp_path: Path) -> StoreOn:
    """A store without any table yet; called again it is the same store opened again."""
    if request.param == "sqlite":
        return lambda clock: SqliteSegments(tmp_path / "cloud.db", clock)
    server: Server = request.getfixturevalue("postgresql")
    name = f"t{abs(hash(request.node.nodeid)) % 10**12}"
    server.psql(f"create database {name}")
    return lambda clock: PostgresqlSegments(server.url(name), clock)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_store(request: pytest.FixtureRequest) -> str:
    """The address of a store without any table."""
    if request.param == "sqlite":
        return "sqlite:///cloud.db"
    server: Server = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store with the tables of the service and nobody in them."""
    made: str = request.getfixturevalue(f"{request.param}_with_tables")
    if request.param == "sqlite":
        shutil.copy(made, tmp_path / "cloud.db")
        return "sqlite:///cloud.db"
    server: Server = request.getfixturevalue("postgresql")
    return server.new_database(made)


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file to be copied: migrating takes longer than most tests."""
    folder = tmp_path_factory.mktemp("tables")
    asyncio.run(_migrated("sqlite:///cloud.db", folder))
    return str(folder / "cloud.db")


@pytest.fixture(scope="session")
def postgresql_with_tables(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database to be copied."""
    url = postgresql.new_database()
    asyncio.run(_migrated(url, tmp_path_factory.mktemp("tables")))
    return postgresql.named(url)


async def _migrated(url: str, folder: Path) -> None:
    database = Database(url, folder)
    await database.open()
    await database.close()
