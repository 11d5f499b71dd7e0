"""A signed-in client over a paper home, without sockets; real doors are in test_doors.py."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.house import NOW, PaperHome, fill
from tests.api.street import Street

from hidamari.api.app import Options, create_app
from hidamari.api.auth import FILE, Auth
from hidamari.core.access import Role
from hidamari.core.clock import VirtualClock
from hidamari.core.errors import DeviceSilent
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import Answer
from hidamari.home.energy import Energy
from hidamari.plan.inline import InlineSolver

PASSWORD = "himawari no niwa 7"
URL = "http://localhost:8600"

Talk = Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]


class NoWire:
    """A network on which nobody answers."""

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        raise DeviceSilent(host)

    async def set(
        self, host: str, eoj: Eoj, values: Mapping[int, bytes], waits_s: tuple[float, ...] = ()
    ) -> Answer:
        raise DeviceSilent(host)


class Bench:
    """A home, its accounts, and clients in every role."""

    def __init__(self, folder: Path) -> None:
        self.home = PaperHome(folder)
        self.auth = Auth(folder, self.home.clock)
        self.auth.ensure_user("owner", PASSWORD)  # there already where it was copied
        self.energy = Energy(self.home, NoWire(), InlineSolver())
        self.rebuild(Options(web=folder / "web", names=("hidamari.local",), energy=self.energy))

    def rebuild(self, options: Options) -> None:
        """The app with other options."""
        self.app = create_app(self.home, self.auth, options)

    def add(self, name: str, role: Role) -> None:
        self.auth.ensure_user(name, PASSWORD, role)

    @asynccontextmanager
    async def client(
        self, user: str | None = "owner", address: str = "127.0.0.1", **headers: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client at loopback (or another address), signed in as `user`."""
        transport = httpx.ASGITransport(self.app, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
            if user is not None:
                body = {"user": user, "password": PASSWORD}
                answer = await client.post("/api/v1/session", json=body)
                assert answer.status_code == 200, answer.text
            yield client

    def talk(self, conversation: Talk, user: str | None = "owner", **more: str) -> None:
        """Run a conversation of one client."""

        async def run() -> None:
            async with self.client(user, **more) as client:
                await conversation(client)

        asyncio.run(run())


@pytest.fixture(scope="session")
def owner_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An accounts file with the owner in it: hashing a password takes its time."""
    folder = tmp_path_factory.mktemp("owner-only")
    Auth(folder, VirtualClock(NOW)).ensure_user("owner", PASSWORD)
    return folder / FILE


@pytest.fixture
def bench(tmp_path: Path, owner_only: Path) -> Iterator[Bench]:
    shutil.copy(owner_only, tmp_path)
    found = Bench(tmp_path)
    yield found
    found.home.store.close()


@pytest.fixture(scope="session")
def six_weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with history, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("six-weeks")
    home = PaperHome(folder)
    fill(home.store)
    home.store.close()
    return folder


@pytest.fixture
def filled(six_weeks: Path, owner_only: Path, tmp_path: Path) -> Iterator[Bench]:
    """The same with six weeks of history."""
    shutil.copy(owner_only, tmp_path)
    shutil.copytree(six_weeks / "data", tmp_path / "data")
    found = Bench(tmp_path)
    yield found
    found.home.store.close()


@pytest.fixture
def street(bench: Bench) -> Iterator[Street]:
    """The bench behind real doors."""
    with Street(bench) as found:
        yield found
