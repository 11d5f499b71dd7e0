"""The forecaster of a home: fed slot by slot, it says what may come, from what it got wrong before.

State over time, in this file only: the measured days, what had been forecast at every past slot,
and the scores. It never knows a value before `observe` has brought it; the forecast of a slot and
its later error meet when the truth is in, so the scenarios are the home's own errors at the same
time of day.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.forecast.load import FEWEST_DAYS, DayKind
from hidamari.forecast.loadpath import LoadPath
from hidamari.forecast.solarpath import SolarPath

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

HORIZON_DAYS = 1.5
ERROR_DAYS = 30  # how many past days make scenarios ...
POOL_DAYS = 90  # ... of how many that are looked at
LIKE_INDEX = 0.3  # a day expected this much brighter or darker counts 0.6 times
ERROR_MEMORY_DAYS = 40.0
OTHER_KIND_WEIGHT = 0.3
MEASURED_SHARE = 0.9  # a day with more gaps than this leaves no error to learn from
# The load beyond the sun is taken a little larger than its errors say. Being short costs two to
# four times what being over costs, and recent days never hold the worst one (docs/decisions.md).
CAUTION = 1.07


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What is known when a day begins: kinds of today and tomorrow, clear sky of both."""

    kind: DayKind
    next_kind: DayKind
    clear_kw_m2: FloatArray
    next_clear_kw_m2: FloatArray


@dataclass(frozen=True, slots=True)
class Outlook:
    """What may come from the present slot on: means and scenarios, kWh a slot.

    `net_kwh` is load less sun, (scenarios, slots), with a weight each; `loads_kwh` and `suns_kwh`
    are what it is made of. `is_enough` is False while there are fewer than five comparable days:
    then use rules, and say so.
    """

    load_kwh: FloatArray
    pv_kwh: FloatArray
    net_kwh: Float32Array
    weight: Float32Array
    is_enough: bool
    loads_kwh: FloatArray
    suns_kwh: FloatArray


def careful_net(loads_kwh: FloatArray, suns_kwh: FloatArray) -> Float32Array:
    """Load less sun, the load beyond the sun a little raised."""
    net: Float32Array = (loads_kwh - suns_kwh).astype(np.float32)
    np.multiply(net, np.float32(CAUTION), out=net, where=net > 0.0)
    return net


def _mean_alone(load_kwh: FloatArray, pv_kwh: FloatArray, is_enough: bool) -> Outlook:
    net = (load_kwh - pv_kwh).astype(np.float32)[None]
    one = np.ones(1, np.float32)
    return Outlook(load_kwh, pv_kwh, net, one, is_enough, load_kwh[None], pv_kwh[None])


class Forecaster:
    """Learns one home; call `begin_day`, then `look` and `observe` once a slot."""

    def __init__(self, slots: int, scenarios: int = ERROR_DAYS) -> None:
        self.slots = slots
        self.scenarios = scenarios
        self.horizon = int(HORIZON_DAYS * slots)
        self.load = LoadPath(slots, self.horizon)
        self.solar = SolarPath(slots, self.horizon)
        self.day = -1
        self.slot = slots
        self.kinds: list[DayKind] = []
        self.measured: list[int] = []
        self.has_looked = False

    def begin_day(self, facts: DayFacts, file_kwh: FloatArray | None = None) -> None:
        """Start the next local day; `file_kwh` is its weather-based forecast if one was issued."""
        self.day += 1
        self.slot = 0
        self.kinds.append(facts.kind)
        self.measured.append(0)
        self.load.begin_day(facts.kind, facts.next_kind)
        self.solar.begin_day(facts.clear_kw_m2, facts.next_clear_kw_m2, file_kwh)

    def issue(self, file_kwh: FloatArray) -> None:
        """A weather-based forecast of tomorrow's kWh per slot has come."""
        self.solar.issue(file_kwh)

    def observe(self, load_kwh: float, pv_kwh: float) -> None:
        """The present slot is over; NaN where nothing was measured."""
        if not self.has_looked:  # an error can only be learned where a forecast was made
            self.load.forecast()
            self.solar.forecast()
        self.has_looked = False
        self.measured[-1] += int(np.isfinite(load_kwh) and np.isfinite(pv_kwh))
        self.load.observe(load_kwh)
        self.solar.observe(pv_kwh)
        self.slot += 1

    def look(self) -> Outlook:
        """What may come, from the present slot on."""
        self.has_looked = True
        load_kwh = self.load.forecast()
        pv_kwh = self.solar.forecast()
        pool = self._error_days()
        if not pool:
            return _mean_alone(load_kwh, pv_kwh, is_enough=False)
        if self.scenarios <= 1:  # the error of one day says less than none
            return _mean_alone(load_kwh, pv_kwh, is_enough=len(pool) >= FEWEST_DAYS)
        past, weight = self._alike(pool)
        loads = self.load.scenarios(load_kwh, past)
        suns = self.solar.scenarios(pv_kwh, past)
        net = careful_net(loads, suns)
        is_enough = len(past) >= FEWEST_DAYS
        return Outlook(load_kwh, pv_kwh, net, weight, is_enough, loads, suns)

    def load_day_kwh(self) -> FloatArray:
        """Today's load as people read it: the median of each slot, made when the day began."""
        return self.load.median_day()

    def pv_day_kwh(self) -> FloatArray:
        """Today's sun as people read it: the most likely kWh of each slot."""
        return self.solar.median_day()

    def _error_days(self) -> list[int]:
        """Past days whose errors over the whole horizon are known, newest first."""
        enough = MEASURED_SHARE * self.slots
        newest = self.day - 2
        oldest = max(self.load.first_forecast_day, newest - POOL_DAYS + 1)
        return [
            day
            for day in range(newest, oldest - 1, -1)
            if self.measured[day] >= enough and self.measured[day + 1] >= enough
        ]

    def _alike(self, pool: list[int]) -> tuple[list[int], Float32Array]:
        """The past days most like today, newest first, and their shares."""
        today = self.kinds[self.day]
        age = self.day - np.array(pool)
        same = np.array([self.kinds[day].is_off == today.is_off for day in pool])
        weight = np.exp(-age / ERROR_MEMORY_DAYS) * np.where(same, 1.0, OTHER_KIND_WEIGHT)
        weight *= self.solar.likeness(pool, LIKE_INDEX)
        best = np.sort(np.argsort(-weight, kind="stable")[: self.scenarios])
        shares: Float32Array = (weight[best] / weight[best].sum()).astype(np.float32)
        return [pool[i] for i in best], shares
