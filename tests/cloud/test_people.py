"""Signing up by mail, signing in, phones, sessions, and the end of an account."""

import asyncio
import logging
import re
import sqlite3
from pathlib import Path

import pytest
from tests.cloud.running import PASSWORD, V1, Person, service_on
from tests.cloud.sent import NOW

from hidamari.cloud import letters
from hidamari.core.clock import VirtualClock
from hidamari.link.enrol import Member

STORE = "sqlite:///cloud.db"
HANAKO, TARO = "hanako@example.jp", "taro@example.jp"


def code_of(answer: object) -> str:
    """The code of an error."""
    found: str = answer.json()["error"]["code"]  # type: ignore[attr-defined]
    return found


@pytest.mark.contract
@pytest.mark.req("APP-07", "APP-21")
def test_a_link_is_good_for_an_hour_and_once_and_the_same_flow_offers_a_new_one(
    store: str, tmp_path: Path
):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            person = Person(running.browser(), HANAKO)
            await person.post("/sign-up", {"mail": f" {HANAKO.upper()} ", "lang": "ja"})
            first = await running.token(HANAKO)
            clock.advance(3600)
            body = {"token": first, "password": PASSWORD}
            answer = await person.post("/account", body)
            assert (answer.status_code, code_of(answer)) == (410, "link_expired")
            assert (await person.post("/mail/again", {"token": first})).status_code == 202
            second = await running.token(HANAKO)
            assert second != first
            clock.advance(3599)
            weak = await person.post("/account", {"token": second, "password": "password1"})
            assert code_of(weak) == "weak_password"  # and the link is not used up
            assert (await person.post("/account", body | {"token": second})).status_code == 201
            again = await person.post("/account", body | {"token": second})
            assert (again.status_code, code_of(again)) == (410, "link_used")
            assert (await person.post("/account", body | {"token": "x"})).status_code == 404
            known = (await person.get("/session")).json()
            assert (known["mail"], known["phone"], known["fresh"]) == (HANAKO, None, True)

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.req("APP-21")
def test_who_asks_learns_nothing_about_whether_a_mail_is_known(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            await running.person(HANAKO)
            stranger = Person(running.browser(), TARO)
            told = [
                (answer.status_code, answer.content, sorted(answer.headers))
                for path in ("/sign-up", "/password/forgotten")
                for mail in (HANAKO, TARO)
                for answer in [await stranger.post(path, {"mail": mail, "lang": "en"})]
            ]
            assert told[0] == told[1]
            assert told[2] == told[3]
            await letters.sent(running.service)
            assert "new password" in running.mails_to(HANAKO)[0]
            assert len(running.mails_to(TARO)) == 1  # no account: nothing to reset
            wrong = [
                await Person(running.browser(), mail).sign_in("falsch falsch")
                for mail in (HANAKO, "nobody@example.jp")
            ]
            assert {(one.status_code, one.content) for one in wrong} == {(401, wrong[0].content)}

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.req("APP-21")
def test_a_forgotten_password_is_set_anew_and_every_session_ends(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            person = await running.person(HANAKO)
            other = Person(running.browser(), HANAKO)
            await other.post("/password/forgotten", {"mail": HANAKO})
            new = "あたらしい 合言葉 9"
            body = {"token": await running.token(HANAKO), "password": new}
            assert (await other.post("/account", body)).status_code == 201
            assert (await person.get("/session")).status_code == 401
            assert (await person.sign_in()).status_code == 401
            assert (await person.sign_in(new)).status_code == 200

    asyncio.run(run())


@pytest.mark.contract
def test_wrong_passwords_are_counted_across_restarts_and_a_right_one_forgives(
    store: str, tmp_path: Path
):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            person = await running.person(HANAKO)
            told = []
            while "locked_out" not in told and len(told) < 20:
                told.append(code_of(await person.sign_in("falsch falsch")))
            assert told[0] == "wrong_password"
            assert told[-1] == "locked_out"
        async with service_on(store, tmp_path, clock) as running:
            person = Person(running.browser(), HANAKO)
            assert code_of(await person.sign_in()) == "locked_out"
            clock.advance(3600)
            assert (await person.sign_in()).status_code == 200

    asyncio.run(run())


@pytest.mark.contract
def test_sessions_are_listed_and_revoked_and_end_by_themselves(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            person = await running.person(HANAKO)
            guest = Person(running.browser(), HANAKO)
            body = {"mail": HANAKO, "password": PASSWORD, "stay": False, "label": "図書館"}
            answer = await guest.post("/session", body)
            cookie = answer.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
            assert "max-age" not in cookie  # it ends with the browser
            entries = (await person.get("/sessions")).json()
            (there,) = [one for one in entries if not one["here"]]
            assert there["label"] == "図書館"
            gone = await person.delete(f"/sessions/{there['id']}")
            assert gone.status_code == 204
            assert (await guest.get("/session")).status_code == 401
            await guest.post("/session", body)
            clock.advance(12 * 3600)
            assert (await guest.get("/session")).status_code == 401
            assert (await person.get("/session")).status_code == 200
            assert (await person.delete("/session")).status_code == 204
            assert (await person.get("/session")).status_code == 401

    asyncio.run(run())


@pytest.mark.contract
def test_unlinking_needs_the_password_given_within_five_minutes(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            person = await running.person(HANAKO)
            home = await running.linked(person)
            clock.advance(301)
            path = f"/homes/{home.id}/unlink"
            assert code_of(await person.post(path, {})) == "step_up_needed"
            before = person.browser.cookies
            secret = [one.value for one in before.jar if "session" in one.name]
            wrong = await person.post("/session/fresh", {"password": "falsch falsch"})
            assert code_of(wrong) == "wrong_password"
            assert (await person.post("/session/fresh", {"password": PASSWORD})).status_code == 200
            assert [o.value for o in person.browser.cookies.jar if "session" in o.name] != secret
            assert (await person.post(path, {})).status_code == 204
            assert (await home.status()).bound is False

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.req("APP-05", "APP-14")
def test_a_fifth_account_gets_the_list_and_enters_when_one_was_removed(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            owner = await running.person(HANAKO)
            home = await running.linked(owner)
            for n in range(3):
                code = (await home.link_code()).code
                guest = await running.person(f"m{n}@example.jp")
                assert (await guest.claim(home, code, f"家族{n}")).status_code == 201
            fifth = await running.person("fifth@example.jp")
            code = (await home.link_code()).code
            full = await fifth.claim(home, code, "おば")
            assert (full.status_code, code_of(full)) == (409, "account_limit")
            names = [one["nickname"] for one in full.json()["error"]["members"]]
            assert names == ["ははの電話", "家族0", "家族1", "家族2"]
            removed = full.json()["error"]["members"][1]["id"]
            gone = await owner.delete(f"/homes/{home.id}/members/{removed}")
            assert gone.status_code == 204
            assert (await fifth.claim(home, code, "おば")).status_code == 201  # the same code
            assert [one.nickname for one in (await home.status()).members] == [
                "ははの電話",
                "家族1",
                "家族2",
                "おば",
            ]

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.req("APP-05", "APP-15")
def test_a_third_phone_gets_the_list_and_enters_when_one_was_deleted(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            person = await running.person(HANAKO)
            home = await running.linked(person)
            second = Person(running.browser(), HANAKO)
            await second.sign_in()
            path = f"/homes/{home.id}/members"
            assert code_of(await second.get(path)) == "phone_needed"
            taken = await second.post("/phones", {"nickname": "ははの電話"})
            assert code_of(taken) == "nickname_taken"
            assert (await second.post("/phones", {"nickname": "タブレット"})).status_code == 201
            assert (await second.get(path)).status_code == 200
            third = Person(running.browser(), HANAKO)
            await third.sign_in()
            full = await third.post("/phones", {"nickname": "会社"})
            assert (full.status_code, code_of(full)) == (409, "phone_limit")
            chosen = full.json()["error"]["phones"][1]
            assert chosen["nickname"] == "タブレット"
            assert (await third.delete(f"/phones/{chosen['id']}")).status_code == 204
            assert (await second.get("/session")).status_code == 401  # it is signed out
            assert (await third.post("/phones", {"nickname": "会社"})).status_code == 201
            await third.sign_in()  # the same phone as before
            assert (await third.get(path)).status_code == 200

    asyncio.run(run())


@pytest.mark.contract
@pytest.mark.req("APP-17")
def test_the_end_of_an_account_unlinks_homes_that_nobody_else_owns(store: str, tmp_path: Path):
    clock = VirtualClock(NOW)

    async def run() -> None:
        async with service_on(store, tmp_path, clock) as running:
            owner = await running.person(HANAKO)
            alone, shared = await running.linked(owner), running.home()
            await shared.register()
            assert (await owner.claim(shared, (await shared.link_code()).code, "はは")).is_success
            guest = await running.person(TARO)
            assert (await guest.claim(shared, (await shared.link_code()).code, "たろう")).is_success
            members = (await owner.get(f"/homes/{shared.id}/members")).json()
            path = f"/homes/{shared.id}/members/{members[1]['id']}"
            assert (await owner.patch(path, {"role": "owner"})).status_code == 200
            wrong = await owner.delete("/account", {"password": "falsch falsch"})
            assert code_of(wrong) == "wrong_password"
            assert (await owner.delete("/account", {"password": PASSWORD})).status_code == 204
            assert (await owner.get("/session")).status_code == 401
            assert (await owner.sign_in()).status_code == 401
            assert (await alone.status()).bound is False
            assert (await shared.status()).members == [Member("たろう", "owner")]

    asyncio.run(run())


def test_no_secret_stands_in_the_store_the_log_or_an_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    clock = VirtualClock(NOW)
    secrets: list[str] = [PASSWORD]

    async def run() -> None:
        async with service_on(STORE, tmp_path, clock) as running:
            person = Person(running.browser(), HANAKO)
            await person.post("/sign-up", {"mail": HANAKO})
            token = await running.token(HANAKO)
            link = running.mails_to(HANAKO)[0]
            assert f"/cloud/join#token={token}" in link  # no server sees it
            await person.post("/account", {"token": token, "password": PASSWORD})
            home = running.home()
            await home.register()
            code = await home.link_code()
            await person.claim(home, code.code, "ははの電話")
            await person.sign_in("falsch falsch")
            secrets.extend([token, *(one.value or "" for one in person.browser.cookies.jar)])
            assert len(secrets) == 4
            secrets.append(f'"{code.code}"')

    with caplog.at_level(logging.DEBUG, "hidamari"):
        asyncio.run(run())
    with sqlite3.connect(tmp_path / "cloud.db") as connection:
        kept = "\n".join(connection.iterdump())
    connection.close()
    for secret in secrets:
        assert secret not in kept
        assert secret not in caplog.text
    assert "argon2id" in kept


def test_the_path_of_every_endpoint_is_free_of_secrets(tmp_path: Path):
    async def run() -> None:
        async with service_on(STORE, tmp_path, VirtualClock(NOW)) as running:
            document = (await running.browser().get(f"{V1}/openapi.json")).json()
            named = set(re.findall(r"\{(\w+)\}", " ".join(document["paths"])))
            assert named == {"home", "member", "phone_id", "session_id"}
            asked = {
                one["name"]
                for methods in document["paths"].values()
                for method in methods.values()
                for one in method.get("parameters", [])
                if one["in"] == "query"
            }
            assert asked == {"before", "limit"}

    asyncio.run(run())
