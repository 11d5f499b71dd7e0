"""What the planner is asked: steps ahead with use, sun and prices, and the assets as they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from hidamari.core.config import Settings
from hidamari.core.time import SLOT_S, slot_start
from hidamari.forecast.outlook import Outlook
from hidamari.home.assets import Asset, is_guarding, plan_battery, reserve_kwh
from hidamari.home.heater import Household, heater_tank
from hidamari.home.pricing import Prices
from hidamari.home.travel import Travel, car_storage
from hidamari.plan.battery import Battery
from hidamari.plan.horizon import Bill, Horizon
from hidamari.plan.ladder import Ask
from hidamari.plan.parts.part import Asset as PlanAsset
from hidamari.plan.parts.storage import Storage
from hidamari.plan.recursion import Outcomes
from hidamari.plan.request import PlanRequest
from hidamari.plan.value import EndValue
from hidamari.store.pack import FloatArray

SLOT_H = 0.5
LEAST_STEP_H = 1.0 / 60.0
# How much of the last half-hour's use stands for the coming ones instead of the forecast, and how
# much of its sun's error stays. Found on 40 days of a measured home: the error of the next
# half-hour falls from 0.35 to 0.31 of the use and from 0.125 to 0.077 of the sun.
LOAD_SHARES = (0.6, 0.3, 0.15, 0.05)
SUN_SHARES = (0.7, 0.5, 0.35, 0.25)
LEAST_RATIO, MOST_RATIO = 0.2, 2.0
SEEN_KWH = 0.02  # less sun in a half-hour tells nothing
END_SHARE = 0.8  # what is left in the battery at the end saves a night purchase, mostly
PULL_YEN_KWH = 1.0  # selling must not pay more than buying saves, or energy would go in circles


@dataclass(frozen=True, slots=True)
class Recent:
    """The last thirty minutes as a half-hour's kWh, and the sun that had been forecast for them."""

    load_kwh: float | None = None
    pv_kwh: float | None = None
    pv_made_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a plan is made of, as values."""

    now: datetime
    settings: Settings
    assets: tuple[Asset, ...]
    prices: Prices
    outlook: Outlook
    recent: Recent = field(default_factory=Recent)
    usual_kwh: Mapping[str, FloatArray] = field(default_factory=dict)  # by asset id, (48,)
    household: Household = field(default_factory=Household)
    travel: Travel = field(default_factory=Travel)


def steps_h(now: datetime, count: int) -> FloatArray:
    """The rest of the running half-hour, then whole ones."""
    left_h = (slot_start(now) + timedelta(seconds=SLOT_S) - now).total_seconds() / 3600.0
    found: FloatArray = np.full(count, SLOT_H)
    found[0] = max(left_h, LEAST_STEP_H)
    return found


def local_hours(now: datetime, step_h: FloatArray, settings: Settings) -> FloatArray:
    """Local hour of the day at the start of each step."""
    begin_h = np.cumsum(step_h) - step_h
    local = now.astimezone(settings.zone)
    return (local.hour + local.minute / 60.0 + local.second / 3600.0 + begin_h) % 24.0


def ask_of(facts: Facts) -> Ask:
    """The question to the ladder."""
    outlook, prices = facts.outlook, facts.prices
    count = min(len(outlook.load_kwh), len(prices.buy_yen_kwh))
    step_h = steps_h(facts.now, count)
    hour = local_hours(facts.now, step_h, facts.settings)
    buy, sell = planning_yen_kwh(facts, count)
    share = step_h[0] / SLOT_H
    load_kwh = _load_ahead(outlook.load_kwh[:count], facts.recent)
    pv_kwh = _sun_ahead(outlook.pv_kwh[:count], facts.recent)
    load_kwh = load_kwh + _left_alone(facts, hour)
    net = _shifted_net(outlook, load_kwh, pv_kwh, count)
    load_kwh[0] *= share
    pv_kwh[0] *= share
    horizon = Horizon(
        step_h=step_h,
        load_kwh=load_kwh,
        pv_kwh=pv_kwh,
        buy_yen_kwh=buy,
        sell_yen_kwh=sell,
        export_limit_kw=np.full(count, np.inf),
        import_limit_kw=_import_limit_kw(facts.settings, load_kwh - pv_kwh, step_h),
    )
    assets = plan_assets(facts, horizon, hour)
    main = _main_battery(assets, facts)
    request = PlanRequest(horizon, assets, _bill(facts))
    outcomes = None
    if main is not None:
        end_yen_kwh = _end_value(horizon, main.battery).rest_yen_kwh
        outcomes = Outcomes(
            net,
            outlook.weight,
            _marginal(facts, buy, count).astype(np.float32),
            sell.astype(np.float32),
            SLOT_H,
            end_yen_kwh,
        )
    key = main.key if main is not None else None
    return Ask(facts.now, request, hour, key, outcomes, outlook.is_enough)


def plan_assets(facts: Facts, horizon: Horizon, hour: FloatArray) -> tuple[PlanAsset, ...]:
    """The assets that can be planned now."""
    found: list[PlanAsset] = []
    for asset in facts.assets:
        if not asset.is_steered or asset.model is None:
            continue
        if asset.kind == "water_heater":
            found.append(heater_tank(asset, facts.household, facts.settings.plan, hour, horizon))
        elif asset.is_car:
            car = car_storage(asset, facts.travel, facts.settings.plan, facts.now, horizon.step_h)
            if car is not None:
                found.append(car)
        elif asset.storage is not None:
            kept_kwh = reserve_kwh(asset, facts.settings.plan)
            if not is_guarding(facts.settings.plan):
                kept_kwh = min(kept_kwh, asset.storage.stored_kwh)  # the sun fills it up again
            battery = plan_battery(asset.storage, kept_kwh)
            end = _end_value(horizon, battery)
            found.append(Storage(asset.id, battery, asset.storage.stored_kwh, end=end))
    return tuple(found)


def _end_value(horizon: Horizon, battery: Battery) -> EndValue:
    """What is left at the end, the same for the program and for the choice over scenarios."""
    yen = END_SHARE * float(horizon.buy_yen_kwh.min()) * battery.discharge_efficiency
    return EndValue(0.0, yen, yen)


def planning_yen_kwh(facts: Facts, count: int) -> tuple[FloatArray, FloatArray]:
    """The prices that the plan goes by: the contract's, or those of the wished-for purpose.

    Self-sufficiency and the rule mode buy as little as they can: every kWh bought counts the same
    and what is sold counts nothing, so nothing is ever bought to be kept.
    """
    prices = facts.prices
    if facts.settings.plan.mode in ("self", "solar_rules"):
        mean = float(np.abs(prices.buy_yen_kwh[:count]).mean())
        return np.full(count, max(mean, PULL_YEN_KWH)), np.zeros(count)
    return prices.buy_yen_kwh[:count].copy(), prices.sell_yen_kwh[:count].copy()


def _marginal(facts: Facts, buy: FloatArray, count: int) -> FloatArray:
    if facts.settings.plan.mode in ("self", "solar_rules"):
        return buy
    return facts.prices.marginal_yen_kwh[:count]


def _load_ahead(path_kwh: FloatArray, recent: Recent) -> FloatArray:
    """The forecast drawn to what was used in the last half-hour."""
    path = path_kwh.copy()
    if recent.load_kwh is not None:
        for i, share in enumerate(LOAD_SHARES[: len(path)]):
            path[i] += share * (recent.load_kwh - path[i])
    # What is not a number stays so: the ladder refuses it and says why.
    return np.where(np.isfinite(path), np.maximum(path, 0.0), path)


def _sun_ahead(path_kwh: FloatArray, recent: Recent) -> FloatArray:
    """The forecast with the last half-hour's error, fading."""
    path = path_kwh.copy()
    if recent.pv_kwh is None or recent.pv_made_kwh is None or recent.pv_made_kwh < SEEN_KWH:
        return path
    ratio = min(max(recent.pv_kwh / recent.pv_made_kwh, LEAST_RATIO), MOST_RATIO)
    for i, share in enumerate(SUN_SHARES[: len(path)]):
        path[i] *= 1.0 + share * (ratio - 1.0)
    return path


