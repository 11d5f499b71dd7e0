"""The thin line from an empty service to a home that its owner reaches."""

import asyncio
from pathlib import Path

import pytest
from tests.cloud.running import service_on
from tests.cloud.sent import NOW

from hidamari.core.clock import VirtualClock
from hidamari.link.enrol import Member
from hidamari.link.messages import Bye, Welcome


@pytest.mark.contract
@pytest.mark.req("APP-07", "APP-10", "APP-12", "SRV-03")
def test_from_an_empty_service_to_a_home_that_is_linked(store: str, tmp_path: Path):
    async def run() -> None:
        clock = VirtualClock(NOW)
        async with service_on(store, tmp_path, clock) as running:
            home = running.home()
            assert await home.register() is False
            async with home.link() as wire:
                assert isinstance(wire.answer, Bye)  # nobody has this home yet
            person = await running.person("hanako@example.jp")
            assert (await person.get("/homes")).json() == []
            code = await home.link_code()
            assert (code.expires_at - clock.now()).total_seconds() == pytest.approx(3600, abs=1)
            answer = await person.claim(home, code.code, "ははの電話")
            assert answer.status_code == 201, answer.text
            assert await home.register() is True
            status = await home.status()
            assert (status.members, status.code) == ([Member("ははの電話", "owner")], None)
            async with home.link() as wire:
                assert isinstance(wire.answer, Welcome)
                (known,) = (await person.get("/homes")).json()
                assert (known["home"], known["role"], known["linked"]) == (home.id, "owner", True)
            page = await person.browser.get("/")
            assert page.headers["content-type"].startswith("text/html")

    asyncio.run(run())
