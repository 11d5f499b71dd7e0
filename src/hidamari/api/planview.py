"""The plan as bodies: from what planning and control hold to what the screens read."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import numpy as np

from hidamari.core.reading import SeriesKey
from hidamari.core.time import SLOT_S, day_bounds
from hidamari.devices.wish import Mode
from hidamari.forecast.load import FEWEST_DAYS
from hidamari.forecast.series import nmae, weighted_quantile
from hidamari.home.arbiter import Rank
from hidamari.home.assets import Asset, reserve_kwh
from hidamari.home.decide import flows, planned_mode
from hidamari.home.energy import Energy
from hidamari.home.learning import slots_kwh
from hidamari.home.live import kilo
from hidamari.home.planned import DAY_KEY, PlannedSlot, day_slots
from hidamari.home.planning import Made
from hidamari.home.showing import device_name
from hidamari.plan.ladder import Rung, Told
from hidamari.schema import plan as schema
from hidamari.store.pack import FloatArray

HOUSE = ("load_kw", "pv_kw", "import_kw", "export_kw")
IDLE_KWH = 0.02
SLOT_H = 0.5
DIGITS = 3


def plan_body(energy: Energy, lang: str, *, brief: bool = False) -> schema.PlanBody:
    """The whole plan; in brief without its half-hours."""
    home, made = energy.home, energy.current()
    assets = asset_bodies(energy, lang)
    settings = home.settings.plan
    slots = [] if made is None else _slots(made)
    plan = made.plan if made is not None else None
    return schema.PlanBody(
        at=home.clock.now(),
        zone=home.settings.zone.key,
        state="starting" if made is None else "ok" if assets else "no_assets",
        made_at=plan.made_at if plan is not None else None,
        rung=_rung(made),
        rung_since=energy.rung_since,
        cause=energy.cause,
        mode=settings.mode,
        steering=settings.steering,
        prices_assumed=made is None or made.facts.prices.is_assumed,
        forecast=_forecast(energy, made),
        cost=_cost(energy, made),
        assets=assets,
        slots=[] if brief else slots,
        blocks=blocks(slots),
    )


def reason_body(code: str, numbers: Mapping[str, float]) -> schema.ReasonBody:
    """A reason with its numbers; what is no number is null."""
    known = {n: round(float(v), 4) if np.isfinite(v) else None for n, v in numbers.items()}
    return schema.ReasonBody(code=code, numbers=known)


def asset_bodies(energy: Energy, lang: str) -> list[schema.PlanAsset]:
    """Every device that the plan may steer."""
    return [_asset(energy, asset, lang) for asset in energy.control.assets()]


def blocks(slots: list[schema.PlanSlot]) -> list[schema.Block]:
    """Half-hours in a row in which an asset does one thing for one reason, in order of time."""
    found: list[schema.Block] = []
    for asset in dict.fromkeys(one.asset for slot in slots for one in slot.assets):
        begun: list[tuple[schema.PlanSlot, schema.SlotAsset]] = []
        for slot in slots:
            mine = next((one for one in slot.assets if one.asset == asset), None)
            if mine is None:
                continue
            if begun and _mark(begun[-1][1]) != _mark(mine):
                found.append(_block(begun))
                begun = []
            begun.append((slot, mine))
        if begun:
            found.append(_block(begun))
    worth = [one for one in found if one.reason.code != "stand_by"]
    ordered = sorted(worth, key=lambda one: (one.start, one.asset))
    return [one.model_copy(update={"n": n}) for n, one in enumerate(ordered, start=1)]


def result_body(energy: Energy, day: date, lang: str) -> schema.ResultBody:
    """A day's plans against what was measured."""
    home = energy.home
    zone = home.settings.zone
    start, end = day_bounds(day, zone)
    plans = {one.start: one for one in day_slots(home.store.get_kv(DAY_KEY + day.isoformat()))}
    until = min(end, home.clock.now())
    count = max(0, int((until - start).total_seconds()) // SLOT_S)
    starts = [start + timedelta(seconds=SLOT_S * i) for i in range(count)]
    assets = energy.control.assets()
    keys = [SeriesKey("home", name) for name in HOUSE]
    keys += [SeriesKey(a.id, kilo(a.live.device.power)[0]) for a in assets]
    edge = start + timedelta(seconds=SLOT_S * count)
    measured = slots_kwh(home.store, keys, start, edge)
    slots = [_result(plans.get(at), at, assets, measured[i]) for i, at in enumerate(starts)]
    load, pv = _errors(plans, starts, measured)
    return schema.ResultBody(
        day=day,
        zone=zone.key,
        slots=slots,
        assets=[_sum(energy, asset, slots, lang) for asset in assets],
        load_nmae=load,
        pv_nmae=pv,
    )


def _slots(made: Made) -> list[schema.PlanSlot]:
    """All half-hours; the band of the sun where the plan is of now."""
    slots = [_slot(made, step) for step in range(len(made.plan.starts))]
    outlook, horizon = made.facts.outlook, made.ask.request.horizon
    if len(slots) != horizon.count or not outlook.is_enough:
        return slots
    weight = np.asarray(outlook.weight, dtype=np.float64)
    low, high = (
        weighted_quantile(outlook.suns_kwh[:, : len(slots)], weight, q) for q in (0.1, 0.9)
    )
    share = horizon.step_h / SLOT_H
    return [
        one.model_copy(
            update={
                "pv_low_kwh": _r(min(low[i] * share[i], one.pv_kwh)),
                "pv_high_kwh": _r(max(high[i] * share[i], one.pv_kwh)),
            }
        )
        for i, one in enumerate(slots)
    ]


def _slot(made: Made, step: int) -> schema.PlanSlot:
    plan, horizon, home = made.plan, made.ask.request.horizon, flows(made.plan)
    start = plan.starts[step]
    index = min(step, horizon.count - 1)
    hours = float(horizon.step_h[index])
    prices = made.facts.prices
    return schema.PlanSlot(
        start=start,
        end=start + timedelta(hours=hours),
        buy_yen_kwh=_r(prices.marginal_yen_kwh[index]) or 0.0,
        sell_yen_kwh=_r(prices.sell_yen_kwh[index]) or 0.0,
        band=prices.band[index],
        load_kwh=_r(horizon.load_kwh[index]) or 0.0,
        pv_kwh=_r(horizon.pv_kwh[index]) or 0.0,
        import_kwh=_r(home.import_kwh[index]) if home is not None else None,
        export_kwh=_r(home.export_kwh[index]) if home is not None else None,
        curtail_kwh=_r(home.curtail_kwh[index]) if home is not None else None,
        value_yen_kwh=_r(home.value_yen_kwh[index]) if home is not None else None,
        assets=[_slot_asset(made, told, index) for told in plan.told[step]],
    )


def _slot_asset(made: Made, told: Told, step: int) -> schema.SlotAsset:
    home = flows(made.plan)
    mine = home.asset_by_key.get(told.asset) if home is not None else None
    asset = next((a for a in made.facts.assets if a.id == told.asset), None)
    kw = None if mine is None else float(mine.power_kw[step])
    level = None if mine is None else float(mine.level_kwh[step])
    whole = asset.capacity_kwh if asset is not None else None
    mode: Mode = told.action.mode.value if asset is None else planned_mode(told, asset, kw)
    return schema.SlotAsset(
        asset=told.asset,
        mode=mode,
        kw=_r(kw),
        kwh=_r(None if kw is None else kw * float(made.ask.request.horizon.step_h[step])),
        grid_kw=_r(told.action.grid_kw) or 0.0,
        level_kwh=_r(level),
        level_pct=None if level is None or not whole else round(100.0 * level / whole, 1),
        reason=reason_body(told.reason.code.value, told.reason.numbers),
        rung=RUNGS[made.plan.rung],
    )


def _asset(energy: Energy, asset: Asset, lang: str) -> schema.PlanAsset:
    settings, control = energy.home.settings, energy.control
    level, whole = asset.level_kwh, asset.capacity_kwh
    given = control.overrides.get(asset.id)
    way = control.gives_way.get(asset.id)
    return schema.PlanAsset(
        asset=asset.id,
        kind=asset.kind,
        name=device_name(asset.live, settings, lang),
        steered=asset.is_steered and settings.plan.steering,
        modes=sorted(asset.live.device.modes),
        capacity_kwh=_r(whole),
        reserve_kwh=_r(reserve_kwh(asset, settings.plan)) if asset.storage is not None else None,
        level_kwh=_r(level),
        level_pct=None if level is None or not whole else round(100.0 * level / whole, 1),
        now=_now(energy, asset),
        override=None
        if given is None or given.mode is None
        else schema.Override(
            mode=given.mode, start=given.since or energy.home.clock.now(), until=given.until
        ),
        gives_way=None
        if way is None
        else schema.GivesWay(since=way.since, until=way.until, mode=way.mode),
    )


def _now(energy: Energy, asset: Asset) -> schema.AssetNow | None:
    """What holds for the asset now; the outcome is that of its last command."""
    found = energy.control.settled.get(asset.id)
    if found is None:
        return None
    order = energy.control.orders.get(asset.id)
    if order is not None and order.mode != found.mode:
        order = None
    return schema.AssetNow.model_validate(
        {
            "mode": found.mode,
            "by": Rank(found.rank).name.lower(),
            "kw": _r(found.kw),
            "kwh": _r(found.energy_kwh),
            "until": found.until,
            "outcome": order.outcome if order is not None else "none",
            "at": order.at if order is not None else None,
            "reason": reason_body(found.code or "stand_by", found.numbers),
        }
    )


def _forecast(energy: Energy, made: Made | None) -> schema.PlanForecast | None:
    if made is None:
        return None
    return schema.PlanForecast(
        weather=energy.weather_word(),
        weather_issued_at=energy.weather_issued_at(),
        days=made.days,
        days_needed=FEWEST_DAYS,
        is_enough=made.facts.outlook.is_enough,
        load_nmae=_r(made.load_nmae),
        pv_nmae=_r(made.pv_nmae),
    )


def _cost(energy: Energy, made: Made | None) -> schema.PlanCost | None:
    found = energy.outlay(made) if made is not None else None
    if found is None:
        return None
    return schema.PlanCost(
        start=found.start,
        end=found.end,
        plan_yen=round(found.plan_yen, 1),
        low_yen=round(found.low_yen, 1),
        high_yen=round(found.high_yen, 1),
        without_yen=round(found.without_yen, 1),
        saving_yen=round(found.saving_yen, 1),
        saving_low_yen=round(found.saving_low_yen, 1),
        saving_high_yen=round(found.saving_high_yen, 1),
    )


def _mark(one: schema.SlotAsset) -> tuple[str, str]:
    return one.mode, one.reason.code


def _block(parts: list[tuple[schema.PlanSlot, schema.SlotAsset]]) -> schema.Block:
    kwh = sum(one.kwh or 0.0 for _, one in parts)
    _, first = parts[0]
    return schema.Block(
        n=0,
        asset=first.asset,
        mode=first.mode,
        start=parts[0][0].start,
        end=parts[-1][0].end,
        kwh=round(kwh, DIGITS),
        reason=first.reason,
    )


def _result(
    plan: PlannedSlot | None, at: datetime, assets: Iterable[Asset], measured: FloatArray
) -> schema.ResultSlot:
    by_asset = {one.asset: one for one in plan.assets} if plan is not None else {}
    lines = []
    for i, asset in enumerate(assets):
        mine = by_asset.get(asset.id)
        lines.append(
            schema.ResultAsset.model_validate(
                {
                    "asset": asset.id,
                    "mode": mine.mode if mine is not None else None,
                    "planned_kwh": mine.kwh if mine is not None else None,
                    "measured_kwh": _r(measured[len(HOUSE) + i]),
                    "reason": reason_body(mine.code, mine.numbers) if mine is not None else None,
                }
            )
        )
    house = dict(zip(("load_kwh", "pv_kwh", "import_kwh", "export_kwh"), measured, strict=False))
    planned = None
    if plan is not None:
        planned = schema.HouseKwh(
            load_kwh=plan.load_kwh,
            pv_kwh=plan.pv_kwh,
            import_kwh=plan.import_kwh,
            export_kwh=plan.export_kwh,
        )
    return schema.ResultSlot.model_validate(
        {
            "start": at,
            "rung": plan.rung if plan is not None else None,
            "buy_yen_kwh": plan.buy_yen_kwh if plan is not None else None,
            "assets": lines,
            "planned": planned,
            "measured": {name: _r(value) for name, value in house.items()},
        }
    )


def _sum(
    energy: Energy, asset: Asset, slots: Iterable[schema.ResultSlot], lang: str
) -> schema.ResultSum:
    pairs = []
    for slot in slots:
        mine = next(one for one in slot.assets if one.asset == asset.id)
        if mine.planned_kwh is not None and mine.measured_kwh is not None:
            pairs.append((mine.planned_kwh, mine.measured_kwh))
    planned, measured = np.array(pairs).reshape(-1, 2).T
    moved = float(np.abs(planned).sum())
    ways = [
        (
            float(np.maximum(sign * planned, 0.0).sum()),
            float(np.maximum(sign * measured, 0.0).sum()),
        )
        for sign in (1.0, -1.0)
    ]
    off = sum(abs(a - b) for a, b in ways)
    return schema.ResultSum(
        asset=asset.id,
        kind=asset.kind,
        name=device_name(asset.live, energy.home.settings, lang),
        planned_kwh=_r(planned.sum()) or 0.0,
        measured_kwh=_r(measured.sum()) or 0.0,
        planned_in_kwh=_r(ways[0][0]) or 0.0,
        measured_in_kwh=_r(ways[0][1]) or 0.0,
        planned_out_kwh=_r(ways[1][0]) or 0.0,
        measured_out_kwh=_r(ways[1][1]) or 0.0,
        off_pct=round(100.0 * off / moved, 1) if moved > IDLE_KWH else None,
    )


def _errors(
    plans: Mapping[datetime, PlannedSlot], starts: list[datetime], measured: FloatArray
) -> tuple[float | None, float | None]:
    known = [(plans[at], measured[i]) for i, at in enumerate(starts) if at in plans]
    if not known:
        return None, None
    load = nmae(np.array([p.load_kwh for p, _ in known]), np.array([m[0] for _, m in known]))
    pv = nmae(np.array([p.pv_kwh for p, _ in known]), np.array([m[1] for _, m in known]))
    return _r(load), _r(pv)


def _rung(made: Made | None) -> schema.Rung | None:
    return None if made is None else RUNGS[made.plan.rung]


RUNGS: dict[Rung, schema.Rung] = {
    Rung.SCENARIOS: "scenarios",
    Rung.MEAN: "mean",
    Rung.LAST: "last",
    Rung.RULE: "rule",
    Rung.DEVICE: "device",
}


def _r(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), DIGITS)
