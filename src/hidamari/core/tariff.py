"""A tariff plan as a value: basic charge, bands of the day, steps by use, and where they hold."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HALF_HOURS = 48
NO_BAND = -1
ALL_MONTHS = frozenset(range(1, 13))

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class Days(StrEnum):
    """On which days a band holds; what a holiday is says the plan's `HolidayRule`."""

    ALL = "all"
    WEEKDAY = "weekday"
    HOLIDAY = "holiday"


class Structure(StrEnum):
    """How a plan prices a kWh, as an owner chooses it."""

    METERED = "metered"  # 従量制: one price or steps by use
    BANDS = "bands"  # 時間帯別
    SEASONS = "seasons"  # 季節別, with or without time bands
    MARKET = "market"


class Unit(StrEnum):
    """What the basic charge is counted by: the contract's amperes, kVA or kW, or nothing."""

    AMPERE = "a"
    KVA = "kva"
    KW = "kw"
    CONTRACT = "contract"


class Rounding(StrEnum):
    """How a company cuts the bill to whole yen."""

    LEVY_APART = "levy_apart"  # floor(basic + energy + fuel) + floor(levy)
    TOGETHER = "together"  # floor(basic + energy + fuel + levy)


class Ask(StrEnum):
    """What an owner can be asked for when the plan file cannot know it."""

    CONTRACT_A = "contract_a"
    CONTRACT_KVA = "contract_kva"
    CONTRACT_KW = "contract_kw"
    READING_DAY = "reading_day"
    BASIC = "basic"  # the basic charge of a month, yen
    PRICES = "prices"  # yen/kWh, by band
    HOURS = "hours"  # which hours and days the bands hold
    MARKET = "market"  # area and fees of a market-linked plan
    SELL = "sell"  # what the buyer pays for exported energy


@dataclass(frozen=True, slots=True)
class Step:
    """The price of a kWh from `over_kwh` of the billing period on."""

    over_kwh: float
    energy_yen_kwh: float


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes of the local day from `start_min` to before `end_min`; may run over midnight."""

    start_min: int
    end_min: int

    def half_hours(self) -> list[int]:
        """The half-hours 0-47 of the local day that lie in the window."""
        first, last = self.start_min // 30, self.end_min // 30
        if last <= first:
            last += HALF_HOURS
        return [i % HALF_HOURS for i in range(first, last)]


WHOLE_DAY = Window(0, 1440)


@dataclass(frozen=True, slots=True)
class Band:
    """Hours of certain days and months with one price, or with steps by the use of the period."""

    name: str
    steps: tuple[Step, ...]
    windows: tuple[Window, ...] = (WHOLE_DAY,)
    days: Days = Days.ALL
    months: frozenset[int] = ALL_MONTHS

    @property
    def is_stepped(self) -> bool:
        """Whether the price depends on how much was used before in the billing period."""
        return len(self.steps) > 1


@dataclass(frozen=True, slots=True)
class Basic:
    """The monthly basic or minimum charge.

    Up to the last `table` row the charge is that of the first row which is not smaller than the
    contract; beyond it `unit_yen` is added for each further ampere, kVA or kW. Without a table
    it is `unit_yen` times the contract.
    """

    unit: Unit
    table: tuple[tuple[float, float], ...] = ()  # (up to, yen a month), rising
    unit_yen: float = 0.0
    allowed: tuple[float, ...] = ()  # contract sizes the company offers; empty: any

    def offers(self, size: float | None) -> bool:
        """Whether the company has contracts of this size; of an unknown size it has none."""
        return size is not None and (not self.allowed or size in self.allowed)

    def basic_yen(self, size: float) -> float:
        """Yen a month for a contract of `size` (A, kVA or kW), to a hundredth of a yen."""
        last_size, base_yen = self.table[-1] if self.table else (0.0, 0.0)
        for limit, yen in self.table:
            if size <= limit:
                return yen
        return round_sen(base_yen + self.unit_yen * (size - last_size))


@dataclass(frozen=True, slots=True)
class HolidayRule:
    """Which days count as holidays: days of the week (Monday 0), public holidays, fixed dates."""

    weekdays: frozenset[int] = frozenset({5, 6})
    public: bool = True
    dates: frozenset[tuple[int, int]] = frozenset()  # the company's own, (month, day)


@dataclass(frozen=True, slots=True)
class Market:
    """A price that follows the spot market: spot x factor / (1 - loss) within its limits, + fee."""

    area: str
    fee_yen_kwh: float
    factor: float = 1.1  # spot prices are without the consumption tax of 10 %
    loss_pct: float = 0.0
    floor_yen_kwh: float | None = None
    cap_yen_kwh: float | None = None

    def energy_yen_kwh(self, spot_yen_kwh: FloatArray) -> FloatArray:
        """What the spot prices (any shape, NaN = unknown) cost the customer."""
        linked = spot_yen_kwh * self.factor / (1.0 - self.loss_pct / 100.0)
        return np.clip(linked, self.floor_yen_kwh, self.cap_yen_kwh) + self.fee_yen_kwh


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of a plan from one date on, tax included, without fuel adjustment and levy."""

    valid_from: date | None
    basic: Basic | None
    bands: tuple[Band, ...]
    holidays: HolidayRule = HolidayRule()
    minimum_yen: float = 0.0  # basic + energy + fuel of a month are billed with at least this
    zero_use_share: float = 1.0  # share of the basic charge in a month without any use
    rounding: Rounding = Rounding.LEVY_APART
    market: Market | None = None
    has_levy: bool = True


