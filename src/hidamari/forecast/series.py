"""Weighted means and quantiles over past days, and the small regressions the forecasts share."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def weighted_mean(days: FloatArray, weight: FloatArray) -> FloatArray:
    """Mean over the first axis; `weight` one per day."""
    return np.asarray(weight @ days / weight.sum(), dtype=np.float64)


def weighted_quantile(days: FloatArray, weight: FloatArray, q: float) -> FloatArray:
    """Quantile over the first axis, by cumulated weight."""
    order = np.argsort(days, axis=0)
    ranked = np.take_along_axis(days, order, axis=0)
    cumulated: FloatArray = np.cumsum(weight[order], axis=0)
    at = (cumulated >= q * cumulated[-1]).argmax(axis=0)
    answer: FloatArray = np.take_along_axis(ranked, at[None], axis=0)[0]
    return answer


def ridge(x: FloatArray, y: FloatArray, weight: FloatArray, prior: FloatArray) -> FloatArray:
    """Coefficients of y = x b by least squares, drawn towards `prior`.

    `x` (rows, features), `y` (rows,) or (rows, targets), `prior` as b; the pull equals
    `RIDGE_ROWS` rows of ones, so that a few days of data change little.
    """
    scaled = x * weight[:, None]
    size = x.shape[1]
    left = scaled.T @ x + RIDGE_ROWS * np.eye(size)
    right = scaled.T @ y + RIDGE_ROWS * prior
    answer: FloatArray = np.asarray(np.linalg.solve(left, right), dtype=np.float64)
    return answer


RIDGE_ROWS = 2.0


def nmae(forecast: FloatArray, truth: FloatArray) -> float:
    """Sum of absolute errors over the sum of the truth; NaN slots of either are left out."""
    known = np.isfinite(forecast) & np.isfinite(truth)
    total = float(np.abs(truth[known]).sum())
    if total <= 0.0:
        return float("nan")
    return float(np.abs(forecast[known] - truth[known]).sum()) / total
