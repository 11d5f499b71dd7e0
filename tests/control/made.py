"""A plan made of hand-written facts: a battery and a tank, a cheap night, a sunny noon."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from hidamari.core.config import Settings
from hidamari.core.settings_store import patch_settings
from hidamari.devices.battery import Battery as BatteryDevice
from hidamari.devices.water_heater import WaterHeater
from hidamari.echonet.frame import Eoj
from hidamari.forecast.outlook import Outlook
from hidamari.home.asking import Facts, Recent, ask_of
from hidamari.home.assets import Asset
from hidamari.home.desk import Desk, why_json
from hidamari.home.explain import Explained
from hidamari.home.heater import Household
from hidamari.home.live import LiveDevice
from hidamari.home.planning import Made
from hidamari.home.pricing import Prices
from hidamari.home.registry import Binding
from hidamari.plan.horizon import HomePlan
from hidamari.plan.inline import InlineSolver
from hidamari.plan.ladder import Ladder
from hidamari.plan.request import PlanRequest

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # 18:00 in Tokyo
COUNT = 72


@dataclass(frozen=True)
class MadePlan:
    """What the running home would hold, and the program's own answer."""

    made: Made
    solved: HomePlan


def live(key: str, device: object) -> LiveDevice:
    eoj = device.eoj  # type: ignore[attr-defined]
    kind = device.kind  # type: ignore[attr-defined]
    binding = Binding(key, kind, key, weak=False, host=key, eoj=str(eoj))
    return LiveDevice(binding, device)  # type: ignore[arg-type]


def battery_asset(stored_kwh: float = 3.0) -> Asset:
    raw = {
        0xD0: (10_000).to_bytes(4, "big"),
        0xE2: round(1000 * stored_kwh).to_bytes(4, "big"),
        0xC8: (100).to_bytes(4, "big") + (4000).to_bytes(4, "big"),
        0xC9: (100).to_bytes(4, "big") + (4000).to_bytes(4, "big"),
    }
    device = BatteryDevice(Eoj.parse("027D01"), raw)
    return Asset("battery", "battery", live("battery", device), device.model())


def heater_asset(hot_l: int = 150) -> Asset:
    raw = {0xE1: hot_l.to_bytes(2, "big"), 0xE2: (460).to_bytes(2, "big"), 0xB2: b"\x42"}
    device = WaterHeater(Eoj.parse("026B01"), raw)
    told = live("heater", device)
    told.writable = frozenset({0xB0, 0xC7, 0xCA})  # it can move its run into the day
    return Asset("heater", "water_heater", told, device.model())


def facts(tree: object = None, *, is_enough: bool = True) -> Facts:
    """Load 0.4 kWh a half-hour, sun from 9 to 15 h, 18 yen from 23 to 7 h and 35 otherwise."""
    settings = patch_settings(Settings(), {"plan": {"steering": True, **(tree or {})}})
    hour = (18.0 + 0.5 * np.arange(COUNT)) % 24.0
    load = np.full(COUNT, 0.4)
    pv = np.where((hour >= 9.0) & (hour < 15.0), 1.2, 0.0)
    rng = np.random.default_rng(7)
    noise = rng.normal(0.0, 0.15, (20, COUNT)).astype(np.float32)
    loads, suns = np.maximum(load + noise, 0.0), np.repeat(pv[None], 20, axis=0)
    net = (loads - suns).astype(np.float32)
    outlook = Outlook(load, pv, net, np.ones(20, np.float32), is_enough, loads, suns)
    buy = np.where((hour >= 23.0) | (hour < 7.0), 18.0, 35.0)
    prices = Prices(NOW, buy, buy, np.full(COUNT, 8.0), ("",) * COUNT, is_assumed=False)
    bath = np.where((hour >= 19.0) & (hour < 19.5), 5.0, 0.1)
    days = np.stack([np.roll(bath, 36)[:48]] * 3)
    household = Household(days, np.full((3, 48), 1.0), 12.0, is_learned=True)
    assets = (battery_asset(), heater_asset())
    return Facts(NOW, settings, assets, prices, outlook, Recent(), household=household)


@cache
def made_plan() -> MadePlan:
    solver = InlineSolver()
    given = facts()
    ask = ask_of(given)
    ladder = Ladder(solver)
    plan = ladder.plan(ask)
    assert plan.home is not None
    request = PlanRequest(ask.request.horizon, ask.request.assets, ask.request.bill)
    made = Made(plan, ask, given, request, 40, outcomes=ask.outcomes)
    return MadePlan(made, plan.home)


def unlike(whys: Sequence[Collection[Explained]], desk: Desk) -> list[str]:
    """What a home says of its plan, half-hour by half-hour, and `hidamari plan --why` does not."""
    found = []
    for mine in whys:
        again = {row["asset"]: row for row in why_json(desk, next(iter(mine)).slot)["assets"]}
        for one in mine:
            row = again[one.asset]
            ours = {f"reason {name}": value for name, value in one.reason.numbers.items()}
            theirs = {f"reason {name}": yen for name, yen in row["reason"]["numbers"].items()}
            ours |= {"nearest": one.others[0].yen} if one.others else {}
            theirs |= {"nearest": min(o["yen"] for o in row["others"])} if row["others"] else {}
            ours |= {f"start {s.at}": s.yen for s in one.starts}
            theirs |= {f"start {_at(s['at'])}": s["yen"] for s in row["starts"]}
            if one.reason.code != row["reason"]["code"] or theirs != pytest.approx(ours, abs=0.006):
                found.append(f"{one.slot} {one.asset}: {ours} against {theirs}")
    return found


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
