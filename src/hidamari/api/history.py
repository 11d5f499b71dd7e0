"""The history in steps: series, ranges and what they are compared with."""

import asyncio
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from hidamari.api.context import ApiDep, LangDep, needs
from hidamari.api.ranges import Span, find_series, parse_span, shifted
from hidamari.api.titles import series_title
from hidamari.core.access import Action
from hidamari.core.errors import InputError
from hidamari.core.reading import Kind, SeriesKey
from hidamari.http.answers import packed_json
from hidamari.schema import history as schema
from hidamari.store.db import Store
from hidamari.store.history import HistoryQuery, Step, history

router = APIRouter(tags=["history"])

MINUTE_STEPS = frozenset({"1m", "5m"})
STEP_S = {"1m": 60, "5m": 300, "30m": 1800, "1h": 3600, "1d": 86400, "1mo": 2592000, "1y": 31536000}
MOST_VALUES = 400_000
_DIGITS = bytes(range(48, 58)) + bytes(246)
UNIT_NOTE = "power series: kWh per step from 30m on, mean kW in 1m and 5m"


@router.get("/series", response_model=list[schema.SeriesEntry], dependencies=needs(Action.VIEW))
async def list_series(request: Request, api: ApiDep, lang: LangDep) -> Response:
    """Every stored quantity."""
    names = {circuit.id: circuit.name for circuit in api.home.snapshot().circuits}
    names |= {device.id: device.name for device in api.home.devices(lang)}
    entries = [
        schema.SeriesEntry(
            series=f"{one.device}.{one.name}",
            device=one.device,
            name=one.name,
            unit=one.unit,
            kind=one.kind,
            title=series_title(key, names, lang),
        )
        for key, one in api.home.store.series().items()
    ]
    return packed_json(request, entries)


@router.get("/history", response_model=schema.History, dependencies=needs(Action.VIEW))
async def get_history(
    request: Request, ask: Annotated[schema.HistoryAsk, Query()], api: ApiDep
) -> Response:
    """Series over a range in steps of the clock (to 1h) or the local calendar (from 1d)."""
    zone = api.home.settings.zone
    asked = find_series(ask.series, api.home.store.series())
    span = parse_span(ask.from_, ask.to, zone)
    check_size(span, ask.step, len(asked))
    spans = [span] if ask.compare is None else [span, shifted(span, ask.compare, zone)]

    def read() -> list[dict[str, object]]:
        return [read_range(api.home.store, asked, one, ask.step, zone) for one in spans]

    first, *others = await asyncio.to_thread(read)
    first |= {"step": ask.step, "zone": zone.key, "unit_note": UNIT_NOTE}
    first["compare"] = others[0] if others else None
    return packed_json(request, first)


def read_range(
    store: Store, asked: dict[str, SeriesKey], span: Span, step: Step, zone: ZoneInfo
) -> dict[str, object]:
    """One range, as the body says it."""
    keys = tuple(dict.fromkeys(asked.values()))
    found = history(store, HistoryQuery(keys, span.start, span.end, step, zone))
    known = store.series()
    return {
        "from": span.start,
        "to": span.end,
        "starts": found.starts,
        "series": {
            name: {
                "unit": unit_in(known[key].unit, known[key].kind, step),
                "values": found.values[key],
                "quality": "" if step in MINUTE_STEPS else digits(found.quality[key]),
            }
            for name, key in asked.items()
        },
    }


def check_size(span: Span, step: Step, width: int) -> None:
    """Refuse what would not fit on any screen before it is read."""
    count = (span.end - span.start).total_seconds() / STEP_S[step]
    if count * width > MOST_VALUES:
        raise InputError(
            f"at most {MOST_VALUES} values were expected, this is {count * width:.0f}:"
            " fewer series, a shorter range or a longer step"
        )


def unit_in(unit: str, kind: Kind, step: Step) -> str:
    """The unit of a series in steps of this length."""
    return unit + "h" if kind is Kind.POWER and step not in MINUTE_STEPS else unit


def digits(quality: list[int]) -> str:
    """Qualities as one digit each."""
    return bytes(quality).translate(_DIGITS).decode("ascii")
