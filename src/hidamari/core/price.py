"""What a kWh costs and earns in each half-hour of a contract."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

import numpy as np

from hidamari.core.contract import Contract, Period, period_on
from hidamari.core.tariff import (
    NO_BAND,
    Band,
    FloatArray,
    IntArray,
    Plan,
    Tariff,
    band_grid,
)
from hidamari.core.tariff_days import day_cell, local_seconds, split_local
from hidamari.core.time import unix

UNKNOWN_BAND = ""


class SlotPrice(NamedTuple):
    """One half-hour: what one more kWh costs, what an exported one earns, the band's name."""

    buy_yen_kwh: float | None
    sell_yen_kwh: float | None
    band: str


@dataclass(frozen=True, slots=True)
class Price:
    """The parts of the price of one more kWh; None where plan or owner have not told it."""

    band: str
    energy_yen_kwh: float | None
    fuel_yen_kwh: float | None
    levy_yen_kwh: float
    sell_yen_kwh: float | None

    @property
    def buy_yen_kwh(self) -> float | None:
        """Energy, fuel adjustment (0 while unknown) and levy together."""
        if self.energy_yen_kwh is None:
            return None
        return self.energy_yen_kwh + (self.fuel_yen_kwh or 0.0) + self.levy_yen_kwh


@dataclass(frozen=True, slots=True)
class Stretch:
    """The half-hours of one billing period: `at` is their place in the whole series."""

    period: Period
    at: slice
    band: IntArray  # index into the tariff's bands, NO_BAND where none holds
    step_yen_kwh: FloatArray  # shape (slots, steps), NaN where unknown
    edges_kwh: FloatArray  # where each step begins, shape (steps,)
    is_stepped: FloatArray  # 1 where the use counts for the steps, else 0

    def step(self, used_kwh: float) -> int:
        """The step that one more kWh falls in after `used_kwh` of the period."""
        return int(np.searchsorted(self.edges_kwh, used_kwh, side="right")) - 1

    def band_name(self, i: int) -> str:
        """Name of the band of the i-th half-hour of the stretch."""
        index = int(self.band[i])
        return UNKNOWN_BAND if index == NO_BAND else self.period.tariff.bands[index].name


def price(plan: Plan, contract: Contract, at: datetime, used_kwh: float = 0.0) -> Price:
    """The price of one more kWh at an instant if the contract were of `plan`.

    `used_kwh` is what was used before in the billing period in bands with steps.
    """
    given = contract if contract.plan is plan else replace(contract, plan=plan)
    unix_s = np.array([unix(at) // 1800 * 1800], dtype=np.int64)
    part = stretches(given, unix_s)[0]
    return Price(
        band=part.band_name(0),
        energy_yen_kwh=_known(part.step_yen_kwh[0, part.step(used_kwh)]),
        fuel_yen_kwh=part.period.fuel_yen_kwh,
        levy_yen_kwh=part.period.levy_yen_kwh,
        sell_yen_kwh=_known(sell_yen_kwh(given, unix_s)[0]),
    )


def prices(
    contract: Contract, starts: Sequence[datetime], used_kwh_this_month: float = 0.0
) -> list[SlotPrice]:
    """The price of one more kWh in each half-hour (ascending starts), fuel and levy included.

    `used_kwh_this_month` counts for the billing period of the first start; at a reading day the
    steps begin anew.
    """
    unix_s = np.array([unix(at) for at in starts], dtype=np.int64)
    sell = sell_yen_kwh(contract, unix_s)
    found: list[SlotPrice] = []
    used_kwh = used_kwh_this_month
    for part in stretches(contract, unix_s):
        on_top = (part.period.fuel_yen_kwh or 0.0) + part.period.levy_yen_kwh
        buy = part.step_yen_kwh[:, part.step(used_kwh)] + on_top
        found += [
            SlotPrice(_known(yen), _known(sold), part.band_name(i))
            for i, (yen, sold) in enumerate(zip(buy, sell[part.at], strict=True))
        ]
        used_kwh = 0.0
    return found


def stretches(contract: Contract, unix_s: IntArray) -> list[Stretch]:
    """Ascending half-hour starts cut at the reading days, each with its bands and prices."""
    ordinal, half = split_local(local_seconds(unix_s, contract.zone))
    found: list[Stretch] = []
    first = 0
    while first < len(unix_s):
        period = period_on(contract, date.fromordinal(int(ordinal[first])))
        last = int(np.searchsorted(ordinal, period.reading.toordinal()))
        at = slice(first, last)
        linked_yen_kwh = None
        if period.tariff.market is not None:
            linked_yen_kwh = period.tariff.market.energy_yen_kwh(_spot(contract, unix_s[at]))
        found.append(_stretch(period, at, (ordinal[at], half[at]), linked_yen_kwh))
        first = last
    return found


def sell_yen_kwh(contract: Contract, unix_s: IntArray) -> FloatArray:
    """What an exported kWh earns in each half-hour, NaN where no sell price is known."""
    ordinal, half = split_local(local_seconds(unix_s, contract.zone))
    found = np.full(len(unix_s), np.nan)
    holidays = contract.plan.tariffs[-1].holidays
    for rate in contract.sell:
        tariff = Tariff(None, None, rate.bands, holidays)
        later = ordinal >= rate.start.toordinal()  # a newer rate overwrites an older one
        band = _bands(tariff, ordinal[later], half[later])
        found[later] = _step_yen_kwh(rate.bands, 1)[band, 0]
    return found


def _spot(contract: Contract, unix_s: IntArray) -> FloatArray:
    """The market price of each half-hour, NaN where it is not there."""
    return np.array([contract.spot.get(int(at), np.nan) for at in unix_s], dtype=np.float64)


def _stretch(
    period: Period, at: slice, local: tuple[IntArray, IntArray], linked_yen_kwh: FloatArray | None
) -> Stretch:
    tariff = period.tariff
    edges = next((band.steps for band in tariff.bands if band.is_stepped), None)
    edges_kwh = np.array([step.over_kwh for step in edges] if edges else [0.0])
    band = _bands(tariff, *local)
    step_yen_kwh = _step_yen_kwh(tariff.bands, len(edges_kwh))[band]
    if linked_yen_kwh is not None:
        step_yen_kwh = np.repeat(linked_yen_kwh[:, None], len(edges_kwh), 1)
    stepped = np.array([float(b.is_stepped) for b in tariff.bands] + [0.0])
    return Stretch(period, at, band, step_yen_kwh, edges_kwh, stepped[band])


def _bands(tariff: Tariff, ordinal: IntArray, half: IntArray) -> IntArray:
    days, place = np.unique(ordinal, return_inverse=True)
    cells = np.array([day_cell(tariff.holidays, int(day)) for day in days], dtype=np.int64)
    found: IntArray = band_grid(tariff).reshape(24, -1)[cells[place], half]
    return found


def _step_yen_kwh(bands: tuple[Band, ...], steps: int) -> FloatArray:
    """Price by band and step; a row of NaN at the end answers for NO_BAND (-1)."""
    rows = [
        [band.steps[min(k, len(band.steps) - 1)].energy_yen_kwh for k in range(steps)]
        for band in bands
    ]
    return np.array([*rows, [np.nan] * steps], dtype=np.float64)


def _known(yen_kwh: float) -> float | None:
    return None if np.isnan(yen_kwh) else float(yen_kwh)
