"""What a running service looks after: that it is alone, that its files are private, what is old."""

import asyncio
import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from tests.cloud.postgres import Server
from tests.cloud.running import Person, Running, service_on
from tests.cloud.sent import NOW

from hidamari.cloud import pruning
from hidamari.cloud.database import Database
from hidamari.cloud.private import private_folder
from hidamari.cloud.tables import (
    claim_try,
    device,
    link_code,
    mail_asked,
    mail_token,
    metadata,
    miss,
    session,
)
from hidamari.core.clock import VirtualClock
from hidamari.core.errors import StoreBusy

DAY_S = 86400.0


@pytest.mark.contract
def test_after_a_restart_of_the_server_the_service_owns_its_store_again_or_ends(tmp_path: Path):
    server = Server()
    try:
        server.start()

        async def run() -> None:
            other = Database(server.url(), tmp_path)
            try:
                async with service_on(server.url(), tmp_path, VirtualClock(NOW)) as running:
                    restart(server)
                    async with asyncio.timeout(30):
                        while not await is_held(running.service.database):
                            await asyncio.sleep(0.1)  # the lock is free for two seconds at most
                    with pytest.raises(StoreBusy):
                        await other.open()
                    await other.close()
                    known = await running.browser().get("/.well-known/hidamari")
                    assert known.status_code == 200
                    restart(server)
                    await other.open()  # at once, before the first one has looked
                    await asyncio.sleep(30)
            finally:
                await other.close()
                await asyncio.sleep(0.1)  # broken connections end with the loop's next turns

        with pytest.raises(StoreBusy, match="another service took this store over"):
            asyncio.run(run())
    finally:
        server.remove()


def restart(server: Server) -> None:
    """As an update of the server does it."""
    server.stop()
    server.start()


async def is_held(database: Database) -> bool:
    """Whether somebody holds the lock of the one service."""
    locks = "select count(*) from pg_locks where locktype = 'advisory' and objsubid = 1"
    async with database.reading() as connection:
        return bool((await connection.exec_driver_sql(locks)).scalar())


def test_files_of_the_service_are_private_whatever_the_umask_is(tmp_path: Path):
    before = os.umask(0o000)
    try:
        folder = tmp_path / "cloud"

        async def run() -> None:
            async with service_on("sqlite:///cloud.db", folder, VirtualClock(NOW)) as running:
                await running.person("hanako@example.jp")
                assert modes(folder) == {
                    ".": 0o700,
                    "cloud.db": 0o600,
                    "cloud.db-shm": 0o600,
                    "cloud.db-wal": 0o600,
                    "mailbox": 0o700,
                    "store.lock": 0o600,
                }

        asyncio.run(run())
        (folder / "cloud.db").chmod(0o644)  # as an earlier release made it
        folder.chmod(0o755)
        asyncio.run(run_shortly(folder))
        assert (modes(folder)["cloud.db"], modes(folder)["."]) == (0o600, 0o700)
        folder.chmod(0o1777)  # a place that is shared by all
        private_folder(folder)
        assert modes(folder)["."] == 0o1777
    finally:
        os.umask(before)


async def run_shortly(folder: Path) -> None:
    async with service_on("sqlite:///cloud.db", folder, VirtualClock(NOW)):
        pass


def modes(folder: Path) -> dict[str, int]:
    """The rights of a folder and of what lies in it."""
    found = {".": folder} | {one.name: one for one in folder.iterdir()}
    return {name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}


async def counts(running: Running) -> dict[str, int]:
    """How many rows each table has."""
    async with running.service.database.reading() as connection:
        return {
            name: await connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
        }


PRUNED = (session, mail_token, mail_asked, claim_try, miss, link_code, device)


@pytest.mark.contract
def test_what_is_old_goes_at_its_age_and_what_counts_stays(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            person = await running.person("hanako@example.jp")
            home = await running.linked(person)
            unclaimed, tried = running.home(), running.home()
            await unclaimed.register()
            await unclaimed.link_code()
            await tried.register()
            code = (await tried.link_code()).code
            for n in range(5):  # void: counted for a year
                wrong = f"{(int(code) + n + 1) % 10**6:06d}"
                assert (await person.claim(tried, wrong, "x")).status_code == 403
            await Person(running.browser(), "hanako@example.jp").sign_in("falsch falsch")
            before = await counts(running)
            assert all(before[table.name] for table in PRUNED)
            await pruning.prune(running.service)
            assert await counts(running) == before  # nothing is old yet
            clock.advance(1.1 * DAY_S)
            await pruning.prune(running.service)
            now = await counts(running)
            assert (now["claim_try"], now["link_code"], now["session"]) == (0, 1, 1)
            clock.advance(7 * DAY_S)
            await pruning.prune(running.service)
            now = await counts(running)
            assert (now["mail_token"], now["mail_asked"], now["device"]) == (0, 0, 3)
            assert (await person.get("/session")).status_code == 200
            clock.advance(24 * DAY_S)
            await pruning.prune(running.service)
            now = await counts(running)
            assert (now["miss"], now["session"], now["device"]) == (0, 1, 2)
            assert await unclaimed.register() is False  # it comes again by itself
            assert (await home.status()).bound
            clock.advance(366 * DAY_S)
            await pruning.prune(running.service)
            now = await counts(running)
            assert (now["session"], now["link_code"], now["device"]) == (0, 0, 1)
            assert (await home.status()).bound

    asyncio.run(run())


def test_a_service_prunes_as_soon_as_it_runs(tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on("sqlite:///cloud.db", tmp_path, clock) as running:
            rows = [{"key": str(n), "tries": 1, "last_ms": 0} for n in range(3)]
            async with running.service.database.writing() as connection:
                await connection.execute(insert(miss), rows)
        async with service_on("sqlite:///cloud.db", tmp_path, clock) as running:
            for _ in range(200):
                if (await counts(running))["miss"] == 0:
                    return
                await asyncio.sleep(0.05)
            raise AssertionError("still there")

    asyncio.run(run())
