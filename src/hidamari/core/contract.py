"""A billed meter's contract: plan and size, billing periods from reading day to reading day."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from hidamari.core.levy import LevyRate, levy_on
from hidamari.core.tariff import WHOLE_DAY, Ask, Band, Basic, Market, Plan, Tariff, Unit
from hidamari.core.time import TOKYO, local_day

# A contract's ampere counts at 100 V: 60 A are 6 kVA (supply terms of all regional companies).
KW_A = 0.1


class Role(StrEnum):
    """What a meter is for; only `MAIN` is the house bus that the planner steers."""

    MAIN = "main"
    NIGHT = "night"  # a second buying contract
    SELL = "sell"  # full purchase: all generation is sold through it
    SUB = "sub"  # for information, never billed


@dataclass(frozen=True, slots=True)
class FuelPrice:
    """The fuel cost adjustment of one reading month, yen/kWh; may be below zero."""

    year: int
    month: int
    fuel_yen_kwh: float


@dataclass(frozen=True, slots=True)
class SellRate:
    """What the buyer pays from a local date on, by time band (one step a band)."""

    start: date
    bands: tuple[Band, ...]


Spot = Mapping[int, float]  # market price in yen/kWh by the start of its half-hour, unix seconds


@dataclass(frozen=True, slots=True)
class Contract:
    """A plan as this home has it; what is None the owner has not said."""

    plan: Plan
    valid_from: date | None = None
    contract_a: float | None = None
    contract_kva: float | None = None
    contract_kw: float | None = None
    reading_day: int | None = None
    basic_yen: float | None = None  # the owner's own figure, in place of the plan's
    bands: tuple[Band, ...] | None = None  # the owner's own, in place of the plan's
    market: Market | None = None
    fuel: tuple[FuelPrice, ...] = ()
    levy: tuple[LevyRate, ...] = ()  # newer than the table that comes with the program
    sell: tuple[SellRate, ...] = ()  # oldest first
    confirmed: tuple[Ask, ...] = ()  # doubtful facts of a template that the owner found right
    spot: Spot = field(default_factory=dict)  # what a market-linked plan follows
    zone: ZoneInfo = TOKYO

    @property
    def contract_size(self) -> float | None:
        """The size in the unit of the plan's basic charge, 1 where it needs none."""
        basic = self.plan.tariffs[-1].basic
        if basic is None:
            return None
        sizes = {
            Unit.AMPERE: self.contract_a,
            Unit.KVA: self.contract_kva,
            Unit.KW: self.contract_kw,
            Unit.CONTRACT: 1.0,
        }
        return sizes[basic.unit]


@dataclass(frozen=True, slots=True)
class Period:
    """From one reading day to before the next, with the prices that hold in it."""

    start: date
    reading: date
    tariff: Tariff
    fuel_yen_kwh: float | None
    levy_yen_kwh: float
    is_levy_known: bool

    @property
    def days(self) -> int:
        """Length in local days."""
        return (self.reading - self.start).days


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter of the home with its contracts, oldest first."""

    role: Role
    name: str = ""
    contracts: tuple[Contract, ...] = ()


def missing(plan: Plan, contract: Contract | None) -> list[str]:
    """What the owner must be asked for before a bill under `plan` is more than a guess."""
    given = contract if contract is not None else Contract(plan)
    given = replace(given, plan=plan)
    asked = [ask for ask in plan.ask if not _is_answered(ask, given)]
    basic = plan.tariffs[-1].basic
    if basic is not None and given.basic_yen is None and not basic.offers(given.contract_size):
        asked.append(Ask(f"contract_{basic.unit.value}"))
    if given.reading_day is None:
        asked.append(Ask.READING_DAY)
    return [ask.value for ask in dict.fromkeys(asked)]


def contract_on(contracts: Sequence[Contract], day: date) -> Contract | None:
    """The contract in force on a local day: the last one that has begun, else the first."""
    begun = [c for c in contracts if c.valid_from is None or c.valid_from <= day]
    if begun:
        return max(begun, key=lambda c: c.valid_from or date.min)
    return contracts[0] if contracts else None


def sell_on(contract: Contract, day: date) -> SellRate | None:
    """The sell price in force on a local day, None before the first or where none is known."""
    begun = [rate for rate in contract.sell if rate.start <= day]
    return begun[-1] if begun else None


def period_of(contract: Contract, at: datetime) -> Period:
    """The billing period that holds an instant."""
    return period_on(contract, local_day(at, contract.zone))


def period_on(contract: Contract, day: date) -> Period:
    """The billing period that holds a local day."""
    reading_day = contract.reading_day or 1
    start = reading_date(day.year, day.month, reading_day)
    if day < start:
        before = day.replace(day=1) - timedelta(days=1)
        start = reading_date(before.year, before.month, reading_day)
    after = start.replace(day=1) + timedelta(days=32)
    reading = reading_date(after.year, after.month, reading_day)
    levy = levy_on(reading, contract.levy)
    fuel = [f for f in contract.fuel if (f.year, f.month) == (reading.year, reading.month)]
    tariff = tariff_of(contract, start)
    return Period(
        start=start,
        reading=reading,
        tariff=tariff,
        fuel_yen_kwh=fuel[-1].fuel_yen_kwh if fuel else None,
        levy_yen_kwh=levy.levy_yen_kwh if tariff.has_levy else 0.0,
        is_levy_known=levy.is_known,
    )


def tariff_of(contract: Contract, start: date) -> Tariff:
    """The plan's version for the period starting on `start`, with the owner's own figures in it."""
    tariff = contract.plan.tariff(start)
    if contract.basic_yen is not None:
        tariff = replace(tariff, basic=Basic(Unit.CONTRACT, unit_yen=contract.basic_yen))
    if contract.bands is not None:
        tariff = replace(tariff, bands=contract.bands)
    if contract.market is not None:
        whole = tuple(replace(band, windows=(WHOLE_DAY,)) for band in tariff.bands[:1])
        tariff = replace(tariff, market=contract.market, bands=contract.bands or whole)
    return tariff


def basic_yen(contract: Contract, tariff: Tariff) -> float | None:
    """The basic charge of a whole month, None while plan or owner have not told it."""
    if tariff.basic is None:
        return None
    if tariff.basic.unit is Unit.CONTRACT:
        return tariff.basic.basic_yen(1.0)
    size = contract.contract_size
    return None if size is None else tariff.basic.basic_yen(size)


def reading_date(year: int, month: int, reading_day: int) -> date:
    """The reading day of a month; 29-31 become the last day of a shorter month."""
    return date(year, month, min(reading_day, calendar.monthrange(year, month)[1]))


def _is_answered(ask: Ask, contract: Contract) -> bool:
    if ask in contract.confirmed:
        return True
    answers = {
        Ask.BASIC: contract.basic_yen is not None,
        Ask.PRICES: contract.bands is not None,
        Ask.HOURS: contract.bands is not None,
        Ask.MARKET: contract.market is not None,
        Ask.SELL: bool(contract.sell),
    }
    return answers.get(ask, False)
