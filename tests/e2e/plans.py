"""The plan of the invented home: slots, reasons, what was planned and happened, modes."""

import math
from datetime import date, datetime, timedelta
from typing import Any

from tests.e2e import invented
from tests.e2e.answers import State, iso, midnight
from tests.e2e.invented import NOW, ZONE

Json = dict[str, Any]
SLOT = timedelta(minutes=30)
CAPACITY_KWH = 9.8
RESERVE_PCT = 20.0
BATTERY, CAR, HEATER = "d2", "d3", "d4"
NUMBERS = {"other_yen": 53.0, "buy_yen_kwh": 26.0, "later_yen_kwh": 38.0, "sell_yen_kwh": 10.0}


def price(at: datetime) -> tuple[float, str]:
    """Yen per bought kWh and the band of a half-hour."""
    hour = at.astimezone(ZONE).hour
    if hour < 7 or hour >= 23:
        return 26.0, "ナイトタイム"
    return (31.0, "デイタイム") if 9 <= hour < 16 else (38.0, "ピーク")


def reason(code: str, **numbers: float) -> Json:
    """A reason as the API gives it."""
    return {"code": code, "numbers": numbers}


def told(at: datetime, row: invented.HalfHour, soc_pct: float) -> tuple[list[Json], float]:
    """What each thing does in a half-hour, and the charge after it."""
    hour = at.astimezone(ZONE).hour
    spare = row.pv_kwh - row.load_kwh - row.heater_kwh
    room = (97 - soc_pct) / 100 * CAPACITY_KWH
    left = max(0.0, (soc_pct - RESERVE_PCT) / 100 * CAPACITY_KWH)
    mode, why = "follow", reason("cover_use", buy_yen_kwh=38.0)
    charge = min(max(spare, 0.0), 1.25, room) - min(max(-spare, 0.0), left)
    if 2 <= hour < 4:
        mode, why, charge = "charge", reason("charge_cheap", **NUMBERS), min(0.5, room)
    elif hour < 7 or hour >= 23:
        mode, why, charge = "surplus", reason("keep_for_later", **NUMBERS), 0.0
    elif spare > 0:
        why = reason("charge_sun", sell_yen_kwh=10.0, value_yen_kwh=34.2)
    boil = why_hot = None
    if row.heater_kwh:
        boil, why_hot = row.heater_kwh, reason("boil_sun", sell_yen_kwh=10.0, other_yen=53.4)
    car = 0.75 if 13 <= hour < 15 else 0.0
    after = soc_pct + 100 * charge / CAPACITY_KWH
    rows = (
        (BATTERY, mode, charge, after, why),
        (CAR, "charge" if car else "hold", car, 71.0, reason("car_ready" if car else "stand_by")),
        (HEATER, "charge" if boil else "auto", boil or 0.0, 60.0, why_hot or reason("stand_by")),
    )
    shapes = [
        {
            "asset": key,
            "mode": mode,
            "kw": round(2 * kwh, 3),
            "kwh": round(kwh, 4),
            "grid_kw": 1.0 if mode == "charge" and key == BATTERY else 0.0,
            "level_kwh": round(level / 100 * CAPACITY_KWH, 2),
            "level_pct": round(level, 1),
            "reason": why,
            "rung": "scenarios",
        }
        for key, mode, kwh, level, why in rows
    ]
    return shapes, after


def slot(start: datetime, end: datetime, row: invented.HalfHour, things: list[Json]) -> Json:
    """One half-hour ahead."""
    net = row.load_kwh + sum(t["kwh"] for t in things) - row.pv_kwh
    buy, band = price(start)
    return {
        "start": iso(start),
        "end": iso(end),
        "buy_yen_kwh": buy,
        "sell_yen_kwh": 10.0,
        "band": band,
        "load_kwh": row.load_kwh,
        "pv_kwh": row.pv_kwh,
        "pv_low_kwh": round(row.pv_kwh * 0.66, 3),
        "pv_high_kwh": round(row.pv_kwh * 1.16, 3),
        "import_kwh": round(max(net, 0.0), 3),
        "export_kwh": round(max(-net, 0.0), 3),
        "curtail_kwh": 0.0,
        "value_yen_kwh": 34.2,
        "assets": things,
    }


