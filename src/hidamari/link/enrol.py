"""How a home comes to its owner: signed HTTP requests to the service, before there is a link."""

import asyncio
import base64
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from hidamari.core.errors import LinkError
from hidamari.link.device import AT_HEADER, HOME_HEADER, PREFIX, PROOF_HEADER, home_text, proof_text
from hidamari.link.identity import Identity
from hidamari.link.messages import UNREADABLE

logger = logging.getLogger(__name__)

WELL_KNOWN = "/.well-known/hidamari"
WITHIN_S = 15.0  # a whole request; an answer that never ends ends here
ANSWER_BYTES = 65_536
CODE_TAKEN = "device_code_taken"
_TRIES_FOR_A_CODE = 5
_T = TypeVar("_T")


class Member(msgspec.Struct, frozen=True):
    """Somebody who may enter from outside."""

    nickname: str
    role: str


class OpenCode(msgspec.Struct, frozen=True):
    """A link code that may be used, without its digits."""

    expires_at: datetime
    tries_left: int


class LinkCode(msgspec.Struct, frozen=True):
    """A new link code."""

    code: str
    expires_at: datetime


class Status(msgspec.Struct, frozen=True):
    """What the service knows of this home."""

    bound: bool
    members: list[Member] = []
    code: OpenCode | None = None


class _Registered(msgspec.Struct, frozen=True):
    bound: bool


class _Known(msgspec.Struct, frozen=True):
    kind: str
    server_time_ms: int


class _Refusal(msgspec.Struct, frozen=True):
    code: str
    message: str = ""


class _Error(msgspec.Struct, frozen=True):
    error: _Refusal


class Refused(LinkError):
    """The service said no; `code` is its word for why."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"the service refused: {status} {code}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


class Enrolment:
    """The device's endpoints of one service. Every call raises LinkError, OSError or
    TimeoutError.
    """

    def __init__(self, url: str, identity: Identity, context: ssl.SSLContext | None) -> None:
        self.identity = identity
        self.offset_s = 0.0  # the service's unix time minus the loop's count, as last told
        self._parts = urlsplit(url)
        self._context = context if self._parts.scheme == "https" else None

    async def register(self, version: str) -> tuple[Identity, bool]:
        """Make this home known; who we are now (another code where ours was taken), and whether
        an owner has us already.
        """
        for _ in range(_TRIES_FOR_A_CODE):
            key = base64.urlsafe_b64encode(self.identity.public_key).decode().rstrip("=")
            body = {"device_code": self.identity.code, "public_key": key, "version": version}
            try:
                found = await self._call("register", body, _Registered)
            except Refused as refused:
                if refused.code != CODE_TAKEN:
                    raise
                self.identity = self.identity.with_new_code()
                continue
            return self.identity, found.bound
        raise LinkError("a device code that nobody else has was not found")

    async def link_code(self) -> LinkCode:
        """A new link code; the one before is void."""
        return await self._call("link-code", {}, LinkCode)

    async def status(self) -> Status:
        """Whether an owner has linked us, and who may enter."""
        return await self._call("status", {}, Status)

    async def unlink(self) -> None:
        """End the bond between us and all accounts."""
        await self._send("unlink", {})

    async def _call(self, name: str, body: Mapping[str, str], kind: type[_T]) -> _T:
        answer = await self._send(name, body)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except UNREADABLE as error:
            raise LinkError(f"{name}: {kind.__name__} expected: {error}") from None

    async def _send(self, name: str, body: Mapping[str, str]) -> _Answer:
        path, raw = f"{PREFIX}/{name}", msgspec.json.encode(body)
        at_ms = await self._server_ms()
        proof = self.identity.sign(proof_text("POST", path, at_ms, raw))
        headers = {
            HOME_HEADER: home_text(self.identity.home),
            AT_HEADER: str(at_ms),
            PROOF_HEADER: base64.urlsafe_b64encode(proof).decode().rstrip("="),
            "content-type": "application/json",
        }
        answer = await self._ask("POST", path, headers, raw)
        if answer.status >= 300:
            raise Refused(answer.status, _code_of(answer.body))
        return answer

    async def _server_ms(self) -> int:
        """The service's own time: it judges by that, and ours may be wrong or unknown."""
        answer = await self._ask("GET", WELL_KNOWN, {}, b"")
        try:
            known = msgspec.json.decode(answer.body, type=_Known)
        except UNREADABLE:
            known = None
        if answer.status != 200 or known is None or known.kind != "cloud":
            raise LinkError("a server service of Hidamari expected at this address")
        self.offset_s = known.server_time_ms / 1000.0 - asyncio.get_running_loop().time()
        return known.server_time_ms

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> _Answer:
        """One request on a connection of its own; HTTP/1.0 has no answers in chunks."""
        parts = self._parts
        host, port = parts.hostname or "", parts.port or (443 if self._context else 80)
        lines = [f"{method} {parts.path.rstrip('/')}{path} HTTP/1.0", f"host: {parts.netloc}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        lines += [f"content-length: {len(body)}", "", ""]
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=self._context)
            try:
                writer.write("\r\n".join(lines).encode() + body)
                await writer.drain()
                raw = await _read_all(reader)
            finally:
                writer.close()
        return _parsed(raw)


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    raw = bytearray()
    while piece := await reader.read(8192):
        raw += piece
        if len(raw) > ANSWER_BYTES:
            raise LinkError(f"an answer of at most {ANSWER_BYTES} bytes expected")
    return bytes(raw)


def _parsed(raw: bytes) -> _Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    line = head.split(b"\r\n", 1)[0].split(b" ")
    if len(line) < 2 or not line[0].startswith(b"HTTP/") or not line[1].isdigit():
        raise LinkError("an answer of HTTP expected")
    return _Answer(int(line[1]), body)


def _code_of(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Error).error.code[:60]
    except UNREADABLE:
        return ""
