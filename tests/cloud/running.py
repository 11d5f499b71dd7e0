"""A whole service behind a real socket, people in front of it, and homes that enrol with it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import connect

from hidamari.cloud.app import create_app
from hidamari.cloud.hub import Hub
from hidamari.cloud.main import ROOM, CloudWishes, living, opened
from hidamari.cloud.place import place_of
from hidamari.cloud.service import Service
from hidamari.core.clock import VirtualClock
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.serve import serve
from hidamari.link import messages
from hidamari.link.device import home_text
from hidamari.link.enrol import Enrolment, LinkCode, Status
from hidamari.link.identity import Identity
from hidamari.link.messages import Bye, Hello, Nonce, Welcome

PASSWORD = "ひなたぼっこ 2026"
V1 = "/cloud/v1"
LINK = re.compile(r"#token=(\S+)")


@dataclass
class Running:
    """A running service; time moves only when told."""

    service: Service
    hub: Hub
    url: str
    clock: VirtualClock
    _open: AsyncExitStack
    _known: int = 0

    def browser(self) -> httpx.AsyncClient:
        """A browser that nobody has signed in with."""
        client = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30.0)
        self._open.push_async_callback(client.aclose)
        return client

    def mails_to(self, mail: str) -> list[str]:
        """The texts of all mails to somebody, the newest first."""
        assert self.service.mailbox is not None
        found = [one for one in self.service.mailbox.mails() if one["To"] == mail]
        return [str(one.get_content()) for one in found]

    async def token(self, mail: str) -> str:
        """What the newest mail to somebody leads to."""
        await self.service.post.sent()
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

    def _later(self) -> None:
        """The same request in the same millisecond would be a replay."""
        self.running.clock.advance(0.01)


@dataclass
class Wire:
    """An open link: the answer to the hello, and a way to hear more."""

    answer: Welcome | Bye
    hear: Callable[[], Awaitable[messages.Down]]


@asynccontextmanager
async def service_on(store: str, folder: Path, clock: VirtualClock) -> AsyncIterator[Running]:
    """A service with this store, as `hidamari cloud --mailbox` runs it, until the end."""
    listening = Listening(DoorPlan("127.0.0.1", 0, None))
    url = f"http://127.0.0.1:{listening.http_port}"
    wishes = CloudWishes(store, folder, 0)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        service, hub = await stack.enter_async_context(opened(wishes, place_of(url), clock))
        door = serve(create_app(service, hub), listening, room=ROOM)
        await stack.enter_async_context(living(service, hub, door))
        yield Running(service, hub, url, clock, stack)
        await asyncio.sleep(0)
