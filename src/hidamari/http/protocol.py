"""HTTP connections with limits: few at a time, none that is slow, none that is noisy in the log.

uvicorn waits for ever for the first request of a connection and for an answer to be read, and
counts connections only to refuse everybody once there are too many. Here a connection has 10 s
to send the head of a request and 20 s to take up what was sent, and when all places are taken
the one that has kept us waiting for longest gives way, so that slow or hoarding clients cannot
shut out the others.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import h11
from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from hidamari.http.limits import READ_TIMEOUT_S

MAX_CONNECTIONS = 64
WAIT_S = 0.05
WRITE_TIMEOUT_S = 20.0  # without taking up half of what waits for it, some 32 KB


class Places:
    """The connections of all doors of a home together, oldest first."""

    def __init__(self, limit: int = MAX_CONNECTIONS) -> None:
        self._limit = limit
        self._taken: dict[asyncio.BaseTransport, LimitedHttp | None] = {}
        self._waiting: set[LimitedHttp] = set()

    def take(self, connection: "LimitedHttp") -> bool:
        """Give a new connection a place, at the cost of an idle one; False when all work."""
        self._waiting.discard(connection)
        if len(self._taken) >= self._limit:
            idle = next(self._idle(), None)
            if idle is None:
                return False
            self.leave(idle.transport)
            idle.transport.abort()
        self._taken[connection.transport] = connection
        return True

    def may_wait(self, connection: "LimitedHttp") -> bool:
        """Whether there is room to wait for a place."""
        if len(self._waiting) >= self._limit:
            return False
        self._waiting.add(connection)
        return True

    def stays(self, transport: asyncio.BaseTransport) -> None:
        """The connection became a WebSocket: it keeps its place until it ends."""
        if transport in self._taken:
            self._taken[transport] = None

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """The connection is over."""
        self._taken.pop(transport, None)
        self._waiting = {one for one in self._waiting if one.transport is not transport}

    def __len__(self) -> int:
        return len(self._taken)

    def _idle(self) -> Iterator["LimitedHttp"]:
        """Connections that wait for their client, the longest waiting first."""
        waiting = [one for one in self._taken.values() if one is not None and one.gives_way]
        yield from sorted(waiting, key=lambda one: one.idle_since_s)


class LimitedHttp(H11Protocol):
    """uvicorn's HTTP/1.1 with a place to take and a time to say what is wanted."""

    places: Places

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.idle_since_s = 0.0
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_http = True
        self._slow_reader = _SlowReader(self.loop)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered: waiting for a head, or between requests."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def gives_way(self) -> bool:
        """Whether it is the client that keeps us waiting: for a head, a body, or by not reading."""
        if self.is_idle or self.flow.write_paused:
            return True
        return self.cycle.more_body and not self.cycle.response_started

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place or close at once."""
        super().connection_made(transport)
        self.idle_since_s = self.loop.time()
        self._find_place(self.idle_since_s + READ_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._stop_timer()
        self._slow_reader.stop()
        self.places.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what came; the timer runs until a whole head has come."""
        super().data_received(data)
        if not self.is_idle:
            self._stop_timer()
        elif self._is_http and self._head_timer is None and not self.transport.is_closing():
            self._await_head()  # the first bytes of another request on the same connection

    def on_response_complete(self) -> None:
        """Between requests the connection is idle again."""
        self.idle_since_s = self.loop.time()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The connection lives on as a WebSocket, which may be silent for as long as it likes."""
        self._is_http = False
        self._stop_timer()
        self.places.stays(self.transport)
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """The client does not take up the answer as fast as it is made."""
        super().pause_writing()
        self._slow_reader.wait(self.transport)

    def resume_writing(self) -> None:
        """The client has taken up enough."""
        super().resume_writing()
        self._slow_reader.stop()

    def _find_place(self, until_s: float) -> None:
        """Take a place; while all others work, wait unread for one to become free."""
        if self.transport.is_closing():
            return
        if self.places.take(self):
            self.transport.resume_reading()
            self._await_head()
        elif self.loop.time() < until_s and self.places.may_wait(self):
            self.transport.pause_reading()
            self.loop.call_later(WAIT_S, self._find_place, until_s)
        else:
            self.transport.abort()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(READ_TIMEOUT_S, self._too_slow)

    def _too_slow(self) -> None:
        self._head_timer = None
        if self.is_idle and not self.transport.is_closing():
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket that gives its place back."""

    places: Places

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._slow_reader = _SlowReader(self.loop)

    async def send(self, message: ASGISendEvent) -> None:
        """Send on; a whole refusal ends the handshake too, else uvicorn logs it as an error."""
        await super().send(message)
        is_body = message["type"] == "websocket.http.response.body"
        if is_body and not message.get("more_body", False):
            self.handshake_complete = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._slow_reader.stop()
        self.places.leave(self.transport)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The screen does not take up what is sent."""
        super().pause_writing()
        self._slow_reader.wait(self.transport)

    def resume_writing(self) -> None:
        """The screen has taken up enough."""
        super().resume_writing()
        self._slow_reader.stop()


class _SlowReader:
    """Cuts a connection whose client does not read."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, transport: asyncio.Transport) -> None:
        """Give the client its time from now on."""
        self.stop()
        self._timer = self._loop.call_later(WRITE_TIMEOUT_S, transport.abort)

    def stop(self) -> None:
        """The client has read, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def limited(places: Places) -> tuple[type[LimitedHttp], type[LimitedWebSocket]]:
    """The two protocols, sharing these places."""
    http = type("Http", (LimitedHttp,), {"places": places})
    socket = type("WebSocket", (LimitedWebSocket,), {"places": places})
    return http, socket
