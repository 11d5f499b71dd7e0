"""Sums of the half-hours behind the live screen: today, yesterday, the billing month."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from hidamari.core.bill import Item, Usage, bill, costs
from hidamari.core.contract import Contract, period_on
from hidamari.core.reading import SeriesKey
from hidamari.core.time import SLOT_S, day_bounds, local_day, slot_start, unix
from hidamari.schema.now import MonthSums, Source, Sums
from hidamari.store.db import Store
from hidamari.store.pack import FloatArray

HOME = "home"
NAMES = (
    "pv_kw",
    "gen_kw",
    "import_kw",
    "export_kw",
    "use_kw",
    "charge_kw",
    "discharge_kw",
    "ev_discharge_kw",
)
LATE_SLOTS = 6  # half-hours the writer may be behind; older ones without a row are gaps
DIGITS = 3


@dataclass(frozen=True, slots=True)
class HalfHours:
    """Half-hours from `start` on, NaN = missing: kWh (n, len(NAMES)); yen paid, earned (n, 2)."""

    start: datetime
    kwh: FloatArray
    yen: FloatArray

    def cut(self, start: datetime, end: datetime) -> "HalfHours":
        """The half-hours in [start, end)."""
        first = max(0, (unix(start) - unix(self.start)) // SLOT_S)
        last = max(first, (unix(end) - unix(self.start)) // SLOT_S)
        return HalfHours(max(start, self.start), self.kwh[first:last], self.yen[first:last])

    def column(self, name: str) -> FloatArray:
        """One series."""
        found: FloatArray = self.kwh[:, NAMES.index(name)]
        return found

    def usage(self) -> Usage:
        """As the tariff engine takes it."""
        unix_s = unix(self.start) + SLOT_S * np.arange(len(self.kwh), dtype=np.int64)
        return Usage(unix_s, self.column("import_kw"), self.column("export_kw"))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The sums of the live screen; None where nothing is stored."""

    today: Sums | None
    yesterday: Sums | None
    month: MonthSums | None
    sources_today: list[Source | None]


def house_half_hours(store: Store, start: datetime, now: datetime) -> HalfHours:
    """The half-hours of the house from `start` to the running one."""
    kwh = half_hours(store, [SeriesKey(HOME, name) for name in NAMES], start, now)
    return HalfHours(start, kwh, np.full((len(kwh), 2), np.nan))


