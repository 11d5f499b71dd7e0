"""What the home's own history teaches: the forecaster fed slot by slot, and usual profiles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from hidamari.core.errors import HidamariError
from hidamari.core.reading import SeriesKey
from hidamari.core.tariff_days import public_holidays
from hidamari.core.time import SLOT_S, day_bounds, local_day, slot_start, unix
from hidamari.forecast.load import DayKind
from hidamari.forecast.outlook import DayFacts, Forecaster, Outlook
from hidamari.forecast.series import nmae
from hidamari.forecast.solar import SolarPast, learned_array
from hidamari.forecast.sun import Place, clear_sky_kw_m2
from hidamari.store.db import Store
from hidamari.store.pack import FloatArray

HOME = "home"
DAY_SLOTS = 48
SLOT_H = 0.5
LEARN_DAYS = 120  # the forecaster looks back 90 days for its errors
SCORE_DAYS = 14
PROFILE_DAYS = 14
SUN_DAYS, FEWEST_SUN_DAYS = 28, 3
SATURDAY = 5
TOKYO_LAT, TOKYO_LON = 35.68, 139.77
LOAD, GEN, PV = (SeriesKey(HOME, name) for name in ("load_kw", "gen_kw", "pv_kw"))


def day_kind(day: date) -> DayKind:
    """Weekday, and whether most people are off."""
    weekday = day.weekday()
    return DayKind(weekday, weekday >= SATURDAY or day in public_holidays(day.year))


def place_of(lat: float | None, lon: float | None, zone: ZoneInfo) -> Place:
    """Where the home stands; Tokyo while nobody has said (the array is learned all the same)."""
    if lat is None or lon is None:
        return Place(TOKYO_LAT, TOKYO_LON, zone)
    return Place(lat, lon, zone)


@dataclass(frozen=True, slots=True)
class DayScore:
    """nMAE of a day's forecasts, made when it began, and of taking it to be as the day before."""

    day: date
    load_nmae: float | None
    pv_nmae: float | None
    load_before_nmae: float | None
    pv_before_nmae: float | None


@dataclass(slots=True)
class Learning:
    """The forecaster of this home and how far it has been fed; only ever called in one thread."""

    place: Place
    forecaster: Forecaster = field(default_factory=lambda: Forecaster(DAY_SLOTS))
    day: date | None = None
    slot: int = DAY_SLOTS
    measured_days: int = 0
    before_pv_kwh: float | None = None  # forecast for the half-hour before the present one
    sky: Mapping[date, FloatArray] = field(default_factory=dict)  # forecast kW/m2 by local day
    sun: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)  # made and clear sky
    made: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    truth: list[tuple[list[float], list[float]]] = field(default_factory=list)

    def is_ready(self, now: datetime) -> bool:
        """Whether the present slot is the next one to be forecast."""
        today = local_day(now, self.place.zone)
        return self.day == today and self.slot == self._slot_of(now)

    def catch_up(self, store: Store, now: datetime, most_days: int = 10) -> bool:
        """Feed up to `most_days` of what has been measured since; False = there is more."""
        today = local_day(now, self.place.zone)
        if self.day is None:
            self._begin_at(self._first_day(store, today))
        for _ in range(most_days):
            day = self.day or today
            end = self._slot_of(now) if day == today else DAY_SLOTS
            self._feed(store, day, end)
            if day >= today:
                return True
            self._begin_at(day + timedelta(days=1))
        return False

    def know(self, sky: Mapping[date, FloatArray]) -> None:
        """A weather forecast has come: tomorrow is forecast anew, today when it begins."""
        self.sky = sky
        if self.day is None:
            return
        tomorrow = self._sun_kwh(self.day + timedelta(days=1))
        if tomorrow is not None:
            self.forecaster.issue(tomorrow)

    def look(self) -> Outlook:
        """What may come from the present slot on."""
        return self.forecaster.look()

    def scores(self) -> tuple[float | None, float | None]:
        """nMAE of the day-ahead forecasts of load and sun over the last whole days."""
        whole = [
            (made, known)
            for made, known in zip(self.made, self.truth, strict=True)
            if len(known[0]) == DAY_SLOTS
        ][-SCORE_DAYS:]
        if not whole:
            return None, None
        found = []
        for i in (0, 1):
            forecast = np.concatenate([made[i] for made, _ in whole])
            value = nmae(forecast, np.concatenate([np.array(known[i]) for _, known in whole]))
            found.append(value if np.isfinite(value) else None)
        return found[0], found[1]

    def quality(self) -> list[DayScore]:
        """Each of the last whole days, oldest first."""
        if self.day is None:
            return []
        found = []
        first = self.day - timedelta(days=len(self.truth) - 1)
        for i, (made, truth) in enumerate(zip(self.made, self.truth, strict=True)):
            if i == 0 or len(truth[0]) < DAY_SLOTS or len(self.truth[i - 1][0]) < DAY_SLOTS:
                continue
            before = self.truth[i - 1]
            found.append(
                DayScore(
                    first + timedelta(days=i),
                    *(_nmae(made[k], truth[k]) for k in (0, 1)),
                    *(_nmae(np.array(before[k]), truth[k]) for k in (0, 1)),
                )
            )
        return found

    def _slot_of(self, at: datetime) -> int:
        local = at.astimezone(self.place.zone)
        return (local.hour * 60 + local.minute) // 30

    def _first_day(self, store: Store, today: date) -> date:
        bounds = store.slot_bounds()
        first = today - timedelta(days=LEARN_DAYS)
        return first if bounds is None else max(first, local_day(bounds[0], self.place.zone))

    def _begin_at(self, day: date) -> None:
        self.day, self.slot = day, 0
        after = day + timedelta(days=1)
        facts = DayFacts(day_kind(day), day_kind(after), self._clear(day), self._clear(after))
        self.forecaster.begin_day(facts, self._sun_kwh(day))
        self.made.append((self.forecaster.load_day_kwh(), self.forecaster.pv_day_kwh()))
        self.truth.append(([], []))
        del self.made[: -SCORE_DAYS - 1], self.truth[: -SCORE_DAYS - 1]

    def _clear(self, day: date) -> FloatArray:
        return clear_sky_kw_m2(self.place, day, DAY_SLOTS)

    def _sun_kwh(self, day: date) -> FloatArray | None:
        """The weather forecast of a day through the learned array, kWh a half-hour."""
        forecast = self.sky.get(day)
        if forecast is None or len(self.sun) < FEWEST_SUN_DAYS:
            return None
        past = SolarPast(
            np.array([made for made, _ in self.sun]), np.array([clear for _, clear in self.sun])
        )
        return learned_array(past) * forecast

    def _feed(self, store: Store, day: date, end: int) -> None:
        if end <= self.slot:
            return
        known = half_hours(store, day, self.place.zone)
        for slot in range(self.slot, end):
            if slot == end - 1 and end < DAY_SLOTS:
                self.before_pv_kwh = float(self.forecaster.look().pv_kwh[0])
            load_kwh, pv_kwh = float(known[slot, 0]), float(known[slot, 1])
            self.forecaster.observe(load_kwh, pv_kwh)
            self.truth[-1][0].append(load_kwh)
            self.truth[-1][1].append(pv_kwh)
        if end == DAY_SLOTS:
            self.sun.append((np.nan_to_num(known[:, 1]), self._clear(day)))
            del self.sun[:-SUN_DAYS]
        if end == DAY_SLOTS and np.isfinite(known[:, 0]).mean() > 0.9:
            self.measured_days += 1
        self.slot = end


