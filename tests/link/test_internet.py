"""Whether the home has a way into the internet: only what its own tries have shown."""

import asyncio
import errno
import socket
from pathlib import Path

import pytest
from tests.link.bare import world_of
from tests.link.test_clocks import NOON
from tests.whole.loop import LoopClock, run
from tests.whole.street import memory_folder

from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.link.dial import Closed, LineLost, finds_no_internet

NO_ROUTE = OSError(errno.ENETUNREACH, "no route")


def after(error: OSError) -> LineLost:
    lost = LineLost("x")
    lost.__cause__ = error
    return lost


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NO_ROUTE, True),
        (after(NO_ROUTE), True),
        (after(socket.gaierror(socket.EAI_AGAIN, "no name server")), True),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), False),
        (after(TimeoutError()), False),  # perhaps the service is off
        (LineLost("the service does not answer"), False),
        (Closed("refused"), False),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), False),
    ],
)
def test_only_a_network_that_leads_nowhere_is_called_so(error: Exception, expected: bool) -> None:
    assert finds_no_internet(error) is expected


def test_a_home_knows_whether_it_reaches_the_internet() -> None:
    async def story(folder: Path) -> None:
        clock = LoopClock(NOON)
        async with world_of(SqliteSegments(folder / "cloud.db", clock), clock) as world:
            one = world.bare(folder / "home")
            uplink = await one.switch_on()
            assert uplink.internet() is None  # not tried yet
            await asyncio.sleep(60)
            assert uplink.internet() is True
            one.exchange.own_line = False
            one.exchange.cut()
            await asyncio.sleep(600)
            assert uplink.internet() is False
            one.exchange.own_line, one.exchange.is_there = True, False
            await asyncio.sleep(600)
            assert uplink.internet() is None
            one.exchange.is_there = True
            await asyncio.sleep(600)
            assert uplink.internet() is True

    with memory_folder() as folder:
        run(story(folder))
