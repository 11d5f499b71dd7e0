"""From minutes to half-hours, days and months: sums of energy, means of levels, last of counters.

Pure arrays in and out. A bucket with something missing is at most PARTLY, an empty one is NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.core.reading import Kind, Quality
from hidamari.store.pack import FloatArray, UInt8Array

SLOT_H = 0.5
SLOT_MINUTES = 30
_NONE = 255  # worse than no quality: nothing there


@dataclass(frozen=True, slots=True)
class Totals:
    """Buckets of k series, all shaped (n, k).

    Values are kWh for power (else the unit of the series), peaks mean kW of the largest
    half-hour (else the maximum), slots how many half-hours are in it. NaN = nothing known.
    """

    values: FloatArray
    peaks: FloatArray
    slots: FloatArray
    quality: UInt8Array


def of_slots(values: FloatArray, quality: UInt8Array, kinds: Sequence[Kind]) -> Totals:
    """Half-hours as buckets of their own; shapes (n, k)."""
    power = np.array([kind is Kind.POWER for kind in kinds], bool)
    peaks = np.where(power, values / SLOT_H, values)
    return Totals(values, peaks, (~np.isnan(values)).astype(np.float64), quality)


def fold(
    parts: Totals, starts: Sequence[int], expected: FloatArray, kinds: Sequence[Kind]
) -> Totals:
    """Join neighbours: bucket i holds the parts from starts[i] up to starts[i + 1].

    `starts` rises strictly and `expected`, shape (len(starts),), is how many half-hours each
    bucket has when nothing is missing.
    """
    if not len(starts):
        return _nothing(parts.values.shape[1])
    present = ~np.isnan(parts.values)
    slots = np.add.reduceat(np.where(present, parts.slots, 0.0), starts, axis=0)
    filled = np.logical_or.reduceat(present, starts, axis=0)
    values = np.empty(filled.shape)
    how = np.array([_HOW[kind] for kind in kinds])
    values[:, how == 0] = _sums(parts.values[:, how == 0], starts)
    values[:, how == 1] = _means(parts, how == 1, starts)
    values[:, how == 2] = _lasts(parts.values[:, how == 2], starts)
    values[~filled] = np.nan
    peaks = np.fmax.reduceat(parts.peaks, starts, axis=0)
    worst = np.minimum.reduceat(np.where(present, parts.quality, _NONE), starts, axis=0)
    whole = slots >= np.asarray(expected).reshape(-1, 1)
    quality = np.where(whole, worst, np.minimum(worst, Quality.PARTLY))
    return Totals(values, peaks, slots, np.where(filled, quality, 0).astype(np.uint8))


def slots_of_minutes(minutes: FloatArray, kinds: Sequence[Kind]) -> tuple[FloatArray, UInt8Array]:
    """Half-hours out of whole half-hours of minutes, shape (30 n, k): kWh for power, and quality.

    A gap of up to half of a half-hour is filled by the mean of the rest; beyond that only
    what was measured counts. Both are PARTLY.
    """
    count, width = minutes.shape[0] // SLOT_MINUTES, minutes.shape[1]
    present = ~np.isnan(minutes)
    flags = np.where(present, np.uint8(Quality.POWER), np.uint8(Quality.MISSING))
    parts = Totals(minutes, minutes, present / SLOT_MINUTES, flags)
    starts = range(0, count * SLOT_MINUTES, SLOT_MINUTES)
    as_levels = [Kind.LEVEL if kind is Kind.POWER else kind for kind in kinds]
    means = fold(parts, starts, np.full(count, 1 - 1e-9), as_levels)
    measured = means.slots.reshape(count, width)
    hours = np.where(measured >= 0.5 - 1e-9, SLOT_H, measured * SLOT_H)
    power = np.array([kind is Kind.POWER for kind in kinds], bool)
    return np.where(power, means.values * hours, means.values), means.quality


def _sums(values: FloatArray, starts: Sequence[int]) -> FloatArray:
    sums: FloatArray = np.add.reduceat(np.nan_to_num(values), starts, axis=0)
    return sums


def _means(parts: Totals, chosen: NDArray[np.bool_], starts: Sequence[int]) -> FloatArray:
    values, weights = parts.values[:, chosen], parts.slots[:, chosen]
    weights = np.where(np.isnan(values), 0.0, weights)
    total = np.add.reduceat(np.nan_to_num(values) * weights, starts, axis=0)
    means: FloatArray = total / np.maximum(np.add.reduceat(weights, starts, axis=0), 1e-12)
    return means


def _lasts(values: FloatArray, starts: Sequence[int]) -> FloatArray:
    rows = np.arange(values.shape[0]).reshape(-1, 1)
    last = np.maximum.reduceat(np.where(np.isnan(values), -1, rows), starts, axis=0)
    return np.take_along_axis(values, np.maximum(last, 0), axis=0)


def _nothing(width: int) -> Totals:
    empty = np.empty((0, width))
    return Totals(empty, empty, empty, np.empty((0, width), np.uint8))


_HOW = {Kind.POWER: 0, Kind.LEVEL: 1, Kind.COUNTER: 2, Kind.STATE: 2}
