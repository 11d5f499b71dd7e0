"""What electricity cost and earned over a range, under the home's contracts."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray

from hidamari.answers.ranges import Span, parse_span, shifted, step_edges
from hidamari.api.context import ApiDep, needs
from hidamari.api.money import contracts_of
from hidamari.core.access import Action
from hidamari.core.bill import Bill, Item, Usage, bills, costs, total, used_kwh
from hidamari.core.contract import Contract, contract_on, period_on
from hidamari.core.errors import InputError
from hidamari.core.reading import SeriesKey
from hidamari.core.time import SLOT_S, day_bounds, local_day, unix
from hidamari.http.answers import packed_json
from hidamari.http.errors import ApiError
from hidamari.schema import history as schema
from hidamari.store.db import Store
from hidamari.store.pack import FloatArray

router = APIRouter(tags=["tariff"])

KEYS = (SeriesKey("home", "import_kw"), SeriesKey("home", "export_kw"))
STEPS = ("30m", "1h", "1d", "1mo", "1y")
MOST_YEARS = 11
MOST_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Half-hours under one contract; `before_kwh` of its billing period were used earlier."""

    contract: Contract
    usage: Usage
    before_kwh: float


@router.get("/cost", response_model=schema.Cost, dependencies=needs(Action.VIEW))
async def get_cost(
    request: Request, ask: Annotated[schema.CostAsk, Query()], api: ApiDep
) -> Response:
    """Cost and income of each step, their sums, and the energy by time band; an estimate."""
    if ask.step not in STEPS:
        raise InputError(f"a step of {', '.join(STEPS)} was expected, got {ask.step}")
    zone = api.home.settings.zone
    span = parse_span(ask.from_, ask.to, zone)
    spans = [span] if ask.compare is None else [span, shifted(span, ask.compare, zone)]

    def compute() -> list[dict[str, object]]:
        contracts = contracts_of(api.home)
        if not contracts:
            raise ApiError(409, "no tariff has been chosen", "PUT /tariff", code="no_tariff")
        return [_range(api.home.store, contracts, one, ask.step, zone) for one in spans]

    first, *others = await asyncio.to_thread(compute)
    for other in others:
        del other["bands"], other["notes"]
    first |= {"step": ask.step, "zone": zone.key, "basic_yen": None, "estimate": True}
    first["compare"] = others[0] if others else None
    return packed_json(request, first)


def _range(
    store: Store, contracts: Sequence[Contract], span: Span, step: schema.StepWord, zone: ZoneInfo
) -> dict[str, object]:
    """One range of the body."""
    if (span.end - span.start).days > 366 * MOST_YEARS:
        raise InputError(f"at most {MOST_YEARS} years were expected")
    edges = step_edges(span, step, zone)
    if len(edges) > MOST_STEPS:
        raise InputError(f"at most {MOST_STEPS} steps were expected: take a longer step")
    parts = list(pieces(store, contracts, edges, zone))
    yen = [_yen(piece) for piece in parts]
    bill = total(
        [one for piece in parts for one in bills(piece.contract, piece.usage, piece.before_kwh)]
    )
    unix_s = np.concatenate([piece.usage.unix_s for piece in parts])
    all_yen = np.concatenate(yen)
    buy, sell = (_fold(all_yen[:, i], unix_s, edges) for i in (0, 1))
    return {
        "from": span.start,
        "to": span.end,
        "starts": edges[:-1],
        "buy_yen": buy,
        "sell_yen": sell,
        "total": _total(all_yen, bill.yen(Item.BASIC)),
        "bands": _bands(bill),
        "notes": [note.value for note in bill.notes],
    }


def pieces(
    store: Store, contracts: Sequence[Contract], edges: Sequence[datetime], zone: ZoneInfo
) -> Iterator[Piece]:
    """The half-hours between the edges, cut where one contract follows another."""
    start = edges[0]
    while start < edges[-1]:
        day = local_day(start, zone)
        contract = contract_on(contracts, day)
        if contract is None:
            return
        later = [c.valid_from for c in contracts if c.valid_from and c.valid_from > day]
        end = edges[-1]
        if later:
            end = min(end, day_bounds(min(later), zone)[0])
        opened = max(period_on(contract, day).start, contract.valid_from or date.min)
        earlier = _usage(store, day_bounds(opened, zone)[0], start)
        before_kwh = used_kwh(contract, earlier) if len(earlier.unix_s) else 0.0
        yield Piece(contract, _usage(store, start, end), before_kwh)
        start = end


def _usage(store: Store, start: datetime, end: datetime) -> Usage:
    unix_s = np.arange(unix(start), unix(end), SLOT_S, dtype=np.int64)
    known = store.series()
    kwh = np.full((len(unix_s), 2), np.nan)
    there = [i for i, key in enumerate(KEYS) if key in known]
    if there and len(unix_s):
        kwh[:, there] = store.slots([KEYS[i] for i in there], start, end)[0]
    return Usage(unix_s, kwh[:, 0], kwh[:, 1])


def _yen(piece: Piece) -> FloatArray:
    """Cost and income of each half-hour, shape (n, 2), NaN = unknown."""
    found = costs(piece.contract, piece.usage, piece.before_kwh)
    return np.array([(one.cost_yen, one.income_yen) for one in found], dtype=np.float64)


def _fold(
    yen: FloatArray, unix_s: NDArray[np.int64], edges: Sequence[datetime]
) -> list[float | None]:
    """The sum of each step; None where nothing is known."""
    at = np.searchsorted(unix_s, [unix(edge) for edge in edges])
    found: list[float | None] = []
    for low, high in pairwise(at.tolist()):
        part = yen[low:high]
        known = part[~np.isnan(part)]
        found.append(round(float(known.sum()), 2) if len(known) else None)
    return found


def _total(yen: FloatArray, basic_yen: float) -> schema.Money:
    """Sums of cost and income, shape (n, 2), before their steps were rounded."""
    if np.isnan(yen).all():
        return schema.Money(buy_yen=None, sell_yen=None, basic_yen=None, net_yen=None)
    buy_yen, sell_yen = np.nansum(yen, axis=0).tolist()
    return schema.Money(
        buy_yen=round(buy_yen, 2),
        sell_yen=round(sell_yen, 2),
        basic_yen=round(basic_yen, 2),
        net_yen=round(buy_yen + basic_yen - sell_yen, 2),
    )


def _bands(bill: Bill) -> list[schema.BandCost]:
    """The energy by time band, steps of one band together; without fuel and levy."""
    sums: dict[str, list[float]] = {}
    for line in bill.lines:
        if line.item is Item.ENERGY:
            entry = sums.setdefault(line.name, [0.0, 0.0])
            entry[0] += line.kwh or 0.0
            entry[1] += line.yen
    return [
        schema.BandCost(name=name, kwh=round(kwh, 3), yen=round(yen, 2))
        for name, (kwh, yen) in sums.items()
    ]
