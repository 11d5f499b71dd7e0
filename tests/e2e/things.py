"""Devices, circuits, tariff, settings and set-up of the invented home."""

from datetime import timedelta
from typing import Any

from tests.e2e import modes
from tests.e2e.answers import State, iso
from tests.e2e.invented import CIRCUITS, NOW

Json = dict[str, Any]


def line(name: str, title: str, value: object, unit: str | None = None) -> Json:
    """One line of a device's card."""
    text = f"{value} {unit}" if unit else str(value)
    return {"name": name, "title": title, "value": value, "unit": unit, "text": text}


KINDS = (
    ("d1", "solar", "住宅用太陽光発電", "027901", "屋根の太陽光", None, 3.2),
    ("d2", "battery", "蓄電池", "027D01", "蓄電池", "外壁", 1.0),
    ("d3", "v2h", "電気自動車充放電器", "027E01", "電気自動車", "駐車場", 0.0),
    ("d4", "water_heater", "電気温水器", "026B01", "エコキュート", "外壁", 0.6),
    ("d5", "board", "分電盤メータリング", "028701", "分電盤", "洗面所", None),
    ("d6", "smart_meter", "低圧スマート電力量メータ", "028801", "スマートメーター", None, -0.6),
    ("d7", "air_conditioner", "家庭用エアコン", "013001", "居間のエアコン", "居間", 0.42),
    ("d8", "temperature_sensor", "温度センサ", "001101", "寝室の温度計", "寝室", None),
    ("d9", "unknown", "機器オブジェクト 05FA", "05FA01", "名前のない機器", None, None),
)
CARDS = {
    "battery": [line("soc_pct", "残り", 62, "%"), line("mode", "運転モード", "充電")],
    "water_heater": [line("tank_l", "残湯量", 340, "L"), line("heating", "沸き上げ", "中")],
    "air_conditioner": [line("mode", "運転", "暖房"), line("set_c", "設定温度", 22, "℃")],
    "temperature_sensor": [line("temperature_c", "温度", 18.4, "℃")],
    "v2h": [line("ev_soc_pct", "車の残り", 71, "%")],
    "solar": [line("power_kw", "発電", 3.2, "kW")],
}


def devices(state: State) -> list[Json]:
    """GET /devices."""
    if state == "empty":
        return []
    found = []
    for n, (key, kind, title, eoj, name, room, power_kw) in enumerate(KINDS):
        silent = state in ("partly", "stale") and (n % 3 == 2 or state == "stale")
        age_s = 5400.0 if silent else 12.0 + n
        found.append(
            {
                "id": key,
                "kind": kind,
                "class": title,
                "eoj": eoj,
                "host": f"192.0.2.{10 + n}",
                "name": name,
                "room": room,
                "maker": None if kind == "unknown" else "000016",
                "product": None if kind == "unknown" else f"HD-{100 + n}",
                "state": "silent" if silent else "unknown" if kind == "unknown" else "ok",
                "last_contact": iso(NOW - timedelta(seconds=age_s)),
                "age_s": age_s,
                "power_kw": None if silent else power_kw,
                "weak_identity": kind == "unknown",
                "hidden": False,
                "card": [] if silent else CARDS.get(kind, []),
            }
        )
    return found


def spare() -> Json:
    """A charger that was found beside the old one."""
    found = next(one for one in devices("full") if one["kind"] == "v2h")
    return found | {
        "id": "d10",
        "name": "新しい充放電器",
        "host": "192.0.2.30",
        "product": "HD-200",
    }


