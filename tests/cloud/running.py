"""A whole service behind a real socket, people in front of it, and homes that come to it."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.types import ASGIApp
from websockets.asyncio.client import connect

from hidamari.api.relayed import admit
from hidamari.cloud import letters
from hidamari.cloud.app import create_app
from hidamari.cloud.hub import Hub
from hidamari.cloud.main import ROOM, CloudWishes, living, opened
from hidamari.cloud.place import Place, place_of
from hidamari.cloud.service import Service
from hidamari.core.clock import Clock, RealClock, VirtualClock
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.passwords import Hashing
from hidamari.http.serve import serve
from hidamari.link import messages
from hidamari.link.client import Client, Means
from hidamari.link.device import home_text
from hidamari.link.dial import dialler, server_name
from hidamari.link.enrol import Enrolment, LinkCode, Status
from hidamari.link.identity import Identity
from hidamari.link.messages import Bye, Hello, LiveFrame, Nonce, Welcome
from hidamari.link.relay import Relay
from hidamari.link.terms import Terms
from hidamari.store.db import Store

PASSWORD = "ひなたぼっこ 2026"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # what is counted is the same
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loads no authorities: nothing here is TLS
LINKED_WITHIN_S = 20.0
V1 = "/cloud/v1"
LINK = re.compile(r"#token=(\S+)")


@dataclass
class Running:
    """A running service; time moves only when told."""

    service: Service
    hub: Hub
    url: str
    clock: Clock
    _open: AsyncExitStack
    _known: int = 0

    def browser(self) -> httpx.AsyncClient:
        """A browser that nobody has signed in with."""
        client = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30.0, verify=PLAIN)
        self._open.push_async_callback(client.aclose)
        return client

    def at_the_end(self, job: Callable[[], Awaitable[None]]) -> None:
        """Do this before the service ends."""
        self._open.push_async_callback(job)

    def mails_to(self, mail: str) -> list[str]:
        """The texts of all mails to somebody, the newest first."""
        assert self.service.mailbox is not None
        found = [one for one in self.service.mailbox.mails() if one["To"] == mail]
        return [str(one.get_content()) for one in found]

    async def token(self, mail: str) -> str:
        """What the newest mail to somebody leads to."""
        await letters.sent(self.service)
        found = LINK.search(self.mails_to(mail)[0])
        assert found is not None
        return found[1]

    async def person(self, mail: str) -> "Person":
        """Somebody who has signed up, done as the screens do it."""
        person = Person(self.browser(), mail)
        answer = await person.post("/sign-up", {"mail": mail, "lang": "ja"})
        assert answer.status_code == 202, answer.text
        body = {"token": await self.token(mail), "password": PASSWORD}
        answer = await person.post("/account", body)
        assert answer.status_code == 201, answer.text
        return person

    def home(self) -> "NewHome":
        """A home that was never here."""
        return NewHome(Identity.new(), self)

    async def linked(self, person: "Person", nickname: str = "ははの電話") -> "NewHome":
        """A home that the person has linked."""
        home = self.home()
        await home.register()
        code = await home.link_code()
        answer = await person.claim(home, code.code, nickname)
        assert answer.status_code == 201, answer.text
        return home


@dataclass
class Person:
    """A browser and whose it is."""

    browser: httpx.AsyncClient
    mail: str

    async def get(self, path: str) -> httpx.Response:
        return await self.browser.get(V1 + path)

    async def post(self, path: str, body: object = None) -> httpx.Response:
        return await self.browser.post(V1 + path, json=body)

    async def put(self, path: str, body: object) -> httpx.Response:
        return await self.browser.put(V1 + path, json=body)

    async def patch(self, path: str, body: object) -> httpx.Response:
        return await self.browser.patch(V1 + path, json=body)

    async def delete(self, path: str, body: object = None) -> httpx.Response:
        return await self.browser.request("DELETE", V1 + path, json=body)

    async def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/session", {"mail": self.mail, "password": password})

    async def claim(self, home: "NewHome", code: str, nickname: str) -> httpx.Response:
        body = {"device_code": home.identity.code, "link_code": code, "nickname": nickname}
        return await self.post("/homes/claim", body)


@dataclass
class NewHome:
    """The controller of a home, from its first start on, with the client that homes really use."""

    identity: Identity
    running: Running
    desk: Enrolment = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Enrolment(self.running.url, self.identity, None)

    @property
    def id(self) -> str:
        return home_text(self.identity.home)

    async def register(self) -> bool:
        """Whether somebody has the home already."""
        self._later()
        self.identity, is_bound = await self.desk.register("0.1.0")
        return is_bound

    async def link_code(self) -> LinkCode:
        self._later()
        return await self.desk.link_code()

    async def status(self) -> Status:
        self._later()
        return await self.desk.status()

    async def unlink(self) -> None:
        self._later()
        await self.desk.unlink()

    @asynccontextmanager
    async def link(
        self, key: Ed25519PrivateKey | None = None, name: str = "127.0.0.1"
    ) -> AsyncIterator["Wire"]:
        """A link after its hello was said."""
        url = self.running.url.replace("http", "ws") + messages.PATH
        async with connect(url, compression=None, ping_interval=None, proxy=None) as socket:

            async def hear() -> messages.Down:
                while True:
                    found = messages.decode_down(await socket.recv(decode=False))
                    if found is not None:
                        return found

            nonce = await hear()
            assert isinstance(nonce, Nonce)
            proof = (key or self.identity.key).sign(messages.proof_text(name, nonce.nonce))
            hello = Hello(self.identity.home, 7, proof, "0.1.0", {}, {})
            await socket.send(messages.encode(hello))
            answer = await hear()
            assert isinstance(answer, Welcome | Bye)
            yield Wire(answer, hear)

    async def line(self, app: ASGIApp, store: Store) -> "Line":
        """The link of a controller that answers with this app, until the service ends."""
        made = Line(self.running, self.identity, app, store)
        await made.connect()
        self.running.at_the_end(made.leave)
        return made

    def _later(self) -> None:
        """The same request in the same millisecond would be a replay."""
        if isinstance(self.running.clock, VirtualClock):
            self.running.clock.advance(0.01)


@dataclass
class Wire:
    """An open link: the answer to the hello, and a way to hear more."""

    answer: Welcome | Bye
    hear: Callable[[], Awaitable[messages.Down]]


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


class Line:
    """The home's end of the link, as controllers have it, which can go and come back."""

    def __init__(self, running: Running, identity: Identity, app: ASGIApp, store: Store) -> None:
        self._running = running
        self._told = Told()
        relay = Relay(app, admit, store.answers)
        dial, name = dialler(running.url, None), server_name(running.url)
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
        bus = self._running.service.bus
        async with asyncio.timeout(LINKED_WITHIN_S):
            while (await bus.presence(self.means.identity.home)).linked:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def service_on(
    store: str, folder: Path, clock: Clock, place: Place | None = None
) -> AsyncIterator[Running]:
    """A service with this store, as `hidamari cloud --mailbox` runs it but for quick hashes."""
    listening = Listening(DoorPlan("127.0.0.1", 0, None))
    url = f"http://127.0.0.1:{listening.http_port}"
    mail = "" if place is None else "smtp://127.0.0.1:9?from=cloud@example.jp"
    parts = opened(
        CloudWishes(store, folder, 0, mail=mail), place or place_of(url), clock, Hashing(QUICK)
    )
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        service, hub = await stack.enter_async_context(parts)
        door = serve(create_app(service, hub), listening, room=ROOM)
        await stack.enter_async_context(living(service, hub, door))
        yield Running(service, hub, url, clock, stack)
        await asyncio.sleep(0)
