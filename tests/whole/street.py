"""A whole home in virtual time: simulated devices, a network in memory, the real controller.

The controller can be cut off at any moment; what it had not written is gone, and the next one
starts from its folder. `edges` holds what the house really did.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
from tests.whole.air import Air
from tests.whole.loop import LoopClock

from hidamari.core.reading import Event, SeriesKey
from hidamari.core.time import SLOT_S, unix
from hidamari.demo_home import furnish
from hidamari.devices import kind_of
from hidamari.echonet.client import Client
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.home.app import Home, Means
from hidamari.home.clock import Kernel
from hidamari.home.run import run_home
from hidamari.home.start import Beat
from hidamari.home.supervise import Part
from hidamari.sim.fleet import DEVICES, NODES, SimDevice
from hidamari.sim.house import HouseState
from hidamari.sim.keep import load
from hidamari.sim.meter import HalfHours
from hidamari.sim.replay import SLOT_TICKS, TICK_S, Replay, packaged_year
from hidamari.sim.run import Net, SimHouse
from hidamari.sim.world import World
from hidamari.store.db import Store

# A Wednesday in June, 23:50 in Tokyo: ten minutes to find everything, then a whole local day.
EVENING = datetime(2026, 6, 10, 14, 50, tzinfo=UTC)
MIDNIGHT = EVENING + timedelta(minutes=10)
OWN = "10.0.0.1"
PASSWORD = "himawari no niwa 7"
Parts = dict[str, Part]


class TracedWorld(World):
    """A world that remembers its state at every :00 and :30."""

    def __init__(self, state: HouseState, half_hours: HalfHours, replay: Replay | None) -> None:
        self.edges: dict[int, HouseState] = {}
        super().__init__(state, half_hours, replay)

    def step(self, ticks: int) -> HouseState:
        if self.state.tick % SLOT_TICKS == 0:
            self.edges[self.state.tick // SLOT_TICKS] = self.state
        return super().step(ticks)


class AirHouse(SimHouse):
    """The simulated house on a network in memory; `doors`: what stands before some objects."""

    __slots__ = ("air", "die", "doors")

    def _connect(self, node) -> None:  # type: ignore[no-untyped-def]
        doors = getattr(self, "doors", {})
        setup = Setup(
            node.label,
            {eoj: doors.get(eoj, obj) for eoj, obj in node.objects.items()},
            own_hosts=frozenset({node.host}),
            new_tid=lambda: self.die.randrange(0x10000),
        )
        node.client = Client(setup, self.air.connect(node.host))


@dataclass(slots=True)
class FakeKernel:
    """What the kernel of the controller's machine says of its clock."""

    synchronised: bool = True
    boot: int = 1

    def kernel(self) -> Kernel:
        return Kernel(lambda: self.synchronised, self.boot)


