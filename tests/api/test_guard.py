"""The LAN rules: sources, names, pages, sizes and rates, as a table (reliability.md 4.4)."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from starlette.types import Message, Scope
from tests.api.conftest import PASSWORD, Bench

from hidamari.api.app import Options
from hidamari.api.auth import Caller
from hidamari.api.guard import RELAYED
from hidamari.core.access import Role
from hidamari.http.doors import is_own_origin, parse_address, split_host
from hidamari.http.headers import POLICY
from hidamari.http.limits import KNOWN, STRANGER, Buckets, Floods, json_depth

OURS = "192.168.1.10"
V6 = "2001:db8:5:6::10"
ENDPOINT = "/api/v1/session"


async def knock(bench: Bench, method: str = "GET", path: str = ENDPOINT, **more: Any) -> int:
    """The status of one request given as a bare ASGI scope."""
    scope, body = _scope(method, path, more), more.get("body", b"")
    started: list[Message] = []
    parts = [{"type": "http.request", "body": body, "more_body": False}]
    if scope["type"] == "websocket":
        parts = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

    async def receive() -> Message:
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        started.append(message)

    await bench.app(scope, receive, send)
    if started[0]["type"] == "websocket.accept":
        return 101
    return int(started[0]["status"])


def _scope(method: str, path: str, more: dict[str, Any]) -> Scope:
    headers = {"host": more.get("host", f"{OURS}:8600")} | more.get("headers", {})
    is_socket = more.get("socket", False)
    return {
        "type": "websocket" if is_socket else "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "ws" if is_socket else more.get("scheme", "http"),
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items() if v is not None],
        "client": (more.get("client", "192.168.1.77"), 50000),
        "server": (more.get("server", OURS), 8600),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
        "state": {},
    }


def status(bench: Bench, method: str = "GET", path: str = ENDPOINT, **more: Any) -> int:
    return asyncio.run(knock(bench, method, path, **more))


SOURCES = [
    ("192.168.1.77", OURS, 401),
    ("10.200.0.3", OURS, 401),
    ("172.31.255.254", OURS, 401),
    ("172.32.0.1", OURS, 403),
    ("169.254.3.4", OURS, 401),
    ("127.0.0.1", OURS, 401),
    ("::ffff:192.168.1.77", OURS, 401),
    ("fe80::1%eth0", "fe80::2", 401),
    ("fd00:1::5", "fd00:1::10", 401),
    ("::1", "::1", 401),
    (V6.replace("::10", "::99"), V6, 401),  # same /64
    ("2001:db8:5:7::99", V6, 403),
    ("8.8.8.8", OURS, 403),
    ("100.64.0.9", OURS, 403),  # the provider's side of carrier-grade NAT
    ("203.0.113.9", OURS, 403),
    ("::ffff:8.8.8.8", OURS, 403),
    ("not an address", OURS, 403),
    ("", OURS, 403),
]


@pytest.mark.t(16)
@pytest.mark.parametrize(("client", "server", "expected"), SOURCES)
def test_only_sources_in_the_home_are_served(
    bench: Bench, client: str, server: str, expected: int
) -> None:
    host = f"[{server}]:8600" if ":" in server else f"{server}:8600"
    assert status(bench, client=client, server=server, host=host) == expected


HOSTS = [
    (f"{OURS}:8600", 401),
    (OURS, 401),
    ("localhost:8600", 401),
    ("LOCALHOST", 401),
    ("127.0.0.1:8600", 401),
    ("[::1]:8600", 401),
    ("hidamari.local:8600", 401),
    ("hidamari.local.:8600", 401),
    ("our-house.example", 401),  # set by the owner
    ("192.168.1.11:8600", 421),  # somebody else's address
    ("evil.example", 421),
    ("hidamari.local.evil.example", 421),
    ("localhost.evil.example", 421),
    ("evil.example:8600@hidamari.local", 421),
    ("hidamari.local, evil.example", 421),
    ("hidamari.local/evil", 421),
    ("hidamari.local:port", 421),
    ("[::1", 421),
    ("", 421),
    (None, 421),
]


@pytest.mark.t(16)
@pytest.mark.parametrize(("host", "expected"), HOSTS)
def test_only_the_homes_own_names_are_answered(
    bench: Bench, host: str | None, expected: int
) -> None:
    bench.home.put_settings({"network": {"host_names": ["our-house.example"]}})
    assert status(bench, host=host) == expected


ME = f"http://{OURS}:8600"
# method, Origin, Sec-Fetch-Site, Sec-Fetch-Mode, path, expected (401 = let through to sign-in)
PAGES = [
    ("GET", None, None, None, ENDPOINT, 401),
    ("GET", None, "same-origin", "cors", ENDPOINT, 401),
    ("GET", None, "none", "navigate", ENDPOINT, 401),
    ("GET", ME, "same-origin", "cors", ENDPOINT, 401),
    ("GET", None, "cross-site", "no-cors", ENDPOINT, 403),
    ("GET", None, "same-site", "cors", ENDPOINT, 403),
    ("GET", None, "cross-site", "navigate", ENDPOINT, 403),  # not even a link into the API
    ("GET", None, "cross-site", "navigate", "/history", 404),  # a link to a page: let through
    ("GET", None, "cross-site", "no-cors", "/history", 403),
    ("GET", "http://evil.example", None, None, ENDPOINT, 403),
    ("DELETE", ME, "same-origin", "cors", ENDPOINT, 401),
    ("DELETE", None, None, None, ENDPOINT, 401),  # a program, not a page
    ("DELETE", "null", None, None, ENDPOINT, 403),
    ("DELETE", "http://evil.example", "cross-site", "cors", ENDPOINT, 403),
    ("DELETE", f"https://{OURS}:8600", None, None, ENDPOINT, 403),
    ("DELETE", f"http://{OURS}:8601", None, None, ENDPOINT, 403),
    ("DELETE", f"http://{OURS}", None, None, ENDPOINT, 403),
    ("DELETE", f"{ME}.evil.example", None, None, ENDPOINT, 403),
    ("DELETE", f"{ME}/path", None, None, ENDPOINT, 403),
    ("DELETE", f"http://evil@{OURS}:8600", None, None, ENDPOINT, 403),
    ("DELETE", ME, "cross-site", "cors", ENDPOINT, 403),
    ("POST", "http://evil.example", "cross-site", "navigate", "/", 403),
    ("OPTIONS", "http://evil.example", "cross-site", "cors", ENDPOINT, 403),
]


@pytest.mark.t(16)
@pytest.mark.parametrize(("method", "origin", "site", "mode", "path", "expected"), PAGES)
def test_other_pages_get_nothing(
    bench: Bench,
    method: str,
    origin: str | None,
    site: str | None,
    mode: str | None,
    path: str,
    expected: int,
) -> None:
    headers = {"origin": origin, "sec-fetch-site": site, "sec-fetch-mode": mode}
    assert status(bench, method, path, headers=headers) == expected


SOCKETS = [
    (None, 401),
    (ME, 401),
    ("http://evil.example", 403),
    ("null", 403),
    (f"https://{OURS}:8600", 403),
]


@pytest.mark.t(16)
@pytest.mark.parametrize(("origin", "expected"), SOCKETS)
def test_a_websocket_needs_our_origin_and_a_session(
    bench: Bench, origin: str | None, expected: int
) -> None:
    found = status(bench, path="/api/v1/live", socket=True, headers={"origin": origin})
    assert found == expected


async def signed_in(bench: Bench, client: str = "192.168.1.77") -> str:
    """The cookie of a session at the plain door."""
    async with bench.client("owner", address=client) as http:
        return f"hidamari={http.cookies['hidamari']}"


@pytest.mark.t(16)
def test_a_session_counts_only_at_the_door_where_it_was_opened(bench: Bench) -> None:
    async def run() -> None:
        plain = await signed_in(bench)
        at_home = await signed_in(bench, "127.0.0.1")
        token = plain.partition("=")[2]
        cases = [
            ({"cookie": plain}, {}, 200),
            ({"cookie": f"other=1; {plain}; x=y"}, {}, 200),
            ({"cookie": plain[:-1]}, {}, 401),
            ({"cookie": f"__Host-hidamari={token}"}, {}, 401),
            ({"cookie": f"__Host-hidamari={token}"}, {"scheme": "https"}, 401),
            ({"cookie": plain}, {"scheme": "https"}, 401),
            ({"cookie": plain}, {"client": "127.0.0.1"}, 401),
            ({"cookie": at_home}, {"client": "127.0.0.1"}, 200),
            ({"cookie": at_home}, {}, 401),
            # a proxy on this machine does not make the world local
            ({"cookie": at_home, "x-forwarded-for": "8.8.8.8"}, {"client": "127.0.0.1"}, 401),
            ({"authorization": f"Bearer {token}"}, {}, 401),
        ]
        for headers, where, expected in cases:
            assert await knock(bench, headers=headers, **where) == expected, (headers, where)

    asyncio.run(run())


@pytest.mark.t(16)
def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(bench: Bench) -> None:
    async def run() -> None:
        body = {"user": "owner", "password": PASSWORD}
        async with bench.client(None, address="192.168.1.77") as plain:
            cookie = (await plain.post(ENDPOINT, json=body)).headers["set-cookie"]
            assert cookie.startswith("hidamari=")
            assert "HttpOnly" in cookie
            assert "samesite=strict" in cookie.lower()
            assert "secure" not in cookie.lower()
        async with bench.client(None) as client:
            client.base_url = httpx.URL("https://localhost:8643")
            cookie = (await client.post(ENDPOINT, json=body)).headers["set-cookie"]
            assert cookie.startswith("__Host-hidamari=")
            assert "Secure" in cookie
            assert "HttpOnly" in cookie
            assert "Path=/" in cookie

    asyncio.run(run())


@pytest.mark.t(16)
def test_every_answer_carries_the_security_headers(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        for path in ("/api/v1/now", "/api/v1/nothing", "/nothing.js", "/.well-known/hidamari"):
            headers = (await client.get(path)).headers
            assert headers["content-security-policy"] == POLICY
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in headers
        refused = await client.get("/", headers={"host": "evil.example"})
        assert refused.headers["content-security-policy"] == POLICY

    bench.talk(talk)


@pytest.mark.t(16)
@pytest.mark.t(15)
def test_bodies_are_limited_in_size_and_depth(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        big = b'{"user": "' + b"x" * 1_000_000 + b'"}'
        kind = {"content-type": "application/json"}
        assert (await client.post(ENDPOINT, content=big, headers=kind)).status_code == 413

        async def drip() -> Any:
            for _ in range(20):
                yield b" " * 60_000

        assert (await client.post(ENDPOINT, content=drip(), headers=kind)).status_code == 413
        deep = b'{"home": ' + b"[" * 20 + b"]" * 20 + b"}"
        answer = await client.patch("/api/v1/settings", content=deep, headers=kind)
        assert answer.status_code == 422
        assert "deep" in answer.json()["error"]["message"]
        hidden = json.dumps({"home": {"name": "[" * 50}})
        answer = await client.patch("/api/v1/settings", content=hidden, headers=kind)
        assert answer.status_code == 200  # brackets inside a text are no depth

    bench.talk(talk)


@pytest.mark.t(16)
def test_headers_are_limited(bench: Bench) -> None:
    assert status(bench, headers={"x-junk": "x" * 17_000}) == 431


@pytest.mark.t(14)
@pytest.mark.t(16)
def test_strangers_may_ask_ten_times_a_second_and_people_of_the_house_a_hundred(
    bench: Bench,
) -> None:
    """At once: 20 before sign-in, 200 after it; the rest hears when to come back."""

    async def run() -> None:
        strange = [await knock(bench, client="192.168.1.66") for _ in range(40)]
        assert strange.count(401) in range(20, 25)
        assert set(strange) == {401, 429}
        async with bench.client("owner", address="192.168.1.77") as client:
            known = [(await client.get(ENDPOINT)).status_code for _ in range(150)]
            assert set(known) == {200}

    asyncio.run(run())


def test_a_bucket_fills_at_its_rate() -> None:
    """20 at once, then 10 a second: after 0.5 s there are five more."""
    buckets = Buckets()
    assert [buckets.take(STRANGER, "a", 100.0) for _ in range(20)] == [0.0] * 20
    assert buckets.take(STRANGER, "a", 100.0) == pytest.approx(0.1)
    assert [buckets.take(STRANGER, "a", 100.5) for _ in range(5)] == [0.0] * 5
    assert buckets.take(STRANGER, "a", 100.5) > 0.0
    assert buckets.take(STRANGER, "b", 100.5) == 0.0
    assert buckets.take(KNOWN, "a", 100.5) == 0.0


def test_depth_is_counted_outside_of_texts() -> None:
    assert json_depth(b'{"a": [1, {"b": "]]}}"}]}') == 3
    assert json_depth(b'"\\"[[["') == 0
    assert json_depth(b"[" * 400_000) == 400_000
    assert json_depth(b"") == 0


@pytest.mark.t(16)
def test_when_the_owner_closes_the_http_door_it_only_leads_to_the_other_one(
    bench: Bench,
) -> None:
    bench.rebuild(Options(https_port=8643))
    bench.home.put_settings({"network": {"http_door": False}})

    async def run() -> None:
        async with bench.client(None, address="192.168.1.77") as client:
            for method in ("GET", "POST"):
                answer = await client.request(method, "/flow?a=b")
                assert answer.status_code == 308
                assert answer.headers["location"] == "https://localhost:8643/flow?a=b"
        async with bench.client("owner") as client:
            assert (await client.get(ENDPOINT)).status_code == 200

    asyncio.run(run())


PATHS = [
    "/../../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/assets/../../../pyproject.toml",
    "/assets/%2e%2e/%2e%2e/x.toml",
    "//evil.example/x.js",
    "/.built-from",
    "/assets/app.js.gz",
    "/api/../index.html",
    "/%00.js",
    "/index.html%00.js",
    "\\..\\secret.txt",
]


@pytest.mark.t(16)
@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_the_web_app(bench: Bench, path: str) -> None:
    folder = bench.home.folder / "web"
    (folder / "assets").mkdir(parents=True)
    for name in ("index.html", ".built-from", "assets/app.js", "assets/app.js.gz"):
        (folder / name).write_text("page")
    bench.rebuild(Options(web=folder))
    assert status(bench, path="/history") == 200
    assert status(bench, path=unquote(path)) == 404


def test_addresses_and_names_are_read_strictly() -> None:
    assert str(parse_address("::ffff:10.0.0.1")) == "10.0.0.1"
    assert parse_address("10.0.0.1.evil") is None
    assert split_host("a.local:8600") == ("a.local", 8600)
    assert split_host("[fe80::1]:8600") == ("fe80::1", 8600)
    assert split_host("a:b:c") is None
    assert is_own_origin("https://a.local", "https", ("a.local", None))
    assert is_own_origin("https://a.local:443", "https", ("a.local", None))
    assert not is_own_origin("https://a.local:444", "https", ("a.local", None))


@pytest.mark.t(17)
def test_what_the_link_relays_comes_with_its_caller_and_without_a_source(bench: Bench) -> None:
    """The cloud's end has checked who it is; here the role decides again."""

    async def ask(caller: Caller, path: str) -> int:
        scope = _scope("GET", path, {"client": "8.8.8.8", "host": "cloud.example"})
        scope[RELAYED] = caller
        started: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            started.append(message)

        await bench.app(scope, receive, send)
        assert (b"x-hidamari-via", b"cloud") in started[0]["headers"]
        return int(started[0]["status"])

    now = bench.home.clock.now()
    dealer = Caller("shop", Role.DEALER_VIEW, "link:1", until=now + timedelta(days=30))
    cases = [
        (Caller("hana", Role.OWNER, "link:2"), "/api/v1/now", 200),
        (Caller("hana", Role.OWNER, "link:2"), "/api/v1/users", 200),
        (dealer, "/api/v1/now", 200),
        (dealer, "/api/v1/users", 403),
        (replace(dealer, until=now), "/api/v1/now", 403),  # consent has ended
        (replace(dealer, until=None), "/api/v1/now", 403),
    ]
    for caller, path, expected in cases:
        assert asyncio.run(ask(caller, path)) == expected, (caller, path)


def test_dealers_do_not_see_the_customer(bench: Bench) -> None:
    bench.add("hana", Role.VIEWER)

    async def talk(client: httpx.AsyncClient) -> None:
        tree = (await client.get("/api/v1/settings")).json()
        assert tree["home"]["postal_code"] == "1000001"

    bench.talk(talk, "hana")
    now = bench.home.clock.now()
    scope = _scope("GET", "/api/v1/settings", {})
    until = now + timedelta(days=1)
    scope[RELAYED] = Caller("shop", Role.DEALER_VIEW, "link:1", until=until)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(bench.app(scope, receive, send))
    home = json.loads(sent[1]["body"])["home"]
    assert "zone" in home
    assert not home.keys() & {"name", "postal_code", "place", "people"}


@pytest.mark.t(14)
def test_a_flood_is_noticed_once_after_a_minute() -> None:
    """F25: refused again and again without a pause of 10 s; after a pause it counts anew."""
    floods = Floods()
    told = [second for second in range(200) if floods.refused("a", 1000.0 + second)]
    assert told == [60]
    assert not floods.refused("b", 1100.0)
    later = [second for second in range(70) if floods.refused("a", 1300.0 + second)]
    assert later == [60]
