"""What happened: commands, reasons, notices, errors, and who did what."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from hidamari.api.context import ApiDep, CallerDep, may, needs
from hidamari.core.access import Action
from hidamari.core.errors import InputError
from hidamari.http.answers import packed_json
from hidamari.schema.events import EventEntry, EventList, EventsAsk

router = APIRouter(tags=["events"])
KINDS = ("command", "reason", "notice", "error", "log")
AUDIT = "log"  # who did what: not for everybody who may look


@router.get("/events", response_model=EventList, dependencies=needs(Action.VIEW))
async def list_events(
    request: Request, ask: Annotated[EventsAsk, Query()], api: ApiDep, caller: CallerDep
) -> Response:
    """The newest events first; `next_before` leads to older ones."""
    seen = [kind for kind in KINDS if kind != AUDIT or may(request, caller, Action.VIEW_AUDIT)]
    wanted = [word.strip() for word in ask.kind.split(",") if word.strip()] or list(KINDS)
    if unknown := [kind for kind in wanted if kind not in KINDS]:
        raise InputError(f"a kind of {', '.join(KINDS)} was expected, got {unknown[0][:40]!r}")
    kinds = [kind for kind in wanted if kind in seen]
    found = await asyncio.to_thread(
        api.home.store.events, before_seq=ask.before, kinds=kinds, limit=ask.limit
    )
    events = [EventEntry.of(event) for event in found]
    more = events[-1].seq if len(events) == ask.limit else None
    return packed_json(request, EventList(events=events, next_before=more))
