"""Opens the doors: HTTP for the family, HTTPS with the gateway's own key, in one loop."""

import asyncio
import logging
import socket
import ssl
from asyncio import sslproto
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from hidamari.http.limits import MAX_HEADER_BYTES, READ_TIMEOUT_S
from hidamari.http.listening import BACKLOG, Listening
from hidamari.http.protocol import MAX_CONNECTIONS, Places, limited

TICK_S = 1.0
KEEP_ALIVE_S = 30
GOODBYE_S = 2
MAX_MESSAGE_BYTES = 16 * 1024  # of a WebSocket: screens have little to say
QUIET_S = 600.0
PING_S = 20.0
TLS_BUFFER_BYTES = 16 * 1024  # one record (RFC 8446)


@dataclass(frozen=True, slots=True)
class Room:
    """How much there is place for, and what the first door speaks."""

    connections: int = MAX_CONNECTIONS
    message_bytes: int = MAX_MESSAGE_BYTES
    backlog: int = BACKLOG
    ping_s: float | None = PING_S  # None: the WebSockets have a heartbeat of their own
    tls: ssl.SSLContext | None = None  # of the first door; None: plain HTTP


HOUSE = Room()


async def serve(
    app: ASGIApp, listening: Listening, tls: ssl.SSLContext | None = None, room: Room = HOUSE
) -> None:
    """Serve the doors until cancelled; open requests have two seconds to end."""
    places = Places(room.connections)
    _quieten()
    first = _Door(_config(app, places, room), room.tls, listening.waiting)
    doors = [(first, listening.http)]
    if listening.https is not None and tls is not None:
        doors.append((_Door(_config(app, places, room), tls, []), listening.https))
    try:
        async with asyncio.TaskGroup() as tasks:
            for door, one in doors:
                tasks.create_task(door.serve([one]), name="web door")
    finally:
        listening.close()


class _Door(uvicorn.Server):
    """A uvicorn server that leaves signals to the process and ends when it is cancelled."""

    def __init__(
        self, config: uvicorn.Config, tls: ssl.SSLContext | None, waiting: list[socket.socket]
    ) -> None:
        super().__init__(config)
        self._tls = tls
        self._waiting = waiting

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # asyncio keeps a buffer of this size for each TLS connection, else of 256 KiB.
        sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES
        await self.lifespan.startup()
        loop, config = asyncio.get_running_loop(), self.config

        def protocol() -> asyncio.Protocol:
            return config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        self.servers = [
            await loop.create_server(
                protocol,
                sock=one,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else READ_TIMEOUT_S,
                backlog=config.backlog,
            )
            for one in sockets or []
        ]
        while self._waiting:
            await loop.connect_accepted_socket(protocol, self._waiting.pop(0))
        self.started = True

    async def main_loop(self) -> None:
        try:
            while not await self.on_tick(0):
                await asyncio.sleep(TICK_S)
        except asyncio.CancelledError:
            self.should_exit = True
            await self.shutdown()
            raise


def _config(app: ASGIApp, places: Places, room: Room) -> uvicorn.Config:
    http, web_socket = limited(places)
    return uvicorn.Config(
        app,
        http=http,
        ws=web_socket,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who asks is who connects
        server_header=False,
        backlog=room.backlog,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GOODBYE_S,
        ws_max_size=room.message_bytes,
        ws_ping_interval=room.ping_s,
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
    )


class _Rarely(logging.Filter):
    """Lets the same message through once in ten minutes: garbage must not fill the log."""

    def __init__(self) -> None:
        super().__init__()
        self._last_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this message has not been logged for a while."""
        what = record.exc_info[1] if record.exc_info else None
        key = f"{record.msg} {type(what).__name__}"
        if record.created - self._last_s.get(key, -1e12) < QUIET_S:
            return False
        self._last_s[key] = record.created
        return True


def _quieten() -> None:
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.WARNING)
    if not any(isinstance(one, _Rarely) for one in logger.filters):
        logger.addFilter(_Rarely())
