"""The history out as a CSV file, and a file of half-hours in."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from hidamari.answers.history import check_size
from hidamari.answers.ranges import Span, find_series, parse_span
from hidamari.api.context import Api, ApiDep, CallerDep, needs
from hidamari.api.csv_in import BadCsv, Parsed, Reader, Slot, text_of
from hidamari.api.csv_out import Columns, csv_parts
from hidamari.core.access import Action
from hidamari.core.reading import Kind, Series, SeriesKey
from hidamari.core.time import SLOT_S
from hidamari.home.record import home_series
from hidamari.http.answers import json_response
from hidamari.http.errors import ApiError
from hidamari.schema import history as schema
from hidamari.store.db import Store

router = APIRouter(tags=["history"])

CSV = "text/csv; charset=utf-8"
CSV_BODY = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
}
# Bodies that hold no file as such; what forms and browsers call a CSV file is of many kinds.
NO_FILE = frozenset({"multipart/form-data", "application/json"})
CSV_ANSWER = {"content": {"text/csv": {}}, "description": "one row per step"}
COMPARED_AT_ONCE = timedelta(days=31)
Asked = dict[str, SeriesKey]


@router.get(
    "/export.csv",
    response_class=StreamingResponse,
    responses={200: CSV_ANSWER},
    dependencies=needs(Action.EXPORT),
)
async def export_csv(ask: Annotated[schema.FileAsk, Query()], api: ApiDep) -> Response:
    """Any range as CSV (UTF-8, RFC 4180): start in UTC and local time, one column per series."""
    return _file(api, ask, *_asked(api, ask))


@router.get(
    "/history.csv",
    response_class=StreamingResponse,
    responses={200: CSV_ANSWER},
    dependencies=needs(Action.VIEW),
)
async def history_csv(ask: Annotated[schema.FileAsk, Query()], api: ApiDep) -> Response:
    """What /history tells of a range, in the form of /export.csv and no more of it at once."""
    asked, span = _asked(api, ask)
    check_size(span, ask.step, len(asked))
    return _file(api, ask, asked, span)


def _asked(api: Api, ask: schema.FileAsk) -> tuple[Asked, Span]:
    """The series and the range of a file; without names those of the house."""
    zone, known = api.home.settings.zone, api.home.store.series()
    asked = (
        find_series(ask.series, known)
        if ask.series
        else {
            f"{key.device}.{key.name}": key
            for key, one in known.items()
            if key.device == "home" and one.kind is not Kind.STATE
        }
    )
    if not asked:
        raise ApiError(404, "nothing is stored yet", "a history")
    return asked, parse_span(ask.from_, ask.to, zone)


def _file(api: Api, ask: schema.FileAsk, asked: Asked, span: Span) -> Response:
    zone = api.home.settings.zone
    columns = Columns(asked, ask.step, zone, ask.quality)
    name = f"hidamari-{span.start.astimezone(zone):%Y%m%d}-{ask.step}.csv"
    return StreamingResponse(
        csv_parts(api.home.store, columns, span.start, span.end),
        media_type=CSV,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.post(
    "/import",
    response_model=schema.Imported,
    dependencies=needs(Action.IMPORT),
    openapi_extra=CSV_BODY,
)
async def import_csv(request: Request, api: ApiDep, caller: CallerDep) -> Response:
    """Take in half-hours from a CSV file of at most 1 MB (split longer ones, repeat the head row).

    UTF-8 or Shift_JIS (CP932), columns separated by commas.
    Head row: `start_utc` (or `start_local`, `start`; a time without an offset is local), then one
    column per series, named as in /export.csv (`home.import_kw [kWh]`) or shortly (`import_kwh`).
    Times are starts of half-hours, empty cells and missing rows are gaps, nothing stored before
    with an equal or better quality is replaced. All of it or nothing; errors name lines.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in NO_FILE:
        raise ApiError(415, f"the body is {kind}", "the CSV file itself as the body, text/csv")
    parsed = await asyncio.to_thread(_parse, api, await request.body())
    stored = await asyncio.to_thread(_write, api, parsed)
    api.sums.forget()
    answer = _imported(parsed, stored)
    api.note(
        "log",
        "history_imported",
        {
            "half_hours": answer.half_hours,
            "stored": answer.stored,
            "kept": answer.kept,
            "from": answer.first.isoformat(),
            "by": caller.name,
        },
    )
    return json_response(answer)


def _imported(parsed: Parsed, stored: int) -> schema.Imported:
    values = sum(len(slot) for _, slot in parsed.slots)
    return schema.Imported(
        rows=len(parsed.slots),
        half_hours=len(parsed.slots),
        stored=stored,
        kept=values - stored,
        series=[_name(one) for one in parsed.series],
        first=parsed.slots[0][0],
        last=parsed.slots[-1][0],
        gaps=parsed.gaps,
        empty=[
            schema.EmptyCells(series=_name(one), from_=start, to=end)
            for one, (start, end) in parsed.empty
        ],
        empty_cells=parsed.empty_cells,
    )


def _name(series: Series) -> str:
    return f"{series.device}.{series.name}"


def _parse(api: Api, body: bytes) -> Parsed:
    known = {one.key: one for one in home_series()} | api.home.store.series()
    reader = Reader(known, api.home.settings.zone, api.home.clock.now())
    try:
        return reader.read(text_of(body))
    except BadCsv as bad:
        error = ApiError(422, str(bad), "see `lines`", "bad_csv")
        error.extra = {
            "lines": [
                {"line": one.line, "column": one.column, "message": one.message}
                for one in bad.faults
            ]
        }
        raise error from bad


def _write(api: Api, parsed: Parsed) -> int:
    """Store the half-hours; how many values are new or better than what was stored before."""
    store = api.home.store
    store.add_series(parsed.series)
    stored = sum(_count_better(store, part) for part in _parts(parsed.slots))
    store.write_history(parsed.slots, api.home.settings.zone)
    return stored


def _parts(slots: Sequence[Slot]) -> Iterator[Sequence[Slot]]:
    """Half-hours that lie close together, so that years between them need not be read."""
    first = 0
    for after in range(1, len(slots) + 1):
        if after == len(slots) or slots[after][0] - slots[first][0] >= COMPARED_AT_ONCE:
            yield slots[first:after]
            first = after


def _count_better(store: Store, slots: Sequence[Slot]) -> int:
    """How many values the store will take: those of better quality than its own."""
    keys = sorted({key for _, values in slots for key in values})
    start = slots[0][0]
    _, quality = store.slots(keys, start, slots[-1][0] + timedelta(seconds=SLOT_S))
    column = {key: i for i, key in enumerate(keys)}
    return sum(
        value.quality > quality[int((at - start).total_seconds()) // SLOT_S, column[key]]
        for at, values in slots
        for key, value in values.items()
    )