def _nmae(forecast: FloatArray, truth: list[float]) -> float | None:
    found = nmae(forecast, np.array(truth))
    return found if np.isfinite(found) else None


def half_hours(store: Store, day: date, zone: ZoneInfo) -> FloatArray:
    """Use less other generation, and sun [kWh], of a local day by the clock, NaN = missing."""
    start, _ = day_bounds(day, zone)
    values = slots_kwh(store, [LOAD, GEN, PV], start, start + timedelta(days=1))
    load = values[:, 0] - np.nan_to_num(values[:, 1])
    # A home without an array has none of these values: no sun is what it makes.
    pv = values[:, 2] if np.isfinite(values[:, 2]).any() else np.nan_to_num(values[:, 2])
    return np.stack([load, pv], axis=1)


def slots_kwh(store: Store, keys: list[SeriesKey], start: datetime, end: datetime) -> FloatArray:
    """kWh of each half-hour, from its minutes where no row was written yet, NaN = missing."""
    count = (unix(end) - unix(start)) // SLOT_S
    found = np.full((count, len(keys)), np.nan)
    known = store.series()
    there = [i for i, key in enumerate(keys) if key in known]
    if not there:
        return found
    chosen = [keys[i] for i in there]
    found[:, there] = store.slots(chosen, start, end)[0]
    newest = store.last_minute()
    if newest is None or newest < start:
        return found
    for row in range(max(0, count - DAY_SLOTS), count):
        at = start + timedelta(seconds=SLOT_S * row)
        if at > newest or np.isfinite(found[row, there]).any():
            continue
        if (newest - at) > timedelta(hours=3):
            continue  # a gap that no late counter will fill
        minutes = store.minutes(chosen, at, at + timedelta(seconds=SLOT_S))
        enough = np.isfinite(minutes).sum(axis=0) >= MINUTES_ENOUGH
        mean = np.array(
            [np.nanmean(c) if ok else np.nan for c, ok in zip(minutes.T, enough, strict=True)]
        )
        found[row, there] = mean * SLOT_H
    return found


MINUTES_ENOUGH = 20


def usual_day(store: Store, key: SeriesKey, today: date, zone: ZoneInfo) -> FloatArray:
    """Mean kWh per half-hour of the last two weeks' days, zero where nothing is known, (48,)."""
    start, _ = day_bounds(today - timedelta(days=PROFILE_DAYS), zone)
    end, _ = day_bounds(today, zone)
    days = days_kwh_of(store, key, start, end)
    known = np.isfinite(days)
    total = np.where(known, days, 0.0).sum(axis=0)
    answer: FloatArray = total / np.maximum(known.sum(axis=0), 1)
    return answer


def days_kwh_of(store: Store, key: SeriesKey, start: datetime, end: datetime) -> FloatArray:
    """A series by days from local midnight `start` on, (days, 48), NaN = missing."""
    try:
        values = store.slots([key], start, end)[0][:, 0] if key in store.series() else np.zeros(0)
    except HidamariError:
        values = np.zeros(0)
    count = (unix(slot_start(end)) - unix(start)) // SLOT_S // DAY_SLOTS
    whole = np.full(count * DAY_SLOTS, np.nan)
    whole[: len(values)] = values[: len(whole)]
    return whole.reshape(count, DAY_SLOTS)
