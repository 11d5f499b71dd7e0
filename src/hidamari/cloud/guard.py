"""The rules at the service's door: which names and pages, how much and how fast, and who asks."""

import asyncio
import logging
import re
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from hidamari.cloud import sessions
from hidamari.cloud.place import Place
from hidamari.cloud.service import Service
from hidamari.cloud.sessions import Session
from hidamari.http.asgi import (
    SAFE_METHODS,
    check_page,
    cookie,
    named_host,
    read_body,
    refuse,
    values,
    with_headers,
)
from hidamari.http.doors import parse_address
from hidamari.http.errors import ApiError, too_many
from hidamari.http.limits import (
    KNOWN,
    SIGN_IN,
    STRANGER,
    Buckets,
    Floods,
    Rate,
)
from hidamari.link.device import HOME_HEADER, PREFIX

logger = logging.getLogger(__name__)

VISIT = "hidamari.visit"
SESSION, PHONE = "session", "phone"  # what cookies are for
CLOUD, HOMES, LINK = "/cloud/v1", "/homes/", "/link/v1"
APIS = (CLOUD, "/device/", "/link/")
_OF_A_HOME = re.compile(rf"{HOMES}[^/]+/(api|\.well-known)(/|$)")  # all else there are screens
WELL_KNOWN = "/.well-known/hidamari"
SIGN_IN_PATHS = frozenset(
    f"{CLOUD}/{path}"
    for path in (
        "session",
        "session/fresh",
        "sign-up",
        "account",
        "password",
        "password/forgotten",
        "mail/again",
        "homes/claim",
    )
)
DEVICE = Rate(1.0, 10.0)  # of one home
# Homes of one building may share an address; their links wait for a word of the hub.
DEVICES = Rate(200.0, 2000.0)


@dataclass(frozen=True, slots=True)
class Visit:
    """What the guard found out about a request."""

    address: str
    session: Session | None
    phone_secret: str = ""


class CloudGuard:
    """ASGI middleware in front of everything the service answers."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._place = service.place
        self._buckets = Buckets()
        self._floods = Floods()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and pass it on, with its `Visit` in the scope."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        secured = with_headers(send, "cloud")
        try:
            self._check(scope)
            visit = await self._identify(scope)
            scope[VISIT] = visit
            self._slow_down(scope, visit)
            replay = await read_body(scope, receive) if scope["type"] == "http" else receive
        except ApiError as error:
            await refuse(scope, receive, secured, error)
            return
        except ClientDisconnect:
            return  # nobody is left to answer
        await self._app(scope, replay, secured)

    def _check(self, scope: Scope) -> None:
        """Refuse foreign names and pages."""
        host = named_host(scope)
        if host is None or host[0] not in self._place.names:
            raise ApiError(421, "this name is not that of the service", self._place.url)
        apis = (scope["path"],) if is_api(scope["path"]) else APIS
        check_page(scope, self._place.scheme, host, apis)

    async def _identify(self, scope: Scope) -> Visit:
        """Who makes this request; files of the web app are for everybody."""
        address = client_address(scope, self._place)
        if not scope["path"].startswith((CLOUD, HOMES)):
            return Visit(address, None)
        secret = cookie(scope, self._place.cookie(SESSION))
        session = await sessions.find(self._service, secret) if secret else None
        return Visit(address, session, cookie(scope, self._place.cookie(PHONE)))

    def _slow_down(self, scope: Scope, visit: Visit) -> None:
        now_s = asyncio.get_running_loop().time()
        wait_s, path = 0.0, scope["path"]
        if path.startswith(PREFIX):
            home = (values(scope["headers"], HOME_HEADER.encode()) or [""])[0][:40]
            wait_s = self._buckets.take(DEVICE, f"{visit.address} {home}", now_s)
            wait_s = max(wait_s, self._buckets.take(DEVICES, visit.address, now_s))
        elif path in {LINK, WELL_KNOWN}:  # a home asks for the time before it signs
            wait_s = self._buckets.take(DEVICES, visit.address, now_s)
        elif visit.session is not None:
            wait_s = self._buckets.take(KNOWN, visit.session.id, now_s)
        elif not is_api(path) and "." in path.rsplit("/", 1)[-1]:
            wait_s = self._buckets.take(KNOWN, visit.address, now_s)  # files of the sign-in page
        else:
            wait_s = self._buckets.take(STRANGER, visit.address, now_s)
        if path in SIGN_IN_PATHS and scope.get("method") not in SAFE_METHODS:
            wait_s = max(wait_s, self._buckets.take(SIGN_IN, visit.address, now_s))
        if wait_s > 0.0:
            if self._floods.refused(visit.address, now_s):
                logger.warning("an address asks too much for a minute now")
            raise too_many(wait_s)


def is_api(path: str) -> bool:
    """Whether a path is no screen of the web app: no link of a foreign page may lead there."""
    return path.startswith(APIS) or _OF_A_HOME.match(path) is not None


def client_address(scope: Scope, place: Place) -> str:
    """The client's address; behind a proxy on this machine the one that the proxy names last."""
    found = parse_address((scope.get("client") or ("", 0))[0])
    if found is not None and found.is_loopback and place.is_secure:
        named = values(scope["headers"], b"x-forwarded-for")
        forwarded = parse_address(named[-1].rpartition(",")[2].strip()) if named else None
        return str(forwarded or found)
    return str(found)
