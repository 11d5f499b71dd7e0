"""The history out as a CSV file, and a file of half-hours in."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from hidamari.api.answers import json_response
from hidamari.api.context import Api, ApiDep, CallerDep, needs
from hidamari.api.csv_in import BadCsv, Parsed, Reader
from hidamari.api.csv_out import Columns, csv_parts
from hidamari.api.errors import ApiError
from hidamari.api.ranges import find_series, parse_span
from hidamari.core.access import Action
from hidamari.core.reading import Kind
from hidamari.home.record import home_series
from hidamari.schema import history as schema

router = APIRouter(tags=["history"])

CSV = "text/csv; charset=utf-8"
CSV_BODY = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
}
MOST_STEPS = {"1m": 1440 * 62, "5m": 288 * 366}


@router.get(
    "/export.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "one row per step"}},
    dependencies=needs(Action.VIEW),
)
@router.get(
    "/history.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "one row per step"}},
    dependencies=needs(Action.VIEW),
    name="history_csv",
)
async def export_csv(ask: Annotated[schema.FileAsk, Query()], api: ApiDep) -> Response:
    """The range as CSV (UTF-8, RFC 4180): start in UTC and local time, one column per series."""
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
    span = parse_span(ask.from_, ask.to, zone)
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

    Head row: `start_utc` (or `start_local`, `start`; a time without an offset is local), then one
    column per series, named as in /export.csv (`home.import_kw [kWh]`) or shortly (`import_kwh`).
    Times are starts of half-hours, empty cells and missing rows are gaps, nothing stored before
    with a better quality is replaced. All of it or nothing; errors name lines.
    """
    body = await request.body()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ApiError(
            422, f"byte {error.start} is not UTF-8", "a CSV file in UTF-8", "bad_csv"
        ) from error
    parsed = await asyncio.to_thread(_parse, api, text)
    await asyncio.to_thread(_write, api, parsed)
    api.sums.forget()
    first, last = parsed.slots[0][0], parsed.slots[-1][0]
    api.note(
        "log",
        "history_imported",
        {"half_hours": len(parsed.slots), "from": first.isoformat(), "by": caller.name},
    )
    return json_response(
        schema.Imported(
            rows=len(parsed.slots),
            half_hours=len(parsed.slots),
            series=[f"{one.device}.{one.name}" for one in parsed.series],
            first=first,
            last=last,
            gaps=parsed.gaps,
        )
    )


def _parse(api: Api, text: str) -> Parsed:
    known = {one.key: one for one in home_series()} | api.home.store.series()
    reader = Reader(known, api.home.settings.zone, api.home.clock.now())
    try:
        return reader.read(text)
    except BadCsv as bad:
        error = ApiError(422, str(bad), "see `lines`", "bad_csv")
        error.extra = {
            "lines": [
                {"line": one.line, "column": one.column, "message": one.message}
                for one in bad.faults
            ]
        }
        raise error from bad


def _write(api: Api, parsed: Parsed) -> None:
    api.home.store.add_series(parsed.series)
    api.home.store.write_history(parsed.slots, api.home.settings.zone)
