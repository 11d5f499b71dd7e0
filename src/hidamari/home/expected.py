"""What the devices will really do with a plan: a heat pump runs at full power, a mode is a mode."""

from dataclasses import replace

import numpy as np

from hidamari.home.decide import STAND_LEAST_KW
from hidamari.home.heater import RUNS_KW
from hidamari.plan.battery import Mode, move
from hidamari.plan.horizon import AssetPlan, HomePlan
from hidamari.plan.ladder import Ask, Plan
from hidamari.plan.parts.storage import Storage
from hidamari.plan.parts.tank import Tank
from hidamari.store.pack import FloatArray

DAY_H = 24.0
DONE_SHARE = 0.98


def as_carried_out(plan: Plan, ask: Ask, unseen: frozenset[str]) -> Plan:
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
    storages = [asset for asset in ask.request.assets if isinstance(asset, Storage)]
    seen = (asset for key, asset in assets.items() if key not in unseen)
    spare_kw = _spare_kw(home) - sum(float(asset.power_kw[0]) for asset in seen)
    for storage in sorted(storages, key=lambda one: one.key != ask.main):  # it acts first
        if storage.key == ask.main:
            assets[storage.key] = _followed(plan, home, storage, spare_kw)
        elif storage.key in unseen:
            assets[storage.key] = _last_in_line(plan, home, storage, spare_kw)
        else:
            continue
        spare_kw -= float(assets[storage.key].power_kw[0])
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


def _followed(plan: Plan, home: HomePlan, storage: Storage, spare_kw: float) -> AssetPlan:
    """The running step of the battery as its mode makes it, with what the others leave."""
    asset, hours = home.asset_by_key[storage.key], float(home.horizon.step_h[0])
    action = next(told.action for told in plan.told[0] if told.asset == storage.key)
    done = move(storage.battery, storage.stored_kwh, -spare_kw * hours, action, hours)
    power, level = asset.power_kw.copy(), asset.level_kwh.copy()
    power[0] = (done.charge_kwh - done.discharge_kwh) / hours
    level[0] = done.stored_kwh
    return replace(asset, power_kw=power, level_kwh=level)


def _last_in_line(plan: Plan, home: HomePlan, car: Storage, spare_kw: float) -> AssetPlan:
    """The running step of a car: it follows only what the battery leaves of surplus or lack."""
    asset = home.asset_by_key[car.key]
    planned_kw = float(asset.power_kw[0])
    told = next(one.action for one in plan.told[0] if one.asset == car.key)
    if abs(planned_kw) <= STAND_LEAST_KW:
        kw = 0.0  # its stand is told to hold
    elif told.mode is Mode.CHARGE:
        return asset
    elif planned_kw > 0.0:
        battery = car.battery
        room_kwh = (battery.capacity_kwh - car.stored_kwh) / battery.charge_efficiency
        most_kw = min(battery.charge_kw, max(room_kwh, 0.0) / float(home.horizon.step_h[0]))
        kw = min(spare_kw, most_kw) if spare_kw > STAND_LEAST_KW else 0.0
    else:
        kw = max(planned_kw, min(spare_kw, 0.0))
    power = asset.power_kw.copy()
    power[0] = kw
    return replace(asset, power_kw=power)


def _spare_kw(home: HomePlan) -> float:
    """Sun less use of the house in the running step, before any asset."""
    horizon = home.horizon
    return float(horizon.pv_kwh[0] - horizon.load_kwh[0]) / float(horizon.step_h[0])


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