def ahead() -> list[Json]:
    """36 hours from now."""
    found, soc_pct = [], invented.local_day(NOW.astimezone(ZONE).date())[20].soc_pct
    start = NOW
    first = datetime.fromtimestamp(math.floor(NOW.timestamp() / 1800) * 1800, NOW.tzinfo)
    for n in range(72):
        begin = first + n * SLOT
        local = begin.astimezone(ZONE)
        row = invented.local_day(local.date())[local.hour * 2 + local.minute // 30]
        things, soc_pct = told(begin, row, soc_pct)
        found.append(slot(start, begin + SLOT, row, things))
        start = begin + SLOT
    return found


def blocks(slots: list[Json]) -> list[Json]:
    """Neighbouring half-hours of one thing with one reason; what stands by is no block."""
    found: list[Json] = []
    for key in (BATTERY, HEATER, CAR):
        for s in slots:
            mine = next(t for t in s["assets"] if t["asset"] == key)
            same = (key, mine["mode"], mine["reason"]["code"])
            last = found[-1] if found else None
            if mine["reason"]["code"] == "stand_by":
                continue
            if last and last["same"] == same and last["to"] == s["start"]:
                last["to"], last["kwh"] = s["end"], round(last["kwh"] + mine["kwh"], 2)
            else:
                shape = {"asset": key, "mode": mine["mode"], "reason": mine["reason"]}
                found.append(
                    shape | {"from": s["start"], "to": s["end"], "kwh": mine["kwh"], "same": same}
                )
    found.sort(key=lambda b: b["from"])
    return [
        {k: v for k, v in b.items() if k != "same"} | {"n": n} for n, b in enumerate(found, start=1)
    ]


KINDS = (
    (BATTERY, "battery", "蓄電池"),
    (CAR, "v2h", "電気自動車"),
    (HEATER, "water_heater", "エコキュート"),
)


CAN = {
    BATTERY: ["auto", "charge", "discharge", "follow", "hold"],
    CAR: ["charge", "discharge", "hold"],
    HEATER: ["auto", "charge"],
}


def assets(state: State) -> list[Json]:
    """What the plan steers, and what each does now."""
    now = {
        BATTERY: ("follow", 1.0, reason("charge_sun", sell_yen_kwh=10.0, value_yen_kwh=34.2)),
        CAR: ("hold", 0.0, reason("stand_by")),
        HEATER: ("auto", 0.6, reason("boil_sun", sell_yen_kwh=10.0, other_yen=53.4)),
    }
    found = []
    for key, kind, name in KINDS:
        mode, kw, why = now[key]
        ordered = state == "stale" and key == BATTERY
        until = iso(NOW + timedelta(hours=1))
        found.append(
            {
                "asset": key,
                "kind": kind,
                "name": name,
                "steered": True,
                "modes": CAN[key],
                "capacity_kwh": CAPACITY_KWH if key == BATTERY else None,
                "reserve_kwh": CAPACITY_KWH * RESERVE_PCT / 100 if key == BATTERY else None,
                "level_kwh": 6.1,
                "level_pct": 62.0,
                "now": {
                    "mode": mode,
                    "by": "owner" if ordered else "plan",
                    "kw": kw,
                    "kwh": None,
                    "until": until,
                    "outcome": "not_confirmed" if state == "stale" else "confirmed",
                    "at": iso(NOW - timedelta(minutes=12)),
                    "reason": why,
                },
                "override": {"mode": "hold", "from": iso(NOW), "until": until} if ordered else None,
                "gives_way": {"since": iso(NOW - SLOT), "until": until, "mode": "charge"}
                if state == "stale" and key == HEATER
                else None,
            }
        )
    return found


def plan(state: State, brief: bool = False) -> Json:
    """GET /plan."""
    few, old, none = state == "partly", state == "stale", state == "empty"
    slots = [] if none else ahead()
    if few:
        unknown = ("pv_low_kwh", "pv_high_kwh", "import_kwh", "export_kwh", "value_yen_kwh")
        slots = [s | dict.fromkeys(unknown) for s in slots]
        for s in slots:
            s["assets"] = [t | {"reason": reason("little_data"), "kw": None} for t in s["assets"]]
    cost = {
        "from": iso(NOW),
        "to": iso(NOW + timedelta(hours=36)),
        "plan_yen": 117.4,
        "low_yen": 79.0,
        "high_yen": 213.0,
        "without_yen": 194.0,
        "saving_yen": 76.6,
        "saving_low_yen": 58.0,
        "saving_high_yen": 91.0,
    }
    return {
        "at": iso(NOW),
        "zone": str(ZONE),
        "state": "no_assets" if none else "ok",
        "made_at": None if none else iso(NOW - timedelta(hours=3 if old else 0, minutes=2)),
        "rung": "last" if old else "rule" if few else "scenarios",
        "rung_since": iso(NOW - timedelta(hours=3)),
        "cause": "time: 20 s" if old else "little data" if few else "",
        "mode": "cost",
        "steering": not few,
        "prices_assumed": few,
        "forecast": forecast(state),
        "cost": None if few or none else cost,
        "assets": [] if none else assets(state),
        "slots": [] if brief else slots,
        "blocks": blocks(slots),
    }


def forecast(state: State) -> Json:
    """What the plan stands on."""
    few = state in ("partly", "empty")
    return {
        "weather": "none" if few else "stale" if state == "stale" else "ok",
        "weather_issued_at": None if few else iso(NOW - timedelta(hours=5)),
        "days": 3 if few else 84,
        "days_needed": 5,
        "is_enough": not few,
        "load_nmae": None if few else 0.52,
        "pv_nmae": None if few else 0.24,
    }


def result(state: State, query: dict[str, str]) -> Json:
    """GET /plan/result: the plan of a day beside what happened."""
    day = date.fromisoformat(query.get("day", NOW.astimezone(ZONE).date().isoformat()))
    rows = invented.local_day(day)
    slots = []
    for n, row in enumerate(rows):
        start = midnight(day) + n * SLOT
        over = start + SLOT <= NOW
        gone = state == "empty" or not over or (state == "partly" and 14 <= n < 22)
        wrong = 0.75 + 0.5 * invented.wobble(n, day.toordinal(), 5)
        flows = ("load_kwh", "pv_kwh")
        grid = {"import_kwh": max(row.net_kwh, 0), "export_kwh": max(-row.net_kwh, 0)}
        measured = {k: getattr(row, k) for k in flows} | grid
        battery = row.charge_kwh - row.discharge_kwh
        things = (
            (BATTERY, "follow", battery, reason("cover_use", buy_yen_kwh=38.0)),
            (CAR, "charge" if row.ev_kwh else "hold", row.ev_kwh, reason("stand_by")),
            (HEATER, "charge" if row.heater_kwh else "auto", row.heater_kwh, reason("boil_sun")),
        )
        slots.append(
            {
                "start": iso(start),
                "rung": None if gone else "scenarios",
                "buy_yen_kwh": price(start)[0],
                "assets": [
                    {
                        "asset": key,
                        "mode": None if gone else mode,
                        "planned_kwh": None if gone else round(kwh * wrong, 3),
                        "measured_kwh": None if gone else kwh,
                        "reason": None if gone else why,
                    }
                    for key, mode, kwh, why in things
                ],
                "planned": None if gone else {k: round(v * wrong, 3) for k, v in measured.items()},
                "measured": None if gone else {k: round(v, 3) for k, v in measured.items()},
            }
        )
    return {
        "day": day.isoformat(),
        "zone": str(ZONE),
        "slots": slots,
        "assets": totals(slots),
        "load_nmae": None if state == "empty" else 0.52,
        "pv_nmae": None if state == "empty" else 0.21,
    }


def totals(slots: list[Json]) -> list[Json]:
    """Planned and measured kWh of each thing."""
    found = []
    for place, (key, kind, name) in enumerate(KINDS):
        sums: dict[str, float | None] = {}
        for what in ("planned", "measured"):
            values = [s["assets"][place][f"{what}_kwh"] for s in slots]
            known = [v for v in values if v is not None]
            sums[f"{what}_kwh"] = round(sum(known), 3) if known else None
            sums[f"{what}_in_kwh"] = round(sum(max(v, 0) for v in known), 3) if known else None
            sums[f"{what}_out_kwh"] = round(sum(max(-v, 0) for v in known), 3) if known else None
        found.append({"asset": key, "kind": kind, "name": name, "off_pct": 6.2, **sums})
    return found


def why(query: dict[str, str]) -> Json:
    """GET /plan/why."""
    key = query.get("asset", BATTERY)
    heats = key == HEATER
    day = NOW + timedelta(hours=14)
    return {
        "slot": query["slot"],
        "made_at": iso(NOW - timedelta(minutes=2)),
        "rung": "scenarios",
        "asset": key,
        "mode": "charge",
        "kw": 1.0,
        "kwh": 2.0,
        "reason": reason("boil_sun", sell_yen_kwh=10.0, other_yen=53.4)
        if heats
        else reason("charge_cheap", **NUMBERS),
        "inputs": {
            "buy_yen_kwh": 26.0,
            "sell_yen_kwh": 10.0,
            "load_kwh": 0.21,
            "pv_kwh": 0.0,
            "level_kwh": 6.1,
            "reserve_kwh": 1.96,
            "value_yen_kwh": 34.2,
            "dearest_yen_kwh": 38.0,
            "cheapest_yen_kwh": 26.0,
        },
        "others": []
        if heats
        else [
            {"mode": "surplus", "kw": None, "yen": 53.0},
            {"mode": "follow", "kw": None, "yen": 61.3},
        ],
        "terms": [{"name": "bought", "yen": 88.0}, {"name": "d2.stored_at_end", "yen": -27.0}],
        "start": [
            {"at": iso(day + timedelta(hours=h)), "yen": yen}
            for h, yen in ((0, 53.4), (9, 0.0), (10, 4.1))
        ]
        if heats
        else [],
    }
