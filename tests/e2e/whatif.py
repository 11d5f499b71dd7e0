"""The comparison of the invented home: none yet, running, failed, done."""

from typing import Any

from tests.e2e.answers import State, iso
from tests.e2e.invented import NOW

Json = dict[str, Any]
TODAY = (18.9, 16.2, 12.8, 5.1, 3.2, 6.4, 12.7, 13.9, 10.1, 7.4, 9.8, 14.6)  # thousand yen
WISH: Json = {"battery_kwh": 10.0, "battery_kw": 4.0, "plan": "chubu_smartlife"}
NOTHING: Json = dict.fromkeys(("asked", "asked_at", "progress", "error", "result"))


def case(name: str, share: float, spread: float) -> Json:
    """A year that costs `share` of today's."""
    months = [1000 * yen * share - (1500 if name == "wished" else 0) for yen in TODAY]
    yen = sum(months)
    return {
        "name": name,
        "usable_kwh": 9.0 if name == "wished" else None,
        "power_kw": 4.0 if name == "wished" else None,
        "yen": round(yen),
        "low_yen": round(yen - spread),
        "high_yen": round(yen + 0.7 * spread),
        "import_kwh": 4310.0 * share,
        "export_kwh": 3177.0 * share,
        "months": [
            {"month": f"2026-{n:02d}", "days": 30, "yen": round(month)}
            for n, month in enumerate(months, start=1)
        ],
        "notes": ["fuel_unknown"] if name == "wished" else [],
    }


def result() -> Json:
    """Done: about 40,000 yen less."""
    today, wished = case("today", 1.0, 0.0), case("wished", 0.83, 6200.0)
    return {
        "first": "2025-12-28",
        "last": "2026-11-19",
        "days": 327,
        "is_whole_year": False,
        "missing_pct": 0.4,
        "prices_assumed": False,
        "reserve_pct": 10.0,
        "plan_today": "tepco_juryo_b",
        "plan_wished": "chubu_smartlife",
        "saved_yen": today["yen"] - wished["yen"],
        "saved_low_yen": today["yen"] - wished["high_yen"],
        "saved_high_yen": today["yen"] - wished["low_yen"],
        "cases": [today, wished],
    }


def answer(state: State) -> Json:
    """GET /whatif."""
    asked = NOTHING | {"asked": WISH, "asked_at": iso(NOW)}
    match state:
        case "empty":
            return NOTHING | {"state": "idle"}
        case "partly":
            return asked | {"state": "running", "progress": 0.37}
        case "stale":
            words = "at least 35 whole measured days expected, there are 12"
            return asked | {"state": "failed", "error": words}
    return asked | {"state": "done", "result": result()}


def asked(body: Json | None) -> Json:
    """POST and DELETE /whatif."""
    if body is None:
        return NOTHING | {"state": "idle"}
    return NOTHING | {"state": "running", "asked": body, "asked_at": iso(NOW), "progress": 0.0}
