"""The feed-in price of a home's solar as a sell schedule: the state's years, then what follows."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files

from hidamari.core.checked import Table
from hidamari.core.contract import SellRate
from hidamari.core.tariff import Band, Step


@dataclass(frozen=True, slots=True)
class FeedIn:
    """The price for installations from a date on; `limited` where output control may be ordered."""

    start: date
    sell_yen_kwh: float
    limited_yen_kwh: float | None
    then_after_years: int | None
    then_yen_kwh: float | None


def feed_in_schedule(
    start: date, *, limited: bool = False, after_yen_kwh: float | None = None
) -> tuple[SellRate, ...]:
    """The sell schedule of a solar installation under 10 kW that began on `start`.

    `after_yen_kwh` is what the buyer pays after the last year; without it the price is unknown
    from then on. Empty before July 2012.
    """
    table, years = feed_in_table()
    found = [row for row in table if row.start <= start]
    if not found:
        return ()
    row = found[-1]
    first_yen_kwh = row.limited_yen_kwh if limited else None
    rates = [flat_rate(start, row.sell_yen_kwh if first_yen_kwh is None else first_yen_kwh)]
    if row.then_after_years is not None and row.then_yen_kwh is not None:
        rates.append(flat_rate(_years_later(start, row.then_after_years), row.then_yen_kwh))
    end = _years_later(start, years)
    rates.append(SellRate(end, ()) if after_yen_kwh is None else flat_rate(end, after_yen_kwh))
    return tuple(rates)


def flat_rate(start: date, sell_yen_kwh: float) -> SellRate:
    """One price for all hours from a date on."""
    return SellRate(start, (Band("", (Step(0.0, sell_yen_kwh),)),))


@lru_cache(maxsize=1)
def feed_in_table() -> tuple[tuple[FeedIn, ...], int]:
    """All packaged prices, oldest first, and for how many years they are paid."""
    path = files("hidamari.core") / "tariffs" / "tables" / "feed_in.toml"
    table = Table(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    return tuple(_row(part) for part in table.tables("feed_in")), int(table.number("years"))


def _row(table: Table) -> FeedIn:
    years = table.number_or_none("then_after_years")
    return FeedIn(
        start=table.day("from") or date.max,
        sell_yen_kwh=table.number("sell_yen_kwh"),
        limited_yen_kwh=table.number_or_none("limited_yen_kwh"),
        then_after_years=None if years is None else int(years),
        then_yen_kwh=table.number_or_none("then_yen_kwh"),
    )


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)