@dataclass(frozen=True, slots=True)
class Worked:
    """A bill worked out by hand, kept beside the prices it proves."""

    used_kwh: tuple[tuple[str, float], ...]  # by band
    reading: date
    size: float
    fuel_yen_kwh: float
    total_yen: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A company's plan with all versions of its prices, oldest first."""

    id: str
    company: str
    company_en: str
    area: str
    name: str
    tariffs: tuple[Tariff, ...]
    template: bool = False
    ask: tuple[Ask, ...] = ()
    confidence: str = ""
    sources: tuple[str, ...] = ()
    note: str = ""
    worked: tuple[Worked, ...] = field(default=(), compare=False)

    @property
    def structure(self) -> Structure:
        """How the newest prices are made."""
        newest = self.tariffs[-1]
        if newest.market is not None or Ask.MARKET in self.ask:
            return Structure.MARKET
        if any(band.months != ALL_MONTHS for band in newest.bands):
            return Structure.SEASONS
        return Structure.BANDS if len(newest.bands) > 1 else Structure.METERED

    def tariff(self, start: date) -> Tariff:
        """The version for a billing period that starts on `start`; the oldest one before all."""
        # A new price holds from the first period that starts on or after its date: prices valid
        # from 1 October apply from the November reading (Chugoku's notice of 2026).
        found = self.tariffs[0]
        for tariff in self.tariffs[1:]:
            if tariff.valid_from is not None and tariff.valid_from <= start:
                found = tariff
        return found


@lru_cache(maxsize=256)
def band_grid(tariff: Tariff) -> IntArray:
    """Index of the band, shape (12 months, 2: weekday and holiday, 48); NO_BAND where none is."""
    grid = np.full((12, 2, HALF_HOURS), NO_BAND, dtype=np.int64)
    for index, band in enumerate(tariff.bands):
        for month, kind, slot in band_cells(band):
            grid[month - 1, kind, slot] = index
    grid.flags.writeable = False
    return grid


def band_cells(band: Band) -> list[tuple[int, int, int]]:
    """All (month, 0 weekday or 1 holiday, half-hour of the local day) in which a band holds."""
    kinds = {Days.ALL: (0, 1), Days.WEEKDAY: (0,), Days.HOLIDAY: (1,)}[band.days]
    months = sorted(band.months)
    halves = [half for window in band.windows for half in window.half_hours()]
    return [(month, kind, half) for month in months for kind in kinds for half in halves]


def round_sen(yen: float) -> float:
    """Yen rounded half up to a hundredth, as price tables print them (467.625 -> 467.63)."""
    # 1e-6 lifts what binary numbers left a hair under the half.
    return float(np.floor(yen * 100.0 + 0.5 + 1e-6) / 100.0)


def floor_yen(yen: float) -> int:
    """Whole yen, fractions cut off; a binary number a hair below a whole yen counts as whole."""
    return int(np.floor(round(yen, 4)))
