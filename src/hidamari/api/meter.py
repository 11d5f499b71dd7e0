"""The smart meter's page: buying or selling now, today, the month, and the year's peaks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated

import numpy as np
from fastapi import APIRouter
from fastapi import Path as PathParam

from hidamari.answers.sentence import QUIET_KW
from hidamari.api.context import Api, ApiDep, needs
from hidamari.api.figures import half_hours, month_bounds
from hidamari.api.money import contract_now
from hidamari.api.now import age_s
from hidamari.core.access import Action
from hidamari.core.contract import KW_A, Contract
from hidamari.core.reading import SeriesKey
from hidamari.core.time import SLOT_S, day_bounds, from_unix, local_day, unix
from hidamari.home.view import Snapshot
from hidamari.http.errors import ApiError
from hidamari.schema import history as schema
from hidamari.schema.now import Sums

router = APIRouter(tags=["meter"])

IMPORT = SeriesKey("home", "import_kw")
MONTHS = 12
AROUND = 6  # half-hours shown on each side of a peak
SLOT_H = 0.5
Month = Annotated[str, PathParam(pattern=r"^20\d{2}-(0[1-9]|1[0-2])$")]


@dataclass(frozen=True, slots=True)
class Found:
    """The largest half-hour of a month."""

    at: datetime
    kwh: float


@router.get("/meter", dependencies=needs(Action.VIEW))
async def get_meter(api: ApiDep) -> schema.MeterBody:
    """Buying or selling now, the sums of today and the month, the peak of each month of a year."""
    now = api.home.clock.now()
    kept = await api.sums.get()
    contract, peaks = await asyncio.to_thread(_slow_part, api, now)
    snapshot = api.home.snapshot()
    today = local_day(now, api.home.settings.zone)
    live = snapshot.values.get("grid_kw")
    grid_kw = None if live is None or live.value is None else round(live.value, 3)
    known = [one for one in peaks if one.peak_kwh is not None]
    first, after = month_bounds(contract, today)
    return schema.MeterBody(
        grid_kw=grid_kw,
        age_s=None if live is None else age_s(live.at, now),
        at=None if live is None else live.at,
        direction=_direction(grid_kw),
        name=snapshot.meter_name,
        route=snapshot.meter_route,
        counter_import_kwh=snapshot.counter_import_kwh,
        counter_export_kwh=snapshot.counter_export_kwh,
        contract_a=contract.contract_a if contract is not None else None,
        limit_kw=_limit_kw(contract),
        today=_sums(kept.sums.today, today, today + timedelta(days=1)),
        month=_sums(kept.sums.month, first, after),
        peaks=peaks,
        max=max(known, key=lambda one: one.peak_kwh or 0.0) if known else None,
        breakdown=bool(snapshot.circuits) and api.home.settings.screens.show_peaks,
    )


@router.get("/meter/peaks/{month}", dependencies=needs(Action.VIEW))
async def get_peak(month: Month, api: ApiDep) -> schema.PeakDetail:
    """The largest half-hour of a month, the circuits behind it and the half-hours around it."""
    return await asyncio.to_thread(_detail, api, month, api.home.snapshot())


def _slow_part(api: Api, now: datetime) -> tuple[Contract | None, list[schema.Peak]]:
    today = local_day(now, api.home.settings.zone)
    months = [_months_before(today, back) for back in range(MONTHS - 1, -2, -1)]
    found = _peaks(api, months, now)
    peaks = [_peak(f"{first:%Y-%m}", one) for first, one in zip(months[:-1], found, strict=True)]
    return contract_now(api.home, now), peaks


def _peaks(api: Api, months: Sequence[date], now: datetime) -> list[Found | None]:
    """The largest half-hour of each month between neighbours of `months`."""
    zone = api.home.settings.zone
    edges = [day_bounds(first, zone)[0] for first in months]
    last = min(now, edges[-1] - timedelta(seconds=1))
    kwh = half_hours(api.home.store, [IMPORT], edges[0], last)[:, 0]
    places = [min(len(kwh), (unix(edge) - unix(edges[0])) // SLOT_S) for edge in edges]
    found: list[Found | None] = []
    for low, high in pairwise(places):
        part = kwh[low:high]
        if not len(part) or np.isnan(part).all():
            found.append(None)
            continue
        top = int(np.nanargmax(part))
        found.append(Found(from_unix(unix(edges[0]) + SLOT_S * (low + top)), float(part[top])))
    return found


def _detail(api: Api, month: str, snapshot: Snapshot) -> schema.PeakDetail:
    store, now = api.home.store, api.home.clock.now()
    first = date.fromisoformat(f"{month}-01")
    if day_bounds(first, api.home.settings.zone)[0] > now:
        raise ApiError(404, "this month has not begun", "a month of the past")
    (found,) = _peaks(api, [first, _months_before(first, -1)], now)
    base = _peak(month, found)
    if found is None:
        return schema.PeakDetail(**dict(base), circuits=[], other_kwh=None, neighbours=[])
    slot = timedelta(seconds=SLOT_S)
    around = half_hours(store, [IMPORT], found.at - AROUND * slot, found.at + AROUND * slot)
    keys = [SeriesKey(one.id, "power_kw") for one in snapshot.circuits]
    parts = half_hours(store, [*keys, SeriesKey("home", "other_kw")], found.at, found.at)[0]
    use_kwh = half_hours(store, [SeriesKey("home", "use_kw")], found.at, found.at)[0, 0]
    circuits = [
        schema.PeakCircuit(
            id=one.id,
            name=one.name,
            room=one.room,
            kwh=_known(kwh),
            share_pct=_known(100.0 * kwh / use_kwh, 1) if use_kwh > 0.0 else None,
        )
        for one, kwh in zip(snapshot.circuits, parts, strict=False)
    ]
    return schema.PeakDetail(
        **dict(base),
        circuits=sorted(circuits, key=lambda one: -(one.kwh or 0.0)),
        other_kwh=_known(parts[-1]),
        neighbours=[
            schema.Neighbour(at=found.at + (i - AROUND) * slot, import_kwh=_known(row[0]))
            for i, row in enumerate(around)
        ],
    )


def _peak(month: str, found: Found | None) -> schema.Peak:
    if found is None:
        return schema.Peak(month=month, peak_kwh=None, peak_kw=None, at=None)
    kwh = round(found.kwh, 3)
    return schema.Peak(month=month, peak_kwh=kwh, peak_kw=round(kwh / SLOT_H, 3), at=found.at)


def _sums(sums: Sums | None, first: date, after: date) -> schema.MeterSums:
    return schema.MeterSums(
        import_kwh=sums.import_kwh if sums is not None else None,
        export_kwh=sums.export_kwh if sums is not None else None,
        from_=first,
        to=after,
    )


def _direction(grid_kw: float | None) -> str | None:
    if grid_kw is None:
        return None
    if abs(grid_kw) < QUIET_KW:
        return "even"
    return "buying" if grid_kw > 0.0 else "selling"


def _limit_kw(contract: Contract | None) -> float | None:
    if contract is None:
        return None
    if contract.contract_a is not None:
        return round(contract.contract_a * KW_A, 2)
    return contract.contract_kva if contract.contract_kva is not None else contract.contract_kw


def _months_before(day: date, back: int) -> date:
    """The first of the month `back` months before that of `day`."""
    index = day.year * 12 + day.month - 1 - back
    return date(index // 12, index % 12 + 1, 1)


def _known(value: float, digits: int = 3) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)
