"""From outside some things are done only within five minutes of giving the password anew."""

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.api.conftest import Bench

from hidamari.api.relayed import admit

RANGE = "series=pv_kw&from=2026-05-14&to=2026-05-15"
EXPORT, GRAPH = f"/api/v1/export.csv?{RANGE}", f"/api/v1/history.csv?{RANGE}"


@pytest.mark.req("APP-12")
@pytest.mark.t(17)
@pytest.mark.parametrize(
    ("path", "role", "fresh", "expected"),
    [
        (EXPORT, "owner", "1", 200),
        (EXPORT, "owner", "", "step_up_needed"),
        (EXPORT, "owner", "0", "step_up_needed"),
        (EXPORT, "viewer", "", "forbidden"),
        (EXPORT, "viewer", "1", "forbidden"),
        (GRAPH, "viewer", "", 200),
    ],
)
def test_what_needs_a_fresh_password_is_asked_for_it(
    filled: Bench, path: str, role: str, fresh: str, expected: int | str
) -> None:
    actor = {"name": "hana", "role": role, "account": "7", "fresh": fresh}

    async def relayed(scope: Scope, receive: Receive, send: Send) -> None:
        await filled.app({**scope, **admit(actor)}, receive, send)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=relayed)
        async with httpx.AsyncClient(transport=transport, base_url="http://home") as client:
            return await client.get(path)

    answer = asyncio.run(ask())
    if expected == 200:
        assert answer.status_code == 200, answer.text
        assert answer.text.startswith("start_utc,start_local,pv_kw [kWh]")
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, expected)
