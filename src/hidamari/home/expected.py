"""What the devices will really do with a plan: a heat pump runs at full power, a mode is a mode."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from hidamari.home.heater import RUNS_KW
from hidamari.plan.battery import move
from hidamari.plan.horizon import AssetPlan, HomePlan
from hidamari.plan.ladder import Ask, Plan
from hidamari.plan.parts.storage import Storage
from hidamari.plan.parts.tank import Tank
from hidamari.store.pack import FloatArray

DAY_H = 24.0
DONE_SHARE = 0.98


def as_carried_out(plan: Plan, ask: Ask, unseen: Collection[str]) -> Plan:
    """The plan with the flows that its orders will lead to; other plans as they are.

    The battery does not follow what the assets of `unseen` draw.
    """
    home = plan.home
    if home is None or plan.starts[0] != plan.made_at:
        return plan
    assets = {asset.key: asset for asset in home.assets}
    for asset in ask.request.assets:
        if isinstance(asset, Tank):
            assets[asset.key] = _heated(home, asset)
    cars = [key for key in unseen if key != ask.main]
    for asset in ask.request.assets:
        if isinstance(asset, Storage) and asset.key == ask.main:
            others = sum(float(a.power_kw[0]) for k, a in assets.items() if k not in unseen)
            assets[asset.key] = _followed(plan, home, asset, others)
            _leave_the_rest(home, assets, cars, others + float(assets[asset.key].power_kw[0]))
    return replace(plan, home=_with(home, assets))


def _heated(home: HomePlan, tank: Tank) -> AssetPlan:
    """The next run as a block at full power until the tank has what it is heated to."""
    asset, step_h = home.asset_by_key[tank.key], home.horizon.step_h
    begin_h = np.cumsum(step_h) - step_h
    first = _run_start(asset, tank, begin_h)
    power = np.where(begin_h >= DAY_H, asset.power_kw, 0.0)
    level = asset.level_kwh.copy()
    heat, is_done = tank.stored_kwh, first is None
    for i in range(len(step_h)):
        heat = heat * (1.0 - tank.loss_share_h * step_h[i]) - tank.heat.draw_kwh[i]
        if first is not None and i >= first and not is_done:
            most_kwh = tank.power_kw * step_h[i]
            room_kwh = max(tank.full_kwh - heat, 0.0) / tank.heat.cop[i]
            power[i] = min(most_kwh, room_kwh) / step_h[i]
            is_done = room_kwh < DONE_SHARE * most_kwh
        heat = min(max(heat + tank.heat.cop[i] * power[i] * step_h[i], 0.0), tank.full_kwh)
        level[i] = heat
    return replace(asset, power_kw=power + tank.idle_kw, level_kwh=level)


def _run_start(asset: AssetPlan, tank: Tank, begin_h: FloatArray) -> int | None:
    """The step at which the next run begins; None where there is none within a day."""
    if tank.running:
        return 0
    if tank.announced is not None:
        return tank.announced
    busy = np.flatnonzero((asset.power_kw > RUNS_KW) & (begin_h < DAY_H))
    return int(busy[0]) if busy.size else None


def _followed(plan: Plan, home: HomePlan, storage: Storage, others_kw: float) -> AssetPlan:
    """The running step of the battery as its mode makes it, with what the others draw."""
    horizon, asset = home.horizon, home.asset_by_key[storage.key]
    hours = float(horizon.step_h[0])
    net_kwh = float(horizon.load_kwh[0] - horizon.pv_kwh[0]) + others_kw * hours
    action = next(told.action for told in plan.told[0] if told.asset == storage.key)
    done = move(storage.battery, storage.stored_kwh, net_kwh, action, hours)
    power, level = asset.power_kw.copy(), asset.level_kwh.copy()
    power[0] = (done.charge_kwh - done.discharge_kwh) / hours
    level[0] = done.stored_kwh
    return replace(asset, power_kw=power, level_kwh=level)


def _leave_the_rest(
    home: HomePlan, assets: dict[str, AssetPlan], cars: Collection[str], before_kw: float
) -> None:
    """What a car gives in the running step is only what the battery leaves of the lack."""
    horizon = home.horizon
    load_kw = float(horizon.load_kwh[0] - horizon.pv_kwh[0]) / float(horizon.step_h[0])
    lack_kw = max(load_kw + before_kw, 0.0)
    for key in sorted(assets.keys() & set(cars)):
        asset = assets[key]
        gives_kw = max(-float(asset.power_kw[0]), 0.0)
        if gives_kw > 0.0:
            power = asset.power_kw.copy()
            power[0] = -min(gives_kw, lack_kw)
            assets[key] = replace(asset, power_kw=power)
            lack_kw += power[0]


def _with(home: HomePlan, assets: dict[str, AssetPlan]) -> HomePlan:
    """The plan with other flows of its assets, and the grid's to match."""
    horizon = home.horizon
    drawn = sum((a.power_kw * horizon.step_h for a in assets.values()), np.zeros(horizon.count))
    net = horizon.load_kwh - horizon.pv_kwh + drawn
    ordered = tuple(assets[asset.key] for asset in home.assets)
    return replace(
        home,
        import_kwh=np.maximum(net, 0.0),
        export_kwh=np.maximum(-net - home.curtail_kwh, 0.0),
        assets=ordered,
        asset_by_key=assets,
    )
