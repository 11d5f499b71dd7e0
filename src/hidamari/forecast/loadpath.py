"""The household's coming use, slot by slot: day forecasts, corrected by how today runs.

State over time: measured days, the forecasts made at every slot of the last weeks, and the
regression of coming errors on recent ones.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hidamari.forecast.load import (
    FOLLOW_H,
    LOOK_BACK_DAYS,
    METHODS,
    DayKind,
    PastDays,
    mean_day,
    quantile_day,
)
from hidamari.forecast.score import Ledger

FloatArray = NDArray[np.float64]

RING_DAYS = 100  # how many days of past forecasts are kept
FIT_DAYS = 56
FIT_EVERY_DAYS = 7
FIT_HALF_LIFE_DAYS = 60.0
FIRST_FIT_DAY = 14
LEAST_SHARE = 0.02  # of a kW: a house never uses nothing


class LoadPath:
    """Forecasts of the load over the horizon, and the errors they turned out to have."""

    def __init__(self, slots: int, horizon: int) -> None:
        self.slots, self.horizon = slots, horizon
        self.slot_h = 24.0 / slots
        self.day, self.slot = -1, slots
        self.days: list[FloatArray] = []  # measured, gaps filled by what was expected
        self.kinds: list[DayKind] = []
        self.ledger = Ledger(self.slot_h)
        self.first_forecast_day = 4
        self._mean = np.zeros(3 * slots)  # today, tomorrow, the day after
        self._by_method: dict[str, FloatArray] = {}
        self._rows = np.zeros((RING_DAYS, 3 * slots))
        self._made = np.zeros((RING_DAYS, slots, horizon), dtype=np.float32)
        self._recent = np.zeros(len(FOLLOW_H))
        self._recents = np.zeros((RING_DAYS, slots, len(FOLLOW_H)))
        self._keep = 1.0 - np.exp(-self.slot_h / np.array(FOLLOW_H))
        self._effect = np.zeros((len(FOLLOW_H), horizon))

    def begin_day(self, kind: DayKind, next_kind: DayKind) -> None:
        """Forecast today and tomorrow from the days before."""
        if self.day >= 1 and self._by_method:
            self.ledger.add(self._by_method, self.days[-1])
        self.day += 1
        self.slot = 0
        if self.day >= 1:
            self._forecast_days(kind, next_kind)
        self.kinds.append(kind)
        self.days.append(self._mean[: self.slots].copy())
        self._rows[self.day % RING_DAYS] = self._mean
        if self.day >= FIRST_FIT_DAY and self.day % FIT_EVERY_DAYS == 0:
            self._fit()

    def observe(self, load_kwh: float) -> None:
        """The slot's load; NaN is filled by what was expected."""
        expected = float(self._mean[self.slot])
        if np.isfinite(load_kwh):
            self.days[-1][self.slot] = max(load_kwh, 0.0)
            if self.day >= self.first_forecast_day:
                self._recent += self._keep * (load_kwh - expected - self._recent)
        self.slot += 1

    def forecast(self) -> FloatArray:
        """Expected kWh per slot over the horizon, (horizon,)."""
        path = self._mean[self.slot : self.slot + self.horizon] + self._recent @ self._effect
        path = np.maximum(path, LEAST_SHARE * self.slot_h)
        at = self.day % RING_DAYS
        self._made[at, self.slot] = path
        self._recents[at, self.slot] = self._recent
        return path

    def scenarios(self, path_kwh: FloatArray, past: list[int]) -> FloatArray:
        """The forecast with the errors of past days at this time of day, (days, horizon)."""
        truth = self._truth(past[-1])
        start = (np.array(past) - past[-1]) * self.slots + self.slot
        real = truth[start[:, None] + np.arange(self.horizon)]
        made = self._made[np.array(past) % RING_DAYS, self.slot]
        paths: FloatArray = np.maximum(path_kwh + real - made, 0.5 * LEAST_SHARE * self.slot_h)
        return paths

    def median_day(self) -> FloatArray:
        """The median of each slot of today from the days before, (slots,)."""
        if self.day < 1:
            return np.full(self.slots, np.nan)
        past = PastDays(np.array(self.days[-LOOK_BACK_DAYS - 1 : -1]), tuple(self.kinds[:-1]))
        return quantile_day(past, METHODS[0], self.kinds[-1], 0.5)

    def _truth(self, first: int) -> FloatArray:
        """Measured slots from the beginning of day `first`, flat."""
        return np.concatenate(self.days[first:])

    def _forecast_days(self, kind: DayKind, next_kind: DayKind) -> None:
        past = PastDays(np.array(self.days[-LOOK_BACK_DAYS:]), tuple(self.kinds))
        self._by_method = {m.name: mean_day(past, m, kind, 1) for m in METHODS}
        best = self.ledger.best(METHODS[0].name)
        method = next(m for m in METHODS if m.name == best)
        tomorrow = mean_day(past, method, next_kind, 2)
        self._mean = np.concatenate([self._by_method[best], tomorrow, tomorrow])

    def _fit(self) -> None:
        """How errors to come depend on recent ones, one line per slot ahead."""
        first = max(self.first_forecast_day + 5, self.day - FIT_DAYS)
        truth = self._truth(first)
        size = len(FOLLOW_H)
        left, right = np.zeros((size, size)), np.zeros((size, self.horizon))
        for day in range(first, self.day - 2):
            start = (day - first) * self.slots
            real = sliding_window_view(truth[start : start + 3 * self.slots], self.horizon)
            made = sliding_window_view(self._rows[day % RING_DAYS], self.horizon)
            error = real[: self.slots] - made[: self.slots]
            recent = self._recents[day % RING_DAYS]
            weight = 0.5 ** ((self.day - day) / FIT_HALF_LIFE_DAYS)
            left += weight * recent.T @ recent
            right += weight * recent.T @ error
        pull = PULL_DAYS * self.slots * np.trace(left) / max(size * self.slots * FIT_DAYS, 1)
        self._effect = np.linalg.solve(left + (pull + 1e-9) * np.eye(size), right)


PULL_DAYS = 5.0  # the regression is drawn to "no effect" as if by this many days
