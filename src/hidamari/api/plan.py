"""The plan: what will be done and why, what became of it, and the owner's word."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from hidamari.api.context import Api, ApiDep, CallerDep, needs
from hidamari.api.planview import asset_bodies, plan_body, reason_body, result_body
from hidamari.core.access import Action
from hidamari.core.errors import InputError
from hidamari.core.time import day_bounds, local_day
from hidamari.home.assets import Asset
from hidamari.home.control import owner_proposal
from hidamari.home.energy import Energy
from hidamari.home.explain import Explained, Move
from hidamari.home.planning import Made
from hidamari.http.depends import LangDep
from hidamari.http.errors import ApiError
from hidamari.plan.horizon import Term
from hidamari.schema import plan as schema

router = APIRouter(tags=["plan"])

MOST_AHEAD = timedelta(days=2)


def energy_of(api: Api) -> Energy:
    """Plan and control; raises 404 where the home does not plan."""
    if api.energy is None:
        raise ApiError(404, "this home does not plan", "a home with plan and control")
    return api.energy


@router.get("/plan", dependencies=needs(Action.VIEW))
async def get_plan(
    ask: Annotated[schema.PlanAsk, Query()], api: ApiDep, lang: LangDep
) -> schema.PlanBody:
    """The plan in force: half-hours ahead, blocks with reasons, expected cost, assets now."""
    energy = energy_of(api)
    return await asyncio.to_thread(plan_body, energy, lang, brief=ask.brief)


@router.get("/plan/why", dependencies=needs(Action.VIEW))
async def get_why(ask: Annotated[schema.WhyAsk, Query()], api: ApiDep) -> schema.WhyBody:
    """Why an asset does what it does in a half-hour, and what every other choice would cost."""
    energy = energy_of(api)
    made = _made(energy)
    at = _aware(ask.slot)
    try:
        found = await energy.explain(made, at)
    except InputError as error:
        raise ApiError(404, "the plan does not reach there", str(error)) from error
    wanted = [one for one in found if ask.asset in ("", one.asset)]
    if not wanted:
        raise ApiError(404, "the plan does not know this asset", "the id of an asset of the plan")
    return _why_body(made, wanted[0])


@router.get("/plan/result", dependencies=needs(Action.VIEW))
async def get_result(
    ask: Annotated[schema.ResultAsk, Query()], api: ApiDep, lang: LangDep
) -> schema.ResultBody:
    """A day's half-hours: the last plan before each, and what was measured."""
    energy = energy_of(api)
    home = api.home
    day = ask.day or local_day(home.clock.now(), home.settings.zone)
    return await asyncio.to_thread(result_body, energy, day, lang)


@router.get("/plan/quality", dependencies=needs(Action.VIEW))
async def get_quality(api: ApiDep) -> schema.QualityBody:
    """How good the forecasts of the last two weeks were, day by day."""
    learning = energy_of(api).planning.learning
    found = learning.quality() if learning is not None else []
    return schema.QualityBody(
        days=[
            schema.DayQuality(
                day=one.day,
                load_nmae=_rounded(one.load_nmae),
                pv_nmae=_rounded(one.pv_nmae),
                load_yesterday_nmae=_rounded(one.load_before_nmae),
                pv_yesterday_nmae=_rounded(one.pv_before_nmae),
            )
            for one in found
        ]
    )


@router.post("/plan/override", dependencies=needs(Action.CONTROL_ENERGY))
async def post_override(
    body: schema.OverrideAsk, api: ApiDep, caller: CallerDep, lang: LangDep
) -> schema.PlanAsset:
    """The owner's word for an asset, for an hour, until tomorrow or until an instant."""
    energy = energy_of(api)
    asset = _asset(energy, body.asset)
    if body.mode == "plan":
        energy.release(asset.id)
    else:
        if body.mode not in asset.live.device.modes:
            can = ", ".join(sorted(asset.live.device.modes))
            raise ApiError(409, f"this device cannot {body.mode}", f"one of {can}")
        now = api.home.clock.now()
        begin = now if body.start is None else max(_aware(body.start), now)
        until = _until(body.until, begin, api)
        proposal = owner_proposal(asset.id, body.mode, until)
        hours = (until - begin).total_seconds() / 3600.0
        kw, kwh = _amount(asset, body, hours)
        word = replace(proposal, since=begin, want_kw=kw, energy_kwh=kwh)
        energy.override(replace(word, start_h=_hour(api, begin)))
    data: dict[str, object] = {"mode": body.mode, "by": caller.name}
    api.note("log", "plan_override", {**data, "asset": asset.id})
    await energy.settled_soon()
    found = asset_bodies(energy, lang)
    return next(one for one in found if one.asset == asset.id)


