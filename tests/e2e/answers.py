"""What the API of the invented home answers in each of the states a screen must bear."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from tests.e2e import invented
from tests.e2e.invented import CIRCUITS, NOW, ZONE

Json = dict[str, Any]
State = Literal["full", "loading", "empty", "partly", "stale", "offline", "error", "night"]
HAS = ("pv", "gen", "battery", "ev", "heater", "board", "meter")
EVENING_S = 9.5 * 3600
TODAY = NOW.astimezone(ZONE).date()


def iso(at: datetime) -> str:
    """ISO 8601 with Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def well_known(state: State) -> Json:
    """Who answers."""
    return {
        "product": "hidamari",
        "kind": "home",
        "api": ["v1"],
        "revision": 1,
        "version": "0.1.0",
        "name": "田中さんの家",
        "setup_needed": False,
        "demo": state == "full",
    }


def day(rows: list[invented.HalfHour]) -> Json:
    """Sums of some half-hours, with money at 31 and 15 yen."""

    def total(name: str) -> float:
        return round(invented.value(name, rows) or 0.0, 2)

    use, bought = total("use_kw"), total("import_kw")
    return {
        "pv_kwh": total("pv_kw"),
        "gen_kwh": None,
        "import_kwh": bought,
        "export_kwh": total("export_kw"),
        "use_kwh": use,
        "charge_kwh": total("charge_kw"),
        "discharge_kwh": total("discharge_kw"),
        "self_sufficiency_pct": round(100 * (1 - bought / use), 1) if use else None,
        "cost_yen": round(bought * 31),
        "income_yen": round(total("export_kw") * 15),
    }


def midnight(of: date) -> datetime:
    """Local midnight as an instant."""
    return datetime(of.year, of.month, of.day, tzinfo=ZONE)


def rows_of(first: date, last: date) -> list[invented.HalfHour]:
    """Half-hours of local days, `last` not in it."""
    return [row for _, row in invented.slots(midnight(first), midnight(last))]


def sources(row: invented.HalfHour) -> Json:
    """Where the use of a half-hour came from."""
    use = row.load_kwh + row.heater_kwh + row.ev_kwh
    battery = min(row.discharge_kwh, use)
    bought = min(max(row.net_kwh, 0), use - battery)
    return {"pv": round(use - battery - bought, 3), "battery": battery, "import": round(bought, 3)}


def now(state: State) -> Json:
    """GET /now."""
    empty, partly, old = state == "empty", state == "partly", 260.0 if state == "stale" else 4.0
    night = state == "night"
    powers: dict[str, float | None] = {
        "pv_kw": 0.0 if night else 3.2,
        "gen_kw": None,
        "grid_kw": 0.31 if night else -0.6,
        "battery_kw": -0.9 if night else 1.0,
        "ev_kw": 0.0,
        "heater_kw": 0.0 if night else 0.6,
        "load_kw": 1.21 if night else 1.0,
        "use_kw": 1.21 if night else 1.6,
    }
    levels: dict[str, float | None] = {
        "soc_pct": 62,
        "ev_soc_pct": None if night else 71,
        "tank_l": 340,
    }
    if empty:
        powers, levels = dict.fromkeys(powers), dict.fromkeys(levels)
    if partly:
        powers |= {"pv_kw": None, "ev_kw": None, "load_kw": None, "use_kw": None}
        levels |= {"tank_l": None, "ev_soc_pct": None}
    values = powers | levels
    ages = {name: None if v is None else old for name, v in values.items()}
    circuits = [
        {
            "id": key,
            "name": name,
            "room": room,
            "power_kw": None if partly and n == 1 else round((2.1 if n == 1 else 1) * share, 2),
            "age_s": old,
        }
        for n, (key, name, room, share) in enumerate(CIRCUITS)
    ]
    today = [row for _, row in invented.slots(midnight(TODAY), NOW)]
    slots = [sources(row) for row in today]
    if partly:
        slots[6:9] = [None] * 3
    month = day(rows_of(TODAY - timedelta(days=12), TODAY)) | {"target_kwh": 380}
    month["cost_yen"] += 935
    return {
        "at": iso(NOW + timedelta(seconds=EVENING_S if night else -old if old > 90 else 0)),
        **values,
        "ev_here": None if empty or partly else not night,
        "tank_size_l": None if empty else 460,
        "age_s": ages,
        "has": {name: not empty and name != "gen" for name in HAS},
        "assets": [] if empty else assets(powers, old),
        "circuits": [] if empty else circuits,
        "other_kw": None if empty else 0.12,
        "today": None if empty else day(today),
        "yesterday": None if empty else day(rows_of(TODAY - timedelta(days=1), TODAY)),
        "month": None
        if empty
        else month | {"target_kwh": 380, "cost_yen": month["cost_yen"] + 935},
        "sentence": None,
        "sources_today": None if empty else slots + [None] * (48 - len(slots)),
        "changed": {
            "circuit": "circuit:2",
            "name": "IHクッキングヒーター",
            "delta_kw": 2.1,
            "at": iso(NOW - timedelta(minutes=2)),
        },
        "tariff": None
        if empty
        else {"buy_yen_kwh": 31.0, "sell_yen_kwh": 15.0, "band": "デイタイム"},
        "demo": state == "full",
        "stale": state == "stale",
    }