def device(state: State, key: str) -> Json | None:
    """GET /devices/{id}."""
    found = next(
        (d for d in devices("full" if state == "empty" else state) if d["id"] == key), None
    )
    if found is None:
        return None
    known = [
        ("80", "on", "動作状態", "ON", None, "30", True),
        ("88", "fault", "異常発生状態", "異常なし", None, "42", False),
        ("E4", "soc_pct", "蓄電残量", 62, "%", "3E", False),
        ("D3", "power_w", "瞬時充放電電力計測値", 1000, "W", "000003E8", False),
        ("DA", "mode", "運転モード設定", "充電", None, "42", True),
    ]
    raw = [("F0", None, None, None, None, "00A1B2C3D4E5F60718293A4B5C6D7E8F", False)]
    rows = raw + known[:2] if found["kind"] == "unknown" else known + raw
    names = ("epc", "name", "title", "value", "unit", "raw", "settable")
    properties = [
        dict(zip(names, row, strict=True)) | {"announced": row[0] == "80", "at": iso(NOW)}
        for row in rows
    ]
    if state == "partly":
        properties[2] |= {"value": None, "raw": None, "at": None}
    return found | {"properties": properties}


def events(state: State, query: dict[str, str]) -> Json:
    """GET /events: of each kind something, over two days."""
    rows = (
        (9, "2026-11-20T00:40:00Z", "notice", "d7", "device_silent", {"devices": ["d7"]}),
        (8, "2026-11-20T00:30:00Z", "command", "d2", "confirmed", {"mode": "charge", "by": "plan"}),
        (
            7,
            "2026-11-20T00:30:00Z",
            "reason",
            "d2",
            "charge_sun",
            {"mode": "charge", "numbers": {}},
        ),
        (6, "2026-11-19T22:10:00Z", "log", "home", "signed_in", {"user": "花", "address": "::1"}),
        (5, "2026-11-19T03:00:00Z", "error", "home", "store_fails", {"error": "disk"}),
    )
    fields = ("seq", "at", "kind", "device", "code", "data")
    asked = query.get("kind", "").split(",")
    found = [dict(zip(fields, row, strict=True)) for row in rows if row[2] in asked]
    return {"events": [] if state == "empty" else found, "next_before": None}


def circuits(state: State) -> list[Json]:
    """GET /circuits."""
    if state == "empty":
        return []
    return [
        {"id": key, "name": name, "room": room, "device": "d7" if n == 0 else None}
        | {"power_kw": share, "age_s": 8, "today_kwh": round(share * 6, 2), "hidden": False}
        for n, (key, name, room, share) in enumerate(CIRCUITS)
    ]


def hidden_circuit() -> Json:
    """The one circuit that its owner has hidden."""
    dead = {"power_kw": None, "age_s": None, "today_kwh": None, "hidden": True}
    return {"id": "circuit:7", "name": "予備", "room": "洗面所", "device": None} | dead


def sources() -> list[Json]:
    """GET /sources."""
    route_b = {"id": "d6.import_kwh", "title": "スマートメーター", "text": "Bルートの積算値"}
    board = {"id": "d5.import_kwh", "title": "分電盤の主幹", "text": None}
    sun = {"id": "d1.power_kw", "title": "屋根の太陽光", "text": None}
    return [
        {"quantity": "import", "title": "買った電気", "used": route_b["id"]}
        | {"options": [route_b, board], "differs": None},
        {"quantity": "pv", "title": "太陽光", "used": sun["id"], "options": [sun]}
        | {"differs": None},
    ]


def plans() -> list[Json]:
    """GET /tariff/plans."""
    asked = [
        {"field": "basic_yen", "title": "基本料金", "unit": "円/月", "kind": "number"},
        {"field": "night_from", "title": "夜間の始まり", "unit": None, "kind": "time"},
    ]
    shape = {"missing": [], "kva": False, "area": None, "note": None, "ampere_choices": None}
    amperes = [10, 15, 20, 30, 40, 50, 60]
    return [
        shape
        | {"id": "tepco_juryo_b", "company": "東京電力エナジーパートナー", "name": "従量電灯B"}
        | {"structure": "ampere_tiered", "complete": True, "ampere_choices": amperes}
        | {"valid_from": "2024-04-01"},
        shape
        | {"id": "chubu_smartlife", "company": "中部電力ミライズ", "name": "スマートライフプラン"}
        | {"structure": "time_bands", "complete": True, "kva": True, "valid_from": "2024-04-01"},
        shape
        | {"id": "tohoku_smart_time", "company": "東北電力", "name": "スマートタイム"}
        | {"structure": "time_bands", "complete": False, "missing": asked, "valid_from": None},
    ]


