"""A running service with an account, and a home that was linked to it as people do it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update
from starlette.types import ASGIApp

from hidamari.api.relayed import admit
from hidamari.cloud.app import create_app
from hidamari.cloud.mail import Mailbox
from hidamari.cloud.main import ROOM, CloudWishes, living, opened
from hidamari.cloud.place import place_of
from hidamari.cloud.service import Service
from hidamari.cloud.tables import access
from hidamari.core.access import Role
from hidamari.core.clock import RealClock
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.serve import serve
from hidamari.link.client import Client, Means
from hidamari.link.device import home_text
from hidamari.link.dial import dialler, server_name
from hidamari.link.enrol import Enrolment
from hidamari.link.identity import Identity
from hidamari.link.messages import LiveFrame
from hidamari.link.relay import Relay
from hidamari.link.terms import Terms
from hidamari.store.db import Store

MAIL, PASSWORD = "hanako@example.jp", "himawari no niwa 7"
TOKEN = re.compile(r"#token=([\w-]+)")
LINKED_WITHIN_S = 20.0


class Told:
    """What a link asks of its home, where nothing else is of interest."""

    def __init__(self) -> None:
        self.is_welcome = asyncio.Event()

    def live(self) -> LiveFrame | None:
        now_ms = round(RealClock().now().timestamp() * 1000)
        return LiveFrame(now_ms, [3200, 0, -1000, 1300, 0, 0, 900, 900], 61.5)

    def caps(self) -> dict[str, str | int | bool]:
        return {"revision": 1, "lan_url": "http://192.0.2.5:8600", "name": "陽だまりの家"}

    def time_told(self, offset_s: float) -> None:
        pass

    def welcomed(self, terms: Terms) -> None:
        self.is_welcome.set()

    def heard(self) -> None:
        pass

    def refused(self, stream: int, seq: int, code: str) -> None:
        raise AssertionError(f"refused {stream} {seq}: {code}")

    def settled(self) -> None:
        pass


@dataclass
class Town:
    """A service, somebody who is signed in, and the home of this person."""

    service: Service
    url: str
    mailbox: Mailbox
    stack: AsyncExitStack
    client: httpx.AsyncClient
    home: str = ""

    @property
    def base(self) -> str:
        """Where the home is from outside."""
        return f"/homes/{self.home}"

    async def sign_up(self, mail: str = MAIL) -> httpx.AsyncClient:
        """A new person, with a browser of their own."""
        browser = httpx.AsyncClient(base_url=self.url, timeout=30.0)
        await self.stack.enter_async_context(browser)
        assert (await browser.post("/cloud/v1/sign-up", json={"mail": mail})).status_code == 202
        await self.service.post.sent()
        token = TOKEN.search(str(self.mailbox.mails()[0].get_content()))
        assert token is not None
        body = {"token": token[1], "password": PASSWORD}
        assert (await browser.post("/cloud/v1/account", json=body)).status_code == 201
        return browser

    async def link(self, app: ASGIApp, store: Store, nickname: str = "はなこ") -> "Linked":
        """Register, show the codes, claim, connect."""
        identity = Identity.new()
        desk = Enrolment(self.url, identity, None)
        identity, _ = await desk.register("0.1.0")
        shown = await desk.link_code()
        codes = {"device_code": identity.code, "link_code": shown.code, "nickname": nickname}
        claimed = await self.client.post("/cloud/v1/homes/claim", json=codes)
        assert claimed.status_code == 201, claimed.text
        self.home = claimed.json()["home"]
        assert self.home == home_text(identity.home)
        linked = Linked(self, identity, app, store)
        await linked.connect()
        self.stack.push_async_callback(linked.leave)
        return linked

    async def give(self, role: Role) -> None:
        """Make everybody this in the home."""
        async with self.service.database.writing() as connection:
            await connection.execute(update(access).values(role=role))


class Linked:
    """The home's end of the link, which can go and come back."""

    def __init__(self, town: Town, identity: Identity, app: ASGIApp, store: Store) -> None:
        self._town = town
        self._told = Told()
        relay = Relay(app, admit, store.answers)
        dial = dialler(town.url, None)
        name = server_name(town.url)
        self.means = Means(identity, name, "0.1.0", dial, store.outbox, self._told, relay)
        self._task: asyncio.Task[Any] | None = None

    async def connect(self) -> None:
        """Until the service took the home in."""
        self._told.is_welcome.clear()
        self._task = asyncio.create_task(Client(self.means).connect(), name="link")
        welcome = asyncio.create_task(self._told.is_welcome.wait())
        both = {welcome, self._task}
        await asyncio.wait(both, timeout=LINKED_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        assert welcome.done(), self._task

    async def leave(self) -> None:
        """The line is cut."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        bus = self._town.service.bus
        async with asyncio.timeout(LINKED_WITHIN_S):
            while (await bus.presence(self.means.identity.home)).linked:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def town_on(url: str, folder: Path) -> AsyncIterator[Town]:
    """A service over the store of this address, and one person signed in."""
    folder.mkdir(parents=True, exist_ok=True)
    listening = Listening(DoorPlan("127.0.0.1", 0, None))
    place = place_of(f"http://127.0.0.1:{listening.http_port}")
    wishes = CloudWishes(url, folder, 0)
    async with opened(wishes, place, RealClock()) as (service, hub), AsyncExitStack() as people:
        door = serve(create_app(service, hub), listening, room=ROOM)
        async with living(service, hub, door):
            assert service.mailbox is not None
            town = Town(service, place.url, service.mailbox, people, httpx.AsyncClient())
            await town.client.aclose()
            town.client = await town.sign_up()
            yield town
            await people.aclose()
