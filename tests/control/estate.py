"""A furnished home in virtual time: the simulated house, a past, plan and control over it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from tests.whole.air import Air
from tests.whole.loop import LoopClock
from tests.whole.street import OWN, AirHouse, memory_folder

from hidamari.core.reading import Event
from hidamari.demo_home import furnish
from hidamari.echonet.client import Client
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.home.app import Home, Means
from hidamari.home.energy import Energy
from hidamari.home.run import run_home
from hidamari.home.start import Beat
from hidamari.main import known_epcs
from hidamari.plan.inline import InlineSolver
from hidamari.plan.solver import Solver
from hidamari.sim.fleet import NODES
from hidamari.sim.keep import load
from hidamari.sim.run import Net
from hidamari.sim.world import World
from hidamari.store.db import Store

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # Friday 18:00 in Tokyo
PASSWORD = "himawari no niwa 7"


@dataclass(slots=True)
class Estate:
    """The house, its controller, and who plans."""

    folder: Path
    clock: LoopClock
    air: Air
    house: AirHouse
    home: Home
    energy: Energy
    client: Client
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.house.world

    def id_of(self, kind: str) -> str:
        """Our id of the only device of a kind."""
        return next(a.id for a in self.energy.control.assets() if a.kind == kind)

    def events(self, *kinds: str) -> list[Event]:
        """Events of some kinds, oldest first."""
        return self.home.store.events(kinds=kinds, limit=10_000)[::-1]

    async def live(self, **span: float) -> None:
        """Let time pass."""
        await asyncio.sleep(timedelta(**span).total_seconds())

    async def kill(self) -> None:
        """The controller is gone from one moment to the next; the house lives on."""
        task = self.tasks.pop()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self.client.close()


def controller(folder: Path, clock: LoopClock, air: Air, solver: Solver, seed: int) -> Estate:
    """A controller on its folder, not running yet; the house is put in by the caller."""
    store = Store.open(folder, clock.now(), ballast_bytes=0)
    die = Random(seed)
    setup = Setup(
        Label(b"HOMECONTROLLER"),
        own_hosts=frozenset({OWN}),
        search=Search(known_epcs=known_epcs),
        new_tid=lambda: die.randrange(0x10000),
    )
    client = Client(setup, air.connect(OWN))
    home = Home(Means(folder, store, client, clock))
    energy = Energy(home, client, solver)
    return Estate(folder, clock, air, None, home, energy, client)  # type: ignore[arg-type]


@cache
def furnished(start: datetime, days: int, seed: int) -> dict[str, bytes]:
    """The files of a home with a past: living it takes longer than most tests."""
    with memory_folder() as folder:
        furnish(folder, seed, start, days, PASSWORD)
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@asynccontextmanager
async def an_estate(
    start: datetime = START, days: int = 20, seed: int = 1, solver: Solver | None = None
) -> AsyncIterator[Estate]:
    """A home with a past of some days, running."""
    with memory_folder() as folder:
        for name, content in furnished(start, days, seed).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        clock, air = LoopClock(start), Air(seed)
        world = load(folder / "house.json")
        assert world is not None
        net = Net(tuple(f"10.0.0.{host}" for host in range(2, 2 + NODES)), OWN, multicast=True)
        house = AirHouse(world, clock, net)
        house.air, house.die = air, Random(seed)
        living = asyncio.create_task(house.serve(), name="devices")
        await asyncio.sleep(0.1)
        estate = controller(folder, clock, air, solver or InlineSolver(), seed)
        estate.house = house
        running = run_home(estate.home, estate.energy.parts(), Beat())
        estate.tasks = [living, asyncio.create_task(running, name="home")]
        try:
            yield estate
        finally:
            for task in reversed(estate.tasks):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            estate.client.close()
            estate.home.store.close()