def tariff(state: State) -> Json:
    """GET /tariff."""
    if state == "empty":
        return {"contract": None, "plan": None, "bands": [], "now": None, "today": []} | {
            "missing": []
        }
    start = NOW - timedelta(hours=10, minutes=42)
    sell = [{"from": "2020-05-01", "yen_kwh": 21.0}, {"from": "2030-05-01", "yen_kwh": 8.5}]
    contract = {"plan": "tepco_juryo_b", "ampere": 60, "kva": None, "reading_day": 8}
    return {
        "contract": contract | {"valid_from": "2026-04-01", "answers": {}} | {"sell": sell},
        "plan": plans()[0],
        "bands": [
            {"name": "第1段階(120 kWhまで)", "yen_kwh": 29.8, "text": None},
            {"name": "第2段階(300 kWhまで)", "yen_kwh": 36.4, "text": None},
            {"name": "第3段階", "yen_kwh": 40.49, "text": None},
        ],
        "now": {"buy_yen_kwh": 36.4, "sell_yen_kwh": 21.0, "band": "第2段階"},
        "today": [
            {"at": iso(start + timedelta(minutes=30 * i)), "buy_yen_kwh": 36.4}
            | {"sell_yen_kwh": 21.0, "band": "第2段階"}
            for i in range(48)
        ],
        "missing": [],
    }


def market_tariff(known: int) -> Json:
    """GET /tariff of a market-linked plan, of which so many half-hours of today have a price."""
    found = tariff("full")
    priced = [one | {"buy_yen_kwh": 22.18, "band": None} for one in found["today"]]
    unknown = [one | {"buy_yen_kwh": None} for one in priced]
    now = {"buy_yen_kwh": 22.18 if known else None, "sell_yen_kwh": 21.0, "band": None}
    return found | {
        "plan": plans()[0] | {"id": "market_linked", "name": "市場連動型", "structure": "market"},
        "now": now,
        "bands": [],
        "today": priced[:known] + unknown[known:],
    }


def settings(pv_since: str) -> Json:
    """GET /settings."""
    home = {"name": "田中さんの家", "zone": "Asia/Tokyo", "language": "ja", "pv_since": pv_since}
    tree = {"home": home | {"postal_code": "1000004", "people": 4}, "target": {"month_kwh": 380}}
    return tree | {"plan": modes.SETTINGS}


def diagnostics() -> Json:
    """GET /diagnostics."""
    return {
        "version": "0.1.0",
        "data_dir": "/var/lib/hidamari",
        "door_sha256": bytes(range(7, 256, 8)).hex(":").upper(),
        "store": {"size_bytes": 48_200_000, "days": 412, "first_day": "2025-10-05"}
        | {"last_day": "2026-11-20", "free_bytes": 21_400_000_000},
        "stored": [
            {"what": "計測値", "where": "このコントローラー", "kept": "ずっと"}
            | {"size_bytes": 44_000_000},
            {"what": "設定と名前", "where": "このコントローラー", "kept": "ずっと"}
            | {"size_bytes": 120_000},
        ],
    }


def setup(state: State) -> Json:
    """GET /setup."""
    found = 0 if state == "empty" else 9
    return {
        "needed": True,
        "steps": [
            {"id": "password", "state": "done", "found": None, "text": None},
            {"id": "devices", "state": "done" if found else "todo", "found": found, "text": None},
            {"id": "circuits", "state": "todo", "found": None, "text": None},
            {"id": "tariff", "state": "todo", "found": None, "text": None},
            {"id": "done", "state": "todo", "found": None, "text": None},
        ],
    }


def cloud() -> Json:
    """A home that knows its service and has no owner there yet."""
    never = ("code", "code_until", "code_left_s", "last_contact", "trouble")
    link = {"state": "unlinked", "url": "https://cloud.example.jp", "device_code": "4067173531"}
    return link | {"waiting": 0, "members": []} | dict.fromkeys(never)
