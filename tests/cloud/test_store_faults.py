"""Stores that cannot be used say why; a home cannot be read by the wrong role."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from tests.cloud import sent
from tests.cloud.postgres import Server

from hidamari.cloud.faults import faults
from hidamari.cloud.ports import Arrived, Newest
from hidamari.cloud.segments_postgresql import APP, HUB, PostgresqlSegments
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.cloud.stores import open_store
from hidamari.core.clock import RealClock, VirtualClock
from hidamari.core.errors import InputError, StoreError, StoreFull
from hidamari.link.messages import EVENTS

_AS_IN_FORMAT_1 = (
    "drop function hub_committed(bytea, bigint)",
    """create function hub_committed(of bytea, in_epoch bigint) returns table(stream smallint,
        seq bigint) language sql as $$ select 2::smallint, 1::bigint $$""",
    "drop function hub_note(bigint, bytea[], bigint[], smallint[], bigint[], bytea[])",
    """create function hub_note(at bigint, homes bytea[], epochs bigint[], streams smallint[],
        seqs bigint[]) returns setof bigint language sql as $$ select 1::bigint $$""",
    "alter table hwm drop column tail",
    "update segment_format set version = 1",
)
TABLES = ("generation", "hwm", "seg", "event", "reported", "day", "total")


@pytest.mark.parametrize(
    "url", ["", "cloud.db", "sqlite:///", "mysql://host/name", "postgresql://"]
)
def test_an_address_that_is_no_store_is_refused(url: str, tmp_path: Path):
    with pytest.raises(InputError, match=r"sqlite:///FILE or postgresql://"):
        open_store(url, tmp_path, RealClock())


def test_a_relative_file_lies_in_the_data_folder(tmp_path: Path):
    async def run() -> None:
        store = open_store("sqlite:///cloud.db", tmp_path, RealClock())
        await store.open()
        await store.close()

    asyncio.run(run())
    assert (tmp_path / "cloud.db").exists()


def test_a_server_that_is_not_there_is_named(tmp_path: Path):
    async def run() -> None:
        await open_store(f"postgresql://owner@/x?host={tmp_path}", tmp_path, RealClock()).open()

    with pytest.raises(StoreError, match="the database server cannot be reached"):
        asyncio.run(run())


@pytest.mark.contract
def test_a_database_that_is_not_there_is_named(postgresql: Server):
    async def run() -> None:
        await PostgresqlSegments(postgresql.url("nowhere"), RealClock()).open()

    with pytest.raises(StoreError, match='"nowhere" does not exist'):
        asyncio.run(run())


def test_a_folder_that_is_no_folder_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")

    async def run() -> None:
        await open_store("sqlite:///file/cloud.db", tmp_path, RealClock()).open()

    with pytest.raises(StoreError, match="opening the store"):
        asyncio.run(run())


def test_a_file_of_a_newer_release_is_left_alone(tmp_path: Path):
    async def opened() -> None:
        store = SqliteSegments(tmp_path / "cloud.db", RealClock())
        try:
            await store.open()
        finally:
            await store.close()

    asyncio.run(opened())
    with closing(sqlite3.connect(tmp_path / "cloud.db")) as file, file:
        file.execute("update segment_format set version = 99")
    with pytest.raises(StoreError, match="format 99, made by a newer release"):
        asyncio.run(opened())


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("connection is closed"),
        # A server that dies in the middle of a word (asyncpg issue 784); it ended the service once.
        asyncpg.InternalClientError("cannot switch to state 15; another operation is in progress"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_a_server_that_goes_away_is_a_store_that_is_asked_again(error: Exception):
    with pytest.raises(StoreError, match="keeping records"), faults("keeping records"):
        raise error


@pytest.mark.contract
def test_a_database_of_the_first_format_is_brought_up_and_keeps_its_records(postgresql: Server):
    postgresql.psql("create database first")
    batch = [Arrived(sent.HOME, 1, sent.event(1, sent.NOW))]

    async def run() -> dict[int, int]:
        store = PostgresqlSegments(postgresql.url("first"), VirtualClock(sent.NOW))
        await store.open()
        await store.write(batch)
        await store.close()
        owner = await asyncpg.connect(postgresql.url("first"))
        for statement in _AS_IN_FORMAT_1:
            await owner.execute(statement)
        await owner.close()
        await store.open()
        try:
            assert await store.newest(sent.HOME, 1) == {EVENTS: Newest(1, None)}
            await store.write([Arrived(sent.HOME, 1, sent.event(2, sent.NOW))])
            return await store.newest(sent.HOME, 1)
        finally:
            await store.close()

    newest = asyncio.run(run())[EVENTS]
    assert newest.seq == 2
    assert newest.digest is not None


def test_a_file_of_the_second_format_is_brought_up_and_keeps_its_records(tmp_path: Path):
    batch = [Arrived(sent.HOME, 1, sent.event(1, sent.NOW))]

    async def run() -> None:
        store = SqliteSegments(tmp_path / "cloud.db", RealClock())
        await store.open()
        await store.write(batch)
        await store.close()
        with closing(sqlite3.connect(tmp_path / "cloud.db")) as file, file:
            file.execute("alter table hwm drop column tail")
            file.execute("update segment_format set version = 2")
        for _ in range(2):
            store = SqliteSegments(tmp_path / "cloud.db", RealClock())
            await store.open()
            assert await store.newest(sent.HOME, 1) == {EVENTS: Newest(1, None)}
            assert len(await store.events(sent.HOME, None, 9)) == 1
            await store.close()

    asyncio.run(run())


@pytest.mark.contract
def test_a_server_that_only_reads_takes_nothing(postgresql: Server):
    postgresql.psql("create database readers")
    batch = [Arrived(sent.HOME, 1, sent.event(1, sent.NOW))]

    async def run() -> None:
        store = PostgresqlSegments(postgresql.url("readers"), VirtualClock(sent.NOW))
        await store.open()
        try:
            postgresql.psql("alter database readers set default_transaction_read_only = on")
            with pytest.raises(StoreFull, match="read-only"):
                await store.write(batch)
            postgresql.psql("alter database readers set default_transaction_read_only = off")
            await store.close()
            await store.open()
            await store.write(batch)
        finally:
            await store.close()

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.t(17)
def test_roles_of_postgresql_keep_homes_apart(postgresql: Server):
    """The app reads the home that its transaction names; the hub reads no row at all."""
    postgresql.psql("create database tenants")
    records = [sent.segment(1, sent.NOW), sent.event(1, sent.NOW), sent.reported(1, "grid")]
    records += [sent.day(1, sent.TODAY), sent.totals(1, sent.TODAY)]
    batch = [Arrived(home, 1, record) for home in (sent.HOME, sent.OTHER) for record in records]

    async def run() -> None:
        store = PostgresqlSegments(postgresql.url("tenants"), VirtualClock(sent.NOW))
        await store.open()
        await store.write(batch)
        await store.close()
        url = postgresql.url("tenants")
        app = await asyncpg.connect(url, server_settings={"role": APP})
        hub = await asyncpg.connect(url, server_settings={"role": HUB})
        for table in TABLES:
            assert await app.fetchval(f"select count(*) from {table}") == 0, table
            async with app.transaction():
                await app.execute("select set_config('app.home', $1, true)", sent.HOME.hex())
                homes = await app.fetch(f"select distinct home from {table}")
                assert [row["home"] for row in homes] == [sent.HOME], table
            assert await app.fetchval(f"select count(*) from {table}") == 0, table
            for connection, verb in ((app, f"delete from {table}"), (hub, f"table {table}")):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(verb)
        for verb in ("update seg set n = 0", "delete from day", "select tidy(0)", "drop table seg"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await hub.execute(verb)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.fetch("select hub_committed($1, 1)", sent.OTHER)
        await app.close()
        await hub.close()

    asyncio.run(run())


@pytest.mark.contract
def test_a_user_who_may_make_no_roles_is_told_what_an_administrator_does(postgresql: Server):
    other = Server()
    try:
        other.start()
        other.psql("create role plain login")
        other.psql("create database theirs owner plain")

        async def run() -> None:
            await PostgresqlSegments(other.url("theirs", "plain"), RealClock()).open()

        with pytest.raises(StoreError, match="create role hidamari_hub; grant hidamari_hub to"):
            asyncio.run(run())
        other.psql("create role hidamari_hub; create role hidamari_app")
        other.psql("grant hidamari_hub, hidamari_app to plain")

        async def again() -> None:
            store = PostgresqlSegments(other.url("theirs", "plain"), VirtualClock(sent.NOW))
            await store.open()
            await store.write([Arrived(sent.HOME, 1, sent.segment(1, sent.NOW))])
            await store.tidy(sent.TODAY)
            await store.erase(sent.HOME)
            await store.close()

        asyncio.run(again())
    finally:
        other.remove()
