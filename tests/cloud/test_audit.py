"""The lines of what was done to a home: sealed one to the other, so that no change stays unseen."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Delete, Update, delete, update
from tests.cloud.running import Running, service_on
from tests.cloud.sent import NOW

from hidamari.cloud import audit as lines
from hidamari.cloud import auditing
from hidamari.cloud.audit import Deed
from hidamari.cloud.service import home_lock
from hidamari.cloud.tables import audit, audit_ends
from hidamari.core.clock import VirtualClock
from hidamari.link.device import home_bytes, home_text

MINE = audit.c.number
# What somebody does to the table, and the first line that is not as it was written.
CHANGES: dict[str, tuple[Update | Delete, int]] = {
    "first changed": (update(audit).where(MINE == 1).values(actor="だれか"), 1),
    "one changed": (update(audit).where(MINE == 3).values(data='{"method": "GET"}'), 3),
    "time changed": (update(audit).where(MINE == 2).values(at_ms=audit.c.at_ms + 1), 2),
    "last changed": (update(audit).where(MINE == 4).values(code="left"), 4),
    "account changed": (update(audit).where(MINE == 4).values(account=None), 4),
    "seal changed": (update(audit).where(MINE == 2).values(sha=bytes(32)), 2),
    "one taken out": (delete(audit).where(MINE == 3), 3),
    "newest taken out": (delete(audit).where(MINE == 4), 4),
    "oldest taken out": (delete(audit).where(MINE == 1), 1),
    "all taken out": (delete(audit), 1),
    "renumbered": (update(audit).where(MINE == 4).values(number=5), 4),
    "first renumbered": (update(audit).where(MINE == 1).values(number=0), 1),
    "ends taken out": (delete(audit_ends), 1),
    "ends changed": (update(audit_ends).values(last=3), 4),
}


async def acted(running: Running, home: bytes) -> None:
    """Three more lines."""
    for n in range(3):
        async with running.service.database.writing(home_lock(home)) as connection:
            deed = Deed("asked", "はは", 1, {"method": "POST", "path": f"plan/{n}"})
            await lines.note(connection, home, running.service.now_ms(), deed)


@pytest.mark.contract
def test_a_line_that_was_changed_or_taken_out_is_noticed_also_when_more_was_done_since(
    store: str, tmp_path: Path
) -> None:
    async def run() -> None:
        async with service_on(store, tmp_path, VirtualClock(NOW)) as running:
            person = await running.person("hanako@example.jp")
            wrong: dict[str, int] = {}
            homes = [home_bytes((await running.linked(person)).id) for _ in CHANGES]
            for home in homes:
                await acted(running, home)
            assert await auditing.look(running.service) == {}
            for home, (change, line) in zip(homes, CHANGES.values(), strict=True):
                async with running.service.database.writing() as connection:
                    await connection.execute(change.where(change.table.c.home == home))
                wrong[home_text(home)] = line
            assert await auditing.look(running.service) == wrong
            for home in homes:
                await acted(running, home)
            still = await auditing.look(running.service)
            for name, (home, line) in zip(CHANGES, wrong.items(), strict=True):
                assert name.startswith("ends") or still[home] == line, name

    asyncio.run(run())


def test_a_service_says_at_its_start_which_lines_were_falsified(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with service_on("sqlite:///cloud.db", tmp_path, VirtualClock(NOW)) as running:
            person = await running.person("hanako@example.jp")
            homes = [(await running.linked(person)).id for _ in range(2)]
            await acted(running, home_bytes(homes[1]))
        with closing(sqlite3.connect(tmp_path / "cloud.db")) as file, file:
            file.execute("delete from audit where number = 4")
        caplog.clear()
        async with service_on("sqlite:///cloud.db", tmp_path, VirtualClock(NOW)) as running:
            async with asyncio.timeout(30):
                while not (said := alarms(caplog)):
                    await asyncio.sleep(0.05)
            assert len(said) == 1
            assert f"home {homes[1]} was changed" in said[0]
            assert "line 4" in said[0]

    asyncio.run(run())


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]


def test_lines_of_a_release_that_kept_no_ends_are_believed_and_watched_from_now_on(
    tmp_path: Path,
) -> None:
    url = "sqlite:///cloud.db"

    async def run() -> None:
        async with service_on(url, tmp_path, VirtualClock(NOW)) as running:
            home = home_bytes((await running.linked(await running.person("h@example.jp"))).id)
            await acted(running, home)
        with closing(sqlite3.connect(tmp_path / "cloud.db")) as file, file:
            file.execute("drop table audit_ends")
            file.execute("update alembic_version set version_num = '0002'")
            file.execute("delete from audit where number = 1")  # it was more than 400 days old
        async with service_on(url, tmp_path, VirtualClock(NOW)) as running:
            assert await auditing.look(running.service) == {}
            async with running.service.database.writing() as connection:
                await connection.execute(delete(audit).where(MINE == 4))
            assert await auditing.look(running.service) == {home_text(home): 4}

    asyncio.run(run())


def test_lines_older_than_400_days_go_and_the_rest_stays_whole(tmp_path: Path) -> None:
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on("sqlite:///cloud.db", tmp_path, clock) as running:
            home = home_bytes((await running.linked(await running.person("h@example.jp"))).id)
            await acted(running, home)
            clock.advance(401 * 86400)
            await acted(running, home)
            async with running.service.database.reading() as connection:
                kept = await lines.lines(connection, home, None, 50)
            assert [one.number for one in kept] == [7, 6, 5]
            assert await auditing.look(running.service) == {}

    asyncio.run(run())
