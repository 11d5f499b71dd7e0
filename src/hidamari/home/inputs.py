"""The inputs of the last half-hour's plan, kept so that it can be solved again on a desk.

JSON with arrays as packed numbers; what is read back is checked field by field and never executed.
"""

import base64
import json
import zlib
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from hidamari.core.errors import InputError
from hidamari.core.time import from_unix
from hidamari.home.planning import Made
from hidamari.plan.battery import Battery, Mode
from hidamari.plan.parts.storage import Storage
from hidamari.plan.parts.tank import Tank
from hidamari.plan.reasons import Code
from hidamari.plan.recursion import Outcomes
from hidamari.plan.request import PlanRequest

KEY = "plan_inputs"
VERSION = 2
MOST_BYTES = 4_000_000
ASSETS = {"storage": Storage, "tank": Tank}


def to_bytes(made: Made) -> bytes:
    """The question that the solver was asked, and the scenarios of the battery's choice."""
    request = made.request or made.ask.request
    tree = {
        "version": VERSION,
        "at": made.ask.now.timestamp(),
        "main": made.ask.main,
        "rung": made.plan.rung.name.lower(),
        "request": _out(request),
        "outcomes": _out(made.outcomes),
        "chosen_kwh": made.chosen_kwh,
        "rule": _out(_rule(made)),
    }
    return zlib.compress(json.dumps(tree, separators=(",", ":")).encode(), 6)


@dataclass(frozen=True, slots=True)
class Rule:
    """A simple rule that has the battery because the plan had run behind by so many yen."""

    mode: Mode
    grid_kw: float
    behind_yen: float


def _rule(made: Made) -> Rule | None:
    told = next((one for one in made.plan.told[0] if one.asset == made.ask.main), None)
    if told is None or told.reason.code is not Code.FLOOR:
        return None
    return Rule(told.action.mode, told.action.grid_kw, told.reason.numbers["behind_yen"])


class Kept:
    """What was kept of a plan."""

    def __init__(self, raw: bytes) -> None:
        try:
            packed = zlib.decompressobj()
            tree = json.loads(packed.decompress(raw, MOST_BYTES))
            if tree["version"] != VERSION:
                raise InputError(f"plan inputs: version {VERSION} expected, got {tree['version']}")
            self.at: datetime = from_unix(float(tree["at"]))
            self.main: str | None = tree["main"]
            self.rung = str(tree["rung"])
            self.request: PlanRequest = _in(PlanRequest, tree["request"])
            self.outcomes: Outcomes | None = _in(Outcomes | None, tree["outcomes"])
            self.chosen_kwh: float | None = _in(float | None, tree["chosen_kwh"])
            self.rule: Rule | None = _in(Rule | None, tree["rule"])
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            raise InputError(f"plan inputs cannot be read: {error}") from error

    @property
    def battery(self) -> tuple[Battery, float] | None:
        """The battery that the scenarios are about, and what its mode was chosen on."""
        for asset in self.request.assets:
            if isinstance(asset, Storage) and asset.key == self.main:
                kwh = asset.stored_kwh if self.chosen_kwh is None else self.chosen_kwh
                return asset.battery, kwh
        return None


def _out(value: object) -> Any:
    if isinstance(value, np.ndarray):
        packed = base64.b85encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
        return {"dtype": value.dtype.str, "shape": list(value.shape), "data": packed}
    if is_dataclass(value) and not isinstance(value, type):
        row = {field.name: _out(getattr(value, field.name)) for field in fields(value)}
        kind = next((name for name, made in ASSETS.items() if isinstance(value, made)), None)
        return row if kind is None else {"kind": kind, **row}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_out(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _out(one) for key, one in value.items()}
    if isinstance(value, float) and not np.isfinite(value):
        return "inf" if value > 0 else "-inf"
    return value


def _in(kind: Any, value: Any) -> Any:
    """A value of a type out of JSON."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _in(next(one for one in get_args(kind) if one is not type(None)), value)
    if kind is np.ndarray or origin is np.ndarray:
        return _array(value)
    if isinstance(value, dict) and value.get("kind") in ASSETS:
        row = {name: one for name, one in value.items() if name != "kind"}
        return _record(ASSETS[value["kind"]], row)
    if is_dataclass(kind):
        return _record(kind, value)
    if origin is tuple:
        inner = get_args(kind)
        return tuple(
            _in(inner[0] if inner[-1] is Ellipsis else inner[i], one) for i, one in enumerate(value)
        )
    if origin is dict:
        return {key: _in(get_args(kind)[1], one) for key, one in value.items()}
    if kind is float:
        return float(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return value


def _record(kind: Any, row: Any) -> Any:
    hints = get_type_hints(kind)
    return kind(**{name: _in(hints[name], value) for name, value in row.items()})


def _array(row: Any) -> np.ndarray[Any, Any]:
    dtype = np.dtype(row["dtype"])
    if dtype.kind not in "fib":
        raise ValueError(f"an array of numbers expected, got {dtype}")
    flat = np.frombuffer(base64.b85decode(row["data"]), dtype=dtype)
    return flat.reshape(row["shape"]).copy()
