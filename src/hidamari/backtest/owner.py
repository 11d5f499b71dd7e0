"""The owner's own house as a replay needs it: the last year as measured, contract and battery."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.homes import HomeYear, Rows, home_year
from hidamari.core.config import Settings
from hidamari.core.contract import Contract
from hidamari.core.errors import InputError
from hidamari.core.reading import SeriesKey
from hidamari.core.settings_store import read_rows
from hidamari.core.time import SLOT_S, day_bounds, local_day, unix
from hidamari.forecast.sun import Place
from hidamari.home.inputs import KEY, Kept
from hidamari.home.learning import place_of
from hidamari.home.pricing import contract_now
from hidamari.plan.battery import Battery
from hidamari.plan.parts.storage import Storage
from hidamari.store.look import Look

FloatArray = NDArray[np.float64]

USE, GEN, PV = (SeriesKey("home", name) for name in ("use_kw", "gen_kw", "pv_kw"))
YEAR_DAYS = 365
LEARN_DAYS = 28  # before the year that counts, where there is that much
AROUND_DAYS = 14  # a gap is filled from the same half-hour of this many days before and after
FEWEST_DAYS = 35  # four weeks to learn from and one to count
DAY_SLOTS = 48


@dataclass(frozen=True, slots=True)
class Own:
    """What a data folder tells: hours as measured, and what the home has today."""

    home: HomeYear
    missing_pct: float
    place: Place
    folder: Path
    settings: Settings
    contract: Contract | None  # None where no usable one is chosen
    battery: Battery | None  # None where the plan knows of none


def own_of(folder: Path) -> Own:
    """Read a folder; InputError where it holds too little."""
    look = Look(folder)
    settings, _ = read_rows(look.settings())
    bounds = look.slot_bounds()
    if bounds is None:
        raise InputError(f"{folder}: no measured half-hour yet")
    zone = settings.zone
    last = local_day(bounds[1], zone)
    end, _ = day_bounds(last, zone)
    start, _ = day_bounds(last - timedelta(days=YEAR_DAYS + LEARN_DAYS), zone)
    start = max(start, day_bounds(local_day(bounds[0], zone) + timedelta(days=1), zone)[0])
    count = (unix(end) - unix(start)) // SLOT_S
    if count < FEWEST_DAYS * DAY_SLOTS:
        raise InputError(
            f"at least {FEWEST_DAYS} whole measured days expected, there are {count // DAY_SLOTS}"
        )
    values = np.full((count, 3), np.nan)
    keys = [USE, GEN, PV]
    known = look.knows(keys)
    values[:, known] = look.slots([k for k, ok in zip(keys, known, strict=True) if ok], start, end)
    use, pv = values[:, 0] - np.nan_to_num(values[:, 1]), values[:, 2]
    has_pv = bool(np.isfinite(pv).any())
    at_s = unix(start) + SLOT_S * np.arange(count + 1, dtype=np.int64)
    filled = np.stack([_filled(use), _filled(pv) if has_pv else pv], axis=1)
    rows = Rows("home", at_s, np.vstack([filled, filled[-1:]]))  # the last row's day never counts
    home = home_year(rows, zone)
    place = settings.home.place
    return Own(
        home=_by_hour(replace(home, load_kwh=np.maximum(home.load_kwh, 0.0))),
        missing_pct=100.0 * float(np.isnan(use).mean()),
        place=place_of(place.lat, place.lon, zone),
        folder=folder,
        settings=settings,
        contract=contract_now(settings, folder, bounds[1]),
        battery=_battery_of(look.value(KEY)),
    )


def _by_hour(home: HomeYear) -> HomeYear:
    """Half-hours added up to hours: the plans of a year are made four times as fast."""
    load, pv = (
        kwh.reshape(home.days, -1, 2).sum(axis=2) if home.slots == DAY_SLOTS else kwh
        for kwh in (home.load_kwh, home.pv_kwh)
    )
    return replace(home, load_kwh=load, pv_kwh=pv)


def _filled(kwh: FloatArray) -> FloatArray:
    """Gaps filled from the same time of the days around them, else of all days."""
    whole = -(-len(kwh) // DAY_SLOTS) * DAY_SLOTS
    padded = np.append(kwh, np.full(whole - len(kwh), np.nan))
    days = padded.reshape(-1, DAY_SLOTS)
    known = np.isfinite(days)
    usual = np.where(known, days, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    for day, slot in np.argwhere(~known):
        around = slice(max(0, day - AROUND_DAYS), day + AROUND_DAYS + 1)
        there = known[around, slot]
        days[day, slot] = days[around, slot][there].mean() if there.any() else usual[slot]
    answer: FloatArray = days.ravel()[: len(kwh)]
    return answer


def _battery_of(raw: bytes | None) -> Battery | None:
    """The battery that the last plan steered."""
    if raw is None:
        return None
    kept = Kept(raw)
    found = kept.battery
    if found is not None:
        return found[0]
    storages = [a for a in kept.request.assets if isinstance(a, Storage) and not a.trips]
    return storages[0].battery if storages else None
