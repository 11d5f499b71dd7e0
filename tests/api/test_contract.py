"""Every endpoint: who may, what it answers, and that its document keeps its promises."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from tests.api.conftest import PASSWORD, Bench
from tests.api.document import FILE, document
from tests.api.openapi import faults, narrowed

from hidamari.api.app import ROUTERS
from hidamari.api.context import May
from hidamari.core.access import RIGHTS, SCOPES, SECURE, Action, Role, Scope

V1 = "/api/v1"
CSV = "start_utc,import_kwh\n2026-05-01T00:00:00Z,0.25\n"


@dataclass(frozen=True)
class Call:
    """An endpoint, an example of asking it, and what somebody who may gets."""

    method: str
    path: str
    action: Action | None  # None: open to all, or for the signed-in alone (`own`)
    status: int = 200
    url: str = ""  # with its example, where the path has a parameter or needs a query
    body: Any = None
    own: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return self.url or self.path


RANGE = "from=2026-05-14&to=2026-05-15"
MATRIX = [
    Call("GET", "/.well-known/hidamari", None),
    Call("POST", f"{V1}/session", None, body={"user": "owner", "password": PASSWORD}),
    Call("GET", f"{V1}/session", None, own=True),
    Call("GET", f"{V1}/now", Action.VIEW),
    Call("GET", f"{V1}/series", Action.VIEW),
    Call("GET", f"{V1}/history", Action.VIEW, url=f"{V1}/history?series=import_kw,soc_pct&{RANGE}"),
    Call("GET", f"{V1}/export.csv", Action.EXPORT, url=f"{V1}/export.csv?{RANGE}"),
    Call("GET", f"{V1}/history.csv", Action.VIEW, url=f"{V1}/history.csv?series=pv_kw&{RANGE}"),
    Call("POST", f"{V1}/import", Action.IMPORT, body=CSV, headers={"content-type": "text/csv"}),
    Call("GET", f"{V1}/devices", Action.VIEW),
    Call("GET", f"{V1}/devices/{{device}}", Action.VIEW, url=f"{V1}/devices/bat1"),
    Call(
        "PATCH",
        f"{V1}/devices/{{device}}",
        Action.DEVICES,
        url=f"{V1}/devices/bat1",
        body={"name": "地下の蓄電池"},
    ),
    Call(
        "POST",
        f"{V1}/devices/{{device}}/replace",
        Action.DEVICES,
        url=f"{V1}/devices/bat1/replace",
        body={"by": "bat1"},
    ),
    Call("POST", f"{V1}/devices/search", Action.SEARCH),
    Call("GET", f"{V1}/circuits", Action.VIEW),
    Call(
        "PATCH",
        f"{V1}/circuits/{{circuit}}",
        Action.DEVICES,
        url=f"{V1}/circuits/circuit:1",
        body={"room": "1階"},
    ),
    Call("GET", f"{V1}/sources", Action.VIEW),
    Call("PATCH", f"{V1}/sources", Action.DEVICES, body={"grid": "meter1"}),
    Call("GET", f"{V1}/tariff/plans", Action.VIEW),
    Call("GET", f"{V1}/tariff", Action.VIEW),
    Call(
        "PUT",
        f"{V1}/tariff",
        Action.TARIFF,
        body={"plan": "tepco_juryo_b", "ampere": 40, "reading_day": 10},
    ),
    Call(
        "PUT",
        f"{V1}/tariff/market-prices",
        Action.TARIFF,
        409,
        body=CSV,
        headers={"content-type": "text/csv"},
    ),
    Call("GET", f"{V1}/cost", Action.VIEW, url=f"{V1}/cost?{RANGE}&step=1h&compare=previous"),
    Call("GET", f"{V1}/meter", Action.VIEW),
    Call("GET", f"{V1}/meter/peaks/{{month}}", Action.VIEW, url=f"{V1}/meter/peaks/2026-05"),
    Call("GET", f"{V1}/plan", Action.VIEW),
    Call("GET", f"{V1}/plan/quality", Action.VIEW),
    Call("GET", f"{V1}/plan/result", Action.VIEW, url=f"{V1}/plan/result?day=2026-05-15"),
    Call("GET", f"{V1}/plan/why", Action.VIEW, 404, url=f"{V1}/plan/why?slot=2026-05-15T03:00:00Z"),
    Call(
        "POST",
        f"{V1}/plan/override",
        Action.CONTROL_ENERGY,
        404,
        body={"asset": "bat1", "mode": "hold"},
    ),
    Call("POST", f"{V1}/plan/again", Action.CONTROL_ENERGY),
    Call(
        "POST",
        f"{V1}/plan/try",
        Action.VIEW,
        404,
        body={"asset": "bat1", "slot": "2026-05-15T03:00:00Z", "mode": "hold"},
    ),
    Call("GET", f"{V1}/whatif", Action.VIEW),
    Call("POST", f"{V1}/whatif", Action.VIEW, 422, body={}),
    Call("DELETE", f"{V1}/whatif", Action.VIEW),
    Call("GET", f"{V1}/modes", Action.VIEW),
    Call("PUT", f"{V1}/modes", Action.SETTINGS, body={"mode": "self"}),
    Call("GET", f"{V1}/events", Action.VIEW, url=f"{V1}/events?kind=log,notice&limit=2"),
    Call("GET", f"{V1}/settings", Action.VIEW_SETTINGS),
    Call("PATCH", f"{V1}/settings", Action.SETTINGS, body={"target": {"month_kwh": 300}}),
    Call("GET", f"{V1}/setup", Action.VIEW),
    Call("POST", f"{V1}/setup/{{step}}", Action.SETTINGS, url=f"{V1}/setup/circuits", body={}),
    Call("GET", f"{V1}/diagnostics", Action.DIAGNOSTICS),
    Call("GET", f"{V1}/cloud", Action.VIEW_SETTINGS),
    Call("POST", f"{V1}/cloud/code", Action.CODES, 409),
    Call("DELETE", f"{V1}/cloud", Action.CODES, 409),
    Call("GET", f"{V1}/sessions", Action.VIEW),
    Call(
        "DELETE",
        f"{V1}/sessions/{{session_id}}",
        Action.VIEW,
        404,
        url=f"{V1}/sessions/nobody",
    ),
    Call("GET", f"{V1}/users", Action.USERS),
    Call(
        "POST",
        f"{V1}/users",
        Action.USERS,
        201,
        body={"name": "hana", "role": "viewer", "password": "asagao no hana 3"},
    ),
    Call(
        "PATCH",
        f"{V1}/users/{{name}}",
        Action.USERS,
        url=f"{V1}/users/hana",
        body={"role": "member"},
    ),
    Call("DELETE", f"{V1}/users/{{name}}", Action.USERS, 204, url=f"{V1}/users/hana"),
    Call("GET", f"{V1}/tokens", Action.TOKENS),
    Call("POST", f"{V1}/tokens", Action.TOKENS, 201, body={"name": "script"}),
    Call("DELETE", f"{V1}/tokens/{{token_id}}", Action.TOKENS, 404, url=f"{V1}/tokens/none"),
    Call(
        "POST",
        f"{V1}/setup/password",
        None,
        403,
        body={"user": "guest", "password": "asagao no hana 3"},
    ),
    Call("PUT", f"{V1}/password", None, 403, body={"current": "x", "new": "y"}, own=True),
    Call("DELETE", f"{V1}/session", None, 204, own=True),
]


async def ask(client: httpx.AsyncClient, call: Call) -> httpx.Response:
    body = call.body
    content = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    kind = {"content-type": "application/json"} if body is not None else {}
    return await client.request(
        call.method, call.target, content=content, headers=kind | call.headers
    )


def routes(bench: Bench) -> set[tuple[str, str]]:
    document = bench.app.openapi()
    return {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}


@pytest.mark.contract
@pytest.mark.t(17)
def test_every_endpoint_is_in_the_matrix(bench: Bench) -> None:
    assert routes(bench) == {(call.method, call.path) for call in MATRIX}


@pytest.mark.contract
@pytest.mark.t(17)
def test_every_endpoint_asks_for_the_right_of_the_matrix() -> None:
    found = {}
    for part in ROUTERS:
        for route in part.router.routes:
            if isinstance(route, APIRoute):
                asked = [one.dependency for one in route.dependencies]
                actions = [one.action for one in asked if isinstance(one, May)]
                found[min(route.methods), V1 + route.path] = actions
    for call in MATRIX[1:]:
        expected = [call.action] if call.action is not None else []
        assert found[call.method, call.path] == expected, call


@pytest.mark.contract
@pytest.mark.t(15)
def test_every_endpoint_answers_what_its_document_says(filled: Bench) -> None:
    document = filled.app.openapi()

    async def talk(client: httpx.AsyncClient) -> None:
        for call in MATRIX:
            answer = await ask(client, call)
            assert answer.status_code == call.status, (call, answer.text)
            promised = document["paths"][call.path][call.method.lower()]["responses"]
            schema = promised[str(call.status)].get("content", {}).get("application/json", {})
            if "schema" in schema:
                assert faults(answer.json(), schema["schema"], document) == [], call

    filled.talk(talk)


@pytest.mark.contract
@pytest.mark.t(17)
def test_nobody_gets_in_without_signing_in(filled: Bench) -> None:
    async def run() -> None:
        for i, call in enumerate(MATRIX):
            if call.action is None and not call.own:
                continue
            async with filled.client(None, address=f"127.1.0.{i + 1}") as client:
                answer = await ask(client, call)
                assert answer.status_code == 401, call
                assert answer.json()["error"]["code"] == "unauthorized"

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.t(17)
@pytest.mark.parametrize("role", [Role.OWNER, Role.MEMBER, Role.VIEWER, Role.OPERATOR])
def test_each_role_gets_what_access_control_allows_and_nothing_else(
    filled: Bench, role: Role
) -> None:
    filled.add("somebody", role)

    async def talk(client: httpx.AsyncClient) -> None:
        for call in MATRIX:
            if call.action is None:
                continue
            answer = await ask(client, call)
            may = call.action in RIGHTS[role]
            assert (answer.status_code == 403) is not may, (role, call, answer.text)
            assert answer.status_code != 401

    filled.talk(talk, "somebody")


@pytest.mark.contract
@pytest.mark.t(17)
@pytest.mark.parametrize("scope", [Scope.READ, Scope.CONTROL])
def test_a_token_gets_its_scope_and_nothing_else(filled: Bench, scope: Scope) -> None:
    async def run() -> None:
        secret, _ = await filled.auth.add_token("script", scope, "owner")
        async with filled.client(None, Authorization=f"Bearer {secret}") as client:
            for call in MATRIX:
                if call.action is None:
                    continue
                answer = await ask(client, call)
                assert (answer.status_code == 403) is (call.action not in SCOPES[scope]), call

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.t(16)
def test_what_needs_the_secure_door_is_refused_at_the_plain_one(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        for call in MATRIX:
            if call.action in SECURE:
                answer = await ask(client, call)
                assert answer.status_code == 403, call
                assert answer.json()["error"]["code"] == "secure_door_needed"

    filled.talk(talk, address="192.168.1.20")


@pytest.mark.contract
def test_until_the_first_password_is_changed_only_session_and_password_answer(
    filled: Bench,
) -> None:
    async def run() -> None:
        first = filled.auth.accounts.users["owner"]
        await filled.auth.put_user(replace(first, must_change=True), None)
        async with filled.client("owner", address="192.168.1.20") as client:
            for call in MATRIX:
                if call.action is None:
                    continue
                answer = await ask(client, call)
                assert answer.status_code == 403, call
                assert answer.json()["error"]["code"] == "password_change_needed"
            assert (await client.get(f"{V1}/session")).json()["must_change_password"] is True
            change = {"current": PASSWORD, "new": "asagao no hana 3"}
            assert (await client.put(f"{V1}/password", json=change)).status_code == 204
            assert (await client.get(f"{V1}/now")).status_code == 200

    asyncio.run(run())


def test_the_document_in_the_repository_is_the_present_one() -> None:
    assert FILE.read_text() == document(), "run: python -m tests.api.document"


def test_the_document_takes_no_promise_back(bench: Bench) -> None:
    assert narrowed(json.loads(FILE.read_text()), bench.app.openapi()) == []


def test_a_removed_or_narrowed_promise_is_noticed() -> None:
    """Each way to break a client, done by hand to the present document."""
    old = json.loads(FILE.read_text())

    def changed(edit: Any) -> list[str]:
        new = json.loads(FILE.read_text())
        edit(new)
        return narrowed(old, new)

    schemas = "components", "schemas"
    assert changed(lambda d: d["paths"].pop(f"{V1}/now")) == [f"GET {V1}/now is gone"]
    assert changed(lambda d: d[schemas[0]][schemas[1]]["Now"]["properties"].pop("pv_kw"))
    assert changed(lambda d: d[schemas[0]][schemas[1]]["Now"]["required"].remove("grid_kw"))
    assert changed(lambda d: d[schemas[0]][schemas[1]]["SignIn"]["required"].append("label"))
    assert changed(lambda d: d["paths"][f"{V1}/history"]["get"]["parameters"].pop())
    assert changed(lambda d: None) == []
