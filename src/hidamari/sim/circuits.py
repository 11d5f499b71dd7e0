"""The circuits of the simulated house: which share of the load runs through which breaker.

The measured load is one number per half-hour. It is split over the circuits by the hour, the air
temperature and chance (`split`, exact to the last digit), and inside the half-hour each circuit
draws it in its own manner: a cooker in bursts, a refrigerator in cycles, lamps evenly (`ticks`).
"""

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np

from hidamari.core.time import SLOT_S
from hidamari.sim.noise import FloatArray, chance, chances
from hidamari.sim.replay import DAY_SLOTS, SLOT_TICKS, ZONE_S

SLOT_H = SLOT_S / 3600.0

Manner = Literal["even", "burst", "cycle"]

# How much a thing is used in each hour of the day, 0 to 9.
HOURS = {
    "never": "000000000000000000000000",
    "always": "555555555555555555555555",
    "meals": "000001662000430001899200",
    "washing": "000000478853111111334200",
    "bathing": "000000220000000000136984",
    "evening": "311111333222332224789986",
    "awake": "211112466555555556788875",
    "desk": "311000125788567877665453",
}


@dataclass(frozen=True, slots=True)
class Circuit:
    """A breaker: its names (not on the wire), what it draws at most, how and when.

    `base_kw` runs all the time; `weight` is its part of the rest in the `hours` it is used;
    `often` is how often it is used then (1 = always).
    """

    number: int
    ja: str
    en: str
    room: str
    most_kw: float
    manner: str = "even"
    hours: str = "never"
    weight: float = 0.0
    often: float = 1.0
    base_kw: float = 0.0

    @property
    def channel(self) -> str:
        """Its id in the home: the number on the board."""
        return str(self.number)


def _read() -> tuple[Circuit, ...]:
    source = resources.files("hidamari.sim").joinpath("data/circuits.csv")
    with source.open(encoding="utf-8") as lines:
        return tuple(
            Circuit(
                int(row["number"]),
                row["ja"],
                row["en"],
                row["room"],
                float(row["most_kw"]),
                row["manner"],
                row["hours"],
                float(row["weight"]),
                float(row["often"]),
                float(row["base_kw"]),
            )
            for row in csv.DictReader(lines)
        )


CIRCUITS = _read()
TWO_WAY = (
    Circuit(1, "太陽光発電", "Solar", "outside", 5.5),
    Circuit(2, "蓄電池", "Battery", "outside", 5.0),
    Circuit(3, "V2H", "Car (V2H)", "garage", 6.0),
)
LIVING_AC, BEDROOM_AC, HEATER = 1, 2, 3  # places in CIRCUITS
OTHER = len(CIRCUITS)  # the column for what no breaker sees
OTHER_WEIGHT = 0.15
OTHER_BASE_KW = 0.008

_HOURS = np.array([[int(n) for n in HOURS[c.hours]] for c in CIRCUITS], np.float64) / 9.0
_BASE_KWH = np.array([*(c.base_kw for c in CIRCUITS), OTHER_BASE_KW]) * SLOT_H
_MOST_KWH = np.array([*(c.most_kw for c in CIRCUITS), np.inf]) * SLOT_H


def names(language: str) -> dict[str, tuple[str, str]]:
    """Name and room word of each circuit by its channel id ("3", "t1"), in "ja" or "en"."""
    plain = {c.channel: (c.ja if language == "ja" else c.en, c.room) for c in CIRCUITS}
    both = {f"t{c.number}": (c.ja if language == "ja" else c.en, c.room) for c in TWO_WAY}
    return plain | both


