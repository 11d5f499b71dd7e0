"""Load and sun of a measured home, laid on the calendar by season and weekday."""

import csv
import gzip
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from hidamari.core.errors import InputError
from hidamari.core.time import SLOT_S, TOKYO
from hidamari.sim.noise import FloatArray, IntArray, chances

logger = logging.getLogger(__name__)

DAY_SLOTS = 48
TICK_S = 10  # the simulator's finest step
SLOT_TICKS = SLOT_S // TICK_S
ZONE_S = 9 * 3600  # the simulated house stands in Japan: no summer time
SOURCE_NOTE = "Load and sun: measured in another home (CityLearn, MIT licence, home cl09)"
COLUMNS = ("at", "load_kwh", "pv_kwh")  # of a person's own series


@dataclass(frozen=True, slots=True)
class Replay:
    """Measured days as kWh per half-hour of the local day, shape (days, 48) each."""

    days: tuple[date, ...]
    load_kwh: FloatArray
    pv_kwh: FloatArray
    by_season: IntArray  # (7 weekdays, 366 days of the year) -> row

    def half_hours(self, first: int, count: int) -> tuple[FloatArray, FloatArray]:
        """Load and PV [kWh] of `count` half-hours from the `first` one since 1970 (UTC)."""
        local = np.arange(first, first + count) + ZONE_S // SLOT_S
        row = self._rows(local // DAY_SLOTS)
        column = local % DAY_SLOTS
        return self.load_kwh[row, column], self.pv_kwh[row, column]

    def sun_kw(self, seed: int, slot: int) -> FloatArray:
        """PV power [kW] in the 180 steps of 10 s of a half-hour; its mean is the measured energy.

        A smooth way between the neighbours, and clouds where the half-hour was neither clear nor
        dull for the season.
        """
        _, pv_kwh = self.half_hours(slot - 1, 3)
        before_kw, mean_kw, after_kw = (2.0 * float(kwh) for kwh in pv_kwh)
        if mean_kw <= 0.0:
            return np.zeros(SLOT_TICKS)
        start_kw, end_kw = (before_kw + mean_kw) / 2.0, (mean_kw + after_kw) / 2.0
        x = (np.arange(SLOT_TICKS) + 0.5) / SLOT_TICKS
        bulge_kw = 6.0 * (mean_kw - (start_kw + end_kw) / 2.0)
        way_kw = start_kw + (end_kw - start_kw) * x + bulge_kw * x * (1.0 - x)
        clear = min(1.0, mean_kw / (2.0 * self._clear_kwh(slot)))
        keys = slot * 256 + np.arange(SLOT_TICKS) // 9
        clouds = 1.0 + 2.4 * clear * (1.0 - clear) * (chances(seed, keys, 21) - 0.5)
        power_kw = np.maximum(0.0, way_kw * clouds)
        return power_kw * (mean_kw / float(power_kw.mean()))

    def _clear_kwh(self, slot: int) -> float:
        """The best of the same half-hour on the 21 measured days around."""
        local = slot + ZONE_S // SLOT_S
        row = int(self._rows(np.array([local // DAY_SLOTS]))[0])
        around = np.arange(row - 10, row + 11) % len(self.days)
        return max(1e-6, float(self.pv_kwh[around, local % DAY_SLOTS].max()))

    def _rows(self, days: IntArray) -> IntArray:
        """Which measured day stands for each local day (days since 1970)."""
        # 1970-01-01 was a Thursday, weekday 3.
        season = ((days - 1) % 365.2425).astype(np.int64)
        return self.by_season[(days + 3) % 7, season]


def measured(days: tuple[date, ...], load_kwh: FloatArray, pv_kwh: FloatArray) -> Replay:
    """Measured days, each found by its weekday and season; another weekday if there is none."""
    season = np.array([day.timetuple().tm_yday - 1 for day in days])
    apart = np.abs(season[None, :] - np.arange(366)[:, None])
    apart = np.minimum(apart, 365 - apart)
    weekdays = np.array([day.weekday() for day in days])
    rows = [np.argmin(apart + 1000 * (weekdays != weekday), axis=1) for weekday in range(7)]
    return Replay(days, load_kwh, pv_kwh, np.array(rows))


@lru_cache(maxsize=2)
def packaged_year(seed: int) -> Replay:
    """The measured year that comes with the package; the seed decides only within the hour."""
    source = resources.files("hidamari.sim").joinpath("data/home_year.csv.gz")
    with source.open("rb") as packed, gzip.open(packed, "rt", encoding="ascii") as lines:
        rows = [
            (datetime.fromisoformat(row["ts"]), float(row["load_kwh"]), float(row["pv_kwh"]))
            for row in csv.DictReader(lines)
        ]
    # People live by their clock, summer time and all; the sun does not, so its clock stays.
    by_clock = ZoneInfo("America/Los_Angeles")
    load = _table(((at.astimezone(by_clock), kwh) for at, kwh, _ in rows), 24)
    pv = _table(((at.astimezone(UTC) - timedelta(hours=8), kwh) for at, _, kwh in rows), 24)
    days = tuple(sorted(set(load) & set(pv)))
    days = tuple(day for day in days if sum(np.isnan(load[day])) <= 1)
    return measured(
        days,
        _halve_load(np.array([_filled(load[day]) for day in days]), seed),
        _halve_sun(np.array([_filled(pv[day]) for day in days])),
    )


def read_csv(path: Path, seed: int) -> Replay:
    """A person's own series: columns `at` (ISO, Japan time where no zone is given), `load_kwh`,
    `pv_kwh`, one row per half-hour or hour; days with gaps are left out.
    """
    rows: list[tuple[datetime, float, float]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                wanted, absent = ", ".join(COLUMNS), ", ".join(missing)
                raise InputError(f"{path.name}: columns {wanted} expected, {absent} absent")
            for row in table:
                rows.append(_row(row, f"{path.name} line {table.line_num}"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name}: a CSV file in UTF-8 expected ({error})") from None
    step_min = _step_min(rows, path.name)
    per_day = 1440 // step_min
    load = _table(((at, kwh) for at, kwh, _ in rows), per_day)
    pv = _table(((at, kwh) for at, _, kwh in rows), per_day)
    days = tuple(sorted(d for d in load if not np.isnan(load[d]).any()))
    if not days:
        raise InputError(f"{path.name}: at least one whole day without gaps expected")
    if len(days) < len(load):
        first = min(set(load).difference(days))
        logger.warning(
            "%s: %d of %d days have gaps and are left out, the first is %s",
            *(path.name, len(load) - len(days), len(load), first),
        )
    load_kwh = np.array([load[day] for day in days])
    pv_kwh = np.array([pv[day] for day in days])
    if step_min == 60:
        return measured(days, _halve_load(load_kwh, seed), _halve_sun(pv_kwh))
    return measured(days, load_kwh, pv_kwh)


def _row(row: dict[str, str], where: str) -> tuple[datetime, float, float]:
    try:
        at = datetime.fromisoformat(row["at"])
        load_kwh, pv_kwh = float(row["load_kwh"]), float(row["pv_kwh"])
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: an ISO time and two numbers expected ({error})") from None
    if not (0.0 <= load_kwh < 100.0 and 0.0 <= pv_kwh < 100.0):
        raise InputError(f"{where}: 0 to 100 kWh expected, got {load_kwh} and {pv_kwh}")
    return (
        (at.replace(tzinfo=TOKYO) if at.tzinfo is None else at).astimezone(TOKYO),
        load_kwh,
        pv_kwh,
    )


def _step_min(rows: list[tuple[datetime, float, float]], name: str) -> int:
    if len(rows) < 2:
        raise InputError(f"{name}: at least two rows expected, got {len(rows)}")
    starts = sorted(at for at, _, _ in rows)
    steps = Counter((late - early).total_seconds() / 60.0 for early, late in pairwise(starts))
    ((step_min, _),) = steps.most_common(1)  # a gap makes one that is longer
    if step_min not in (30, 60):
        raise InputError(f"{name}: steps of 30 or 60 minutes expected, got {step_min:g}")
    return int(step_min)


def _table(rows: Iterable[tuple[datetime, float]], per_day: int) -> dict[date, FloatArray]:
    """Local days of `per_day` values; NaN where there is none, the mean where there are two."""
    found: dict[date, FloatArray] = {}
    for at, kwh in rows:
        day = found.setdefault(at.date(), np.full(per_day, np.nan))
        place = (at.hour * 60 + at.minute) * per_day // 1440
        day[place] = kwh if np.isnan(day[place]) else (day[place] + kwh) / 2.0
    return found


def _filled(day: FloatArray) -> FloatArray:
    """A day whose hour that summer time skipped is the mean of its neighbours."""
    gaps = np.isnan(day)
    places = np.arange(len(day))
    return np.interp(places, places[~gaps], day[~gaps])


def _halve_load(hourly: FloatArray, seed: int) -> FloatArray:
    """Each hour in two uneven parts whose sum is the hour."""
    keys = np.arange(hourly.size).reshape(hourly.shape)
    first = hourly * (0.38 + 0.24 * chances(seed, keys, 1))
    return np.stack((first, hourly - first), axis=2).reshape(len(hourly), -1)


def _halve_sun(hourly: FloatArray) -> FloatArray:
    """Each hour in two parts on the slope between its neighbours; their sum is the hour."""
    before = np.pad(hourly, ((0, 0), (1, 0)))[:, :-1]
    after = np.pad(hourly, ((0, 0), (0, 1)))[:, 1:]
    first = np.clip(hourly / 2.0 - (after - before) / 16.0, 0.0, hourly)
    return np.stack((first, hourly - first), axis=2).reshape(len(hourly), -1)
