"""A day of hot water: what the plan said before each half-hour, and what the heater's meter says.

The simulated heater with its own programme, the real learning, plan and control, no network.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.control.paper import Line, Paper
from tests.whole.street import memory_folder

from hidamari.core.clock import VirtualClock
from hidamari.core.config import Settings
from hidamari.core.settings_store import read_rows
from hidamari.core.time import TOKYO
from hidamari.demo_home import furnish
from hidamari.home.inventory import REGISTRY
from hidamari.home.planned import DAY_KEY, day_slots, keep_slot
from hidamari.home.planning import NotedSolver, Now, Planning
from hidamari.home.registry import Registry
from hidamari.plan.inline import InlineSolver
from hidamari.sim.keep import load
from hidamari.sim.past import MINUTE_TICKS
from hidamari.store.db import Store

HEATER = "water_heater"
PLAN_MIN = 10
LEAD_H = 2  # from 22:00 of the evening before: it is told then whether its run moves into the day
MAY, JANUARY = (datetime(2026, month, 24, 13, 0, tzinfo=UTC) for month in (5, 1))


def home_with_a_heater(folder: Path, at: datetime, seed: int) -> Paper:
    """A furnished home of which only the heater is steered; the others go their own way."""
    furnish(folder, seed, at, 14, "himawari no niwa 7")
    world = load(folder / "house.json")
    assert world is not None
    store = Store.open(folder, at, ballast_bytes=0)
    settings, _ = read_rows(store.settings())
    home = Paper(store, VirtualClock(at), Line(world), settings or Settings())
    mine = next(b for b in Registry.from_json(store.get_kv(REGISTRY)).all() if b.kind == HEATER)
    heater = home.house.devices[HEATER]
    heater.binding = replace(heater.binding, id=mine.id)
    home.house.devices = {mine.id: heater}
    home.house.choose_sources({})
    return home


async def live(home: Paper, planning: Planning, hours: float) -> dict[datetime, float]:
    """The controller's minutes; what the heater used in each half-hour."""
    used: dict[datetime, float] = {}
    for minute in range(round(hours * 60)):
        now, heater = home.clock.now(), home.line.world.state.heater
        if minute % PLAN_MIN == 0:
            air_c = round(heater.tank.outdoor_c)
            made = planning.make(Now(now, home.settings, home.control.assets(), air_c))
            home.plan = made.plan
            if now.minute % 30 == 0:
                keep_slot(home.store, made, now.astimezone(TOKYO).date().isoformat())
                counted_kwh, begun = heater.used_kwh, now
        home.clock.advance(60.0)
        home.line.world.step(MINUTE_TICKS)
        home.read()
        await home.control.cycle()
        used[begun] = home.line.world.state.heater.used_kwh - counted_kwh
    return used


@pytest.mark.req("ASP-13")
@pytest.mark.timeout(150)
@pytest.mark.parametrize(("at", "seed"), [(MAY, 1), (JANUARY, 2)])
def test_hot_water_uses_what_was_planned_before_each_half_hour(at, seed):
    """Its own night boil would begin before a plan that waits; its standby use counts as well."""
    with memory_folder() as folder:
        home = home_with_a_heater(folder, at, seed)
        planning = Planning(home.store, folder, NotedSolver(InlineSolver()))
        used = asyncio.run(live(home, planning, LEAD_H + 24))
        day = (at + timedelta(days=1)).astimezone(TOKYO).date()
        slots = day_slots(home.store.get_kv(DAY_KEY + day.isoformat()))
        home.store.close()
    planned_kwh = [slot.assets[0].kwh for slot in slots]
    measured_kwh = [used[slot.start] for slot in slots]
    assert len(slots) == 48
    assert sum(measured_kwh) > 2.0
    assert sum(planned_kwh) == pytest.approx(sum(measured_kwh), rel=0.1)
    apart = sum(abs(a - b) for a, b in zip(planned_kwh, measured_kwh, strict=True))
    assert apart < 0.15 * sum(measured_kwh)
