"""The last values of a home that is away, each with its age, in the body of its own GET /now."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from hidamari.answers.ranges import HOME, Span
from hidamari.cloud.history import Past
from hidamari.core.reading import SeriesKey
from hidamari.core.time import MINUTE_S, from_unix
from hidamari.link.messages import BUS, LiveFrame
from hidamari.schema import now as schema

LEVELS = ("soc_pct", "ev_soc_pct", "tank_l")
POWER = "power_kw"
DIGITS = 3
PARTS = ("pv", "gen", "battery", "ev", "heater")


@dataclass(frozen=True, slots=True)
class Last:
    """What the past does not know: the time now, the newest frame, names of circuits."""

    lately: Span
    at: datetime
    frame: LiveFrame | None
    zone: ZoneInfo
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Value:
    value: float | None
    age_s: float | None


NEVER = _Value(None, None)


def last_values(past: Past, last: Last) -> schema.Now:
    """What was measured last, told as old."""
    known = past.series()
    circuits = [key for key in known if key.device in last.names and key.name == POWER]
    home = [SeriesKey(HOME, name) for name in (*BUS, *LEVELS) if SeriesKey(HOME, name) in known]
    found = _newest(past, [*home, *circuits], last)
    values = {
        name: found.get(SeriesKey(HOME, name), _Value(None, None)) for name in (*BUS, *LEVELS)
    }
    values |= _of_frame(last)
    return schema.Now.model_validate(
        {
            **{name: one.value for name, one in values.items()},
            "at": last.at,
            "tank_size_l": None,
            "ev_here": None,
            "age_s": {name: one.age_s for name, one in values.items()},
            "has": _has(past, home, last.lately) | {"circuits": bool(circuits)},
            "meter_name": "",
            "assets": [],
            "circuits": [
                schema.CircuitBody(
                    id=key.device,
                    name=last.names[key.device],
                    room="",
                    device=None,
                    power_kw=found[key].value,
                    age_s=found[key].age_s,
                )
                for key in circuits
            ],
            "other_kw": None,
            "sentence": {"code": "stale", "numbers": {}},
            "changed": None,
            "tariff": None,
            "zone": last.zone.key,
            "internet": None,
            "demo": False,
            "stale": True,
            "today": None,
            "yesterday": None,
            "month": None,
            "sources_today": [],
        }
    )


def _newest(past: Past, keys: list[SeriesKey], last: Last) -> dict[SeriesKey, _Value]:
    """The newest minute of each series, with its age."""
    values = past.minutes(keys, last.lately.start, last.lately.end)
    present = ~np.isnan(values)
    found = {}
    for column, key in enumerate(keys):
        rows = np.flatnonzero(present[:, column])
        if not rows.size:
            found[key] = NEVER
            continue
        minute_s = last.lately.start.timestamp() + MINUTE_S * (int(rows[-1]) + 1)
        age_s = max(0.0, (last.at - from_unix(minute_s)).total_seconds())
        found[key] = _Value(round(float(values[rows[-1], column]), DIGITS), round(age_s, 1))
    return found


def _of_frame(last: Last) -> dict[str, _Value]:
    """The house bus of the last frame, which is newer than what is stored."""
    if last.frame is None:
        return {}
    age_s = round(max(0.0, (last.at - from_unix(last.frame.at_ms / 1000)).total_seconds()), 1)
    known = zip(BUS, last.frame.watts, strict=False)
    values = {name: _Value(w / 1000, age_s) for name, w in known if w is not None}
    if last.frame.soc_pct is not None:
        values["soc_pct"] = _Value(last.frame.soc_pct, age_s)
    return values


def _has(past: Past, home: list[SeriesKey], lately: Span) -> dict[str, bool]:
    """Parts that did something lately."""
    slots, _ = past.slots(home, lately.start, lately.end)
    most = {key.name: _largest(slots[:, i].tolist()) for i, key in enumerate(home)}
    parts = {part: bool(most.get(f"{part}_kw")) for part in PARTS}
    parts["battery"] |= most.get("soc_pct") is not None
    is_metered = most.get("grid_kw") is not None
    return parts | {"meter": is_metered, "board": most.get("use_kw") is not None}


def _largest(values: list[float]) -> float | None:
    known = [abs(value) for value in values if not math.isnan(value)]
    return max(known, default=None)