@router.post("/plan/again", dependencies=needs(Action.CONTROL_ENERGY))
async def post_again(api: ApiDep) -> schema.MadeBody:
    """Make a new plan now."""
    energy = energy_of(api)
    made = await energy.plan(api.home.clock.now())
    return schema.MadeBody(made_at=made.plan.made_at)


@router.post("/plan/try", dependencies=needs(Action.VIEW))
async def post_try(body: schema.TryAsk, api: ApiDep) -> schema.TryBody:
    """What another choice for some half-hours would cost; nothing is changed."""
    energy = energy_of(api)
    made = _made(energy)
    asset = _asset(energy, body.asset)
    low, high = _bounds(body, asset)
    try:
        yen, terms = await energy.try_move(
            made, Move(asset.id, _aware(body.slot), body.slots, low, high)
        )
    except InputError as error:
        raise ApiError(404, "this cannot be tried", str(error)) from error
    return schema.TryBody(yen=round(yen, 2), terms=_terms(terms))


def _made(energy: Energy) -> Made:
    made = energy.current()
    if made is None:
        raise ApiError(404, "there is no plan yet", "a minute of patience")
    return made


def _asset(energy: Energy, asset: str) -> Asset:
    found = next((one for one in energy.control.assets() if one.id == asset), None)
    if found is None:
        raise ApiError(404, "there is no such asset", "the id of an asset of GET /plan")
    return found


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise InputError("an instant with its zone was expected, such as 2026-11-20T03:00:00Z")
    return at


def _until(wanted: str | datetime, begin: datetime, api: Api) -> datetime:
    """The end of an override; at most two days ahead."""
    zone = api.home.settings.zone
    if isinstance(wanted, datetime):
        until = _aware(wanted)
    elif wanted == "tomorrow":
        until = day_bounds(local_day(begin, zone), zone)[1]
    else:
        until = begin + timedelta(hours=1)
    if not begin < until <= api.home.clock.now() + MOST_AHEAD:
        raise InputError("until: an instant after its beginning, at most two days ahead, expected")
    return until


def _amount(
    asset: Asset, body: schema.OverrideAsk, hours: float
) -> tuple[float | None, float | None]:
    """Power and energy of a forced charge or discharge: what fits, if the owner named none."""
    storage = asset.storage
    if body.mode not in ("charge", "discharge") or storage is None:
        return None, None
    is_charge = body.mode == "charge"
    most_kw = storage.charge_kw if is_charge else storage.discharge_kw
    kw = min(abs(body.kw), most_kw) if body.kw is not None else most_kw
    fits = storage.room_ac_kwh() if is_charge else storage.spare_ac_kwh()
    kwh = min(fits, kw * hours, body.kwh if body.kwh is not None else float("inf"))
    return kw, kwh


def _hour(api: Api, begin: datetime) -> int | None:
    """The hour at which a shifted run of a water heater would begin."""
    hour = begin.astimezone(api.home.settings.zone).hour
    return hour if 9 <= hour <= 17 else None


def _bounds(body: schema.TryAsk, asset: Asset) -> tuple[float, float]:
    """The power that a mode means in the program."""
    storage = asset.storage
    most_in = storage.charge_kw if storage is not None else (body.kw or 1.0)
    most_out = storage.discharge_kw if storage is not None else 0.0
    if body.mode == "charge":
        kw = min(body.kw or most_in, most_in)
        return kw, kw
    if body.mode == "discharge":
        kw = -min(body.kw or most_out, most_out)
        return kw, 0.0
    if body.mode == "surplus":
        return 0.0, most_in
    return (0.0, 0.0) if body.mode == "hold" else (-most_out, most_in)


def _why_body(made: Made, one: Explained) -> schema.WhyBody:
    return schema.WhyBody.model_validate(
        {
            "slot": one.slot,
            "made_at": made.plan.made_at,
            "rung": made.plan.rung.name.lower(),
            "asset": one.asset,
            "mode": one.mode,
            "kw": _rounded(one.kw),
            "kwh": _rounded(one.kwh),
            "reason": reason_body(one.reason.code, one.reason.numbers),
            "inputs": {name: round(value, 4) for name, value in one.inputs.items()},
            "others": [
                {"mode": other.mode, "kw": _rounded(other.kw), "yen": round(other.yen, 2)}
                for other in one.others
            ],
            "terms": _terms(one.terms),
            "start": [{"at": s.at, "yen": round(s.yen, 2)} for s in one.starts],
        }
    )


def _terms(terms: tuple[Term, ...]) -> list[schema.YenTerm]:
    return [schema.YenTerm(name=term.name, yen=round(term.yen, 2)) for term in terms]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
