"""The renewable energy levy of a reading month, from the table that comes with the program."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class LevyRate:
    """Yen/kWh from the meter reading of a month (its first day) on."""

    first_month: date
    levy_yen_kwh: float


@dataclass(frozen=True, slots=True)
class Levy:
    """The levy of one bill; not known when the newest price had to stand in for a later year."""

    levy_yen_kwh: float
    is_known: bool


def levy_on(reading: date, newer: Sequence[LevyRate] = ()) -> Levy:
    """The levy on the bill read on a date; `newer` rates are for years after the packaged table.

    A levy year runs from the May to the April reading (from 2014).
    """
    table, until = levy_table()
    month = reading.replace(day=1)
    begun = [rate for rate in newer if rate.first_month <= month]
    if begun:
        newest = max(begun, key=lambda rate: rate.first_month)
        # A levy year has twelve readings.
        age = (month.year - newest.first_month.year) * 12 + month.month - newest.first_month.month
        if newest.first_month > table[-1].first_month:
            return Levy(newest.levy_yen_kwh, is_known=age < 12)
    found = [rate for rate in table if rate.first_month <= month]
    if not found:
        return Levy(0.0, is_known=True)  # there was no levy before August 2012
    return Levy(found[-1].levy_yen_kwh, is_known=month <= until)


@lru_cache(maxsize=1)
def levy_table() -> tuple[tuple[LevyRate, ...], date]:
    """All packaged rates, oldest first, and the last month that the newest one is sure for."""
    path = files("hidamari.core") / "tariffs" / "tables" / "levy.toml"
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    rates = [LevyRate(_month(row["from"]), float(row["levy_yen_kwh"])) for row in raw["levy"]]
    return tuple(rates), _month(raw["until"])


def _month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")
