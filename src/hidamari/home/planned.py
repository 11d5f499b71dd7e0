"""What plans said, kept in the store by day: the last plan before each half-hour."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hidamari.core.time import from_unix
from hidamari.home.decide import flows, planned_mode
from hidamari.home.planning import Made
from hidamari.store.db import Store
from hidamari.store.journal import JsonValue

DAY_KEY = "plan_day:"
DIGITS = 4


@dataclass(frozen=True, slots=True)
class PlannedAsset:
    """What the last plan before a half-hour said of one asset; signed, + = drawn."""

    asset: str
    mode: str
    kwh: float | None
    level_kwh: float | None
    code: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """The last plan before one half-hour: its rung, energies of the house, and its assets."""

    start: datetime
    rung: str
    load_kwh: float
    pv_kwh: float
    import_kwh: float | None
    export_kwh: float | None
    buy_yen_kwh: float
    sell_yen_kwh: float
    assets: tuple[PlannedAsset, ...]


def keep_slot(store: Store, made: Made, day: str) -> None:
    """Add the first half-hour of a plan that was made for its beginning."""
    rows = _rows(store.get_kv(DAY_KEY + day))
    rows[str(int(made.plan.starts[0].timestamp()))] = slot_row(made)
    store.put_kv(DAY_KEY + day, json.dumps(rows, separators=(",", ":")).encode())


def slot_row(made: Made) -> JsonValue:
    """The first step of a plan as a row."""
    plan, horizon, home = made.plan, made.ask.request.horizon, flows(made.plan)
    assets: list[JsonValue] = []
    for told in plan.told[0]:
        asset = home.asset_by_key.get(told.asset) if home is not None else None
        kwh = None if asset is None else float(asset.power_kw[0]) * float(horizon.step_h[0])
        level = None if asset is None else float(asset.level_kwh[0])
        live = next((one for one in made.facts.assets if one.id == told.asset), None)
        kw = None if asset is None else float(asset.power_kw[0])
        mode = told.action.mode.value if live is None else planned_mode(told, live, kw)
        assets.append(
            {
                "asset": told.asset,
                "mode": mode,
                "kwh": _round(kwh),
                "level_kwh": _round(level),
                "code": told.reason.code.value,
                "numbers": {name: _round(value) for name, value in told.reason.numbers.items()},
            }
        )
    return {
        "rung": plan.rung.name.lower(),
        "load_kwh": _round(float(horizon.load_kwh[0])),
        "pv_kwh": _round(float(horizon.pv_kwh[0])),
        "import_kwh": None if home is None else _round(float(home.import_kwh[0])),
        "export_kwh": None if home is None else _round(float(home.export_kwh[0])),
        "buy_yen_kwh": _round(float(made.facts.prices.marginal_yen_kwh[0])),
        "sell_yen_kwh": _round(float(made.facts.prices.sell_yen_kwh[0])),
        "assets": assets,
    }


def day_slots(raw: bytes | None) -> list[PlannedSlot]:
    """A day's rows as values, in order; an unreadable row is left out."""
    found = []
    for start, row in sorted(_rows(raw).items(), key=lambda pair: int(pair[0])):
        try:
            found.append(_slot(int(start), row))
        except (TypeError, KeyError, ValueError):
            continue
    return found


def read_kv(folder: Path, key: str) -> bytes | None:
    """A value of the store of a stopped or running home, without taking the folder."""
    path = (folder / "store.db").resolve()
    if not path.exists():
        return None
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        row = connection.execute("select v from kv where k = ?", (key,)).fetchone()
    finally:
        connection.close()
    return bytes(row[0]) if row is not None else None


def _rows(raw: bytes | None) -> dict[str, JsonValue]:
    if not raw:
        return {}
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _slot(start: int, row: JsonValue) -> PlannedSlot:
    if not isinstance(row, dict):
        raise TypeError("a row expected")
    listed = row["assets"]
    if not isinstance(listed, list):
        raise TypeError("a list of assets expected")
    return PlannedSlot(
        from_unix(start),
        str(row["rung"]),
        _float(row["load_kwh"]),
        _float(row["pv_kwh"]),
        _number(row["import_kwh"]),
        _number(row["export_kwh"]),
        _float(row["buy_yen_kwh"]),
        _float(row["sell_yen_kwh"]),
        tuple(_asset(one) for one in listed if isinstance(one, dict)),
    )


def _asset(row: Mapping[str, JsonValue]) -> PlannedAsset:
    numbers = row["numbers"]
    known = numbers if isinstance(numbers, dict) else {}
    return PlannedAsset(
        str(row["asset"]),
        str(row["mode"]),
        _number(row["kwh"]),
        _number(row["level_kwh"]),
        str(row["code"]),
        {name: float(v) for name, v in known.items() if isinstance(v, int | float)},
    )


def _number(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _float(value: JsonValue) -> float:
    if not isinstance(value, int | float):
        raise TypeError("a number expected")
    return float(value)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
