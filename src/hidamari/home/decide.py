"""What everybody wants of the assets now, as proposals: pure, from plan, settings and readings."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from hidamari.core.config import PlanSettings
from hidamari.devices.water_heater import TankModel, WaterHeater
from hidamari.devices.wish import Mode
from hidamari.home.arbiter import Proposal, Rank, holds
from hidamari.home.assets import Asset, reserve_kwh
from hidamari.home.heater import RUNS_KW, can_shift, next_run
from hidamari.plan.battery import Mode as PlanMode
from hidamari.plan.horizon import HomePlan
from hidamari.plan.ladder import Plan, Rung, Told
from hidamari.plan.reasons import Code
from hidamari.store.pack import FloatArray

HABIT_FOR = timedelta(minutes=5)
OLDEST_PLAN = timedelta(hours=24)
LEAST_FORCED_KWH = 0.02
STAND_LEAST_KW = 0.3  # below it stands stop: a plan that drips is rounded down
CHARGER_LEAST_KW = 1.2  # 6 A at 200 V: no car charges with less (IEC 61851-1)


@dataclass(frozen=True, slots=True)
class Given:
    """What `decide` goes by besides the plan."""

    now: datetime
    settings: PlanSettings
    assets: tuple[Asset, ...]
    surplus_kw: float | None = None  # sun less use of the house, before any asset
    overrides: tuple[Proposal, ...] = ()
    gives_way: Collection[str] = ()  # assets that somebody else commanded
    limited: Collection[str] = ()  # assets that were kept at their reserve a minute ago
    local_h: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """All proposals, and which assets are at their reserve."""

    proposals: tuple[Proposal, ...]
    limited: frozenset[str] = field(default_factory=frozenset)


def decide(plan: Plan | None, given: Given) -> Decision:
    """The proposals of safety, owner, plan and habit for every asset that may be commanded."""
    proposals = [one for one in given.overrides if holds(one, given.now)]
    limited = set()
    for asset in given.assets:
        if asset.model is None or not asset.is_home:
            continue
        mine = _of_asset(plan, asset, given)
        ordered = any(one.asset == asset.id for one in proposals)
        if mine or ordered:
            safety = _safety(asset, given)
            if safety is not None:
                limited.add(asset.id)
                mine.append(safety)
        proposals += mine
    return Decision(tuple(proposals), frozenset(limited))


def _of_asset(plan: Plan | None, asset: Asset, given: Given) -> list[Proposal]:
    if not given.settings.steering or not asset.is_steered or asset.id in given.gives_way:
        return []
    found = [_habit(asset, given)]
    wanted = _from_plan(plan, asset, given)
    if wanted is not None:
        found.append(wanted)
    return found


def _habit(asset: Asset, given: Given) -> Proposal:
    """What an asset does when nobody wants anything: follow the house, or its own night boil."""
    mode: Mode = "auto" if asset.kind == "water_heater" else "follow"
    if mode not in asset.live.device.modes:
        mode = "hold"
    return Proposal(asset.id, Rank.HABIT, given.now + HABIT_FOR, mode, code=Code.STAND_BY)


def _safety(asset: Asset, given: Given) -> Proposal | None:
    """Nothing is taken out of a battery below its reserve; a little above, if it was just there."""
    storage = asset.storage
    if storage is None or asset.is_car:
        return None
    floor_kwh = max(reserve_kwh(asset, given.settings), storage.floor_kwh)
    back_kwh = BACK_SHARE * storage.capacity_kwh if asset.id in given.limited else 0.0
    if storage.stored_kwh > floor_kwh + back_kwh or floor_kwh <= 0.0:
        return None
    numbers = {"level_kwh": storage.stored_kwh, "reserve_kwh": floor_kwh}
    return Proposal(
        asset.id,
        Rank.SAFETY,
        given.now + HABIT_FOR,
        low_kw=0.0,
        code=Code.RESERVE,
        numbers=numbers,
    )


BACK_SHARE = 0.02


def _from_plan(plan: Plan | None, asset: Asset, given: Given) -> Proposal | None:
    """The plan's order for the running step; None where it has none or is too old."""
    if plan is None or plan.rung is Rung.DEVICE or given.now - plan.made_at > OLDEST_PLAN:
        return None
    told = next((t for t in plan.at(given.now) if t.asset == asset.id), None)
    if told is None:
        return None
    until = step_end(plan, given.now)
    if isinstance(asset.live.device, WaterHeater):
        return _heater(plan, asset, told, given)
    mode, want_kw = _mode(told, asset, given, power_at(plan, asset.id, given.now))
    energy_kwh = None
    if mode == "charge" and want_kw is not None and asset.storage is not None:
        hours = (until - given.now).total_seconds() / 3600.0
        energy_kwh = min(want_kw * hours, asset.storage.room_ac_kwh())
        if energy_kwh < LEAST_FORCED_KWH:
            mode, want_kw, energy_kwh = "surplus", None, None
    return Proposal(
        asset.id,
        Rank.PLAN,
        until,
        mode,
        want_kw=want_kw,
        energy_kwh=energy_kwh,
        code=told.reason.code,
        numbers=told.reason.numbers,
    )


