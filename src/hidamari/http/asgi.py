"""What every guard of ours does with a raw request: its headers, its page, its body, a refusal."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from hidamari.http.doors import is_own_origin, split_host
from hidamari.http.errors import ApiError, error_body
from hidamari.http.headers import HEADERS
from hidamari.http.limits import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_JSON_DEPTH,
    READ_TIMEOUT_S,
    json_depth,
)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """All values of a header, in the order in which they came."""
    return [value.decode("latin-1") for key, value in headers if key == name]


def cookie(scope: Scope, name: str) -> str:
    """The value of a cookie; empty where there is none."""
    for header in values(scope["headers"], b"cookie"):
        for pair in header.split(";"):
            key, _, value = pair.partition("=")
            if key.strip() == name:
                return value.strip()
    return ""


def named_host(scope: Scope) -> tuple[str, int | None] | None:
    """The host and port that a request names; None where it names none or several."""
    headers = scope["headers"]
    if sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEADER_BYTES:
        raise ApiError(431, "the headers are too large", f"at most {MAX_HEADER_BYTES} bytes")
    hosts = values(headers, b"host")
    return split_host(hosts[0]) if len(hosts) == 1 else None


def scheme_of(scope: Scope) -> str:
    """http or https, also of a WebSocket."""
    return "https" if scope["scheme"] in {"https", "wss"} else "http"


def check_page(
    scope: Scope, scheme: str, host: tuple[str, int | None], apis: tuple[str, ...]
) -> None:
    """Refuse what a page of somebody else asks for (there is no CORS).

    `apis` are the beginnings of paths that are no pages: no link may lead there.
    """
    headers = scope["headers"]
    is_socket = scope["type"] == "websocket"
    is_unsafe = is_socket or scope["method"] not in SAFE_METHODS
    origins = values(headers, b"origin")
    if any(not is_own_origin(origin, scheme, host) for origin in origins):
        raise ApiError(403, "pages of other places may not ask here", "our own page")
    site = (values(headers, b"sec-fetch-site") or ["none"])[0]
    if site in {"same-origin", "none"}:
        return
    # A link on a foreign page may open ours, nothing else.
    is_link = (values(headers, b"sec-fetch-mode") or [""])[0] == "navigate"
    if is_unsafe or not is_link or scope["path"].startswith(apis):
        raise ApiError(403, "pages of other places may not ask here", "our own page")


async def read_body(scope: Scope, receive: Receive) -> Receive:
    """Read the whole body within the limits; the app then gets it in one piece."""
    declared = (values(scope["headers"], b"content-length") or ["0"])[0]
    if not declared.isdigit() or int(declared) > MAX_BODY_BYTES:
        raise ApiError(413, "the body is too large", f"at most {MAX_BODY_BYTES} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    raise ApiError(413, "the body is too large", f"at most {MAX_BODY_BYTES} bytes")
                more = message.get("more_body", False)
    except TimeoutError as error:
        raise ApiError(408, "the body came too slowly", f"within {READ_TIMEOUT_S:.0f} s") from error
    kind = (values(scope["headers"], b"content-type") or [""])[0]
    if body and "csv" not in kind and json_depth(bytes(body)) > MAX_JSON_DEPTH:
        raise ApiError(422, "the JSON nests too deeply", f"at most {MAX_JSON_DEPTH} levels")
    return _replay(bytes(body), receive)


def _replay(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def with_headers(send: Send, via: str) -> Send:
    """Add the security headers to every answer; what may be cached says so itself."""
    own = [*HEADERS, (b"x-hidamari-via", via.encode())]

    async def secured(message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            headers = list(message.get("headers", []))
            names = {name for name, _ in headers}
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
            headers += [header for header in own if header[0] not in names]
            message = {**message, "headers": headers}
        await send(message)

    return secured


async def refuse(scope: Scope, receive: Receive, send: Send, error: ApiError) -> None:
    """Answer with an error before the app has seen the request."""
    headers = [(b"content-type", b"application/json")]
    headers += [(k.encode(), v.encode()) for k, v in error.headers.items()]
    prefix = ""
    if scope["type"] == "websocket":
        await receive()  # the server first says that somebody wants to connect
        prefix = "websocket."
    else:
        headers.append((b"connection", b"close"))  # an unread body must not be taken for a request
    await answer(send, error.status, error_body(error), headers, prefix)


async def answer(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]], prefix: str = ""
) -> None:
    """A whole answer at once."""
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": f"{prefix}http.response.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": body})
