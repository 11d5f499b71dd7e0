"""A home's contract over measured days: prices to plan by, and the whole bill.

Measured days lie on a fixed grid of the home's wall clock. The tariff engine is given that clock as
if it were UTC, so that a band that begins at 23:00 begins there on every day of the grid.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.homes import HomeYear
from hidamari.core.bill import Bill, Item, Usage, bill
from hidamari.core.contract import Contract, Spot
from hidamari.core.errors import InputError
from hidamari.core.price import Stretch, sell_yen_kwh, stretches
from hidamari.core.tariff_days import local_seconds
from hidamari.core.time import SLOT_S, unix

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HALF_HOURS = 48
MONTH_DAYS = 30.0
WALL_CLOCK = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class StepUp:
    """The slots of one billing period that count for its steps, and what each step adds."""

    at: IntArray
    edges_kwh: FloatArray
    extra_yen_kwh: FloatArray


@dataclass(frozen=True, slots=True)
class Contracted:
    """A contract and the span it is applied to: first local day, days, slots a day."""

    contract: Contract
    first: date
    days: int
    slots: int

    @property
    def first_yen_kwh(self) -> FloatArray:
        """What a kWh costs in the first step, (days, slots)."""
        found = np.empty(self.days * HALF_HOURS)
        for part in self._parts():
            found[part.at] = part.step_yen_kwh[:, 0] + _on_top(part)
        return self._by_slot(found)

    @property
    def sell_yen_kwh(self) -> FloatArray:
        """What a sold kWh earns, nothing where that is not known, (days, slots)."""
        return self._by_slot(np.nan_to_num(sell_yen_kwh(self.contract, self._unix_s())))

    def marginal_yen_kwh(self, home: HomeYear) -> FloatArray:
        """What one more kWh costs in the step that the billing period before reached."""
        net_kwh = np.maximum(self._half_hours(home.load_kwh - home.pv_kwh), 0.0)
        found = np.empty(net_kwh.size)
        used_kwh = 0.0
        for part in self._parts():
            step = part.step(used_kwh)
            found[part.at] = part.step_yen_kwh[:, step] + _on_top(part)
            spanned = (part.at.stop - part.at.start) / HALF_HOURS
            counted = float(net_kwh[part.at] @ part.is_stepped)
            used_kwh = counted * MONTH_DAYS / max(spanned, 1.0)
        return self._by_slot(found)

    def bill_yen(self, first: int, grid_kwh: FloatArray) -> float:
        """What net import of the days from `first` on costs in all, less what is sold."""
        found = self.bill(first, grid_kwh)
        return found.exact_yen - found.yen(Item.INCOME)

    def bill(self, first: int, grid_kwh: FloatArray) -> Bill:
        """The estimated bill of the days from `first` on, (days, slots)."""
        half_kwh = self._half_hours(grid_kwh)
        begin = first * HALF_HOURS
        unix_s = self._unix_s()[begin : begin + half_kwh.size]
        usage = Usage(unix_s, np.maximum(half_kwh, 0.0), np.maximum(-half_kwh, 0.0))
        return bill(self.contract, usage)

    def step_ups(self, first: int) -> list[StepUp]:
        """Billing periods with rising steps, their slots counted from the day `first` on."""
        per_slot = HALF_HOURS // self.slots
        found = []
        for part in self._parts():
            if len(part.edges_kwh) < 2 or not part.is_stepped.any():
                continue
            half = np.arange(part.at.start, part.at.stop)[part.is_stepped > 0.0]
            at = np.unique(half // per_slot) - first * self.slots
            steps = part.step_yen_kwh[part.is_stepped > 0.0][0]
            extra = np.maximum.accumulate(steps - steps[0])  # falling steps are not convex
            if (at >= 0).any():
                found.append(StepUp(at[at >= 0], part.edges_kwh, extra))
        return found

    def _parts(self) -> list[Stretch]:
        return stretches(self.contract, self._unix_s())

    def _unix_s(self) -> IntArray:
        begin_s = unix(datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC))
        return begin_s + SLOT_S * np.arange(self.days * HALF_HOURS, dtype=np.int64)

    def _by_slot(self, half_hours: FloatArray) -> FloatArray:
        """The mean of a slot's half-hours."""
        answer: FloatArray = half_hours.reshape(self.days, self.slots, -1).mean(axis=2)
        return answer

    def _half_hours(self, slots_kwh: FloatArray) -> FloatArray:
        """Energy shared out evenly, flat."""
        per_slot = HALF_HOURS // self.slots
        answer: FloatArray = np.repeat(slots_kwh.ravel() / per_slot, per_slot)
        return answer


def contracted(contract: Contract, home: HomeYear) -> Contracted:
    """A contract on the days of a home; InputError where its prices are not known."""
    on_wall = replace(contract, zone=WALL_CLOCK, spot=_on_wall_clock(contract))
    found = Contracted(on_wall, home.first, home.days, home.slots)
    known = np.isfinite(found.first_yen_kwh)
    if not known.all():
        day = home.first + timedelta(days=int(known.all(axis=1).argmin()))
        raise InputError(f"{contract.plan.id}: a price for every half-hour expected, none on {day}")
    return found


def _on_wall_clock(contract: Contract) -> Spot:
    """The market prices by what the home's clock shows when their half-hours begin."""
    at_s = np.array(sorted(contract.spot), dtype=np.int64)
    shown_s = local_seconds(at_s, contract.zone)
    return {int(s): contract.spot[int(at)] for at, s in zip(at_s, shown_s, strict=True)}


def _on_top(part: Stretch) -> float:
    return (part.period.fuel_yen_kwh or 0.0) + part.period.levy_yen_kwh
