"""Stores for the tests of the service: SQLite in a folder, PostgreSQL on a server of our own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cloud.postgres import Server

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
