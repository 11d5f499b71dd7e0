"""The history in steps: series, ranges and what they are compared with."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from hidamari.answers.history import history_body, series_entries
from hidamari.api.context import ApiDep, needs
from hidamari.core.access import Action
from hidamari.http.answers import packed_json
from hidamari.http.depends import LangDep
from hidamari.schema import history as schema

router = APIRouter(tags=["history"])


@router.get("/series", response_model=list[schema.SeriesEntry], dependencies=needs(Action.VIEW))
async def list_series(request: Request, api: ApiDep, lang: LangDep) -> Response:
    """Every stored quantity."""
    names = {circuit.id: circuit.name for circuit in api.home.snapshot().circuits}
    names |= {device.id: device.name for device in api.home.devices(lang)}
    return packed_json(request, series_entries(api.home.store.series(), names, lang))


@router.get("/history", response_model=schema.History, dependencies=needs(Action.VIEW))
async def get_history(
    request: Request, ask: Annotated[schema.HistoryAsk, Query()], api: ApiDep
) -> Response:
    """Series over a range in steps of the clock (to 1h) or the local calendar (from 1d)."""
    zone = api.home.settings.zone
    return packed_json(request, await asyncio.to_thread(history_body, api.home.store, ask, zone))
