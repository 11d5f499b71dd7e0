"""The tables of accounts grow from nothing, on both databases, to what the code works with."""

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from tests.cloud import sent
from tests.cloud.running import service_on

from hidamari.cloud.database import Database
from hidamari.cloud.ports import Arrived
from hidamari.cloud.tables import metadata
from hidamari.core.clock import VirtualClock
from hidamari.core.errors import StoreBusy


def differences(connection: Connection) -> list[object]:
    """What the tables lack, of those the code names."""
    ours = set(metadata.tables)

    def is_ours(_: object, name: str | None, kind: str, *__: object) -> bool:
        return kind != "table" or name in ours

    options = {"include_object": is_ours}
    context = MigrationContext.configure(connection, opts=options)
    found: list[object] = compare_metadata(context, metadata)
    return found


@pytest.mark.contract
def test_an_empty_database_gets_the_tables_the_code_names_and_a_second_start_changes_none(
    empty_store: str, tmp_path: Path
):
    async def run() -> None:
        for _ in range(2):
            database = Database(empty_store, tmp_path)
            await database.open()
            async with database.reading() as connection:
                assert await connection.run_sync(differences) == []
            await database.close()

    asyncio.run(run())


@pytest.mark.contract
def test_a_second_service_on_the_same_store_does_not_start(empty_store: str, tmp_path: Path):
    async def run() -> None:
        first, second = Database(empty_store, tmp_path), Database(empty_store, tmp_path)
        await first.open()
        with pytest.raises(StoreBusy):
            await second.open()
        await second.close()
        await first.close()
        third = Database(empty_store, tmp_path)
        await third.open()
        await third.close()

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.req("SRV-08")
def test_registering_again_deletes_nothing_and_unlinking_does_so_only_when_told(
    empty_store: str, tmp_path: Path
):
    async def run() -> None:
        clock = VirtualClock(sent.NOW)
        async with service_on(empty_store, tmp_path, clock) as running:
            person = await running.person("hanako@example.jp")
            home = await running.linked(person)
            key = home.identity.home
            await running.service.store.write([Arrived(key, 7, sent.event(1, sent.NOW))])
            assert await home.register() is True
            assert await running.service.store.committed(key, 7) == {2: 1}
            path = f"/homes/{home.id}/unlink"
            assert (await person.post(path, {"erase": False})).status_code == 204
            assert await home.register() is False
            assert await running.service.store.committed(key, 7) == {2: 1}
            code = (await home.link_code()).code
            assert (await person.claim(home, code, "ははの電話")).status_code == 201
            assert (await person.post(path, {"erase": True})).status_code == 204
            assert await running.service.store.committed(key, 7) == {}

    asyncio.run(run())
