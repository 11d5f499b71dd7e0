"""Signing in: passwords, pauses, sessions, tokens, users, and what survives a restart."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import PASSWORD, Bench
from tests.api.house import NOW, PaperHome

from hidamari.api.app import Options
from hidamari.api.auth import FILE, Auth, Screen
from hidamari.core.access import Role, Scope
from hidamari.core.clock import VirtualClock
from hidamari.http.doors import Door
from hidamari.http.passwords import WeakPassword, check_password, first_letters
from hidamari.http.tries import Misses, Tries

SESSION = "/api/v1/session"
NEW = "asagao no hana 3"


def test_the_first_password_is_random_and_long_and_made_anew_until_it_is_changed(
    tmp_path: Path,
) -> None:
    clock = VirtualClock(NOW)
    first = Auth(tmp_path, clock).first_password()
    auth = Auth(tmp_path, clock)
    second = auth.first_password()
    assert first is not None
    assert second is not None
    assert first[1] != second[1]
    assert len(second[1]) >= 12

    async def change() -> None:
        opened = await auth.sign_in(*second, Screen(Door.PLAIN, "192.168.1.2"))
        assert opened is not None
        caller = auth.caller(opened[0], Door.PLAIN)
        assert caller is not None
        assert caller.must_change
        assert await auth.change_password(caller, second[1], NEW, "192.168.1.2")

    asyncio.run(change())
    assert Auth(tmp_path, clock).first_password() is None


def test_first_passwords_cannot_be_misread() -> None:
    assert not set("".join(first_letters() for _ in range(200))) & set("0O1lI")


REFUSED = [
    "short 7",
    "password1",
    "PASSWORD123",
    "12345678",
    "87654321",
    "aaaaaaaa",
    "abababab",
    "qwertyuiop",
    "34567890",
    "sakura123",
    "hanakohanako",
    "x" * 129,
]


@pytest.mark.req("PWD-01")
@pytest.mark.parametrize("password", REFUSED)
def test_short_long_and_common_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match="expected"):
        check_password(password, "hanako")


@pytest.mark.parametrize(
    "password", ["12 のひまわり", "x1!" * 40, "correct horse battery", "ab12cd34ef"]
)
def test_no_rules_of_composition_are_made(password: str) -> None:
    check_password(password, "hanako")


def test_neither_status_nor_text_tells_whether_a_name_exists(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        wrong = await client.post(SESSION, json={"user": "owner", "password": "wrong wrong"})
        nobody = await client.post(SESSION, json={"user": "nobody", "password": "wrong wrong"})
        assert wrong.status_code == nobody.status_code == 401
        assert wrong.json() == nobody.json()
        assert wrong.json()["error"]["code"] == "wrong_password"

    bench.talk(talk, None)


@pytest.mark.t(18)
def test_after_five_wrong_passwords_the_pauses_grow(bench: Bench) -> None:
    """Pauses of 1, 2, 4 s and so on, for this name from this address; others are not held up."""

    async def talk(client: httpx.AsyncClient) -> None:
        async def attempt(password: str, user: str = "owner") -> httpx.Response:
            return await client.post(SESSION, json={"user": user, "password": password})

        for _ in range(5):
            assert (await attempt("wrong wrong")).status_code == 401
        locked = await attempt(PASSWORD)
        assert locked.status_code == 429
        assert locked.json()["error"]["code"] == "locked_out"
        assert int(locked.headers["retry-after"]) >= 1
        assert (await attempt(PASSWORD, "somebody")).status_code == 401
        async with bench.client("owner", address="127.0.0.2"):
            pass  # another screen may sign in
        bench.home.clock.advance(1.1)
        assert (await attempt("wrong wrong")).status_code == 401
        bench.home.clock.advance(1.1)
        assert (await attempt(PASSWORD)).status_code == 429  # now it is 2 s
        bench.home.clock.advance(1.0)
        assert (await attempt(PASSWORD)).status_code == 200

    bench.talk(talk, None)


@pytest.mark.t(18)
def test_fifty_tries_at_once_are_still_five(bench: Bench) -> None:
    async def run() -> None:
        screen = Screen(Door.LOOPBACK, "127.0.0.1")
        tries = [bench.auth.sign_in("owner", "wrong wrong", screen) for _ in range(50)]
        found = await asyncio.gather(*tries, return_exceptions=True)
        assert found.count(None) == 5
        assert sum(isinstance(one, Exception) for one in found) == 45

    asyncio.run(run())


@pytest.mark.t(18)
def test_many_addresses_share_the_tries_at_one_name_and_a_restart_forgets_none() -> None:
    """20 free tries over all addresses, then pauses of at most 30 s: guests cannot lock it."""
    tries = Tries({})
    waits = [tries.take("owner", f"10.0.0.{i}", NOW) for i in range(25)]
    assert waits[:20] == [0.0] * 20
    assert all(wait > 0 for wait in waits[20:])
    again = Tries(tries.to_keep())
    assert again.take("owner", "10.9.9.9", NOW) > 0.0
    assert Tries({"x": Misses(99, NOW)}).take("owner", "10.9.9.9", NOW) == 0.0
    assert again.take("owner", "10.9.9.9", NOW + timedelta(seconds=31)) == 0.0
    assert again.take("owner", "10.9.9.8", NOW - timedelta(days=7000)) == 0.0  # clock set back


def test_sessions_survive_a_restart_and_end_by_age_and_by_idleness(bench: Bench) -> None:
    async def run() -> None:
        clock = bench.home.clock
        stay = await bench.auth.sign_in("owner", PASSWORD, Screen(Door.TLS, "a"))
        visit = await bench.auth.sign_in("owner", PASSWORD, Screen(Door.TLS, "a", stay=False))
        assert stay is not None
        assert visit is not None
        again = Auth(bench.home.folder, clock)
        assert again.caller(stay[0], Door.TLS) is not None
        clock.advance(12.1 * 3600)
        assert again.caller(stay[0], Door.TLS) is not None
        assert again.caller(visit[0], Door.TLS) is None  # 12 h idle
        for _ in range(13):
            clock.advance(14.9 * 86400)
            if again.caller(stay[0], Door.TLS) is None:
                break
        assert clock.now() - NOW >= timedelta(days=178)  # 180 days, however busy
        assert again.caller(stay[0], Door.TLS) is None
        fresh = await again.sign_in("owner", PASSWORD, Screen(Door.TLS, "a"))
        assert fresh is not None
        clock.advance(30.1 * 86400)
        assert again.caller(fresh[0], Door.TLS) is None  # 30 days idle

    asyncio.run(run())


@pytest.mark.t(23)
def test_no_secret_is_in_the_file_and_only_its_owner_may_read_it(bench: Bench) -> None:
    async def run() -> None:
        opened = await bench.auth.sign_in("owner", PASSWORD, Screen(Door.TLS, "a"))
        token, _ = await bench.auth.add_token("script", Scope.READ, "owner")
        assert opened is not None
        path = bench.home.folder / FILE
        text = path.read_text()
        for secret in (opened[0], token, PASSWORD):
            assert secret not in text
        assert path.stat().st_mode & 0o777 == 0o600
        assert "argon2id$v=19$m=19456,t=2,p=1" in text

    asyncio.run(run())


@pytest.mark.t(3)
def test_a_damaged_file_falls_back_to_the_copy_before(bench: Bench) -> None:
    async def run() -> None:
        await bench.auth.sign_in("owner", PASSWORD, Screen(Door.TLS, "a"))

    asyncio.run(run())
    path = bench.home.folder / FILE
    whole = path.read_bytes()
    for at in range(0, len(whole), 37):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x11]) + whole[at + 1 :])
        again = Auth(bench.home.folder, bench.home.clock)
        assert again.was_damaged
        assert "owner" in again.accounts.users
    path.with_name(path.name + ".previous").write_bytes(b"")
    gone = Auth(bench.home.folder, bench.home.clock)
    assert gone.was_damaged
    assert gone.accounts.users == {}


def test_signing_in_again_and_changing_the_password_end_other_sessions(bench: Bench) -> None:
    async def run() -> None:
        async with bench.client() as here, bench.client() as there:
            old = here.cookies["hidamari"]
            body = {"user": "owner", "password": PASSWORD}
            await here.post(SESSION, json=body)
            assert here.cookies["hidamari"] != old
            stale = await there.get(SESSION, headers={"cookie": f"hidamari={old}"})
            assert stale.status_code in {200, 401}
            change = {"current": PASSWORD, "new": NEW}
            wrong = await here.put("/api/v1/password", json={**change, "current": "no no no"})
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "wrong_password")
            weak = await here.put("/api/v1/password", json={**change, "new": "password1"})
            assert (weak.status_code, weak.json()["error"]["code"]) == (422, "weak_password")
            assert (await here.put("/api/v1/password", json=change)).status_code == 204
            assert (await here.get(SESSION)).status_code == 200
            assert (await there.get(SESSION)).status_code == 401

    asyncio.run(run())


def test_signing_out_ends_the_session_and_takes_the_cookie_away(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        cookie = client.cookies["hidamari"]
        answer = await client.delete(SESSION)
        assert answer.status_code == 204
        assert 'hidamari=""' in answer.headers["set-cookie"]
        again = await client.get(SESSION, headers={"cookie": f"hidamari={cookie}"})
        assert again.status_code == 401

    bench.talk(talk)


@pytest.mark.t(17)
def test_a_revoked_session_and_a_revoked_token_are_out_at_once(bench: Bench) -> None:
    async def run() -> None:
        async with bench.client() as owner, bench.client() as lost:
            listed = (await owner.get("/api/v1/sessions")).json()
            (other,) = [one["id"] for one in listed if not one["here"]]
            assert (await owner.delete(f"/api/v1/sessions/{other}")).status_code == 204
            assert (await lost.get("/api/v1/now")).status_code == 401
            made = (await owner.post("/api/v1/tokens", json={"name": "script"})).json()
            async with bench.client(None, Authorization=f"Bearer {made['token']}") as script:
                assert (await script.get("/api/v1/now")).status_code == 200
                assert (await owner.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
                assert (await script.get("/api/v1/now")).status_code == 401

    asyncio.run(run())


def test_members_see_and_end_only_their_own_sessions(bench: Bench) -> None:
    bench.add("taro", Role.MEMBER)

    async def run() -> None:
        async with bench.client() as owner, bench.client("taro") as taro:
            assert {s["user"] for s in (await taro.get("/api/v1/sessions")).json()} == {"taro"}
            listed = (await owner.get("/api/v1/sessions")).json()
            assert {s["user"] for s in listed} == {"owner", "taro"}
            (mine,) = [s["id"] for s in listed if s["here"]]
            assert (await taro.delete(f"/api/v1/sessions/{mine}")).status_code == 404

    asyncio.run(run())


@pytest.mark.req("APP-05")
def test_a_home_has_at_most_four_users_and_always_an_owner(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        for name in ("hana", "taro", "jiro"):
            body = {"name": name, "role": "member", "password": NEW}
            assert (await client.post("/api/v1/users", json=body)).status_code == 201
        fifth = {"name": "goro", "role": "member", "password": NEW}
        assert (await client.post("/api/v1/users", json=fifth)).status_code == 422
        assert (
            await client.post("/api/v1/users", json=fifth | {"name": "taro"})
        ).status_code == 409
        assert (await client.delete("/api/v1/users/owner")).status_code == 422
        assert (
            await client.patch("/api/v1/users/owner", json={"role": "viewer"})
        ).status_code == 409
        assert (await client.delete("/api/v1/users/taro")).status_code == 204

    bench.talk(talk)


@pytest.mark.req("UI-11")
def test_the_first_password_can_be_set_for_fifteen_minutes_and_only_once(tmp_path: Path) -> None:
    bench = Bench.__new__(Bench)
    bench.home = PaperHome(tmp_path)
    body = {"user": "hanako", "password": NEW}

    async def first(client: httpx.AsyncClient) -> None:
        assert (await client.get("/.well-known/hidamari")).json()["setup_needed"] is True
        weak = await client.post("/api/v1/setup/password", json={"password": "password1"})
        assert weak.status_code == 422
        assert (await client.post("/api/v1/setup/password", json=body)).status_code == 204
        assert (await client.post("/api/v1/setup/password", json=body)).status_code == 403
        assert (await client.get("/.well-known/hidamari")).json()["setup_needed"] is False
        assert (await client.post(SESSION, json=body)).status_code == 200

    async def late(client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/setup/password", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "onboarding_over")

    bench.auth = Auth(tmp_path / "a", bench.home.clock)
    bench.rebuild(Options(web=tmp_path))
    bench.home.clock.advance(15 * 60 + 1)
    bench.talk(late, None)
    (tmp_path / "a").mkdir()
    bench.auth = Auth(tmp_path / "a", bench.home.clock)
    bench.rebuild(Options(web=tmp_path))
    bench.talk(first, None, address="192.168.1.20")
    bench.home.store.close()
