"""One relayed request as an ASGI application sees it, and its answer as pieces of a reply."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec
from starlette.types import ASGIApp, Message, Scope

from hidamari.core.errors import InputError
from hidamari.link.messages import Query, Reply

WS = "WS"  # the method that opens a WebSocket
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", WS})
API = "/api/v1/"
LONGEST_PATH = 8000
# What may come in; the rest (cookies, tokens, addresses) is between the phone and the service.
HEADERS_IN = frozenset(
    {"accept", "accept-language", "accept-encoding", "content-type", "if-match", "if-none-match"}
    | {"idempotency-key", "x-hidamari-envelope"}
)
NOT_OUT = frozenset({"set-cookie", "connection", "transfer-encoding", "content-length"})
PIECE_BYTES = 128 * 1024
_NAME = "home"  # the host of a relayed request

SendReply = Callable[[Reply], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, ready to be carried out."""

    id: int
    scope: Scope
    body: bytes


class Problem(Exception):
    """A relayed request is refused."""

    def __init__(self, status: int, code: str, expected: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.expected = expected

    def reply(self, number: int) -> Reply:
        """The answer, in the shape of every error of the API."""
        told = {"code": self.code, "message": "not carried out", "expected": self.expected}
        body = msgspec.json.encode({"error": told})
        return Reply(number, self.status, {"content-type": "application/json"}, body)


def asked(query: Query, who: Mapping[str, object]) -> Asked:
    """The request of a query; `who` goes into the scope. Raises InputError."""
    if query.method not in METHODS:
        raise InputError(f"a method of {', '.join(sorted(METHODS))} expected")
    path, _, search = query.path.partition("?")
    if not path.startswith(API) or not query.path.isascii() or len(query.path) > LONGEST_PATH:
        raise InputError(f"an ASCII path below {API} expected")
    headers = [(b"host", _NAME.encode())]
    for name, value in query.headers.items():
        if name.lower() in HEADERS_IN:
            headers.append((name.lower().encode(), _header(value)))
    if query.body:
        headers.append((b"content-length", b"%d" % len(query.body)))
    is_socket = query.method == WS
    scope: Scope = {
        "type": "websocket" if is_socket else "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "wss" if is_socket else "https",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": search.encode(),
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": (_NAME, 443),
        "state": {},
        **who,
    }
    if is_socket:
        scope["subprotocols"] = []
        scope["extensions"] = {"websocket.http.response": {}}
    else:
        scope["method"] = query.method
    return Asked(query.id, scope, query.body)


async def run_http(app: ASGIApp, one: Asked, send: SendReply) -> None:
    """Carry out a request; its answer goes out as it comes."""
    is_given = False
    head: tuple[int, dict[str, str]] = (500, {})

    async def receive() -> Message:
        nonlocal is_given
        if is_given:
            await asyncio.Event().wait()  # whoever asked waits until this task is ended
        is_given = True
        return {"type": "http.request", "body": one.body, "more_body": False}

    async def take(message: Message) -> None:
        nonlocal head
        if message["type"] == "http.response.start":
            head = (message["status"], _headers_out(message))
        elif message["type"] == "http.response.body":
            more = bool(message.get("more_body", False))
            await _send_pieces(send, one.id, head, (message.get("body", b""), more))

    await app(one.scope, receive, take)


async def run_socket(app: ASGIApp, one: Asked, send: SendReply) -> None:
    """Open a WebSocket of the home; each of its messages is a piece, its end the last."""
    is_given = False

    async def receive() -> Message:
        nonlocal is_given
        if is_given:
            await asyncio.Event().wait()
        is_given = True
        return {"type": "websocket.connect"}

    async def take(message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.send":
            data = message.get("bytes") or str(message.get("text") or "").encode()
            await send(Reply(one.id, 101, {}, data, more=True))
        elif kind == "websocket.close":
            await send(Reply(one.id, int(message.get("code", 1000)), {}))
        elif kind == "websocket.http.response.start":
            await send(Reply(one.id, message["status"], {}))

    await app(one.scope, receive, take)


async def _send_pieces(
    send: SendReply, number: int, head: tuple[int, dict[str, str]], part: tuple[bytes, bool]
) -> None:
    body, more = part
    for first in range(0, max(1, len(body)), PIECE_BYTES):
        piece = body[first : first + PIECE_BYTES]
        is_last = first + PIECE_BYTES >= len(body)
        await send(Reply(number, *head, piece, more=more or not is_last))


def _headers_out(message: Message) -> dict[str, str]:
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in message.get("headers", [])
        if name.decode("latin-1").lower() not in NOT_OUT
    }


def _header(value: str) -> bytes:
    if not value.isprintable():
        raise InputError("printable headers expected")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise InputError("headers of latin-1 expected") from None
