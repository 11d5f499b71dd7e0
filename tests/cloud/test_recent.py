"""What was read lately is not read again, and never outlives a write."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import event
from tests.cloud.running import V1, service_on
from tests.cloud.sent import NOW
from tests.whole.loop import run

from hidamari.cloud.recent import KEPT_S, Recent
from hidamari.core.clock import VirtualClock


def test_an_answer_is_read_again_after_a_write_and_after_two_seconds() -> None:
    reads: list[int] = []

    async def read() -> int:
        reads.append(len(reads))
        return len(reads)

    async def story() -> None:
        recent: Recent[str, int] = Recent()
        assert [await recent.get("a", 0, read) for _ in range(3)] == [1, 1, 1]
        assert await recent.get("b", 0, read) == 2
        assert await recent.get("a", 1, read) == 3  # something was written
        await asyncio.sleep(KEPT_S + 0.1)
        assert await recent.get("a", 1, read) == 4

    run(story())


@pytest.mark.t(17)
def test_a_request_about_a_home_reads_no_table_twice_and_a_removed_member_is_refused_at_once(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with service_on("sqlite:///cloud.db", tmp_path, VirtualClock(NOW)) as running:
            owner = await running.person("hanako@example.jp")
            home = await running.linked(owner)
            guest = await running.person("taro@example.jp")
            code = (await home.link_code()).code
            assert (await guest.claim(home, code, "たろう")).status_code == 201
            path = f"{V1}/homes/{home.id}/members"
            (taro,) = [
                one["id"]
                for one in (await owner.browser.get(path)).json()
                if one["nickname"] == "たろう"
            ]
            known = f"/homes/{home.id}/.well-known/hidamari"
            assert (await guest.browser.get(known)).status_code == 200
            asked: list[str] = []

            def note(_: object, __: object, statement: str, *___: object) -> None:
                asked.append(statement)

            event.listen(running.service.database.engine.sync_engine, "before_cursor_execute", note)
            assert (await guest.browser.get(known)).status_code == 200
            assert [text for text in asked if "session" in text or "access" in text] == []
            assert (await owner.browser.delete(f"{path}/{taro}")).status_code == 204
            assert (await guest.browser.get(known)).status_code == 404

    asyncio.run(story())
