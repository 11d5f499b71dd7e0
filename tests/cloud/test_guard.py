"""The rules at the service's door, over real HTTP: names, pages, rates, sizes, who is behind."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from tests.cloud.running import V1, Running, service_on
from tests.cloud.sent import NOW
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hidamari.cloud.guard import client_address
from hidamari.cloud.place import Place, place_of
from hidamari.core.clock import VirtualClock
from hidamari.http.limits import MAX_BODY_BYTES

HOME = "abcdefghijklmnopqrstuvwxyz"
EVIL = "https://evil.example"
PUBLIC = place_of("https://cloud.example.jp")
Job = Callable[[Running, httpx.AsyncClient], Awaitable[None]]


def at_the_door(folder: Path, job: Job, place: Place | None = None) -> None:
    """A service and a browser that nobody has signed in with."""

    async def run() -> None:
        async with service_on("sqlite:///cloud.db", folder, VirtualClock(NOW), place) as running:
            await job(running, running.browser())

    asyncio.run(run())


def test_a_name_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    async def job(_: Running, browser: httpx.AsyncClient) -> None:
        for host, status in (
            ("localhost", 200),
            ("127.0.0.1:1", 200),
            ("[::1]:8700", 200),
            ("evil.example", 421),
            ("127.0.0.1.evil.example", 421),
            ("127.0.0.2", 421),
            ("localhost/x", 421),
            ("", 421),
        ):
            answer = await browser.get("/.well-known/hidamari", headers={"Host": host})
            assert answer.status_code == status, host
            if status == 421:
                assert answer.json()["error"]["code"] == "wrong_host"

    at_the_door(tmp_path, job)


def test_behind_a_proxy_only_the_public_name_counts(tmp_path: Path) -> None:
    async def job(_: Running, browser: httpx.AsyncClient) -> None:
        for host, status in (("cloud.example.jp", 200), ("127.0.0.1", 421)):
            answer = await browser.get("/.well-known/hidamari", headers={"Host": host})
            assert answer.status_code == status, host

    at_the_door(tmp_path, job, PUBLIC)


SESSION, SIGN_UP, SCREEN = f"{V1}/session", f"{V1}/sign-up", "/homes"
RELAYED = f"/homes/{HOME}/api/v1/now"
CROSS = {"Sec-Fetch-Site": "cross-site"}
LINKED = CROSS | {"Sec-Fetch-Mode": "navigate"}
PAGES: list[tuple[str, str, dict[str, str], int]] = [
    # what is asked, by which page, and the answer without any session
    ("GET", SESSION, {}, 401),
    ("GET", SESSION, {"Origin": "own"}, 401),
    ("GET", SESSION, {"Sec-Fetch-Site": "same-origin"}, 401),
    ("GET", SESSION, {"Origin": EVIL}, 403),
    ("GET", SESSION, {"Origin": "null"}, 403),
    ("GET", SESSION, CROSS, 403),
    ("GET", SESSION, LINKED, 403),
    ("GET", SESSION, {"Sec-Fetch-Site": "same-site"}, 403),
    ("GET", RELAYED, {"Origin": "own"}, 401),
    ("GET", RELAYED, {"Origin": EVIL}, 403),
    ("GET", RELAYED, LINKED, 403),
    ("POST", SIGN_UP, {"Origin": "own"}, 202),
    ("POST", SIGN_UP, {"Sec-Fetch-Site": "none"}, 202),
    ("POST", SIGN_UP, {"Origin": EVIL}, 403),
    ("POST", SIGN_UP, {"Origin": "own", **CROSS}, 403),
    ("POST", SIGN_UP, LINKED, 403),
    ("GET", SCREEN, LINKED, 200),  # a link on a foreign page may open a screen
    ("GET", SCREEN, CROSS, 403),  # but no script or picture of it may
    ("GET", SCREEN, {"Origin": EVIL}, 403),
]


def test_pages_of_other_places_may_ask_nothing_but_follow_links_to_screens(tmp_path: Path) -> None:
    async def job(running: Running, browser: httpx.AsyncClient) -> None:
        for method, path, headers, status in PAGES:
            sent = {k: running.url if v == "own" else v for k, v in headers.items()}
            body = {"mail": "hanako@example.jp"} if method == "POST" else None
            answer = await unhurried(browser, method, path, headers=sent, json=body)
            assert answer.status_code == status, (method, path, headers)
        live = f"ws{running.url.removeprefix('http')}/homes/{HOME}/api/v1/live"
        for origin, status in ((EVIL, 403), (running.url, 401)):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(live, origin=origin, proxy=None):  # type: ignore[arg-type]
                    pass
            assert refused.value.response.status_code == status

    at_the_door(tmp_path, job)


async def unhurried(
    browser: httpx.AsyncClient, method: str, path: str, **more: object
) -> httpx.Response:
    """A request that keeps the pause it is asked for."""
    while True:
        answer = await browser.request(method, path, **more)  # type: ignore[arg-type]
        if answer.status_code != 429:
            return answer
        await asyncio.sleep(float(answer.headers["retry-after"]))


async def told(asked: list[Awaitable[httpx.Response]]) -> Counter[int]:
    """How often each status came, and that each refusal names a pause."""
    answers = await asyncio.gather(*asked)
    for answer in answers:
        if answer.status_code == 429:
            assert answer.json()["error"]["code"] == "rate_limited"
            assert int(answer.headers["retry-after"]) >= 1
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "burst"),
    [
        ("GET", SESSION, {}, 401, 20),
        ("POST", f"{V1}/password/forgotten", {}, 202, 10),
        ("POST", "/device/v1/status", {"X-Hidamari-Home": HOME}, 401, 10),
    ],
)
def test_who_asks_too_much_is_told_when_to_come_again(
    tmp_path: Path, method: str, path: str, headers: dict[str, str], status: int, burst: int
) -> None:
    async def job(_: Running, browser: httpx.AsyncClient) -> None:
        body = {"mail": "hanako@example.jp"}
        asked = [browser.request(method, path, headers=headers, json=body) for _ in range(150)]
        found = await told(list(asked))
        assert found[status] >= burst
        assert found[429] >= 1
        assert set(found) == {status, 429}

    at_the_door(tmp_path, job)


def test_what_is_too_large_or_too_deep_is_refused(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * (MAX_BODY_BYTES // 10)

    async def job(_: Running, browser: httpx.AsyncClient) -> None:
        deep = b'{"mail":' + b"[" * 21 + b"]" * 21 + b"}"
        json = {"Content-Type": "application/json"}
        for content, status, code in (
            (b" " * (MAX_BODY_BYTES + 1), 413, "too_large"),
            (pieces(), 413, "too_large"),
            (deep, 422, "validation"),
            (b" " * MAX_BODY_BYTES, 422, "validation"),
        ):
            answer = await browser.post(SIGN_UP, content=content, headers=json)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        long = {f"X-{n}": "x" * 1000 for n in range(17)}
        answer = await browser.get(SESSION, headers=long)
        assert (answer.status_code, answer.json()["error"]["code"]) == (431, "headers_too_large")

    at_the_door(tmp_path, job)


def came(peer: str, *forwarded: str) -> dict[str, object]:
    """A request as the server hands it on."""
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    return {"type": "http", "client": (peer, 4711), "headers": headers}


@pytest.mark.parametrize(
    ("scope", "place", "address"),
    [
        (came("127.0.0.1", "192.0.2.7"), PUBLIC, "192.0.2.7"),
        (came("::1", "2001:db8::7"), PUBLIC, "2001:db8::7"),
        (came("127.0.0.1", "203.0.113.9, 192.0.2.7"), PUBLIC, "192.0.2.7"),  # the proxy's own word
        (came("127.0.0.1", "203.0.113.9", "192.0.2.7"), PUBLIC, "192.0.2.7"),
        (came("127.0.0.1"), PUBLIC, "127.0.0.1"),
        (came("127.0.0.1", "nonsense"), PUBLIC, "127.0.0.1"),
        (came("198.51.100.4", "192.0.2.7"), PUBLIC, "198.51.100.4"),  # no proxy of ours
        (came("::ffff:198.51.100.4", "192.0.2.7"), PUBLIC, "198.51.100.4"),
        (came("127.0.0.1", "192.0.2.7"), place_of("http://localhost"), "127.0.0.1"),
    ],
)
def test_a_forwarded_address_is_believed_of_a_proxy_on_this_machine_only(
    scope: dict[str, object], place: Place, address: str
) -> None:
    assert client_address(scope, place) == address


def test_people_behind_one_proxy_have_a_rate_each(tmp_path: Path) -> None:
    async def job(_: Running, browser: httpx.AsyncClient) -> None:
        def ask(address: str) -> Awaitable[httpx.Response]:
            headers = {"Host": "cloud.example.jp", "X-Forwarded-For": address}
            return browser.get(SESSION, headers=headers)

        assert (await told([ask("192.0.2.7") for _ in range(150)]))[429] >= 1
        assert await told([ask(f"198.51.100.{n}") for n in range(100)]) == {401: 100}

    at_the_door(tmp_path, job, PUBLIC)
