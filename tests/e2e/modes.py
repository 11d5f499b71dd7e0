"""Modes, plan settings, and what the calls of the plan answer in the invented home."""

from typing import Any

from tests.e2e import plans
from tests.e2e.answers import State, iso
from tests.e2e.invented import NOW
from tests.e2e.plans import BATTERY, CAR, HEATER

Json = dict[str, Any]


def modes(state: State, chosen: str = "cost") -> Json:
    """GET /modes."""
    few = state == "partly"
    rules = [
        condition(
            "ASC-04",
            "料金単価が設定されていること",
            "料金プランを選んであること",
            not few,
            "/settings#tariff",
        ),
        condition(
            "ASC-05",
            "スマート分電盤または計測ユニットが設置されていること",
            "主幹の電力を計る機器があること",
            True,
        ),
        condition(
            "ASC-07",
            "晴れの平日(土日)のデータが5日以上あること",
            "似た日の記録が5日以上あること",
            None if few else True,
        ),
        condition(
            "ASC-11", "蓄電池が対応機種であること", "蓄電池のモードと充電量を設定できること", True
        ),
    ]
    sun = [
        condition(
            "ASP-03",
            "単価の山が1日に1つであること",
            "時間帯の単価が上がって下がるだけのこと",
            False,
            "/settings#tariff",
        ),
        condition(
            "ASP-04",
            "売電の単価が設定されていること",
            "売電の単価があること",
            not few,
            "/settings#tariff",
        ),
    ]
    notes = [
        "天気は変わることがあります。",
        "予報が外れると、充電が足りなかったり間に合わなかったりすることがあります。",
    ]
    return {
        "mode": chosen,
        "modes": [
            {"id": mode, "conditions": found, "all_met": all(c["met"] for c in found)}
            | {"allowed": all(c["met"] is not False or c["kind"] != "need" for c in found)}
            | {"disclaimers": notes if found else []}
            for mode, found in (
                ("cost", []),
                ("self", []),
                ("outage", []),
                ("solar_rules", rules),
                ("solar_forecast", sun),
            )
        ],
    }


def condition(key: str, text: str, reading: str, met: bool | None, link: str = "") -> Json:
    """One condition of a mode."""
    mend = (
        ""
        if met
        else "料金プランを選んでください。"
        if link
        else "記録がたまるまでお待ちください。"
    )
    kind = "wish" if key == "ASC-11" else "need"
    found = {"id": key, "kind": kind, "text": text, "reading": reading, "met": met}
    return found | {"mend": mend, "link": link}


SETTINGS: Json = {
    "mode": "cost",
    "steering": True,
    "assets": {BATTERY: True, CAR: True, HEATER: True},
    "reserve_pct": 20,
    "outage_pct": 60,
    "heater": {"day_boil": True, "pause": False, "quiet_from_h": 22, "quiet_to_h": 6},
    "car": {"days": [0, 1, 2, 3, 4], "ready_h": 7.5, "need_pct": 80, "solar": False},
    "import_limit_kw": None,
    "weather": "open_meteo",
}


def answer(state: State, path: str, query: dict[str, str]) -> Json | None:
    """What a GET below /plan or /modes answers; None for anything else."""
    match path:
        case "plan":
            return plans.plan(state, brief="brief" in query)
        case "plan/result":
            return plans.result(state, query)
        case "plan/why":
            return plans.why(query)
        case "modes":
            return modes(state)
    return None


def written(path: str, body: Json) -> Json | None:
    """What a POST or PUT below /plan or /modes answers."""
    match path:
        case "plan/override":
            return plans.assets("full")[0]
        case "plan/try":
            return {"yen": 61.3, "terms": [{"name": "bought", "yen": 61.3}]}
        case "plan/again":
            return {"made_at": iso(NOW)}
        case "modes":
            return modes("full", body["mode"])
    return None
