"""The simulated house in a file, so that a restart goes on where it was."""

import json
import logging
import os
from dataclasses import asdict, fields, is_dataclass
from enum import IntEnum
from pathlib import Path
from typing import TypeVar, get_type_hints

from hidamari.devices.forms import Pair
from hidamari.sim.house import HouseState
from hidamari.sim.meter import HalfHours, MeterForm
from hidamari.sim.replay import Replay
from hidamari.sim.world import World

logger = logging.getLogger(__name__)

T = TypeVar("T")
VERSION = 1


def save(world: World, path: Path) -> None:
    """Write the house whole or not at all: new file, fsync, rename, fsync of the folder."""
    slots = sorted(world.half_hours.kwh)
    data = {
        "version": VERSION,
        "state": asdict(world.state),
        "form": asdict(world.form),
        "slots": slots,
        "import_kwh": [_short(world.half_hours.kwh[slot].first) for slot in slots],
        "export_kwh": [_short(world.half_hours.kwh[slot].second) for slot in slots],
    }
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="ascii") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path, replay: Replay | None = None) -> World | None:
    """The house as it was saved; `None` where there is none or the file cannot be used."""
    try:
        data = json.loads(path.read_text(encoding="ascii"))
        if data["version"] != VERSION:
            raise ValueError(f"version {VERSION} expected, got {data['version']}")
        rows = zip(data["slots"], data["import_kwh"], data["export_kwh"], strict=True)
        half_hours = HalfHours({slot: Pair(first, second) for slot, first, second in rows})
        world = World(_built(HouseState, data["state"]), half_hours, replay)
        world.form = _built(MeterForm, data["form"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning(
            "the simulated house in %s cannot be used, a new one is built: %s", path, error
        )
        return None
    return world


def _short(kwh: float | None) -> float | None:
    # Finer than any meter shows; the file is written every minute.
    return None if kwh is None else round(kwh, 5)


def _built(kind: type[T], data: object) -> T:
    """A dataclass from its `asdict`, by the types of its fields."""
    if not isinstance(data, dict) or not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} expected, got {type(data).__name__}")
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    if set(names) != set(data):
        raise ValueError(f"{kind.__name__}: {sorted(set(names) ^ set(data))} differ")
    return kind(**{name: _value(hints[name], data[name]) for name in names})


def _value(hint: object, value: object) -> object:
    if isinstance(hint, type):
        if is_dataclass(hint):
            return _built(hint, value)
        if issubclass(hint, IntEnum) and isinstance(value, int):
            return hint(value)
    return tuple(value) if isinstance(value, list) else value
