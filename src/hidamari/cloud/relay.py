"""The API of a home from outside: each request goes to the home, its answer comes back as it is."""

import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse

from hidamari import __version__
from hidamari.cloud import audit
from hidamari.cloud.audit import Deed
from hidamari.cloud.context import ServiceDep, may, session_of
from hidamari.cloud.offline import offline_answer
from hidamari.cloud.ports import Access, HomeAway, Presence
from hidamari.cloud.service import Service, home_lock
from hidamari.core.access import Action
from hidamari.core.time import TOKYO
from hidamari.http.asgi import SAFE_METHODS
from hidamari.http.errors import ApiError
from hidamari.link.messages import Query, Reply
from hidamari.schema.wellknown import HomeOutside

router = APIRouter(tags=["relay"])
API = "/api/v1"
TTL_S = 10.0
MOST_TTL_S = 60.0  # a command that comes later is none any more (reliability.md 4.5)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ENVELOPE = "x-hidamari-envelope"
KEY = "idempotency-key"
# Who asks is told by the link; a cookie or a token of the service is no business of the home.
PASSED_ON = ("accept", "accept-encoding", "accept-language", "content-type", "if-match", KEY)
HANDED_BACK = frozenset(
    {"cache-control", "content-disposition", "content-encoding", "content-type", "etag"}
    | {"retry-after", "vary", "x-hidamari-repeated"}
)
Viewer = Annotated[Access, may(Action.VIEW)]


@dataclass(frozen=True, slots=True)
class Question:
    """A request on its way to a home."""

    home: bytes
    query: Query
    is_safe: bool


@router.api_route("/homes/{home}/api/v1/{path:path}", methods=METHODS, include_in_schema=False)
async def relay(path: str, request: Request, service: ServiceDep, access: Viewer) -> Response:
    """Ask the home; while it is away, answer from what it sent where that is enough."""
    there = await presence_of(service, access.home)
    if not there.linked:
        if request.method == "GET" and (found := await offline_answer(request, path, access)):
            return found
        raise away(there)
    asked = await _question(request, service, access)
    if not asked.is_safe:
        await _write_down(service, access, request.method, path)
    pieces = service.bus.request(access.home, asked.query)
    first = await _first(pieces, asked, there)
    headers = {k: v for k, v in first.headers.items() if k.lower() in HANDED_BACK}
    if not first.more:
        await pieces.aclose()
        return Response(first.body, first.status, headers)
    return StreamingResponse(_rest(first, pieces), first.status, headers)


@router.get("/homes/{home}/.well-known/hidamari")
async def home_known(service: ServiceDep, access: Viewer) -> HomeOutside:
    """What the home is and whether it is there: its name and address are told by itself."""
    there = await presence_of(service, access.home)
    told = there.caps or {}
    tables = await service.store.reported(access.home)
    lan_url = told.get("lan_url")
    return HomeOutside(
        revision=int(told.get("revision", 1)),
        version=__version__,
        name=str(told.get("name", "")),
        demo=bool(told.get("demo", False)),
        zone=tables[-1].record.zone if tables else TOKYO.key,
        linked=there.linked,
        last_seen=there.last_seen,
        lan_url=str(lan_url) if lan_url else None,
    )


async def presence_of(service: Service, home: bytes) -> Presence:
    """Whether the home is linked now, and what it said last."""
    return await service.bus.presence(home)


def actor_of(connection: HTTPConnection, service: Service, access: Access) -> dict[str, str]:
    """Who asks, as the home is told."""
    actor = {"name": access.nickname, "role": access.role, "account": str(access.account)}
    if access.until is not None:
        actor["until"] = access.until.isoformat()
    if session_of(connection).is_fresh(service.now_ms()):
        actor["fresh"] = "1"
    return actor


def away(there: Presence) -> ApiError:
    """The home cannot be asked; nothing was sent to it, and nothing will be."""
    error = ApiError(503, "the home is not connected", "the home online", code="home_offline")
    error.extra = {"last_seen": there.last_seen}
    return error


def target_of(connection: HTTPConnection, home: str) -> str:
    """The path at home with its query, not decoded on the way."""
    raw: bytes = connection.scope.get("raw_path") or connection.url.path.encode()
    path = raw.decode("ascii", "replace").removeprefix(f"/homes/{home}")
    query: bytes = connection.scope["query_string"]
    return f"{path}?{query.decode('ascii', 'replace')}" if query else path


async def _question(request: Request, service: Service, access: Access) -> Question:
    ttl_s, now_ms = _ttl_s(request.headers), service.now_ms()
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    actor = actor_of(request, service, access)
    is_safe = request.method in SAFE_METHODS
    if not is_safe:
        headers.setdefault(KEY, secrets.token_hex(16))
        issued = service.clock.now()
        envelope = {
            "issued_at": issued.isoformat(),
            "not_after": (issued + timedelta(seconds=ttl_s)).isoformat(),
            "actor": actor["name"],
        }
        headers[ENVELOPE] = json.dumps(envelope)  # ASCII, as headers must be
    query = Query(
        id=0,
        ttl_ms=round(ttl_s * 1000),
        actor=actor,
        method=request.method,
        path=target_of(request, request.path_params["home"]),
        headers=headers,
        body=await request.body(),
        sent_ms=now_ms,
    )
    return Question(access.home, query, is_safe)


def _ttl_s(headers: Mapping[str, str]) -> float:
    """How long the client waits: `Prefer: wait=30` (RFC 7240), within our limit."""
    for wish in headers.get("prefer", "").split(","):
        name, _, value = wish.strip().partition("=")
        if name.lower() == "wait" and value.isdigit():
            return min(max(float(value[:4]), 1.0), MOST_TTL_S)
    return TTL_S


async def _first(pieces: AsyncGenerator[Reply, None], asked: Question, there: Presence) -> Reply:
    """The beginning of the answer; says clearly what is known when there is none."""
    repeat = "the same request with the same Idempotency-Key tells"
    try:
        return await anext(pieces)
    except (HomeAway, StopAsyncIteration):
        if asked.is_safe:
            raise away(there) from None
        message = "the home went away in the middle: whether it was done is not known"
        raise ApiError(502, message, repeat, code="home_lost") from None
    except TimeoutError:
        if asked.is_safe:
            raise ApiError(504, "the home does not answer", "", code="home_slow") from None
        message = "the home did not confirm in time: whether it was done is not known"
        raise ApiError(504, message, repeat, code="home_slow") from None


async def _rest(first: Reply, pieces: AsyncGenerator[Reply, None]) -> AsyncGenerator[bytes, None]:
    """All pieces; an answer that breaks off breaks the connection: nobody takes it for whole."""
    try:
        yield first.body
        async for piece in pieces:
            yield piece.body
            if not piece.more:
                return
    finally:
        await pieces.aclose()


async def _write_down(service: Service, access: Access, method: str, path: str) -> None:
    """The owner sees who commanded what from outside."""
    deed = Deed("asked", access.nickname, access.account, {"method": method, "path": path[:100]})
    async with service.database.writing(home_lock(access.home)) as connection:
        await audit.note(connection, access.home, service.now_ms(), deed)
