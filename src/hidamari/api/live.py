"""The live stream: new values and events to every open screen, at the pace people look at."""

import asyncio
from collections import deque
from contextlib import suppress

from fastapi import APIRouter, WebSocket
from pydantic_core import to_json
from starlette.websockets import WebSocketDisconnect

from hidamari.api.context import api_of, may, needs, visit_of
from hidamari.api.guard import still_there
from hidamari.api.now import live_body, with_sums
from hidamari.api.sums import Kept
from hidamari.core.access import Action
from hidamari.core.pace import Pace
from hidamari.core.reading import Event
from hidamari.home.view import Snapshot
from hidamari.http.doors import Door
from hidamari.http.limits import STRANGER, Buckets
from hidamari.schema.events import EventEntry

router = APIRouter(tags=["live"])

# Of real time, whatever the pace of the home's clock; a few changes may follow each other at once.
EVERY_S, AT_ONCE = 1.0, 3
CHECK_S = 3.0  # a revoked session loses its stream within this time
MAX_EVENTS = 100  # waiting for a slow screen; older ones are read from /events
ENDED = 4401  # application code: the session is over
TALKED_TOO_MUCH = 1008  # RFC 6455 7.4.1: policy


@router.websocket("/live", dependencies=needs(Action.VIEW))
async def live(socket: WebSocket) -> None:
    """Send `now` messages and `event` messages until the screen leaves or is signed out."""
    await socket.accept()
    stream = Stream(socket)
    stop = api_of(socket).home.subscribe(stream.on_news)
    try:
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(stream.write(), name="live write")
            await stream.read_until_gone()
            writer.cancel()
    except* (WebSocketDisconnect, RuntimeError):
        pass  # the screen left while something was being sent
    finally:
        stop()


class Stream:
    """One screen: what it has not been told yet."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._api = api_of(socket)
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._snapshot: Snapshot | None = None
        self._kept: Kept | None = None
        self._wake = asyncio.Event()
        self._pace = Pace(EVERY_S, AT_ONCE)

    def on_news(self, news: Snapshot | Event) -> None:
        """Take what the home tells; returns at once."""
        if isinstance(news, Event):
            self._events.append(news)
        else:
            self._snapshot = news
        self._wake.set()

    async def write(self) -> None:
        """Send the whole picture, then what changes, until the session ends."""
        self._snapshot = self._api.home.snapshot()
        while self._is_signed_in():
            while self._events:
                event = EventEntry.of(self._events.popleft())
                await self._send({"type": "event", "event": event})
            if self._snapshot is not None and self._pace.wait_s(_now_s()) == 0.0:
                await self._send_now(self._snapshot)
            await self._wait()
        await self._socket.close(ENDED)

    async def read_until_gone(self) -> None:
        """Take what the screen sends and do nothing with it; too much of it ends the stream."""
        talk = Buckets()
        while talk.take(STRANGER, "", _now_s()) == 0.0:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
        await self._socket.close(TALKED_TOO_MUCH)

    async def _send_now(self, snapshot: Snapshot) -> None:
        self._snapshot = None
        self._pace.went(_now_s())
        kept = await self._api.sums.at_hand()
        body = live_body(self._api, snapshot, kept)
        whole = body if kept is self._kept else with_sums(body, kept)
        self._kept = kept
        await self._send({"type": "now", "now": whole})

    async def _send(self, message: dict[str, object]) -> None:
        await self._socket.send_text(to_json(message, by_alias=True).decode())

    async def _wait(self) -> None:
        """Until there is news that may be sent, at most CHECK_S."""
        pause_s = CHECK_S if self._snapshot is None else self._pace.wait_s(_now_s())
        self._wake.clear()
        if self._events or pause_s <= 0.0:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(pause_s, CHECK_S)):
                await self._wake.wait()

    def _is_signed_in(self) -> bool:
        """Whether the session or token still holds, and still may look."""
        visit = visit_of(self._socket)
        if visit.door is Door.RELAY:
            return True  # whoever relays cuts it
        caller = still_there(visit, self._api.auth)
        return (
            caller is not None and not caller.must_change and may(self._socket, caller, Action.VIEW)
        )


def _now_s() -> float:
    """Real seconds: people look at the real pace, also where the home's clock runs fast."""
    return asyncio.get_running_loop().time()
