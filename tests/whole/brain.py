"""The planning side of a home in virtual time, and what must hold of it (B9, B10).

The real planner and the real control, over a solver and a source of weather that fail when told
to, and devices that do.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from math import pi, sin
from pathlib import Path

import numpy as np
from tests.whole.loop import VirtualLoop
from tests.whole.street import Parts, Street
from tests.whole.witness import ASK_PLUG, UNDER_WAY_S, Door, Ledger, Telling

from hidamari.core.clock import Clock
from hidamari.core.config import Settings
from hidamari.echonet.frame import Eoj
from hidamari.home.app import Home
from hidamari.home.energy import Energy
from hidamari.home.house import House
from hidamari.home.sending import CONFIRM_WITHIN_S, Outcome
from hidamari.home.weather import WeatherKeeper
from hidamari.plan.battery import Mode
from hidamari.plan.inline import InlineSolver
from hidamari.plan.ladder import Rung
from hidamari.plan.request import Answer, Failed, Fault, PlanRequest, WhyRequest
from hidamari.plan.solver import PLAN_LIMIT_S
from hidamari.store.db import Store

STEERED = ("battery", "v2h", "water_heater")
LOCK = "lamp"  # stands for a lock: something that must never be told twice
TOKYO_PLACE = {"lat": 35.68, "lon": 139.77}
FIRST_PLAN_S = 180.0  # from the start of the controller, or the first word of an asset
DEOJ_AT, FIRST_EPC_AT = 7, 12  # of a frame


@dataclass
class MoodySolver:
    """Fails, or takes its time, when told to."""

    fault: Fault | None = None
    slow_s: float = 0.0
    inner: InlineSolver = field(default_factory=InlineSolver)

    def ask(self, request: PlanRequest | WhyRequest) -> Answer:
        """What the solver's process would answer, within the limit of a plan."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        if self.slow_s > PLAN_LIMIT_S or self.fault is Fault.TIME:
            loop.take(PLAN_LIMIT_S)
            return Failed(Fault.TIME, f"no plan within {PLAN_LIMIT_S:.0f} s")
        loop.take(self.slow_s)
        if self.fault is not None:
            return Failed(self.fault, "as told")
        return self.inner.ask(request)

    def close(self) -> None:
        """Nothing was started."""


class Overheard:
    """A home as its control sees it; what is said of a command is heard at once."""

    def __init__(self, home: Home, heard: Callable[[str, str], None]) -> None:
        self._home = home
        self._heard = heard

    @property
    def house(self) -> House:
        return self._home.house

    @property
    def store(self) -> Store:
        return self._home.store

    @property
    def folder(self) -> Path:
        return self._home.folder

    @property
    def clock(self) -> Clock:
        return self._home.clock

    @property
    def settings(self) -> Settings:
        return self._home.settings

    def note(self, kind: str, code: str, data: Mapping[str, object], device: str = "home") -> None:
        self._home.note(kind, code, data, device)
        if kind == "command":
            self._heard(code, device)


