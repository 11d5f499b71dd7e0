"""Control over one simulated house without a network: requests go straight to its devices."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hidamari.core.clock import VirtualClock
from hidamari.core.config import Settings
from hidamari.core.errors import DeviceSilent
from hidamari.core.reading import Event
from hidamari.core.settings_store import patch_settings
from hidamari.devices import kind_of
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import WAITS_S, Answer
from hidamari.home.control import Control
from hidamari.home.house import House
from hidamari.home.live import LiveDevice
from hidamari.home.registry import Binding
from hidamari.plan.battery import Action, Mode
from hidamari.plan.ladder import Plan, Rung, Told
from hidamari.plan.reasons import Code, Reason
from hidamari.sim.fleet import build
from hidamari.sim.house import HouseState
from hidamari.sim.meter import HalfHours
from hidamari.sim.replay import TICK_S
from hidamari.sim.world import World
from hidamari.store.db import Store

NIGHT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # 1:00 in Tokyo
KINDS = ("battery", "v2h", "water_heater")


class Line:
    """The wire to the simulated devices; `silent` ones do not answer, `deaf` ones do nothing."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.objects = build(world)
        self.silent: set[str] = set()
        self.deaf: set[str] = set()
        self.ran: list[tuple[str, dict[int, bytes]]] = []

    async def set(
        self, host: str, eoj: Eoj, values: Mapping[int, bytes], waits_s: tuple[float, ...] = WAITS_S
    ) -> Answer:
        await asyncio.sleep(0)
        if host in self.silent:
            raise DeviceSilent(host)
        if host in self.deaf:
            return Answer({})
        self.ran.append((host, dict(values)))
        refused = {epc for epc, edt in values.items() if not self.objects[host].set(epc, edt)}
        return Answer({}, frozenset(refused))

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        await asyncio.sleep(0)
        if host in self.silent:
            raise DeviceSilent(host)
        found = {epc: self.objects[host].get(epc) for epc in epcs}
        return Answer({epc: edt for epc, edt in found.items() if edt is not None})


@dataclass
class Paper:
    """The home as control sees it; devices are called by their key."""

    store: Store
    clock: VirtualClock
    line: Line
    settings: Settings
    house: House = field(default_factory=House)
    notes: list[Event] = field(default_factory=list)
    plan: Plan | None = None
    control: Control = field(init=False)

    def __post_init__(self) -> None:
        for key in KINDS:
            obj = self.line.objects[key]
            kind = kind_of(obj.eoj.class_code)
            binding = Binding(key, kind.kind, key, weak=False, host=key, eoj=str(obj.eoj))
            raw = {0x9E: bytes((len(obj.maps.writable), *sorted(obj.maps.writable)))}
            if len(obj.maps.writable) >= 16:
                raw = {}  # a long map has another form; without one everything may be tried
            live = LiveDevice(binding, kind(obj.eoj, raw), obj.maps.readable, obj.maps.writable)
            self.house.devices[key] = live
        self.house.choose_sources({})
        self.start()

    def start(self) -> None:
        """A controller starts: it reads every device, then it may act."""
        self.read()
        self.control = Control(self, self.line, lambda _: self.plan)

    def note(self, kind: str, code: str, data: Mapping[str, object], device: str = "home") -> None:
        self.notes.append(Event(self.clock.now(), kind, device, code, dict(data)))

    def noted(self, code: str) -> list[Event]:
        return [one for one in self.notes if one.code == code]

    def set(self, **plan: object) -> None:
        self.settings = patch_settings(self.settings, {"plan": plan})

    def read(self) -> None:
        """Poll everything."""
        for live in self.house.devices.values():
            key = live.binding.host
            if key in self.line.silent:
                continue
            obj = self.line.objects[key]
            found = {epc: obj.get(epc) for epc in obj.maps.readable}
            values = {epc: edt for epc, edt in found.items() if edt is not None}
            live.took(values, frozenset(), self.clock.monotonic_s())

    def pass_time(self, **span: float) -> None:
        """The house lives on; nobody controls it."""
        self.clock.advance(timedelta(**span).total_seconds())
        self.line.world.advance(self.clock.now())

    async def minutes(self, count: int) -> None:
        """The controller's minutes: poll, decide, command."""
        for _ in range(count):
            self.pass_time(minutes=1)
            self.read()
            await self.control.cycle()

    def tell(self, asset: str, mode: Mode, grid_kw: float = 0.0, hours: float = 0.5) -> None:
        """A plan with one order."""
        now = self.clock.now()
        told = Told(asset, Action(mode, grid_kw), grid_kw * hours, Reason(Code.CHARGE_CHEAP))
        rest = Told(asset, Action(Mode.FOLLOW), 0.0, Reason(Code.STAND_BY))
        starts = (now, now + timedelta(hours=hours))
        self.plan = Plan(now, starts, ((told,), (rest,)), Rung.RULE)


def paper(folder: Path, at: datetime = NIGHT, seed: int = 1) -> Paper:
    """A house as built, at night, with steering on."""
    clock = VirtualClock(at)
    world = World(HouseState.new(seed, int(at.timestamp()) // TICK_S), HalfHours(), None)
    store = Store.open(folder, at, ballast_bytes=0)
    settings = patch_settings(Settings(), {"plan": {"steering": True, "reserve_pct": 0.0}})
    return Paper(store, clock, Line(world), settings)