def _left_alone(facts: Facts, hour: FloatArray) -> FloatArray:
    """What devices draw that the plan knows of but does not steer."""
    place = np.minimum((hour * 2.0 + 1e-6).astype(int), 47)
    total = np.zeros(len(hour))
    for asset in facts.assets:
        planned = asset.is_steered and asset.model is not None
        if not planned and asset.id in facts.usual_kwh:
            total += np.maximum(facts.usual_kwh[asset.id][place], 0.0)
    return total


def _shifted_net(
    outlook: Outlook, load_kwh: FloatArray, pv_kwh: FloatArray, count: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The scenarios, moved by what the measured present changes in the mean."""
    with np.errstate(invalid="ignore", over="ignore"):
        before = (outlook.load_kwh - outlook.pv_kwh)[:count]
        moved = (load_kwh - pv_kwh - before).astype(np.float32)
        return np.asarray(outlook.net_kwh[:, :count] + moved, dtype=np.float32)


def _main_battery(assets: Sequence[PlanAsset], facts: Facts) -> Storage | None:
    """The largest stationary battery: its mode is chosen over the scenarios."""
    cars = {asset.id for asset in facts.assets if asset.is_car}
    found = [a for a in assets if isinstance(a, Storage) and a.key not in cars]
    return max(found, key=lambda one: one.battery.capacity_kwh, default=None)


def _bill(facts: Facts) -> Bill:
    target_kwh = facts.settings.target.half_hour_kwh
    tiers = facts.prices.tiers
    if tiers is not None and facts.settings.plan.mode in ("self", "solar_rules"):
        tiers = None
    return Bill(tiers=tiers, target_kw=None if target_kwh is None else target_kwh / SLOT_H)


def _import_limit_kw(settings: Settings, net_kwh: FloatArray, step_h: FloatArray) -> float:
    """The owner's limit, where the house alone does not need more already."""
    limit_kw = settings.plan.import_limit_kw
    if limit_kw is None:
        return float("inf")
    return max(limit_kw, float((net_kwh / step_h).max()) + 0.1)


def with_other_loads(outcomes: Outcomes, other_kwh: FloatArray) -> Outcomes:
    """The scenarios with what the other assets will draw [kWh a slot] on top."""
    return replace(
        outcomes, net_kwh=np.asarray(outcomes.net_kwh + other_kwh[None], dtype=np.float32)
    )
