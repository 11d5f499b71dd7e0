"""The command `hidamari whatif`: another battery or tariff on the owner's own last year."""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from hidamari.backtest.owner import YEAR_DAYS, Own, own_of
from hidamari.backtest.owner_cases import WISHED, Wish, cases_of, plan_id
from hidamari.backtest.whatif import Case, Outcome, what_if
from hidamari.backtest.world import WARM_DAYS
from hidamari.core.startup import Startup

BAR = 30
NICE = 10
Json = dict[str, object]


def run_whatif(folder: Path | None, wish: Wish, *, as_json: bool, steps: bool) -> None:
    """Compare and print; `steps` prints the share that is done as lines of JSON, too."""
    if steps:
        os.nice(NICE)  # the home that waits for the answer goes first
    own = own_of(folder or Startup().data_folder)
    cases = cases_of(own, wish)
    on_done = _told if steps else _drawn if sys.stderr.isatty() else _silent
    outcomes = what_if(own.home, own.place, cases, on_done)
    found = answer(own, wish, cases, outcomes)
    print(json.dumps(found, ensure_ascii=False) if as_json else _words(found, outcomes))


def answer(own: Own, wish: Wish, cases: tuple[Case, ...], outcomes: tuple[Outcome, ...]) -> Json:
    """The comparison as JSON: what was counted, each case, and what the wish would have saved."""
    by_name = {one.name: one for one in outcomes}
    today, wished = outcomes[-2], by_name[WISHED]
    days = own.home.days - WARM_DAYS
    first = own.home.first + timedelta(days=WARM_DAYS)
    return {
        "first": first.isoformat(),
        "last": (first + timedelta(days=days - 1)).isoformat(),
        "days": days,
        "is_whole_year": days >= YEAR_DAYS,
        "missing_pct": round(own.missing_pct, 2),
        "prices_assumed": own.contract is None,
        "reserve_pct": own.settings.plan.reserve_pct,
        "plan_today": None if own.contract is None else own.contract.plan.id,
        "plan_wished": plan_id(own, wish),
        "saved_yen": round(today.yen - wished.yen),
        "saved_low_yen": round(today.yen - wished.high_yen),
        "saved_high_yen": round(today.yen - wished.low_yen),
        "cases": [_case(case, one) for case, one in zip(cases, outcomes, strict=True)],
    }


def _case(case: Case, one: Outcome) -> Json:
    battery = case.battery
    return {
        "name": one.name,
        "usable_kwh": None if battery is None else round(battery.capacity_kwh, 2),
        "power_kw": None if battery is None else round(battery.charge_kw, 2),
        "yen": round(one.yen),
        "low_yen": round(one.low_yen),
        "high_yen": round(one.high_yen),
        "import_kwh": round(one.import_kwh, 1),
        "export_kwh": round(one.export_kwh, 1),
        "months": [{"month": m.month, "days": m.days, "yen": round(m.yen)} for m in one.months],
        "notes": [note.value for note in one.notes],
    }


def _words(found: Json, outcomes: tuple[Outcome, ...]) -> str:
    """A table for a person and one honest sentence."""
    lines = [f"{found['first']} to {found['last']}, {found['days']} days as measured"]
    lines.append(f"{'':<8}{'yen a year':>12}{'at best':>12}{'by a rule':>12}{'bought kWh':>12}")
    for one in outcomes:
        yen = f"{one.yen:>12,.0f}{one.low_yen:>12,.0f}{one.high_yen:>12,.0f}"
        lines.append(f"{one.name:<8}{yen}{one.import_kwh:>12,.0f}")
    lines.append(
        f"the wish would have saved about {found['saved_yen']:,} yen a year, "
        f"{found['saved_low_yen']:,} by a simple rule, at most {found['saved_high_yen']:,}"
    )
    lines.append("an estimate from days that are over; purchase and wear are not counted")
    return "\n".join(lines)


def _told(share: float) -> None:
    print(json.dumps({"progress": round(min(share, 1.0), 4)}), flush=True)


def _drawn(share: float) -> None:
    done = round(BAR * min(share, 1.0))
    bar = "#" * done + "-" * (BAR - done)
    end = "\n" if share >= 1.0 else ""
    print(f"\r[{bar}] {100 * min(share, 1.0):.0f} %", end=end, file=sys.stderr, flush=True)


def _silent(_share: float) -> None:
    """Nobody watches."""
