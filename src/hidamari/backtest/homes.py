"""Measured homes read from a file onto a fixed grid of local days.

Columns: `home, ts (UTC, start of the interval), load_kwh, pv_kwh`; every other column is left
alone. A companion file names `home, tz, lat, lon, step_min`.
"""

import csv
import gzip
import importlib
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hidamari.core.errors import InputError

FloatArray = NDArray[np.float64]

SMALL_ARRAY_KWH = 4000.0  # arrays making less in a year are scaled up ...
SCALED_ARRAY_KWH = 5200.0  # ... to a usual Japanese roof, so that there is something to plan


@dataclass(frozen=True, slots=True)
class HomeYear:
    """One measured home: `load_kwh` and `pv_kwh` are (days, slots a day) on the local clock."""

    home: str
    zone: ZoneInfo
    first: date
    load_kwh: FloatArray
    pv_kwh: FloatArray
    has_pv: bool
    pv_scale: float = 1.0

    @property
    def days(self) -> int:
        """How many local days there are."""
        return int(self.load_kwh.shape[0])

    @property
    def slots(self) -> int:
        """How many slots a day has."""
        return int(self.load_kwh.shape[1])

    def weekday(self, day: int) -> int:
        """Monday is 0."""
        return (self.first + timedelta(days=day)).weekday()


@dataclass(frozen=True, slots=True)
class Rows:
    """One home's raw rows in time order: unix seconds and values (NaN = null)."""

    home: str
    at_s: NDArray[np.int64]
    values: FloatArray  # (rows, columns asked for)


def read_rows(path: Path, columns: Sequence[str]) -> dict[str, Rows]:
    """All homes of a CSV, CSV.gz or Parquet file; of the named columns the first must be there."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    read = _read_parquet if path.suffix == ".parquet" else _read_csv
    found = read(path, columns)
    if not found:
        raise InputError(f"{path}: rows of at least one home expected, there are none")
    return found


def read_meta(path: Path) -> dict[str, dict[str, str]]:
    """The companion file: home -> its columns as text."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    return {row["home"]: row for row in _csv_rows(path, ("home",))}


def home_year(rows: Rows, zone: ZoneInfo) -> HomeYear:
    """Lay one home's load and solar rows (columns load_kwh, pv_kwh) onto whole local days."""
    slots = _slots_a_day(rows)
    first, grid = local_grid(rows, zone, slots)
    load_kwh, pv_kwh = grid[:, :, 0], grid[:, :, 1]
    if not np.isfinite(load_kwh).any():
        raise InputError(f"{rows.home}: load_kwh expected, every value is missing")
    has_pv = bool(np.isfinite(pv_kwh).any())
    pv_kwh = np.nan_to_num(pv_kwh) if has_pv else np.zeros_like(load_kwh)
    return HomeYear(rows.home, zone, first, load_kwh, pv_kwh, has_pv)


def scaled(home: HomeYear) -> HomeYear:
    """Arrays under 4,000 kWh a year are scaled to 5,200, so that every home has a usual roof."""
    year_kwh = float(home.pv_kwh.sum()) * 365.0 / home.days
    if not home.has_pv or year_kwh >= SMALL_ARRAY_KWH:
        return home
    factor = SCALED_ARRAY_KWH / year_kwh
    return replace(home, pv_kwh=home.pv_kwh * factor, pv_scale=factor)