def split(seed: int, first: int, load_kwh: FloatArray, outdoor_c: FloatArray) -> FloatArray:
    """Energy [kWh] of each circuit (last column: no circuit), shape (half-hours, 21).

    The columns of a row add up to its load; the water heater's is empty, it is not part of load.
    """
    slots = np.arange(first, first + len(load_kwh))
    hour = (slots + ZONE_S // SLOT_S) % DAY_SLOTS // 2
    weight = np.zeros((len(load_kwh), len(CIRCUITS) + 1))
    for place, circuit in enumerate(CIRCUITS):
        if circuit.weight:
            used = chances(seed, slots, 51, place) < circuit.often
            much = 0.4 + 1.2 * chances(seed, slots, 52, place)
            weight[:, place] = circuit.weight * _HOURS[place, hour] * used * much
    # Degrees beyond comfort drive the air conditioners; by night the one in the bedroom.
    degrees_k = np.maximum(0.0, outdoor_c - 24.0) + 0.6 * np.maximum(0.0, 16.0 - outdoor_c)
    night = (hour >= 22) | (hour < 6)
    weight[:, LIVING_AC] = degrees_k * np.where(night, 0.08, 0.5)
    weight[:, BEDROOM_AC] = degrees_k * np.where(night, 0.35, 0.04)
    weight[:, OTHER] = OTHER_WEIGHT
    base = _BASE_KWH * np.minimum(1.0, 0.7 * load_kwh / _BASE_KWH.sum())[:, None]
    rest_kwh = load_kwh - base.sum(axis=1)
    used_kwh: FloatArray = base + _shares(rest_kwh, weight, np.maximum(0.0, _MOST_KWH - base))
    used_kwh[:, OTHER] += load_kwh - used_kwh.sum(axis=1)
    return used_kwh


def ticks(seed: int, slot: int, energy_kwh: FloatArray) -> FloatArray:
    """Power [kW] of each circuit in the 180 steps of 10 s of a half-hour; means are exact."""
    mean_kw = energy_kwh / SLOT_H
    shape = np.empty((SLOT_TICKS, len(energy_kwh)))
    for place in range(len(energy_kwh)):
        manner = CIRCUITS[place].manner if place < OTHER else "even"
        most_kw = CIRCUITS[place].most_kw if place < OTHER else 1.0
        on_share = min(1.0, mean_kw[place] / most_kw)
        shape[:, place] = _manner(manner, on_share, seed, slot * 64 + place)
    drawn_kw: FloatArray = mean_kw * shape
    return drawn_kw


def even(seed: int, key: int) -> FloatArray:
    """A restless even draw: 180 steps with mean 1."""
    steps = np.arange(SLOT_TICKS)
    fine = chances(seed, key * 256 + steps, 61)
    slow = chances(seed, key * 256 + steps // 12, 62)
    shape: FloatArray = 1.0 + 0.04 * (fine - 0.5) + 0.16 * (slow - 0.5)
    return shape / float(shape.mean())


def _manner(manner: str, on_share: float, seed: int, key: int) -> FloatArray:
    if manner == "even":
        return even(seed, key)
    steps = np.arange(SLOT_TICKS)
    if manner == "cycle":  # a compressor: three runs an hour
        period = SLOT_TICKS // 2
        start = int(chance(seed, key, 63) * period)
        on = (steps + start) % period < max(6.0, period * min(1.0, on_share))
    else:
        length = max(6, round(SLOT_TICKS * on_share))
        start = int(chance(seed, key, 63) * (SLOT_TICKS - length + 1))
        on = (steps >= start) & (steps < start + length)
    return on.astype(np.float64) * (SLOT_TICKS / max(1, int(on.sum())))


def _shares(rest_kwh: FloatArray, weight: FloatArray, room_kwh: FloatArray) -> FloatArray:
    """`rest_kwh` by weight, no column above its room; what was too much goes round again."""
    given = np.zeros_like(weight)
    for _ in range(3):
        left_kwh = rest_kwh - given.sum(axis=1)
        open_weight = np.where(given < room_kwh, weight, 0.0)
        part = open_weight / open_weight.sum(axis=1, keepdims=True)
        given = np.minimum(given + part * left_kwh[:, None], room_kwh)
    return given
