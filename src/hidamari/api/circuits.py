"""The circuits of the board, and which source is true for each quantity."""

import asyncio
from datetime import datetime

from fastapi import APIRouter

from hidamari.api.context import Api, ApiDep, CallerDep, needs
from hidamari.api.figures import half_hours, sum_kwh
from hidamari.api.now import age_s, circuit_body
from hidamari.core.access import Action
from hidamari.core.reading import SeriesKey
from hidamari.core.time import day_bounds, local_day
from hidamari.home.view import CircuitNow, Edit, SourceChoice
from hidamari.http.depends import LangDep
from hidamari.http.errors import ApiError
from hidamari.schema import devices as schema

router = APIRouter(tags=["circuits"])
POWER = "power_kw"


@router.get("/circuits", dependencies=needs(Action.VIEW))
async def list_circuits(api: ApiDep, hidden: bool = False) -> list[schema.CircuitEntry]:
    """All circuits with their power now and their energy of today; `hidden`: also those."""
    circuits = _circuits(api) if hidden else api.home.snapshot().circuits
    today_kwh = await asyncio.to_thread(_today_kwh, api, [one.id for one in circuits])
    now = api.home.clock.now()
    return [_entry(one, today_kwh[one.id], now) for one in circuits]


@router.patch("/circuits/{circuit}", dependencies=needs(Action.DEVICES))
async def edit_circuit(circuit: str, body: schema.CircuitEdit, api: ApiDep) -> schema.CircuitEntry:
    """Change name, room or the device behind a circuit, hide or show it."""
    _find(api, circuit)
    edit = Edit(name=body.name, room=body.room, hidden=body.hidden, device=body.device)
    api.home.edit_circuit(circuit, edit)
    today_kwh = await asyncio.to_thread(_today_kwh, api, [circuit])
    return _entry(_find(api, circuit), today_kwh[circuit], api.home.clock.now())


@router.get("/sources", dependencies=needs(Action.VIEW))
async def list_sources(api: ApiDep, lang: LangDep) -> list[schema.SourceBody]:
    """Which source is true for each quantity, and which could be."""
    now = api.home.clock.now()
    return [_source(choice, now) for choice in api.home.sources(lang)]


@router.patch("/sources", dependencies=needs(Action.DEVICES))
async def choose_sources(
    body: dict[str, str], api: ApiDep, caller: CallerDep, lang: LangDep
) -> list[schema.SourceBody]:
    """Choose other sources: quantity -> id of an option. All or nothing."""
    options = {one.quantity: {o.id for o in one.options} for one in api.home.sources(lang)}
    for quantity, option in body.items():
        if quantity not in options:
            raise ApiError(422, f"{quantity[:40]}: no such quantity", ", ".join(options))
        if option not in options[quantity]:
            raise ApiError(
                422, f"{quantity}: no source {option[:80]}", ", ".join(options[quantity])
            )
    for quantity, option in body.items():
        api.home.choose_source(quantity, option)
        api.note("log", "source_chosen", {"quantity": quantity, "by": caller.name})
    now = api.home.clock.now()
    return [_source(choice, now) for choice in api.home.sources(lang)]


def _today_kwh(api: Api, circuits: list[str]) -> dict[str, float | None]:
    zone, now = api.home.settings.zone, api.home.clock.now()
    start, _ = day_bounds(local_day(now, zone), zone)
    kwh = half_hours(api.home.store, [SeriesKey(one, POWER) for one in circuits], start, now)
    return {one: sum_kwh(kwh[:, i]) for i, one in enumerate(circuits)}


def _circuits(api: Api) -> tuple[CircuitNow, ...]:
    """Every circuit, hidden ones at the end."""
    snapshot = api.home.snapshot()
    return (*snapshot.circuits, *snapshot.hidden_circuits)


def _find(api: Api, circuit: str) -> CircuitNow:
    """The circuit, also when it is hidden; raises 404."""
    for one in _circuits(api):
        if one.id == circuit:
            return one
    raise ApiError(404, "there is no such circuit", "an id from GET /circuits")


def _entry(one: CircuitNow, today_kwh: float | None, now: datetime) -> schema.CircuitEntry:
    body = circuit_body(one, now)
    return schema.CircuitEntry(**dict(body), today_kwh=today_kwh, hidden=one.hidden)


def _source(choice: SourceChoice, now: datetime) -> schema.SourceBody:
    differs = choice.differs_kwh is not None or choice.differs_pct is not None
    return schema.SourceBody(
        quantity=choice.quantity,
        title=choice.title,
        used=choice.used,
        options=[
            schema.SourceOptionBody(
                id=one.id,
                title=one.title,
                text=None,
                value=one.value,
                unit=one.unit,
                age_s=age_s(one.at, now),
            )
            for one in choice.options
        ],
        differs=schema.Difference(kwh=choice.differs_kwh, pct=choice.differs_pct)
        if differs
        else None,
    )
