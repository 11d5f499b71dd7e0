"""A database that gives up is told in our own errors, and found again by itself."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from tests.cloud import sent
from tests.cloud.lab import Lab
from tests.cloud.postgres import Server
from tests.cloud.test_hub import on_hub

from hidamari.cloud.database import Database
from hidamari.cloud.ports import SegmentStore
from hidamari.cloud.tables import account
from hidamari.core.errors import StoreError, StoreFull
from hidamari.link.messages import Bye, Welcome

PERSON = {"password_hash": "x" * 9000, "lang": "ja", "created_ms": 0}


@contextmanager
def no_file_grows() -> Iterator[None]:
    """What a full disk does, for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def add(database: Database, mail: str) -> None:
    async with database.writing() as connection:
        await connection.execute(insert(account).values(mail=mail, **PERSON))


async def count(database: Database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(account)) or 0


def test_a_full_disk_is_a_store_that_is_full(tmp_path: Path):
    async def run() -> None:
        database = Database("sqlite:///cloud.db", tmp_path)
        await database.open()
        try:
            await add(database, "a@example.com")
            with no_file_grows(), pytest.raises(StoreFull):
                await add(database, "b@example.com")
            with pytest.raises(IntegrityError):
                await add(database, "a@example.com")
            await add(database, "b@example.com")
            assert await count(database) == 2
        finally:
            await database.close()

    asyncio.run(run())


def test_a_server_that_was_killed_is_found_again(tmp_path: Path):
    server = Server(durable=True)
    try:
        server.start()

        async def run() -> None:
            database = Database(server.url(), tmp_path)
            await database.open()
            try:
                await add(database, "a@example.com")
                server.kill()
                with pytest.raises(StoreError):
                    await count(database)
                with pytest.raises(StoreError):
                    await add(database, "b@example.com")
                server.start()
                assert await count(database) == 1
            finally:
                await database.close()

        asyncio.run(run())
    finally:
        server.remove()


def test_a_home_comes_again_when_the_directory_cannot_be_asked(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            lab.keys.is_down = True
            answer = await home.enter()
            assert isinstance(answer, Bye)
            assert (answer.reason, 30 <= answer.retry_after_s < 60) == ("slow_down", True)
            lab.keys.is_down = False
            assert isinstance(await home.enter(), Welcome)

    on_hub(tmp_path, job)
