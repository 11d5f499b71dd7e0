"""Who may do what at the service: every endpoint, every role, own home and another's (T17)."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete, insert
from tests.cloud.running import V1, Person, Running, service_on
from tests.cloud.sent import NOW

from hidamari.cloud.app import create_app
from hidamari.cloud.tables import access
from hidamari.core.access import RIGHTS, Action, Role
from hidamari.core.clock import VirtualClock
from hidamari.link.device import home_bytes

# What is asked of a home: method, path, its right, a body.
OF_A_HOME: list[tuple[str, str, Action, object]] = [
    ("GET", "/homes/{home}/members", Action.VIEW, None),
    ("PATCH", "/homes/{home}/members/{member}", Action.USERS, {"role": "viewer"}),
    ("DELETE", "/homes/{home}/members/{member}", Action.USERS, None),
    ("GET", "/homes/{home}/audit", Action.VIEW_AUDIT, None),
    ("POST", "/homes/{home}/leave", Action.VIEW, None),
    ("POST", "/homes/{home}/unlink", Action.TRANSFER, {"erase": False}),
]
# What everybody may ask, signed in or not.
OPEN = {
    ("POST", "/session"),
    ("POST", "/sign-up"),
    ("POST", "/password/forgotten"),
    ("POST", "/mail/again"),
    ("POST", "/account"),
}
# What only the signed-in person may ask, about the own account.
OWN: list[tuple[str, str, object]] = [
    ("GET", "/session", None),
    ("POST", "/session/fresh", {"password": "x"}),
    ("DELETE", "/session", None),
    ("GET", "/sessions", None),
    ("DELETE", "/sessions/{session_id}", None),
    ("PATCH", "/account", {"lang": "en"}),
    ("DELETE", "/account", {"password": "x"}),
    ("PUT", "/password", {"current": "x", "new": "y"}),
    ("GET", "/phones", None),
    ("POST", "/phones", {"nickname": "x"}),
    ("DELETE", "/phones/{phone_id}", None),
    ("GET", "/homes", None),
    ("POST", "/homes/claim", {"device_code": "0" * 10, "link_code": "0" * 6, "nickname": "x"}),
]
ROLES = [role for role in Role if role not in {Role.SETUP, Role.OWNER}] + [Role.OWNER]
NOBODY = 999_999


async def ask(
    person: Person, method: str, path: str, home: str, body: object = None
) -> tuple[int, str]:
    """Status and message of an answer; a pause that the service asks for is kept."""
    url = V1 + path.replace("{home}", home).replace("{member}", str(NOBODY))
    answer = await person.browser.request(method, url, json=body)
    while answer.status_code == 429:
        await asyncio.sleep(float(answer.headers["retry-after"]))
        answer = await person.browser.request(method, url, json=body)
    is_error = answer.status_code >= 400
    return answer.status_code, answer.json()["error"]["message"] if is_error else ""


async def become(running: Running, account: int, home: str, role: Role | None) -> None:
    """Give the account this role in the home; None takes every role away."""
    row = {"home": home_bytes(home), "account": account, "nickname": "b", "since_ms": 0}
    async with running.service.database.writing() as connection:
        mine = (access.c.home == home_bytes(home), access.c.account == account)
        await connection.execute(delete(access).where(*mine))
        if role is not None:
            until_ms = running.service.now_ms() + 1000
            await connection.execute(insert(access).values(**row, role=role, until_ms=until_ms))


@pytest.mark.t(17)
def test_every_endpoint_is_in_the_matrix(tmp_path: Path):
    async def run() -> None:
        async with service_on("sqlite:///cloud.db", tmp_path, VirtualClock(NOW)) as running:
            paths = create_app(running.service, running.hub).openapi()["paths"]
        found = {
            (method.upper(), path.removeprefix(V1))
            for path, methods in paths.items()
            for method in methods
            if path.startswith(V1)
        }
        listed = {(m, p) for m, p, _, _ in OF_A_HOME} | {(m, p) for m, p, _ in OWN}
        assert found == listed | OPEN

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.t(17)
@pytest.mark.req("APP-05")
def test_every_role_may_what_the_table_of_rights_says_and_a_stranger_nothing(
    store: str, tmp_path: Path
):
    unknown = "there is no such home here"

    async def run() -> None:
        async with service_on(store, tmp_path, VirtualClock(NOW)) as running:
            owner = await running.person("owner@example.jp")
            home = (await running.linked(owner)).id
            other = await running.person("other@example.jp")
            await running.linked(other, "べつの家")  # at home elsewhere, with a phone
            (elsewhere,) = (await other.get("/homes")).json()
            (me,) = (await other.get(f"/homes/{elsewhere['home']}/members")).json()
            nobody = Person(running.browser(), "")
            for method, path, _, body in OF_A_HOME:
                assert (await ask(nobody, method, path, home, body))[0] == 401
                assert await ask(other, method, path, home, body) == (404, unknown)
                for odd in ("a" * 26, home.upper(), "1", home[:-1]):
                    assert (await ask(other, method, path, odd, body))[0] == 404
            for role in ROLES:
                for method, path, action, body in OF_A_HOME:
                    await become(running, me["id"], home, role)
                    status, message = await ask(other, method, path, home, body)
                    if action in RIGHTS[role]:
                        assert status != 403, (role, path, message)
                        assert message != unknown, (role, path)
                    else:
                        assert status == 403, (role, path)
            await become(running, me["id"], home, None)
            for method, path, _, body in OF_A_HOME:
                assert await ask(other, method, path, home, body) == (404, unknown)

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.t(17)
def test_nothing_of_an_account_is_told_without_its_session_or_after_it_ended(
    store: str, tmp_path: Path
):
    async def run() -> None:
        async with service_on(store, tmp_path, VirtualClock(NOW)) as running:
            nobody = Person(running.browser(), "")
            for method, path, body in OWN:
                assert (await ask(nobody, method, path, "", body))[0] == 401, path
            person = await running.person("owner@example.jp")
            kept = dict(person.browser.cookies)
            assert (await person.delete("/session")).status_code == 204
            person.browser.cookies.update(kept)
            for method, path, body in OWN[:2] + OWN[3:]:
                assert (await ask(person, method, path, "", body))[0] == 401, path

    asyncio.run(run())