def local_grid(rows: Rows, zone: ZoneInfo, slots: int) -> tuple[date, FloatArray]:
    """First day and values (days, slots, columns); a repeated hour averaged, a missing one drawn.

    The day of the first row counts when it is whole, the day of the last row never does.
    """
    step_min = 1440 // slots
    local = [datetime.fromtimestamp(int(s), UTC).astimezone(zone) for s in rows.at_s]
    if not local:
        raise InputError(f"{rows.home}: no rows")
    first = local[0].date()
    if (local[0].hour, local[0].minute) != (0, 0):
        first += timedelta(days=1)
    days = (local[-1].date() - first).days
    if days < 1:
        raise InputError(f"{rows.home}: less than one whole day")
    place = np.array(
        [(at.date() - first).days * slots + (at.hour * 60 + at.minute) // step_min for at in local]
    )
    columns = [_column(place, rows.values[:, c], days * slots) for c in range(rows.values.shape[1])]
    return first, np.stack(columns, axis=1).reshape(days, slots, -1)


def span(
    home: HomeYear, beside: FloatArray | None, first: date | None, last: date | None
) -> tuple[HomeYear, FloatArray | None]:
    """The home (and an array laid beside it) from `first` to `last`, both included."""
    begin = max(0, (first - home.first).days) if first is not None else 0
    end = min(home.days, (last - home.first).days + 1) if last is not None else home.days
    if begin >= end:
        spoken = f"{first or 'the first'} and {last or 'the last'}"
        raise InputError(f"{home.home}: no day between {spoken}")
    cut = replace(
        home,
        first=home.first + timedelta(days=begin),
        load_kwh=home.load_kwh[begin:end],
        pv_kwh=home.pv_kwh[begin:end],
    )
    return cut, None if beside is None else beside[begin:end]


def _column(place: NDArray[np.int64], values: FloatArray, size: int) -> FloatArray:
    inside = (place >= 0) & (place < size) & np.isfinite(values)
    total = np.bincount(place[inside], values[inside], size)
    count = np.bincount(place[inside], minlength=size)
    known = count > 0
    if not known.any():
        return np.full(size, np.nan)
    mean = total[known] / count[known]
    return np.interp(np.arange(size), np.flatnonzero(known), mean)


def _slots_a_day(rows: Rows) -> int:
    if len(rows.at_s) < 2:
        raise InputError(f"{rows.home}: at least two rows expected")
    step_s = int(np.median(np.diff(rows.at_s)))
    if step_s not in (1800, 3600):
        raise InputError(f"{rows.home}: steps of 30 or 60 minutes expected, got {step_s} s")
    return 86400 // step_s


def _read_csv(path: Path, columns: Sequence[str]) -> dict[str, Rows]:
    at_s: dict[str, list[int]] = {}
    values: dict[str, list[list[float]]] = {}
    rows = _csv_rows(path, ("home", "ts", columns[0]))
    for number, row in enumerate(rows, start=2):
        try:
            at = datetime.fromisoformat(row["ts"])
            numbers = [float(row.get(name) or "nan") for name in columns]
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: line {number}: {error}") from error
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        at_s.setdefault(row["home"], []).append(int(at.timestamp()))
        values.setdefault(row["home"], []).append(numbers)
    return {
        home: Rows(home, np.array(at_s[home], dtype=np.int64), np.array(values[home]))
        for home in at_s
    }


def _csv_rows(path: Path, needed: Sequence[str]) -> Iterator[dict[str, str]]:
    """The lines of a table; InputError where it is none or lacks a column."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            table = csv.DictReader(file)
            _check_columns(path, table.fieldnames or (), needed)
            yield from table
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise InputError(f"{path}: a readable table expected ({error})") from error


def _read_parquet(path: Path, columns: Sequence[str]) -> dict[str, Rows]:
    try:
        reader = importlib.import_module("hidamari.backtest.parquet")
    except ImportError:
        install = f"{sys.executable} -m pip install 'pyarrow>=18'"
        raise InputError(f"{path}: Parquet needs one package more: {install}") from None
    _check_columns(path, reader.column_names(path), ("home", "ts", columns[0]))
    homes, at_s, values = reader.read_columns(path, tuple(columns))
    return {
        str(home): Rows(str(home), at_s[homes == home], values[homes == home])
        for home in dict.fromkeys(homes)
    }


def _check_columns(path: Path, there: Sequence[str], needed: Sequence[str]) -> None:
    absent = [name for name in needed if name not in there]
    if absent:
        given = ", ".join(there) or "none"
        raise InputError(f"{path}: column {', '.join(absent)} expected, there are {given}")
