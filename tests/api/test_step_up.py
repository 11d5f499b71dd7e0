"""From outside some things are done only within five minutes of giving the password anew."""

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.api.conftest import Bench

from hidamari.api.context import needs
from hidamari.api.relayed import admit
from hidamari.core.access import STEP_UP, Action

WAY_OUT = "/api/v1/asked"


@pytest.mark.req("APP-12")
@pytest.mark.t(17)
@pytest.mark.parametrize(
    ("role", "fresh", "expected"),
    [
        ("owner", "1", 200),
        ("owner", "", "step_up_needed"),
        ("owner", "0", "step_up_needed"),
        ("viewer", "", "forbidden"),
        ("viewer", "1", "forbidden"),
    ],
)
def test_what_needs_a_fresh_password_is_asked_for_it(
    bench: Bench, role: str, fresh: str, expected: int | str
) -> None:
    async def done() -> None:
        return None

    assert Action.EXPORT in STEP_UP
    bench.app.add_api_route(WAY_OUT, done, dependencies=needs(Action.EXPORT))
    routes = bench.app.router.routes
    routes.insert(0, routes.pop())  # before that of the pages
    actor = {"name": "hana", "role": role, "account": "7", "fresh": fresh}

    async def relayed(scope: Scope, receive: Receive, send: Send) -> None:
        await bench.app({**scope, **admit(actor)}, receive, send)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=relayed)
        async with httpx.AsyncClient(transport=transport, base_url="http://home") as client:
            return await client.get(WAY_OUT)

    answer = asyncio.run(ask())
    if expected == 200:
        assert answer.status_code == 200, answer.text
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, expected)
