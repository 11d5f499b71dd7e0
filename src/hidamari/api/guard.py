"""The LAN rules: who is served, under which name, how much and how fast."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from hidamari.api.auth import Auth, Caller
from hidamari.http.asgi import (
    SAFE_METHODS,
    answer,
    check_page,
    cookie,
    named_host,
    read_body,
    refuse,
    scheme_of,
    values,
    with_headers,
)
from hidamari.http.doors import Door, is_near, is_own_host, parse_address, split_host
from hidamari.http.errors import ApiError, too_many
from hidamari.http.limits import (
    KNOWN,
    SIGN_IN,
    STRANGER,
    Buckets,
    Floods,
)

VISIT = "hidamari.visit"
RELAYED = "hidamari.relayed"  # set in the scope by the link's client to the Caller it stands for
FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})
PLAIN_COOKIE = "hidamari"
SECURE_COOKIE = "__Host-hidamari"  # browsers drop this prefix over plain HTTP
SIGN_IN_PATHS = frozenset({"/api/v1/session", "/api/v1/password", "/api/v1/setup/password"})


@dataclass(frozen=True, slots=True)
class LanRules:
    """What the owner may set about the doors; read at every request."""

    names: frozenset[str] = frozenset()  # host names of this home, lower case
    prefixes: tuple[str, ...] = ()  # public IPv4 networks on the link
    https_port: int | None = None
    is_http_closed: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """What the guard found out about a request."""

    door: Door
    address: str
    caller: Caller | None
    secret: str = field(default="", repr=False)
    is_token: bool = False


class Guard:
    """ASGI middleware that lets through what reliability.md 4.4 allows."""

    def __init__(
        self,
        app: ASGIApp,
        auth: Auth,
        rules: Callable[[], LanRules],
        on_flood: Callable[[str], None],
    ) -> None:
        self._app = app
        self._auth = auth
        self._rules = rules
        self._on_flood = on_flood
        self._buckets = Buckets()
        self._floods = Floods()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and pass it on, with its `Visit` in the scope."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        door = _door(scope)
        secured = with_headers(send, "cloud" if door is Door.RELAY else "lan")
        try:
            rules = self._rules()
            if door is not Door.RELAY:
                self._check(scope, rules)
            target = _redirect(scope, door, rules)
            if target is not None:
                await answer(secured, 308, b"", [(b"location", target.encode())])
                return
            visit = identify(scope, door, self._auth)
            scope[VISIT] = visit
            self._slow_down(scope, visit)
            replay = await read_body(scope, receive) if scope["type"] == "http" else receive
        except ApiError as error:
            await refuse(scope, receive, secured, error)
            return
        except ClientDisconnect:
            return  # nobody is left to answer
        await self._app(scope, replay, secured)

    def _check(self, scope: Scope, rules: LanRules) -> None:
        """Refuse foreign sources, names and pages."""
        own = parse_address((scope.get("server") or ("", 0))[0])
        client = parse_address((scope.get("client") or ("", 0))[0])
        if client is None or not is_near(client, own, rules.prefixes):
            raise ApiError(403, "this address is not in the home", "a client on the home's LAN")
        host = named_host(scope)
        if host is None or not is_own_host(host[0], own, rules.names):
            raise ApiError(421, "this name is not that of the home", "the home's address or name")
        check_page(scope, scheme_of(scope), host, ("/api",))

    def _slow_down(self, scope: Scope, visit: Visit) -> None:
        if visit.door is Door.RELAY:
            return  # the cloud's end counts
        now_s = asyncio.get_running_loop().time()
        path = scope["path"]
        if visit.caller is not None:
            wait_s = self._buckets.take(KNOWN, visit.caller.way, now_s)
        elif not path.startswith("/api") and "." in path.rsplit("/", 1)[-1]:
            wait_s = self._buckets.take(KNOWN, visit.address, now_s)  # files of the sign-in page
        else:
            wait_s = self._buckets.take(STRANGER, visit.address, now_s)
        if path in SIGN_IN_PATHS and scope.get("method") not in SAFE_METHODS:
            wait_s = max(wait_s, self._buckets.take(SIGN_IN, visit.address, now_s))
        if wait_s > 0.0:
            if self._floods.refused(visit.address, now_s):
                self._on_flood(visit.address)
            raise too_many(wait_s)


def identify(scope: Scope, door: Door, auth: Auth) -> Visit:
    """Who makes this request: a relayed caller, a bearer token or a session cookie."""
    address = str(parse_address((scope.get("client") or ("", 0))[0]))
    if door is Door.RELAY:
        return Visit(door, "relay", scope[RELAYED])
    for value in values(scope["headers"], b"authorization"):
        kind, _, secret = value.partition(" ")
        if kind.lower() == "bearer":
            secret = secret.strip()
            return Visit(door, address, auth.token_caller(secret), secret, is_token=True)
    secret = cookie(scope, SECURE_COOKIE if door is Door.TLS else PLAIN_COOKIE)
    return Visit(door, address, auth.caller(secret, door) if secret else None, secret)


def still_there(visit: Visit, auth: Auth) -> Caller | None:
    """The caller of a visit that lasts, looked up anew; None once revoked."""
    if visit.is_token:
        return auth.token_caller(visit.secret)
    return auth.caller(visit.secret, visit.door) if visit.secret else None


def _door(scope: Scope) -> Door:
    if RELAYED in scope:
        return Door.RELAY
    if scope.get("scheme") in {"https", "wss"}:
        return Door.TLS
    client = parse_address((scope.get("client") or ("", 0))[0])
    # Behind a proxy on this machine everybody seems to come from loopback.
    is_forwarded = any(name in FORWARDED for name, _ in scope["headers"])
    is_local = client is not None and client.is_loopback and not is_forwarded
    return Door.LOOPBACK if is_local else Door.PLAIN


def _redirect(scope: Scope, door: Door, rules: LanRules) -> str | None:
    """Where plain HTTP is sent when the owner has closed that door."""
    if door is not Door.PLAIN or not rules.is_http_closed or rules.https_port is None:
        return None
    name = (split_host(values(scope["headers"], b"host")[0]) or ("", None))[0]
    name = f"[{name}]" if ":" in name else name
    raw = scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace")
    query = scope["query_string"].decode("ascii", "replace")
    return f"https://{name}:{rules.https_port}{raw}" + (f"?{query}" if query else "")