def planned_mode(told: Told, asset: Asset, power_kw: float | None) -> Mode:
    """The word for what the plan wants of an asset in a step where it has `power_kw`.

    Only one storage follows the house: two that both chase the same meter would fight. A car
    gives only where the plan has it give.
    """
    mode: Mode = _MODES[told.action.mode]
    if asset.kind == "water_heater":
        heats = mode == "charge" if power_kw is None else power_kw > RUNS_KW
        return "charge" if heats else "auto"
    if asset.is_car and power_kw is not None:
        if abs(power_kw) <= STAND_LEAST_KW:
            return "hold"
        if mode == "charge":
            return mode
        return "surplus" if power_kw > 0.0 else "follow"
    return mode


def _mode(
    told: Told, asset: Asset, given: Given, power_kw: float | None
) -> tuple[Mode, float | None]:
    """The device mode that carries a planned mode out, and its power."""
    modes = asset.live.device.modes
    mode = planned_mode(told, asset, power_kw)
    surplus_kw = max(given.surplus_kw or 0.0, 0.0)
    if asset.kind == "ev_charger":
        return _charger_mode(mode, told, surplus_kw)
    if mode == "charge":
        most_kw = asset.storage.charge_kw if asset.storage is not None else 0.0
        return "charge", min(told.action.grid_kw + surplus_kw, most_kw)
    return (mode if mode in modes else "auto"), None


def _charger_mode(mode: Mode, told: Told, surplus_kw: float) -> tuple[Mode, float | None]:
    """A charger knows a power and nothing else: it charges from the grid or with the surplus."""
    if mode == "charge":
        return "charge", max(told.action.grid_kw + surplus_kw, CHARGER_LEAST_KW)
    if surplus_kw >= CHARGER_LEAST_KW and mode in ("follow", "surplus"):
        return "charge", surplus_kw
    return "hold", None


_MODES: dict[PlanMode, Mode] = {
    PlanMode.FOLLOW: "follow",
    PlanMode.SURPLUS: "surplus",
    PlanMode.CHARGE: "charge",
    PlanMode.HOLD: "hold",
    PlanMode.AUTO: "auto",
}


def _heater(plan: Plan, asset: Asset, told: Told, given: Given) -> Proposal:
    """Heat now, the shifted run to be told, or the heater's own way."""
    until, reason = step_end(plan, given.now), told.reason
    mode: Mode = "auto"
    start_h = None
    device = asset.live.device
    if isinstance(device, WaterHeater):
        start_h = _kept_shift(device, given.local_h)
    if start_h is not None:
        mode = "surplus"
    else:
        mode = planned_mode(told, asset, power_at(plan, asset.id, given.now))
        home = flows(plan)
        if mode == "auto" and home is not None and isinstance(device, WaterHeater):
            run = next_run(home, asset.id, _hours(plan, given))
            if run is not None:
                start_h = can_shift(run, device, given.local_h, asset.live.writable)
            mode = "auto" if start_h is None else "surplus"
    if mode == "charge" and _is_full(asset):
        mode = "auto"
    return Proposal(
        asset.id,
        Rank.PLAN,
        until,
        mode,
        start_h=start_h,
        code=reason.code,
        numbers=reason.numbers,
    )


def _kept_shift(device: WaterHeater, local_h: float) -> int | None:
    """A shift that has become final stays as it was told until its run is over."""
    if not device.shift or not device.shift_h:
        return None
    decided_h = 23.0 if device.decide_h is None else float(device.decide_h)
    since_h = (local_h - decided_h) % 24.0
    run_h = (float(device.shift_h) - decided_h) % 24.0
    return int(device.shift_h) if since_h < run_h + SHIFTED_RUN_H else None


SHIFTED_RUN_H = 4.0
FULL_SHARE = 0.97


def _is_full(asset: Asset) -> bool:
    tank = asset.model
    return isinstance(tank, TankModel) and tank.heat_kwh >= FULL_SHARE * tank.full_kwh


def step_end(plan: Plan, now: datetime) -> datetime:
    """When the running step of the plan is over."""
    later = [start for start in plan.starts if start > now]
    return later[0] if later else now + HABIT_FOR


def power_at(plan: Plan, asset: str, now: datetime) -> float | None:
    """What the plan has an asset draw in the running step; None under a rule."""
    home = flows(plan)
    if home is None or asset not in home.asset_by_key:
        return None
    return float(home.asset_by_key[asset].power_kw[_index(plan, now)])


def flows(plan: Plan) -> HomePlan | None:
    """The flows of a plan's own steps; a plan of before that is carried on has other steps."""
    return plan.home if plan.starts[0] == plan.made_at else None


def _index(plan: Plan, now: datetime) -> int:
    """The running step."""
    return max(0, sum(start <= now for start in plan.starts) - 1)


def _hours(plan: Plan, given: Given) -> FloatArray:
    """Local hour at each step's start."""
    ahead = np.array([(start - given.now).total_seconds() / 3600.0 for start in plan.starts])
    return (given.local_h + ahead) % 24.0
