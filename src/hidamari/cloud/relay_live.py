"""The live stream of a home from outside: the same messages as at home, cut when a right ends."""

import asyncio
from contextlib import aclosing

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from hidamari.cloud.access import entry
from hidamari.cloud.context import service_of
from hidamari.cloud.guard import SESSION
from hidamari.cloud.ports import Access, HomeAway
from hidamari.cloud.relay import Viewer, actor_of, presence_of
from hidamari.cloud.sessions import find
from hidamari.core.access import Action
from hidamari.http.asgi import cookie
from hidamari.http.errors import ApiError
from hidamari.http.limits import STRANGER, Buckets
from hidamari.link.messages import Query

router = APIRouter(tags=["relay"])
CHECK_S = 3.0  # a revoked session or right loses its stream within this time
AGAIN_S = 2.0  # how often a home that is away is looked for; asks only our own memory
OPEN_WITHIN_MS = 10_000
WATCH_EVERY_S, WATCH_S, FRAME_S = 60.0, 90.0, 5
ENDED = 4401  # application code: the session or the right is over
TALKED_TOO_MUCH = 1008  # RFC 6455 7.4.1: policy


@router.websocket("/homes/{home}/api/v1/live")
async def live(socket: WebSocket, access: Viewer) -> None:
    """Pass on what the home tells until the screen leaves or may not look any more."""
    await socket.accept()
    window = Window(socket, access)
    try:
        async with asyncio.TaskGroup() as tasks:
            others = [
                tasks.create_task(window.feed(), name="outside feed"),
                tasks.create_task(window.watch(), name="outside watch"),
            ]
            looking = tasks.create_task(window.read_until_gone(), name="outside read")
            guarding = tasks.create_task(window.guard(), name="outside guard")
            await asyncio.wait({looking, guarding}, return_when=asyncio.FIRST_COMPLETED)
            for task in (*others, looking, guarding):
                task.cancel()
    except* (WebSocketDisconnect, RuntimeError):
        pass  # the screen left while something was being sent


class Window:
    """One screen outside, looking at one home."""

    def __init__(self, socket: WebSocket, access: Access) -> None:
        self._socket = socket
        self._service = service_of(socket)
        self._access = access
        self._secret = cookie(socket.scope, self._service.place.cookie(SESSION))

    async def feed(self) -> None:
        """Pass the home's stream on; begin again by itself when the home is back."""
        while True:
            there = await presence_of(self._service, self._access.home)
            if there.linked:
                await self._pass_on()
                there = await presence_of(self._service, self._access.home)
            if not there.linked:
                await self._socket.send_json(
                    {"type": "away", "last_seen": there.last_seen and there.last_seen.isoformat()}
                )
            while not there.linked:
                await asyncio.sleep(AGAIN_S)
                there = await presence_of(self._service, self._access.home)

    async def watch(self) -> None:
        """Tell the home that somebody looks."""
        while True:
            until_ms = self._service.now_ms() + round(WATCH_S * 1000)
            await self._service.bus.watch(self._access.home, until_ms, FRAME_S)
            await asyncio.sleep(WATCH_EVERY_S)

    async def guard(self) -> None:
        """Return when the session or the right to look is over."""
        while True:
            await asyncio.sleep(CHECK_S)
            session = await find(self._service, self._secret)
            home = self._socket.path_params["home"]
            try:
                await entry(self._service, session, home, Action.VIEW)
            except ApiError:
                await self._socket.close(ENDED)
                return

    async def read_until_gone(self) -> None:
        """Take what the screen sends and do nothing with it; too much of it ends the stream."""
        talk, clock = Buckets(), asyncio.get_running_loop()
        while talk.take(STRANGER, "", clock.time()) == 0.0:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
        await self._socket.close(TALKED_TOO_MUCH)

    async def _pass_on(self) -> None:
        """One stream of the home, to its end."""
        actor = actor_of(self._socket, self._service, self._access)
        query = Query(
            id=0,
            ttl_ms=OPEN_WITHIN_MS,
            actor=actor,
            method="WS",
            path="/api/v1/live",
            headers={},
            sent_ms=self._service.now_ms(),
        )
        try:
            async with aclosing(self._service.bus.request(self._access.home, query)) as pieces:
                async for piece in pieces:
                    if not piece.more:
                        break
                    await self._socket.send_text(piece.body.decode())
        except (HomeAway, TimeoutError):
            return
        await asyncio.sleep(AGAIN_S)  # the home ended it: not again at once