def assets(powers: dict[str, float | None], age_s: float) -> list[Json]:
    """What the plan may steer."""
    shape = {"state": None, "age_s": age_s}
    return [
        {"device": "d2", "kind": "battery", "name": "蓄電池", "soc_pct": 62, **shape}
        | {"power_kw": powers["battery_kw"]},
        {"device": "d3", "kind": "v2h", "name": "電気自動車", "soc_pct": 71, **shape}
        | {"power_kw": powers["ev_kw"]},
        {"device": "d4", "kind": "water_heater", "name": "エコキュート", "soc_pct": None, **shape}
        | {"power_kw": powers["heater_kw"]},
    ]


def span(state: State, names: list[str], first: date, last: date, step: str) -> Json:
    """One range of /history."""
    found = invented.starts(first, last, step)
    ends = [*found[1:], midnight(last).astimezone(UTC)]
    found_rows = invented.slots(midnight(first), midnight(last))
    series: dict[str, Json] = {}
    buckets: list[list[invented.HalfHour]] = [[] for _ in found]
    place = 0
    for at, row in found_rows:
        while at >= ends[place]:
            place += 1
        buckets[place].append(row)
    for name in names:
        values = [None if state == "empty" else invented.value(name, rows) for rows in buckets]
        if state == "partly":
            gap = slice(max(1, len(values) // 6), max(2, len(values) // 4))
            values[gap] = [None] * len(values[gap])
        unit = "%" if "soc" in name else "L" if "tank" in name else "kWh"
        digits = "".join("0" if v is None else "5" for v in values)
        series[name] = {"unit": unit, "values": values, "quality": digits}
    return {
        "from": iso(midnight(first)),
        "to": iso(midnight(last)),
        "step": step,
        "zone": str(ZONE),
        "starts": [iso(at) for at in found],
        "series": series,
    }


def compared(first: date, last: date, how: str | None) -> tuple[date, date] | None:
    """The range to compare with."""
    days = (last - first).days
    if how == "previous":
        return first - timedelta(days=days), first
    if how == "last_year":
        return first - timedelta(days=364), last - timedelta(days=364)
    if how == "weekday":
        return first - timedelta(days=7), last - timedelta(days=7)
    return None


def history(state: State, query: dict[str, str]) -> Json:
    """GET /history."""
    names = query["series"].split(",")
    first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
    other = compared(first, last, query.get("compare"))
    compare = span(state, names, *other, query["step"]) if other else None
    return span(state, names, first, last, query["step"]) | {"compare": compare}


def money(state: State, first: date, last: date, step: str) -> Json:
    """One range of /cost."""
    base = span(state, ["home.import_kw", "home.export_kw"], first, last, step)

    def priced(name: str, yen_kwh: float) -> list[float | None]:
        return [
            None if v is None else round(v * yen_kwh, 1) for v in base["series"][name]["values"]
        ]

    bought, sold = priced("home.import_kw", 31), priced("home.export_kw", 15)
    buy, sell = (sum(v or 0 for v in values) for values in (bought, sold))
    return {k: base[k] for k in ("from", "to", "step", "zone", "starts")} | {
        "buy_yen": bought,
        "sell_yen": sold,
        "basic_yen": None,
        "total": {"buy_yen": buy, "sell_yen": sell, "basic_yen": None, "net_yen": buy - sell},
        "bands": [
            {"name": "デイタイム", "kwh": 4.2, "yen": 160.0},
            {"name": "ナイトタイム", "kwh": 8.1, "yen": 222.0},
        ],
        "estimate": True,
    }


def cost(state: State, query: dict[str, str]) -> Json:
    """GET /cost."""
    first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["to"])
    other = compared(first, last, query.get("compare"))
    compare = money(state, *other, query["step"]) if other else None
    return money(state, first, last, query["step"]) | {"compare": compare}


def meter(state: State) -> Json:
    """GET /meter."""
    empty = state == "empty"
    peaks: list[Json] = []
    for back in range(11, -1, -1):
        month = (TODAY.replace(day=15) - timedelta(days=30 * back)).strftime("%Y-%m")
        kwh = round(1.1 + 0.9 * invented.wobble(back, 3), 2)
        gone = empty or (state == "partly" and back > 6)
        peaks.append(
            {
                "month": month,
                "peak_kwh": None if gone else kwh,
                "peak_kw": None if gone else 2 * kwh,
                "at": None if gone else f"{month}-12T10:00:00Z",
            }
        )
    known = [p for p in peaks if p["peak_kwh"] is not None]
    today = day([row for _, row in invented.slots(midnight(TODAY), NOW)])
    month_sum = day(rows_of(TODAY - timedelta(days=12), TODAY))
    pick = ("import_kwh", "export_kwh")
    return {
        "grid_kw": None if empty else -0.6,
        "age_s": None if empty else 260 if state == "stale" else 21,
        "at": iso(NOW),
        "direction": None if empty else "selling",
        "name": "スマートメーター",
        "route": "none" if empty else "b",
        "counter_import_kwh": None if empty or state == "partly" else 14823.6,
        "counter_export_kwh": None if empty else 9120.4,
        "contract_a": None if empty else 60,
        "limit_kw": None if empty else 6.0,
        "today": None if empty else {k: today[k] for k in pick},
        "month": None if empty else {k: month_sum[k] for k in pick},
        "peaks": peaks,
        "max": max(known, key=lambda p: p["peak_kwh"]) if known else None,
        "breakdown": True,
    }


def peak(state: State, month: str) -> Json:
    """GET /meter/peaks/{month}."""
    found = next((p for p in meter(state)["peaks"] if p["month"] == month), None)
    if found is not None and found["at"] is None:
        return found | {"circuits": [], "other_kwh": None, "neighbours": []}
    at = datetime.fromisoformat(f"{month}-12T10:00:00+00:00")
    kwh = found["peak_kwh"] if found and found["peak_kwh"] else 1.4
    return {
        "month": month,
        "at": iso(at),
        "peak_kwh": kwh,
        "peak_kw": 2 * kwh,
        "circuits": [
            {"id": key, "name": name, "room": room, "kwh": round(kwh * share, 3)}
            for key, name, room, share in CIRCUITS
        ],
        "other_kwh": round(kwh * 0.15, 3),
        "neighbours": [
            {"at": iso(at + timedelta(minutes=30 * i)), "import_kwh": round(kwh / (1 + abs(i)), 2)}
            for i in range(-6, 7)
        ],
    }
