"""The estimated bill of a contract over measured half-hours, rounded as the company rounds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np

from hidamari.core.contract import Contract, Period, basic_yen
from hidamari.core.price import Stretch, sell_yen_kwh, stretches
from hidamari.core.tariff import NO_BAND, FloatArray, IntArray, Rounding, floor_yen
from hidamari.core.time import SLOT_S, day_bounds, from_unix

Sample = tuple[datetime, float | None, float | None]  # start, import_kwh, export_kwh


class Item(StrEnum):
    """What a line of a bill is for."""

    BASIC = "basic"
    ENERGY = "energy"
    FUEL = "fuel"
    MINIMUM = "minimum"  # what lifts the charges to the plan's minimum
    LEVY = "levy"
    INCOME = "income"  # paid to the owner, not part of the total


class Note(StrEnum):
    """Why a bill is further from the company's than an estimate has to be."""

    BASIC_UNKNOWN = "basic_unknown"
    FUEL_UNKNOWN = "fuel_unknown"
    LEVY_ASSUMED = "levy_assumed"
    PRICES_UNKNOWN = "prices_unknown"
    SELL_UNKNOWN = "sell_unknown"
    SLOTS_MISSING = "slots_missing"
    PERIOD_INCOMPLETE = "period_incomplete"
    PLAN_NOT_YET_VALID = "plan_not_yet_valid"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, before rounding; `name` is the band of an energy line."""

    item: Item
    name: str
    kwh: float | None
    yen_kwh: float | None
    yen: float


@dataclass(frozen=True, slots=True)
class Bill:
    """What the import of a span costs and its export earns; always an estimate."""

    start: datetime
    end: datetime
    lines: tuple[Line, ...]
    total_yen: int
    income_yen: int
    exact_yen: float  # the total before rounding
    import_kwh: float
    export_kwh: float
    missing_slots: int
    notes: tuple[Note, ...]
    is_estimate: bool = True

    def yen(self, item: Item) -> float:
        """Sum of the lines of one kind, before rounding."""
        return sum(line.yen for line in self.lines if line.item is item)


@dataclass(frozen=True, slots=True)
class Usage:
    """Half-hours as arrays: ascending unix seconds, kWh with NaN = missing."""

    unix_s: IntArray
    import_kwh: FloatArray
    export_kwh: FloatArray

    def __post_init__(self) -> None:
        if len(self.unix_s) and (np.diff(self.unix_s) <= 0).any():
            raise ValueError("half-hours must ascend without repetition")

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Usage":
        """From tuples of start, import and export."""
        return cls(
            np.array([start.timestamp() for start, _, _ in samples], dtype=np.int64),
            np.array([bought for _, bought, _ in samples], dtype=np.float64),
            np.array([sold for _, _, sold in samples], dtype=np.float64),
        )

    def part(self, at: slice) -> "Usage":
        """Some of the half-hours."""
        return Usage(self.unix_s[at], self.import_kwh[at], self.export_kwh[at])


@dataclass(frozen=True, slots=True)
class SlotCost:
    """What one half-hour cost and earned, without the basic charge; None where unknown."""

    cost_yen: float | None
    income_yen: float | None


def bill(contract: Contract, usage: Usage | Sequence[Sample], used_kwh: float = 0.0) -> Bill:
    """The bill of all half-hours: the sum of the bills of the billing periods they touch.

    A period that is only partly covered carries its basic charge by the day and its steps whole;
    `used_kwh` is what was used before the first half-hour in that half-hour's period.
    """
    return total(bills(contract, usage, used_kwh))


def bills(contract: Contract, usage: Usage | Sequence[Sample], used_kwh: float = 0.0) -> list[Bill]:
    """One bill for each billing period that the half-hours touch."""
    given = usage if isinstance(usage, Usage) else Usage.of(usage)
    found = []
    for part in stretches(contract, given.unix_s):
        found.append(_period_bill(contract, given, part, used_kwh))
        used_kwh = 0.0
    return found


def by_contract(
    contracts: Sequence[Contract], usage: Usage | Sequence[Sample]
) -> list[tuple[Contract, Usage]]:
    """The half-hours that fall under each contract of a meter (contracts oldest first)."""
    given = usage if isinstance(usage, Usage) else Usage.of(usage)
    begins_s = [_begin_s(contract) for contract in contracts[1:]]
    cuts = [0, *np.searchsorted(given.unix_s, begins_s).tolist(), len(given.unix_s)]
    return [
        (contract, given.part(slice(first, last)))
        for contract, first, last in zip(contracts, cuts[:-1], cuts[1:], strict=True)
        if first < last
    ]


def costs(
    contract: Contract, usage: Usage | Sequence[Sample], used_kwh: float = 0.0
) -> list[SlotCost]:
    """Energy, fuel and levy of each half-hour, and its income; for graphs."""
    given = usage if isinstance(usage, Usage) else Usage.of(usage)
    cost_yen = np.full(len(given.unix_s), np.nan)
    for part in stretches(contract, given.unix_s):
        bought_kwh = given.import_kwh[part.at]
        split_kwh = _split(part, np.nan_to_num(bought_kwh), used_kwh)
        on_top = (part.period.fuel_yen_kwh or 0.0) + part.period.levy_yen_kwh
        cost_yen[part.at] = (split_kwh * part.step_yen_kwh).sum(axis=1) + bought_kwh * on_top
        used_kwh = 0.0
    income_yen = given.export_kwh * sell_yen_kwh(contract, given.unix_s)
    pairs = zip(cost_yen.tolist(), income_yen.tolist(), strict=True)
    return [SlotCost(_known(cost), _known(income)) for cost, income in pairs]


def used_kwh(contract: Contract, usage: Usage | Sequence[Sample]) -> float:
    """What counts for the steps in the billing period of the last half-hour; missing counts 0."""
    given = usage if isinstance(usage, Usage) else Usage.of(usage)
    parts = stretches(contract, given.unix_s)
    if not parts:
        return 0.0
    return float(np.nansum(given.import_kwh[parts[-1].at] * parts[-1].is_stepped))


def total(parts: Sequence[Bill]) -> Bill:
    """Bills of one contract, in order, as one: lines of the same kind, name and price summed."""
    if not parts:
        raise ValueError("a bill needs at least one half-hour")
    sums: dict[tuple[Item, str, float | None], list[float]] = {}
    for line in (line for part in parts for line in part.lines):
        entry = sums.setdefault((line.item, line.name, line.yen_kwh), [0.0, 0.0])
        entry[0] += line.kwh or 0.0
        entry[1] += line.yen
    no_kwh = (Item.BASIC, Item.MINIMUM)
    return Bill(
        start=parts[0].start,
        end=parts[-1].end,
        lines=tuple(
            Line(item, name, None if item in no_kwh else kwh, yen_kwh, yen)
            for (item, name, yen_kwh), (kwh, yen) in sums.items()
        ),
        total_yen=sum(part.total_yen for part in parts),
        income_yen=sum(part.income_yen for part in parts),
        exact_yen=sum(part.exact_yen for part in parts),
        import_kwh=sum(part.import_kwh for part in parts),
        export_kwh=sum(part.export_kwh for part in parts),
        missing_slots=sum(part.missing_slots for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _period_bill(contract: Contract, usage: Usage, part: Stretch, used_kwh: float) -> Bill:
    period, tariff = part.period, part.period.tariff
    start_s, end_s, share = _covered(contract, usage, period)
    bought_kwh = usage.import_kwh[part.at]
    import_kwh = float(np.nansum(bought_kwh))
    missing = (end_s - start_s) // SLOT_S - int((~np.isnan(bought_kwh)).sum())
    is_unused = import_kwh == 0.0 and share == 1.0 and not missing
    basic_share = share * (tariff.zero_use_share if is_unused else 1.0)
    month_yen = basic_yen(contract, tariff)
    by_band, unpriced_kwh = _energy_lines(part, np.nan_to_num(bought_kwh), used_kwh)
    charges = [_by_month(Item.BASIC, (month_yen or 0.0) * basic_share), *by_band]
    if period.fuel_yen_kwh is not None:
        charges.append(_by_kwh(Item.FUEL, import_kwh, period.fuel_yen_kwh))
    short_yen = tariff.minimum_yen * share - sum(line.yen for line in charges)
    if short_yen > 0.0:
        charges.append(_by_month(Item.MINIMUM, short_yen))
    levy = _by_kwh(Item.LEVY, import_kwh, period.levy_yen_kwh)
    income, unsold_kwh = _income_line(contract, usage, part)
    charges_yen = sum(line.yen for line in charges)
    notes = {
        Note.BASIC_UNKNOWN: month_yen is None,
        Note.PRICES_UNKNOWN: unpriced_kwh > 0.0,
        Note.SELL_UNKNOWN: unsold_kwh > 0.0,
        Note.SLOTS_MISSING: missing > 0,
        Note.PERIOD_INCOMPLETE: share < 1.0,
        **_notes_of(period, import_kwh),
    }
    return Bill(
        start=from_unix(start_s),
        end=from_unix(end_s),
        lines=(*charges, levy, income),
        total_yen=_rounded(tariff.rounding, charges_yen, levy.yen),
        income_yen=floor_yen(income.yen),
        exact_yen=charges_yen + levy.yen,
        import_kwh=import_kwh,
        export_kwh=income.kwh or 0.0,
        missing_slots=missing,
        notes=tuple(note for note, applies in notes.items() if applies),
    )


def _notes_of(period: Period, import_kwh: float) -> dict[Note, bool]:
    valid_from = period.tariff.valid_from
    return {
        Note.FUEL_UNKNOWN: period.fuel_yen_kwh is None and import_kwh > 0.0,
        Note.LEVY_ASSUMED: not period.is_levy_known and import_kwh > 0.0,
        Note.PLAN_NOT_YET_VALID: valid_from is not None and valid_from > period.start,
    }


def _covered(contract: Contract, usage: Usage, period: Period) -> tuple[int, int, float]:
    """Start and end of what the usage covers of a period, and the share of the period it is."""
    opens_s = int(day_bounds(period.start, contract.zone)[0].timestamp())
    closes_s = int(day_bounds(period.reading, contract.zone)[0].timestamp())
    start_s = max(opens_s, int(usage.unix_s[0]))
    end_s = min(closes_s, int(usage.unix_s[-1]) + SLOT_S)
    return start_s, end_s, (end_s - start_s) / (closes_s - opens_s)


def _split(part: Stretch, kwh: FloatArray, used_kwh: float) -> FloatArray:
    """The kWh of each half-hour by step, shape (slots, steps); bands without steps in the first."""
    counted = kwh * part.is_stepped
    after = used_kwh + np.cumsum(counted)
    before = after - counted
    low = part.edges_kwh[None, :]
    high = np.append(part.edges_kwh[1:], np.inf)[None, :]
    split = np.clip(after[:, None], low, high) - np.clip(before[:, None], low, high)
    split[:, 0] += kwh - counted
    return split


def _energy_lines(part: Stretch, kwh: FloatArray, used_kwh: float) -> tuple[list[Line], float]:
    """Lines by band and step in the plan's order, and the kWh whose price is unknown."""
    split_kwh = _split(part, kwh, used_kwh)
    unpriced_kwh = float(kwh[np.isnan(part.step_yen_kwh[:, 0])].sum())
    sums: dict[tuple[int, int], tuple[float, float]] = {}
    cost_yen = split_kwh * np.nan_to_num(part.step_yen_kwh)
    for index in sorted(set(part.band.tolist()) - {NO_BAND}):
        here = part.band == index
        by_step_kwh, by_step_yen = split_kwh[here].sum(axis=0), cost_yen[here].sum(axis=0)
        for step in np.flatnonzero(by_step_kwh > 0.0).tolist():
            sums[index, step] = (float(by_step_kwh[step]), float(by_step_yen[step]))
    bands, is_market = part.period.tariff.bands, part.period.tariff.market is not None
    by_name: Mapping[tuple[str, float | None], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for (index, step), (line_kwh, line_yen) in sums.items():
        steps = bands[index].steps
        yen_kwh = None if is_market else steps[min(step, len(steps) - 1)].energy_yen_kwh
        entry = by_name[bands[index].name, yen_kwh]
        entry[0] += line_kwh
        entry[1] += line_yen
    lines = [
        Line(Item.ENERGY, n, kwh, yen_kwh, yen) for (n, yen_kwh), (kwh, yen) in by_name.items()
    ]
    return lines, unpriced_kwh


def _income_line(contract: Contract, usage: Usage, part: Stretch) -> tuple[Line, float]:
    """The income of a stretch, and the kWh sold at an unknown price."""
    sold_kwh = np.nan_to_num(usage.export_kwh[part.at])
    rate_yen_kwh = sell_yen_kwh(contract, usage.unix_s[part.at])
    income_yen = float(np.nansum(sold_kwh * rate_yen_kwh))
    line = Line(Item.INCOME, "", float(sold_kwh.sum()), None, income_yen)
    return line, float(sold_kwh[np.isnan(rate_yen_kwh)].sum())


def _by_month(item: Item, yen: float) -> Line:
    return Line(item, "", None, None, yen)


def _by_kwh(item: Item, kwh: float, yen_kwh: float) -> Line:
    return Line(item, "", kwh, yen_kwh, kwh * yen_kwh)


def _rounded(rounding: Rounding, charges_yen: float, levy_yen: float) -> int:
    if rounding is Rounding.TOGETHER:
        return floor_yen(charges_yen + levy_yen)
    return floor_yen(charges_yen) + floor_yen(levy_yen)


def _begin_s(contract: Contract) -> int:
    begin = contract.valid_from or date(1970, 1, 1)
    return int(day_bounds(begin, contract.zone)[0].timestamp())


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
