"""What happened: commands, reasons, notices, errors, and who did what."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from hidamari.api.context import ApiDep, CallerDep, may, needs
from hidamari.core.access import Action
from hidamari.http.answers import packed_json
from hidamari.schema.events import EventEntry, EventList, EventsAsk

router = APIRouter(tags=["events"])


@router.get("/events", response_model=EventList, dependencies=needs(Action.VIEW))
async def list_events(
    request: Request, ask: Annotated[EventsAsk, Query()], api: ApiDep, caller: CallerDep
) -> Response:
    """The newest events first; `next_before` leads to older ones."""
    kinds = ask.kinds(audit=may(request, caller, Action.VIEW_AUDIT))
    found = await asyncio.to_thread(
        api.home.store.events, before_seq=ask.before, kinds=kinds, limit=ask.limit
    )
    events = [EventEntry.of(event) for event in found]
    more = events[-1].seq if len(events) == ask.limit else None
    return packed_json(request, EventList(events=events, next_before=more))
