"""The WebSocket under the link: opened by the home, one binary frame a message."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from hidamari.core.errors import LinkError
from hidamari.link.messages import MAX_MESSAGE_BYTES, PATH

OPEN_S = 20.0
CLOSE_S = 3.0
# A line that takes nothing for so long is dead; the kernel counts, no packet is spent on it.
DEAD_S = 150.0
SECOND_ADDRESS_S = 0.3  # IPv6 first, and IPv4 soon after where that leads nowhere


class LineLost(Exception):
    """The connection is gone, or could not be made because of our own network."""


class Closed(Exception):
    """The service ended the connection, or did not take it."""


class Wire(Protocol):
    """A connection that carries whole messages."""

    async def send(self, frame: bytes) -> None:
        """Send a message; raises Closed, LineLost."""
        ...

    async def receive(self) -> bytes:
        """The next message; raises Closed, LineLost, LinkError for what is none."""
        ...

    async def ping(self) -> None:
        """Return when the other end has answered; raises Closed, LineLost."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


Dial = Callable[[], Awaitable[Wire]]


class WebSocketWire:
    """A wire over TLS and WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, frame: bytes) -> None:
        """Send a message."""
        try:
            await self._connection.send(frame)
        except WebSocketException as error:
            raise self._ended(error) from error

    async def receive(self) -> bytes:
        """The next message."""
        try:
            frame = await self._connection.recv()
        except WebSocketException as error:
            raise self._ended(error) from error
        if isinstance(frame, str):
            raise LinkError("binary messages expected, got text")
        return frame

    async def ping(self) -> None:
        """Return when the other end has answered."""
        try:
            await (await self._connection.ping())
        except WebSocketException as error:
            raise self._ended(error) from error

    async def close(self) -> None:
        """End it."""
        await self._connection.close()

    def _ended(self, error: WebSocketException) -> Exception:
        """A close frame or an end of the stream came from the service; all else is the line."""
        text = str(error)[:200]
        cause = error.__cause__
        is_line = isinstance(cause, OSError) and not isinstance(cause, ConnectionResetError)
        return LineLost(text) if is_line else Closed(text)


def dialler(url: str, context: ssl.SSLContext | None) -> Dial:
    """How to reach the link of the service at `url` (https or http)."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    target = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}{PATH}"

    async def dial() -> Wire:
        try:
            connection = await connect(
                target,
                ssl=context if scheme == "wss" else None,
                max_size=MAX_MESSAGE_BYTES,
                max_queue=16,
                compression=None,
                ping_interval=None,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                user_agent_header=None,
                happy_eyeballs_delay=SECOND_ADDRESS_S,
            )
        except (InvalidHandshake, InvalidURI, ssl.SSLError, ConnectionError) as error:
            raise Closed(str(error)[:200]) from error  # somebody answered, and not with a link
        except (OSError, TimeoutError) as error:
            raise LineLost(str(error)[:200]) from error
        _watch(connection.transport)
        return WebSocketWire(connection)

    return dial


def finds_no_internet(error: BaseException) -> bool:
    """Whether a failed try shows that our own network leads nowhere: no name server answers, or
    there is no route. A service that is away or silent shows nothing of the kind.
    """
    cause = error.__cause__ if isinstance(error, LineLost) else error
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    return isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.ENETDOWN)


def server_name(url: str) -> str:
    """The name in the proof: the host that was dialled."""
    return (urlsplit(url).hostname or "").lower()


def _watch(transport: asyncio.BaseTransport) -> None:
    """Let the kernel give up a line on which what we send is not taken."""
    found = transport.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(DEAD_S * 1000))
