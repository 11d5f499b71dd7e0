"""The roof's coming output, slot by slot: tomorrow's index, corrected by how today runs.

State over time: measured days and clear skies, day indices, and the forecasts made at every slot.
"""

import numpy as np
from numpy.typing import NDArray

from hidamari.forecast.solar import (
    LOOK_BACK_DAYS,
    IndexPast,
    SolarPast,
    corrected_index,
    day_shape,
    learned_array,
    median_day,
    own_index,
)

FloatArray = NDArray[np.float64]

RING_DAYS = 100
KEEP_DAYS = 400  # days of indices the regressions learn from
AFTERNOON_H = 13.0
WINDOW_SLOTS = 4  # how many slots tell how today compares with its forecast
LEAST_RATIO, MOST_RATIO = 0.2, 1.5
SURE_SHARE = 0.3  # of an hour at full sun: what is added to both sides of the comparison
SEEN_SHARE = 0.075  # less sun than this in the window tells nothing
MOST_INDEX = 1.2
REACH_QUANTILE = 0.97  # the most a slot has made, and its neighbours: bounds of the scenarios
FIRST_DAY = 3


class SolarPath:
    """Forecasts of the sun over the horizon, and the errors they turned out to have."""

    def __init__(self, slots: int, horizon: int) -> None:
        self.slots, self.horizon = slots, horizon
        self.slot_h = 24.0 / slots
        self.day, self.slot = -1, slots
        self.days: list[FloatArray] = []
        self.clear: list[FloatArray] = []
        self._index: list[float] = []
        self._afternoon: list[float] = []
        self._clear_kwh: list[float] = []
        self._file: list[float] = []
        self._next_file: FloatArray | None = None
        self._next_clear = np.zeros(slots)
        self._array = np.zeros(slots)
        self._today = np.zeros(slots)
        self._tomorrow = np.zeros(slots)
        self._most = np.zeros(3 * slots)
        self._ratio = 1.0
        self._made = np.zeros((RING_DAYS, slots, horizon), dtype=np.float32)
        self._mosts = np.zeros((RING_DAYS, 3 * slots))
        self._outlook = np.zeros((RING_DAYS, slots))  # index expected over a day, at every slot

    def begin_day(
        self, clear: FloatArray, next_clear: FloatArray, file_kwh: FloatArray | None
    ) -> None:
        """Forecast today from the days before and, if given, from a weather-based forecast."""
        if self.day >= 0:
            self._close_day()
        self.day += 1
        self.slot, self._ratio = 0, 1.0
        self._next_clear, self._next_file = next_clear, None
        if self.day >= FIRST_DAY:
            self._array = learned_array(self._past())
        self._file.append(self._file_index(file_kwh, clear))
        self._today = self._day_kwh(clear, self._file[-1])
        self._tomorrow = self._day_kwh(next_clear, self._file[-1])
        self.days.append(self._today.copy())
        self.clear.append(clear)
        self._most = self._reach(clear, next_clear)
        self._mosts[self.day % RING_DAYS] = self._most

    def issue(self, file_kwh: FloatArray) -> None:
        """A weather-based forecast of tomorrow has come."""
        self._next_file = file_kwh
        self._look_to_tomorrow()

    def observe(self, pv_kwh: float) -> None:
        """The slot's solar energy; NaN is filled by what was expected."""
        if np.isfinite(pv_kwh):
            self.days[-1][self.slot] = max(pv_kwh, 0.0)
        self._compare()
        self.slot += 1
        if self._sun_is_down():
            self._look_to_tomorrow()

    def forecast(self) -> FloatArray:
        """Expected kWh per slot over the horizon, (horizon,)."""
        path = np.concatenate([self._today * self._ratio, self._tomorrow, self._tomorrow])
        answer = path[self.slot : self.slot + self.horizon]
        self._made[self.day % RING_DAYS, self.slot] = answer
        possible = float(self._most[self.slot : self.slot + self.slots].sum())
        expected = float(answer[: self.slots].sum())
        self._outlook[self.day % RING_DAYS, self.slot] = expected / possible if possible else 0.0
        return answer

    def likeness(self, past: list[int], width: float) -> FloatArray:
        """How alike the outlook of past days was at this time of day: 1 = the same, (days,)."""
        then = self._outlook[np.array(past) % RING_DAYS, self.slot]
        apart = (then - self._outlook[self.day % RING_DAYS, self.slot]) / width
        alike: FloatArray = np.exp(-0.5 * apart**2)
        return alike

    def scenarios(self, path_kwh: FloatArray, past: list[int]) -> FloatArray:
        """The forecast with past days' errors as shares of what was possible, (days, horizon)."""
        most = self._most[self.slot : self.slot + self.horizon]
        if not most.any():
            return np.zeros((len(past), self.horizon))
        truth = np.concatenate(self.days[past[-1] :])
        ahead = self.slot + np.arange(self.horizon)
        start = (np.array(past) - past[-1]) * self.slots
        ring = np.array(past) % RING_DAYS
        then = np.maximum(self._mosts[ring][:, ahead], 1e-6)
        is_lit = then > 1e-4
        real = np.minimum(truth[start[:, None] + ahead] / then, MOST_INDEX)
        made = np.minimum(self._made[ring, self.slot] / then, MOST_INDEX)
        error = np.where(is_lit, real - made, 0.0)
        index = path_kwh / np.maximum(most, 1e-6) + error
        return np.where(most > 1e-4, np.clip(index, 0.0, MOST_INDEX) * most, 0.0)

    def median_day(self) -> FloatArray:
        """The most likely kWh of each slot of today, (slots,); a weather forecast goes first."""
        if self.day < FIRST_DAY:
            return np.full(self.slots, np.nan)
        if np.isfinite(self._file[-1]):
            return self._today.copy()
        past = SolarPast(
            np.array(self.days[:-1][-LOOK_BACK_DAYS:]), np.array(self.clear[:-1][-LOOK_BACK_DAYS:])
        )
        return median_day(past, self.clear[-1])

    def _past(self) -> SolarPast:
        return SolarPast(
            np.array(self.days[-LOOK_BACK_DAYS:]), np.array(self.clear[-LOOK_BACK_DAYS:])
        )

    def _index_past(self) -> IndexPast:
        count = len(self._index)
        tail = slice(max(0, count - KEEP_DAYS), count)
        return IndexPast(
            np.array(self._index[tail]),
            np.array(self._afternoon[tail]),
            np.array(self._clear_kwh[tail]),
            np.array(self._file[tail]),
        )

    def _day_kwh(self, clear: FloatArray, file_index: float) -> FloatArray:
        """kWh per slot of the day after the last closed one."""
        if self.day < FIRST_DAY or not self._array.any():
            return np.zeros(self.slots)
        past = self._index_past()
        known = np.isfinite(file_index)
        index = corrected_index(past, file_index) if known else own_index(past)
        shape = day_shape(self._past(), np.array(self._index), clear)
        total_kwh = float((self._array * clear).sum())
        return shape * index * total_kwh

    def _file_index(self, file_kwh: FloatArray | None, clear: FloatArray) -> float:
        possible = float((self._array * clear).sum())
        if file_kwh is None or possible <= 0.0:
            return float("nan")
        return float(file_kwh.sum()) / possible

    def _close_day(self) -> None:
        clear, real = self.clear[-1], self.days[-1]
        possible = self._array * clear
        noon = round(AFTERNOON_H / self.slot_h)
        self._index.append(_index(real, possible))
        self._afternoon.append(_index(real[noon:], possible[noon:]))
        self._clear_kwh.append(float(possible.sum()))

    def _compare(self) -> None:
        """How the last slots compare with their forecast, as a factor on the rest of today."""
        peak_kwh = float((self._array * self.clear[-1]).max())
        window = slice(max(0, self.slot - WINDOW_SLOTS + 1), self.slot + 1)
        real, made = float(self.days[-1][window].sum()), float(self._today[window].sum())
        sure = SURE_SHARE * peak_kwh
        if made > SEEN_SHARE * peak_kwh:
            self._ratio = min(max((real + sure) / (made + sure), LEAST_RATIO), MOST_RATIO)
        else:
            self._ratio = 0.7 * self._ratio + 0.3

    def _sun_is_down(self) -> bool:
        rest = self.clear[-1][self.slot :]
        return self.slot > self.slots // 2 and self.slot < self.slots and not rest.any()

    def _look_to_tomorrow(self) -> None:
        """Forecast tomorrow knowing how today went."""
        if self.day < FIRST_DAY:
            return
        self._close_day()
        file_index = self._file_index(self._next_file, self._next_clear)
        self._tomorrow = self._day_kwh(self._next_clear, file_index)
        for column in (self._index, self._afternoon, self._clear_kwh):
            column.pop()

    def _reach(self, clear: FloatArray, next_clear: FloatArray) -> FloatArray:
        """The most each slot of three days may make."""
        if self.day < 1:
            return np.zeros(3 * self.slots)
        past = SolarPast(
            np.array(self.days[:-1][-LOOK_BACK_DAYS:]), np.array(self.clear[:-1][-LOOK_BACK_DAYS:])
        )
        most = np.quantile(past.ratio(), REACH_QUANTILE, axis=0)
        near = max(1, self.slots // 24)
        most = np.maximum.reduce([np.roll(most, shift) for shift in range(-near, near + 1)])
        return np.concatenate([most * clear, most * next_clear, most * next_clear])


def _index(real_kwh: FloatArray, possible_kwh: FloatArray) -> float:
    possible = float(possible_kwh.sum())
    return min(float(real_kwh.sum()) / possible, 1.3) if possible > 1e-3 else 0.0
