"""The energy side of the running home: plans every five minutes, carries them out every minute."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from hidamari.core.time import SLOT_S, floor_to, unix
from hidamari.home import control, inputs, planned
from hidamari.home.arbiter import Proposal
from hidamari.home.control import Control
from hidamari.home.explain import Explained, Move, explain, step_of, try_move
from hidamari.home.house import House
from hidamari.home.outlay import Outlay, outlay_of
from hidamari.home.planning import Made, NotedSolver, Now, Planning
from hidamari.home.sending import Wire
from hidamari.home.supervise import Part, every
from hidamari.home.weather import EVERY_S, WeatherKeeper, Word
from hidamari.home.whatif import Comparison
from hidamari.plan.horizon import Term
from hidamari.plan.ladder import Notice, Plan
from hidamari.plan.solver import Solver
from hidamari.store.db import Store

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

PLAN_EVERY_S = 300
AHEAD_S = 30.0  # a plan is made a little before the instant it is for
CONTROL_EVERY_S = 60
AFTER_MINUTE_S = 5.0
EVENTS_APART_S = 60.0  # events cause a new plan at most this often
TELL_WITHIN_S, TELL_LOOK_S = 3.0, 0.05  # real seconds that a screen waits for a command
STOP_WITHIN_S = 10.0  # real seconds of the network
FIRST_WAIT_S = 20.0  # devices are read first, then commanded (reliability rule 2.10)


class Owner(control.Owner, Protocol):
    """The home, as far as planning needs it."""

    folder: Path


class Energy:
    """Plan and control of one home."""

    def __init__(self, home: Owner, wire: Wire, solver: Solver) -> None:
        self.home = home
        self.solver = NotedSolver(solver)
        self.planning = Planning(home.store, home.folder, self.solver)
        self.control = Control(home, wire, self.plan_at, on_change=lambda _: self.wake())
        self.weather = WeatherKeeper(home)
        self.comparison = Comparison(home.folder)
        self.made: Made | None = None
        self.before: Made | None = None  # in force until the newest begins
        self.rung_since: datetime | None = None
        self.cause = ""
        self._woken = asyncio.Event()
        self._again = asyncio.Event()
        self._busy = asyncio.Lock()
        self._turns = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="plan")
        self._outlay: tuple[Made, Outlay | None] | None = None
        self._planned_s = -1e9

    def plan_at(self, now: datetime) -> Plan | None:
        """The plan in force at an instant: the newest that has begun."""
        made = self.made_at(now)
        return made.plan if made is not None else None

    def made_at(self, now: datetime) -> Made | None:
        """The same with what it was made of."""
        for made in (self.made, self.before):
            if made is not None and made.plan.starts[0] <= now:
                return made
        return None

    def wake(self) -> None:
        """Something happened: plan and decide again soon."""
        self.planning.forget_choice()
        self._again.set()
        self._woken.set()

    def current(self) -> Made | None:
        """The plan in force now, else the newest."""
        return self.made_at(self.home.clock.now()) or self.made

    async def explain(self, made: Made, at: datetime) -> tuple[Explained, ...]:
        """Why each asset does what it does at an instant of the plan."""
        async with self._busy:
            step = step_of(made, at)
            return await self._aside(explain, made, self.solver.inner, step)

    async def try_move(self, made: Made, move: Move) -> tuple[float, tuple[Term, ...]]:
        """How much dearer the plan would get."""
        async with self._busy:
            return await self._aside(try_move, made, self.solver.inner, move)

    def override(self, proposal: Proposal) -> None:
        """The owner's word for an asset."""
        self.control.override(proposal)
        self.wake()

    def release(self, asset: str) -> None:
        """The plan has the asset again."""
        self.control.release(asset)
        self.wake()

    async def settled_soon(self) -> None:
        """Wait until the assets were told, for a moment at most: a device may keep silent."""
        turn = self._turns
        for _ in range(round(TELL_WITHIN_S / TELL_LOOK_S)):
            if self._turns > turn:
                return
            await asyncio.sleep(TELL_LOOK_S)

    def outlay(self, made: Made) -> Outlay | None:
        """What a plan will cost, counted once."""
        if self._outlay is None or self._outlay[0] is not made:
            self._outlay = (made, outlay_of(made))
        return self._outlay[1]

    def weather_word(self) -> Word:
        """How the weather forecast stands."""
        return self.weather.word()

    def weather_issued_at(self) -> datetime | None:
        """When it was issued."""
        return self.weather.weather.issued if self.weather.weather is not None else None

    async def run_plans(self) -> None:
        """Plan ahead of every fifth minute, and soon after events; for ever."""
        clock = self.home.clock
        await clock.sleep(FIRST_WAIT_S)
        await self.plan(clock.now())
        step, ahead = timedelta(seconds=PLAN_EVERY_S), timedelta(seconds=AHEAD_S)
        edge = floor_to(clock.now(), PLAN_EVERY_S) + step
        while True:
            is_event = await self._wait((edge - ahead - clock.now()).total_seconds(), self._again)
            if not is_event:
                await self.plan(edge)
                edge = max(edge, floor_to(clock.now(), PLAN_EVERY_S)) + step
                continue
            since_s = clock.monotonic_s() - self._planned_s
            pause_s = max(0.0, EVENTS_APART_S - since_s)
            if clock.now() + timedelta(seconds=pause_s) < edge - ahead:
                await clock.sleep(pause_s)
                await self.plan(clock.now())

    async def run_control(self) -> None:
        """Decide a little after each minute, and at once after events."""
        clock = self.home.clock
        await clock.sleep(FIRST_WAIT_S + AFTER_MINUTE_S)
        while True:
            await self.control.cycle()
            self._turns += 1
            if self._has_met():
                self._again.set()
            now = clock.now()
            minute = floor_to(now, CONTROL_EVERY_S)
            due = minute + timedelta(seconds=CONTROL_EVERY_S + AFTER_MINUTE_S)
            await self._wait((due - now).total_seconds(), self._woken)

    def _has_met(self) -> bool:
        """Whether an asset has told of itself since the newest plan, which has nothing for it."""
        if self.made is None:
            return False
        knew = {asset.id for asset in self.made.facts.assets if asset.model is not None}
        return any(a.model is not None and a.id not in knew for a in self.control.assets())

    async def run_weather(self) -> None:
        """Look for a newer forecast every hour; for ever."""
        await every(EVERY_S, self.home.clock, self.weather.look)

    def parts(self) -> dict[str, Part]:
        """What has to be kept running."""
        return {"plan": self.run_plans, "control": self.run_control, "weather": self.run_weather}

    async def stop(self) -> None:
        """Leave every asset to itself and end the solver."""
        await self.comparison.stop()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self.control.hand_back()
        except TimeoutError:  # what was ordered ends by itself, as after a power cut
            logger.warning("not every device answered when it was handed back")
        self.solver.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def plan(self, at: datetime) -> Made:
        """Make the plan for an instant, now or a little ahead."""
        async with self._busy:
            self._again.clear()
            now = self._now(at)
            made = await self._aside(self.planning.make, now)
            self._planned_s = self.home.clock.monotonic_s()
            self.before, self.made = self.made, made
            self._tell(made.plan.notice, at)
            if unix(at) % SLOT_S == 0:
                day = at.astimezone(self.home.settings.zone).date().isoformat()
                await self._aside(keep, self.home.store, made, day)
            self._woken.set()
            return made

    def _now(self, at: datetime) -> Now:
        home = self.home
        air_c = outdoor_c(home.house)
        if air_c is None:
            air_c = self.weather.outdoor_c(at)
        return Now(at, home.settings, self.control.assets(), air_c, self.weather.sky())

    async def _aside(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Do heavy work in the one thread that plans: a second one would double its memory."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(work, *given, **named))

    def _tell(self, notice: Notice | None, at: datetime) -> None:
        """One notice for each step down, one line in the log for each step up."""
        if self.rung_since is None:
            self.rung_since = at
        if notice is None:
            return
        self.rung_since, self.cause = at, notice.cause
        kind = "notice" if notice.rung > notice.before else "log"
        data = {
            "rung": notice.rung.name.lower(),
            "before": notice.before.name.lower(),
            "cause": notice.cause,
        }
        self.home.note(kind, "plan_rung", data)

    async def _wait(self, seconds: float, event: asyncio.Event) -> bool:
        """Wait for the clock or for an event; True = the event came."""
        nap = asyncio.ensure_future(self.home.clock.sleep(max(0.0, seconds)))
        call = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((nap, call), return_when=asyncio.FIRST_COMPLETED)
            return event.is_set()
        finally:
            nap.cancel()
            call.cancel()
            event.clear()


def keep(store: Store, made: Made, day: str) -> None:
    """Keep what the plan says of its first half-hour, and all that it was made of."""
    planned.keep_slot(store, made, day)
    store.put_kv(inputs.KEY, inputs.to_bytes(made))


def outdoor_c(house: House) -> float | None:
    """The air outside, where an air conditioner tells it."""
    for live in house.present():
        found = live.device.as_number("outdoor_c")
        if found is not None and not live.silent:
            return found
    return None