class Brain:
    """Plans and steers one street's home."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.solver = MoodySolver()
        self.sky: Callable[[datetime], bytes] = fine_sky
        self.ledger = Ledger(asyncio.get_running_loop().time)
        self.rungs: Counter[Rung] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.energy: Energy | None = None
        self._began_s = 0.0
        self._bare_s = 0.0  # when every asset that is known had an order
        house = street.house
        self.doors = {key: Door(house.objects[key], self.ledger) for key in (*STEERED, LOCK)}
        house.doors = {door.behind.eoj: door for door in self.doors.values()}
        for key in self.doors:
            house.come_back(key)

    @property
    def broken(self) -> list[str]:
        """All that was wrong so far."""
        return self.ledger.broken

    def parts(self, home: Home) -> Parts:
        """What the home runs to plan."""
        if home.settings.plan.weather == "off":
            home.put_settings({"plan": {"weather": "open_meteo"}, "home": {"place": TOKYO_PLACE}})
            # Every device counts for itself: what the board says of it is another test's subject.
            home.put_settings({"circuits": dict.fromkeys(home.settings.circuits)})
        self.ledger.run += 1
        self._began_s = self._bare_s = self.ledger.now_s()
        wire = Telling(home.client, self.ledger)
        self.energy = Energy(Overheard(home, self._heard), wire, self.solver)
        self.energy.weather = WeatherKeeper(home, self._fetch)
        return self.energy.parts()

    async def _fetch(self, host: str, path: str) -> bytes:
        return self.sky(self.street.clock.true())

    # -- what must hold ------------------------------------------------------------------------

    def look(self) -> None:
        """B9: a valid plan or the named fallback, every minute."""
        home, energy = self.street.home, self.energy
        if home is None or energy is None or self.ledger.now_s() - self._began_s < FIRST_PLAN_S:
            return
        now = home.clock.now()
        plan = energy.plan_at(now)
        wrong = "no plan"
        if plan is not None:
            self.rungs[plan.rung] += 1
            orders = plan.at(now)
            assets = {one.id for one in energy.control.assets() if one.model is not None}
            numbers = [x for one in orders for x in (one.action.grid_kw, one.energy_kwh)]
            forced = [one for one in orders if one.action.mode is Mode.CHARGE]
            if orders or not assets:
                self._bare_s = self.ledger.now_s()
            if self.ledger.now_s() - self._bare_s > FIRST_PLAN_S:
                wrong = "nothing for its assets"
            elif not np.isfinite(numbers).all():
                wrong = "no number"
            elif any(one.energy_kwh == 0.0 for one in forced if one.action.grid_kw):
                wrong = "a forced charge without an amount"
            else:
                return
        self.broken.append(f"the plan at {self.street.clock.true():%d %H:%M:%S}: {wrong}")

    def _heard(self, code: str, device: str) -> None:
        """B10: what is called done was seen, and nobody waited longer than promised."""
        self.outcomes[code] += 1
        energy, home = self.energy, self.street.home
        assert energy is not None
        assert home is not None
        order = energy.control.orders[device]
        eoj = home.house.devices[device].binding.object
        sent = self.ledger.newest[eoj][-1]
        took_s = self.ledger.now_s() - sent.at_s
        if took_s > CONFIRM_WITHIN_S + 0.5:
            self.broken.append(f"{device}: {code} after {took_s:.1f} s")
        if code != Outcome.CONFIRMED:
            return
        door = next(one for one in self.doors.values() if one.behind.eoj == eoj)
        for epc, edt in ((int(epc, 16), bytes.fromhex(edt)) for epc, edt in order.shown.items()):
            if door.showed.get((epc, edt), -1.0) < sent.at_s:
                self.broken.append(f"{device}: {epc:02X} = {edt.hex()} is said to be done")

    def check(self) -> list[str]:
        """All that is wrong at the end: every order on the network was given, and not too often."""
        count: Counter[int] = Counter()
        objects = {door.behind.eoj for door in self.doors.values()}
        for at_s, _, data in self.street.air.told:
            eoj = Eoj(*data[DEOJ_AT : DEOJ_AT + 3])
            if eoj not in objects or data[FIRST_EPC_AT] == ASK_PLUG:
                continue  # no orders: which circuits of a board are meant, and to look for a car
            given = [
                i
                for i, one in enumerate(self.ledger.sent)
                if one.eoj == eoj and 0.0 <= at_s - one.at_s <= UNDER_WAY_S
            ]
            if given:
                count[given[-1]] += 1
            else:
                self.broken.append(f"{eoj} was sent {data.hex()}, which nobody said")
        for i, times in count.items():
            one = self.ledger.sent[i]  # its properties may have to go one by one
            if times > one.tries * len(one.values):
                self.broken.append(f"{self.ledger.sent[i]} was sent {times} times")
        return self.broken


def fine_sky(now: datetime) -> bytes:
    """A forecast as the source gives it: four days of sun from 6 to 18 h in Tokyo."""
    start = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    times = [start + timedelta(hours=hour) for hour in range(96)]
    sun = [max(0.0, sin(pi * ((at.hour + 9) % 24 - 5.5) / 13.0)) * 900.0 for at in times]
    hourly = {
        "time": [at.isoformat(timespec="minutes") for at in times],
        "shortwave_radiation": sun,
        "temperature_2m": [20.0] * len(times),
    }
    return json.dumps({"hourly": hourly}).encode()


def no_sky(now: datetime) -> bytes:
    """The source cannot be reached."""
    raise OSError("no route to the source")


def no_answer_sky(now: datetime) -> bytes:
    """It breaks off."""
    raise HTTPException("incomplete")


def told_sky(change: Mapping[str, object]) -> Callable[[datetime], bytes]:
    """A forecast with other columns."""

    def sky(now: datetime) -> bytes:
        tree = json.loads(fine_sky(now))
        tree["hourly"] |= change
        return json.dumps(tree).encode()

    return sky


def short_sky(now: datetime) -> bytes:
    """Only what is over."""
    tree = json.loads(fine_sky(now))
    return json.dumps({"hourly": {k: v[:2] for k, v in tree["hourly"].items()}}).encode()


BAD_SKIES = (
    no_sky,
    no_answer_sky,
    short_sky,
    lambda now: b"",
    lambda now: b"<html>502</html>",
    lambda now: b'{"hourly": null}',
    lambda now: fine_sky(now - timedelta(days=3)),
    told_sky({"shortwave_radiation": [0.0] * 96}),
    told_sky({"shortwave_radiation": [1e9] * 96}),
    told_sky({"shortwave_radiation": [None] * 96}),
    told_sky({"temperature_2m": [float("nan")] * 96}),
    told_sky({"time": ["noon"] * 96}),
)