def half_hours(
    store: Store, keys: Sequence[SeriesKey], start: datetime, now: datetime
) -> FloatArray:
    """kWh of each half-hour from `start` on, shape (n, len(keys)), NaN = missing or unknown.

    The running one, and a few that no row was written for yet, are summed up from their minutes.
    """
    known = store.series()
    there = [i for i, key in enumerate(keys) if key in known]
    end = slot_start(now) + timedelta(seconds=SLOT_S)
    kwh = np.full((max(0, unix(end) - unix(start)) // SLOT_S, len(keys)), np.nan)
    if there and len(kwh):
        chosen = [keys[i] for i in there]
        kwh[:, there] = store.slots(chosen, start, end)[0]
        filled = np.flatnonzero(~np.isnan(kwh).all(axis=1))
        first = max(int(filled[-1]) + 1 if len(filled) else 0, len(kwh) - LATE_SLOTS)
        if first < len(kwh):
            kwh[first:, there] = _from_minutes(store, chosen, len(kwh) - first, end)
    return kwh


def _from_minutes(store: Store, keys: Sequence[SeriesKey], count: int, end: datetime) -> FloatArray:
    """Half-hours that no row was written for yet, as the sum of their minutes so far."""
    minutes = store.minutes(keys, end - timedelta(seconds=SLOT_S * count), end)
    by_slot = minutes.reshape(count, -1, len(keys))
    kwh: FloatArray = np.nansum(by_slot, axis=1) / 60.0
    kwh[np.isnan(by_slot).all(axis=1)] = np.nan
    return kwh


def bundle(
    store: Store,
    now: datetime,
    zone: ZoneInfo,
    contract: Contract | None,
    target_kwh: float | None,
) -> Bundle:
    """All sums of the live screen; reads the store, so not inside the loop."""
    today = local_day(now, zone)
    yesterday = today - timedelta(days=1)
    first = yesterday.replace(day=1) if contract is None else period_on(contract, yesterday).start
    rows = priced(house_half_hours(store, day_bounds(first, zone)[0], now), contract)
    morning, midnight = day_bounds(today, zone)
    day = rows.cut(morning, midnight)
    return Bundle(
        today=_sums(day),
        yesterday=_sums(rows.cut(*day_bounds(yesterday, zone))),
        month=_month(rows, zone, contract, today, target_kwh),
        sources_today=sources(day, (unix(midnight) - unix(morning)) // SLOT_S),
    )


def priced(rows: HalfHours, contract: Contract | None) -> HalfHours:
    """The half-hours with what they cost and earned under the contract."""
    if contract is None or not len(rows.kwh):
        return rows
    pairs = [(c.cost_yen, c.income_yen) for c in costs(contract, rows.usage())]
    return replace(rows, yen=np.array(pairs, dtype=np.float64))


def month_bounds(contract: Contract | None, day: date) -> tuple[date, date]:
    """First local day of the billing month (without a contract: calendar month) and of the next."""
    if contract is not None:
        period = period_on(contract, day)
        return period.start, period.reading
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def sources(day: HalfHours, count: int) -> list[Source | None]:
    """Where the use of each of the `count` half-hours of a day came from.

    What was bought in a half-hour is used first, then what storage gave; own generation is the
    rest. (Bought energy that went into storage is thus not counted as used.)
    """
    found: list[Source | None] = [None] * count
    for i, row in enumerate(np.nan_to_num(day.kwh, nan=0.0)[:count]):
        if np.isnan(day.column("use_kw")[i]) or np.isnan(day.column("import_kw")[i]):
            continue
        at = dict(zip(NAMES, row.tolist(), strict=True))
        bought = min(at["use_kw"], at["import_kw"])
        stored = min(at["use_kw"] - bought, at["discharge_kw"] + at["ev_discharge_kw"])
        own = at["use_kw"] - bought - stored
        made = at["pv_kw"] + at["gen_kw"]
        gen = own * at["gen_kw"] / made if made > 0.0 else 0.0
        found[i] = Source(
            pv=round(own - gen, DIGITS),
            gen=round(gen, DIGITS),
            battery=round(stored, DIGITS),
            import_=round(bought, DIGITS),
        )
    return found


def _sums(rows: HalfHours) -> Sums | None:
    if not len(rows.kwh) or np.isnan(rows.kwh).all():
        return None
    kwh = {name: sum_kwh(rows.column(name)) for name in NAMES}
    return Sums(
        pv_kwh=kwh["pv_kw"],
        gen_kwh=kwh["gen_kw"],
        import_kwh=kwh["import_kw"],
        export_kwh=kwh["export_kw"],
        use_kwh=kwh["use_kw"],
        charge_kwh=kwh["charge_kw"],
        discharge_kwh=kwh["discharge_kw"],
        self_sufficiency_pct=self_sufficiency_pct(kwh["use_kw"], kwh["import_kw"]),
        cost_yen=_sum_yen(rows.yen[:, 0]),
        income_yen=_sum_yen(rows.yen[:, 1]),
    )


def self_sufficiency_pct(use_kwh: float | None, import_kwh: float | None) -> float | None:
    """Share of the use that was not bought; a bought kWh counts whenever it is used."""
    if use_kwh is None or import_kwh is None or use_kwh <= 0.0:
        return None
    return round(max(0.0, 100.0 * (1.0 - import_kwh / use_kwh)), 1)


def _month(
    rows: HalfHours,
    zone: ZoneInfo,
    contract: Contract | None,
    today: date,
    target_kwh: float | None,
) -> MonthSums | None:
    first, after = month_bounds(contract, today)
    span = rows.cut(day_bounds(first, zone)[0], day_bounds(after, zone)[0])
    sums = _sums(span)
    if sums is None:
        return None
    plain = sums.model_dump() | {"basic_yen": None, "target_kwh": target_kwh}
    if contract is not None:
        found = bill(contract, span.usage())
        plain |= {"cost_yen": float(found.total_yen), "income_yen": float(found.income_yen)}
        plain["basic_yen"] = round(found.yen(Item.BASIC), 2)
    return MonthSums(**plain, from_=first, to=after)


def sum_kwh(values: FloatArray) -> float | None:
    """The sum of what is known; None when nothing is."""
    return None if np.isnan(values).all() else round(float(np.nansum(values)), DIGITS)


def _sum_yen(values: FloatArray) -> float | None:
    return None if np.isnan(values).all() else round(float(np.nansum(values)), 1)