@dataclass(slots=True)
class Street:
    """One home, its devices, and what happens to them."""

    folder: Path
    seed: int
    clock: LoopClock
    air: Air
    house: AirHouse
    world: TracedWorld
    live_s: int = 10
    devices: tuple[SimDevice, ...] = DEVICES
    kernel: FakeKernel = field(default_factory=FakeKernel)
    home: Home | None = None
    fitted: list[Callable[[Home], Parts]] = field(default_factory=list)  # run at each start
    _running: asyncio.Task[None] | None = None
    _client: Client | None = None
    _living: asyncio.Task[None] | None = None

    @classmethod
    async def build(
        cls,
        folder: Path,
        seed: int,
        start: datetime,
        *,
        past: bool,
        live_s: int = 10,
        lived_days: int = 0,
        furnished: Callable[[AirHouse], None] = lambda _: None,
    ) -> "Street":
        """Devices on the network, no controller yet; `past`: their meter has been there before,
        `lived_days`: so has the controller, which has a contract and steers; `furnished` may
        change the house before it is on the network.
        """
        clock, air, year = LoopClock(start), Air(seed), packaged_year(seed)
        tick = int(start.timestamp()) // TICK_S
        if lived_days:
            furnish(folder, seed, start, lived_days, PASSWORD)
            kept = load(folder / "house.json", year)
            assert kept is not None
            world = TracedWorld(kept.state, kept.half_hours, year)
            world.form = kept.form
        elif past:
            world = TracedWorld.new(seed, start, year)
        else:
            world = TracedWorld(HouseState.new(seed, tick), HalfHours(), year)
        net = Net(tuple(f"10.0.0.{host}" for host in range(2, 2 + NODES)), OWN, multicast=True)
        house = AirHouse(world, TrueClock(clock), net)
        house.air, house.die, house.fine_ticks = air, Random(seed), live_s // TICK_S
        furnished(house)
        street = cls(folder, seed, clock, air, house, world, live_s, house.devices)
        street._living = asyncio.create_task(house.serve(), name="devices")
        await asyncio.sleep(0.1)
        return street

    async def switch_on(
        self, *probe: str, ballast_bytes: int = 0, parts: Callable[[Home], Parts] | None = None
    ) -> Home:
        """Start the controller on its folder; `parts` makes those that it runs besides its own."""
        store = Store.open(self.folder, self.clock.now(), ballast_bytes=ballast_bytes)
        die = Random(self.seed)
        search = Search(known_epcs=lambda code: [*kind_of(code).props])
        setup = Setup(
            Label(b"HOMECONTROLLER"),
            own_hosts=frozenset({OWN}),
            search=search,
            new_tid=lambda: die.randrange(0x10000),
        )
        self._client = Client(setup, self.air.connect(OWN))
        kernel = self.kernel.kernel()
        self.home = Home(Means(self.folder, store, self._client, self.clock, probe, kernel=kernel))
        if self.home.settings.network.live_s != self.live_s:
            self.home.put_settings({"network": {"live_s": self.live_s}})
        others: Parts = {"beat": asyncio.Event().wait}  # nobody watches
        for fit in (*self.fitted, *([parts] if parts is not None else [])):
            others |= fit(self.home)
        self._running = asyncio.create_task(run_home(self.home, others, Beat()), name="home")
        return self.home

    async def cut_power(self) -> None:
        """The controller is gone from one moment to the next, as far as its folder can tell."""
        if self._running is None or self.home is None or self._client is None:
            return
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        self._client.close()
        self.home.store.close()
        self._running = self.home = self._client = None

    def reboot(self) -> None:
        """The controller's machine starts again: its monotonic count begins at zero."""
        self.clock.reboot()
        self.kernel.boot += 1

    def keep_only(self, *keys: str) -> None:
        """A home that has only these devices; to be called before anybody looks for them."""
        self.devices = tuple(device for device in self.devices if device.key in keys)
        for key in self.house.objects:
            if key not in keys:
                self.house.vanish(key)

    async def end(self) -> None:
        """Everything off."""
        await self.cut_power()
        if self._living is not None:
            self._living.cancel()
            with suppress(asyncio.CancelledError):
                await self._living

    async def until(self, at: datetime) -> None:
        """Live until it really is `at`."""
        await asyncio.sleep(max(0.0, (at - self.clock.true()).total_seconds()))

    def id_of(self, key: str) -> str:
        """Our id of a simulated device, by the host it is at."""
        host, eoj = self.house.host_of(key), str(self.house.objects[key].eoj)
        bindings = self.home.inventory.registry.all() if self.home else []
        return next(b.id for b in bindings if (b.host, b.eoj) == (host, eoj))

    def codes(self) -> list[str]:
        """The codes of all events so far, oldest first."""
        return [event.code for event in self.events()]

    def events(self) -> list[Event]:
        """All events so far, oldest first."""
        return self.home.store.events(limit=10_000)[::-1] if self.home else []

    def did_kwh(self, first: datetime, slots: int) -> dict[str, np.ndarray]:
        """What the house really did in each half-hour [kWh], by quantity."""
        rows = [_meters(self.world.edges[unix(first) // SLOT_S + i]) for i in range(slots + 1)]
        return {name: np.diff([row[name] for row in rows]) for name in rows[0]}


class TrueClock:
    """The time of the world, whatever the controller's clock shows."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.true()

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


def _meters(state: HouseState) -> dict[str, float]:
    """Everything that is counted in the house, in the home's names; `use` is what is left."""
    counters, battery, car = state.counters, state.battery, state.car
    found = {
        "import_kw": counters.import_kwh,
        "export_kw": counters.export_kwh,
        "pv_kw": counters.pv_kwh,
        "charge_kw": battery.charged_kwh,
        "discharge_kw": battery.discharged_kwh,
        "ev_charge_kw": car.charged_kwh,
        "ev_discharge_kw": car.discharged_kwh,
        "heater_kw": state.heater.used_kwh,
    }
    found["use_kw"] = (
        counters.import_kwh
        - counters.export_kwh
        + counters.pv_kwh
        + battery.discharged_kwh
        - battery.charged_kwh
        + car.discharged_kwh
    )
    return found | {
        f"circuit:{number}": kwh for number, kwh in enumerate(counters.circuits_kwh, start=1)
    }


STEP_KWH = 0.01  # of the smart meter and of the board; all other counters have 0.001


def misses(street: Street, first: datetime, slots: int, names: Collection[str] = ()) -> list[str]:
    """Half-hours of the store that are not what the house did, to 1 % or a step of the counter."""
    store = street.home.store if street.home else None
    assert store is not None
    found = []
    for name, did in street.did_kwh(first, slots).items():
        if names and name not in names:
            continue
        has, _ = stored_kwh(store, name, first, slots)
        is_coarse = name.startswith(("circuit", "import", "export", "use"))
        for i in range(slots):
            slack = max(0.01 * did[i], 2 * STEP_KWH if name == "use_kw" else STEP_KWH * is_coarse)
            if not abs(has[i] - did[i]) <= max(slack, 0.005) + 1e-6:
                at = first + timedelta(seconds=SLOT_S * i)
                found.append(f"{name} at {at:%d %H:%M}: did {did[i]:.4f}, stored {has[i]:.4f}")
    return found


def stored_kwh(
    store: Store, name: str, first: datetime, slots: int
) -> tuple[np.ndarray, np.ndarray]:
    """Half-hours of a quantity of `did_kwh` as the store has them, and their quality."""
    key = SeriesKey(name, "power_kw") if name.startswith("circuit:") else SeriesKey("home", name)
    values, quality = store.slots([key], first, first + timedelta(seconds=SLOT_S * slots))
    return values[:, 0], quality[:, 0]


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: these tests are not about the disk's pace."""
    place = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="hidamari-", dir=place if place.is_dir() else None)
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def a_street(
    seed: int = 7,
    start: datetime = EVENING,
    *,
    past: bool = False,
    live_s: int = 10,
    lived_days: int = 0,
    furnished: Callable[[AirHouse], None] = lambda _: None,
) -> AsyncIterator[Street]:
    """A street that is cleaned up at the end; `live_s`: the pace of it all, in seconds."""
    with memory_folder() as folder:
        street = await Street.build(
            folder,
            seed,
            start,
            past=past,
            live_s=live_s,
            lived_days=lived_days,
            furnished=furnished,
        )
        try:
            yield street
        finally:
            await street.end()
