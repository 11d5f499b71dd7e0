"""What the roof will make: the home's own array, learned from its past, under the coming sky.

Nothing about the array is typed in. The ratio of measured kWh to the clear sky on level ground,
slot by slot over the last four weeks, holds tilt, direction, size, shade and dirt; the day's index
(measured / what the learned array makes under a clear sky) holds the weather.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.forecast.series import ridge, weighted_mean, weighted_quantile

FloatArray = NDArray[np.float64]

LOOK_BACK_DAYS = 28
SHAPE_MEMORY_DAYS = 10.0
CLEAR_QUANTILE = 0.9  # of the ratios of a slot: what the array makes when nothing shades it
LOW_SUN_KW_M2 = 0.02
HIGHEST_INDEX = 1.1
FIT_HALF_LIFE_DAYS = 120.0
OWN_PRIOR = np.array([0.05, 0.3, 0.3, 0.2])  # 1, yesterday, two weeks, yesterday afternoon
FILE_PRIOR = np.array([0.0, 0.9, 0.2, 0.05, 0.05, 0.0])


@dataclass(frozen=True, slots=True)
class SolarPast:
    """Whole days, oldest first: measured kWh and clear-sky kW/m2 of each slot, (days, slots)."""

    pv_kwh: FloatArray
    clear_kw_m2: FloatArray

    def ratio(self) -> FloatArray:
        """kWh per clear-sky kW/m2, zero while the sun is low, (last 28 days, slots)."""
        pv_kwh, clear = self.pv_kwh[-LOOK_BACK_DAYS:], self.clear_kw_m2[-LOOK_BACK_DAYS:]
        safe = np.maximum(clear, LOW_SUN_KW_M2)
        return np.where(clear > LOW_SUN_KW_M2, pv_kwh / safe, 0.0)


def learned_array(past: SolarPast) -> FloatArray:
    """kWh a slot makes per clear-sky kW/m2 when nothing shades it, (slots,)."""
    answer: FloatArray = np.quantile(past.ratio(), CLEAR_QUANTILE, axis=0)
    return answer


def day_shape(past: SolarPast, index: FloatArray, clear_kw_m2: FloatArray) -> FloatArray:
    """How a day's sun is spread over its slots, adding up to 1; bright recent days count most."""
    ratio = past.ratio()
    age = np.arange(len(ratio), 0, -1)
    weight = np.exp(-age / SHAPE_MEMORY_DAYS) * np.minimum(index[-len(ratio) :], 1.0) + 1e-6
    shape: FloatArray = weighted_mean(ratio, weight) * clear_kw_m2
    total = float(shape.sum())
    if total <= 0.0:
        return np.zeros_like(clear_kw_m2)
    return np.asarray(shape / total, dtype=np.float64)


def median_day(past: SolarPast, clear_kw_m2: FloatArray) -> FloatArray:
    """The most likely kWh per slot for a person to read: recent medians, drawn to yesterday."""
    ratio = past.ratio()
    weight = np.exp(-np.arange(len(ratio), 0, -1) / SHAPE_MEMORY_DAYS)
    middle = weighted_quantile(ratio, weight, 0.5)
    return np.asarray((0.6 * middle + 0.4 * ratio[-1]) * clear_kw_m2, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class IndexPast:
    """Day indices, oldest first: whole day, afternoon, clear kWh, and what a file had forecast.

    `file_index` is NaN where no forecast had been issued.
    """

    index: FloatArray
    afternoon: FloatArray
    clear_kwh: FloatArray
    file_index: FloatArray


def own_index(past: IndexPast) -> float:
    """The coming day's index from the past alone."""
    features = _own_features(past)
    x, y = features[_FIRST:-1], np.minimum(past.index[_FIRST:], 1.2)
    coefficients = ridge(x, y, _fit_weights(past)[_FIRST:], OWN_PRIOR)
    return float(np.clip(features[-1] @ coefficients, 0.0, HIGHEST_INDEX))


def corrected_index(past: IndexPast, file_index: float) -> float:
    """The coming day's index from a weather forecast, its bias and last error learned."""
    features = _file_features(past, file_index)
    known = np.isfinite(past.file_index)
    x, y = features[:-1][known], np.minimum(past.index[known], 1.2)
    coefficients = ridge(x, y, _fit_weights(past)[known], FILE_PRIOR)
    return float(np.clip(features[-1] @ coefficients, 0.0, HIGHEST_INDEX))


_FIRST = 3  # days before which the means of the features mean little


def _own_features(past: IndexPast) -> FloatArray:
    """One row per past day and one for the coming day."""
    count = len(past.index) + 1
    before = np.concatenate(([0.8], past.index))
    afternoon = np.concatenate(([0.8], past.afternoon))
    return np.stack([np.ones(count), before, _means(past.index, 14), afternoon], axis=1)


def _file_features(past: IndexPast, file_index: float) -> FloatArray:
    forecast = np.append(past.file_index, file_index)
    filled = np.nan_to_num(forecast, nan=0.8)
    error = np.nan_to_num(past.index - past.file_index)
    before = np.concatenate(([0.8], past.index))
    error_before = np.concatenate(([0.0], error))
    columns = [np.ones(len(filled)), filled, error_before, before, _means(past.index, 7)]
    return np.stack([*columns, filled**2], axis=1)


def _means(index: FloatArray, days: int) -> FloatArray:
    """Mean of up to `days` values before each place, one place more than values."""
    total = np.concatenate(([0.0], np.cumsum(index)))
    end = np.arange(len(total))
    start = np.maximum(end - days, 0)
    count = np.maximum(end - start, 1)
    mean: FloatArray = np.where(end > 0, (total[end] - total[start]) / count, 0.8)
    return mean


def _fit_weights(past: IndexPast) -> FloatArray:
    """Recent days and long days count more."""
    age = np.arange(len(past.index), 0, -1)
    mean_kwh = max(float(past.clear_kwh.mean()), 1e-6)
    weight: FloatArray = 0.5 ** (age / FIT_HALF_LIFE_DAYS)
    return weight * np.minimum(past.clear_kwh / mean_kwh, 2.0)
