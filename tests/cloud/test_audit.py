"""The lines of what was done to a home: sealed one to the other, so that no change stays unseen."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Delete, Update, delete, update
from tests.cloud.running import Running, service_on
from tests.cloud.sent import NOW

from hidamari.cloud import audit as lines
from hidamari.cloud.audit import Deed
from hidamari.cloud.service import home_lock
from hidamari.cloud.tables import audit
from hidamari.core.clock import VirtualClock
from hidamari.link.device import home_bytes

MINE = audit.c.number
CHANGES: dict[str, Update | Delete] = {
    "first changed": update(audit).where(MINE == 1).values(actor="だれか"),
    "one changed": update(audit).where(MINE == 3).values(data='{"method": "GET"}'),
    "time changed": update(audit).where(MINE == 2).values(at_ms=audit.c.at_ms + 1),
    "last changed": update(audit).where(MINE == 4).values(code="left"),
    "account changed": update(audit).where(MINE == 4).values(account=None),
    "seal changed": update(audit).where(MINE == 2).values(sha=bytes(32)),
    "one taken out": delete(audit).where(MINE == 3),
    "renumbered": update(audit).where(MINE == 4).values(number=5),
}


async def acted(running: Running, home: bytes) -> None:
    """Three more lines."""
    for n in range(3):
        async with running.service.database.writing(home_lock(home)) as connection:
            deed = Deed("asked", "はは", 1, {"method": "POST", "path": f"plan/{n}"})
            await lines.note(connection, home, running.service.now_ms(), deed)


async def is_whole(running: Running, home: bytes) -> bool:
    async with running.service.database.reading() as connection:
        return await lines.is_whole(connection, home)


@pytest.mark.contract
def test_a_line_that_was_changed_or_taken_out_is_noticed(store: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with service_on(store, tmp_path, VirtualClock(NOW)) as running:
            person = await running.person("hanako@example.jp")
            for change in CHANGES.values():
                home = home_bytes((await running.linked(person)).id)
                await acted(running, home)
                assert await is_whole(running, home)
                async with running.service.database.writing() as connection:
                    await connection.execute(change.where(audit.c.home == home))
                assert not await is_whole(running, home), change

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
            assert await is_whole(running, home)

    asyncio.run(run())
