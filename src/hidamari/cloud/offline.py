"""What can be answered for a home that is away, out of what it sent: history, events, last values.

Bodies are those of the home's own API. The answers say that they come from the store, and how old
the newest thing in it is; names that a person gave are not in it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from hidamari.answers.history import history_body, history_spans, series_entries
from hidamari.answers.ranges import Span
from hidamari.cloud.context import service_of
from hidamari.cloud.history import known_series, past_of
from hidamari.cloud.offline_now import Last, last_values
from hidamari.cloud.ports import Access, SegmentStore
from hidamari.core.access import Action, Actor, allowed
from hidamari.core.reading import SeriesKey
from hidamari.core.time import TOKYO, from_unix
from hidamari.core.words import text
from hidamari.http.answers import packed_json
from hidamari.http.depends import lang_of
from hidamari.link.records import EventRecord
from hidamari.schema.events import EventEntry, EventList, EventsAsk
from hidamari.schema.history import HistoryAsk
from hidamari.schema.session import SessionState

VIA = "cloud-store"
CIRCUIT = "circuit:"
LATELY = timedelta(hours=36)  # a part that did nothing since yesterday is not shown

A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about a home that is away."""

    request: Request
    access: Access
    store: SegmentStore
    zone: ZoneInfo
    bounds: tuple[datetime, datetime]

    @property
    def lang(self) -> str:
        """The reader's language."""
        return lang_of(self.request)


async def offline_answer(request: Request, path: str, access: Access) -> Response | None:
    """The answer out of the store; None where the store cannot answer this."""
    service = service_of(request)
    answer = _ANSWERS.get(path)
    if answer is None:
        return None
    bounds = await service.store.bounds(access.home)
    if bounds is None:
        return None
    tables = await service.store.reported(access.home)
    zone = ZoneInfo(tables[-1].record.zone) if tables else TOKYO
    body = await answer(Ask(request, access, service.store, zone, bounds))
    response = packed_json(request, body)
    age_s = (service.clock.now() - bounds[1]).total_seconds()
    response.headers["age"] = str(max(0, round(age_s)))
    response.headers["x-hidamari-via"] = VIA
    return response


async def _history(ask: Ask) -> object:
    wanted = _asked(HistoryAsk, ask.request)
    spans = history_spans(wanted, ask.zone)
    past = await past_of(ask.store, ask.access.home, spans, wanted.step, ask.zone)
    return await asyncio.to_thread(history_body, past, wanted, ask.zone)


async def _series(ask: Ask) -> object:
    known = (await known_series(ask.store, ask.access.home)).series()
    return series_entries(known, circuit_names(known, ask.lang), ask.lang)


async def _now(ask: Ask) -> object:
    service = service_of(ask.request)
    there = await service.bus.presence(ask.access.home)
    end = ask.bounds[1]
    lately = Span(end - LATELY, end)
    past = await past_of(ask.store, ask.access.home, [lately], "30m", ask.zone)
    last = Last(
        lately=lately,
        at=max(service.clock.now(), end),
        frame=there.live,
        zone=ask.zone,
        names=circuit_names(past.series(), ask.lang),
    )
    return await asyncio.to_thread(last_values, past, last)


async def _session(ask: Ask) -> object:
    return SessionState(
        user=ask.access.nickname,
        role=ask.access.role,
        must_change_password=False,
        expires_at=None,
        secure=True,
        secure_url=None,
    )


async def _events(ask: Ask) -> object:
    wanted = _asked(EventsAsk, ask.request)
    actor = Actor(ask.access.role, "", ask.access.until, is_remote=True)
    kinds = wanted.kinds(audit=allowed(actor, "", Action.VIEW_AUDIT))
    found: list[EventEntry] = []
    before, more = wanted.before, True
    while more and len(found) < wanted.limit:
        page = await ask.store.events(ask.access.home, before, wanted.limit)
        found += [_event(one) for one in page if one.kind in kinds]
        more = len(page) == wanted.limit
        before = page[-1].t_ms if page else None
    shown = found[: wanted.limit]
    is_all = not more and len(found) <= wanted.limit
    return EventList(events=shown, next_before=None if is_all or not shown else shown[-1].seq)


def _event(one: EventRecord) -> EventEntry:
    """An event as the home tells it; its number is the instant, which leads to older ones too."""
    return EventEntry(
        seq=one.t_ms,
        at=from_unix(one.t_ms / 1000) if one.is_dated else None,
        kind=one.kind,
        device=one.device,
        code=one.code,
        data={key: msgspec.msgpack.decode(value) for key, value in one.data.items()},
    )


def circuit_names(known: Iterable[SeriesKey], lang: str) -> dict[str, str]:
    """Names for circuits by their place on the board: what people call them stays at home."""
    ids = {key.device for key in known if key.device.startswith(CIRCUIT)}
    return {one: text(lang, "series.circuit", name=one.removeprefix(CIRCUIT)) for one in ids}


def _asked(kind: type[A], request: Request) -> A:
    """The query of a request; wrong fields are answered as the home answers them."""
    try:
        return kind.model_validate(dict(request.query_params))
    except ValidationError as error:
        wrong = [one | {"loc": ("query", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(wrong) from None


_ANSWERS: dict[str, Callable[[Ask], Awaitable[object]]] = {
    "history": _history,
    "series": _series,
    "now": _now,
    "session": _session,
    "events": _events,
}
