"""Makes the plan: gathers what the store and the devices tell, asks the ladder, keeps the last."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from hidamari.core.config import Settings
from hidamari.core.reading import SeriesKey
from hidamari.core.time import SLOT_S, day_bounds, local_day, slot_start, unix
from hidamari.devices.water_heater import TankModel
from hidamari.forecast.load import PastDays
from hidamari.forecast.outlook import Outlook
from hidamari.home.asking import Facts, Recent, ask_of, with_other_loads
from hidamari.home.assets import Asset
from hidamari.home.expected import as_carried_out
from hidamari.home.heater import (
    Household,
    cold_water_c,
    heat_drawn,
    household_of,
    in_cold_water,
    usual_idle_kw,
    usual_target_kwh,
)
from hidamari.home.learning import (
    DAY_SLOTS,
    GEN,
    HOME,
    LOAD,
    PROFILE_DAYS,
    PV,
    Learning,
    day_kind,
    days_kwh_of,
    place_of,
    slots_kwh,
    usual_day,
)
from hidamari.home.pricing import Prices, contract_now, prices_ahead
from hidamari.home.shadow import Shadow
from hidamari.home.travel import Travel, past_trips, usual_week
from hidamari.home.weather import Sky
from hidamari.plan.battery import Battery
from hidamari.plan.floor import SlotPrices
from hidamari.plan.horizon import HomePlan
from hidamari.plan.ladder import Ask, Ladder, Plan
from hidamari.plan.recursion import Choice, Outcomes, choose
from hidamari.plan.request import Answer, Failed, PlanRequest, WhyRequest
from hidamari.plan.solver import Solver
from hidamari.store.db import Store
from hidamari.store.pack import FloatArray

logger = logging.getLogger(__name__)

HORIZON_SLOTS = 72
TRIP_WEEKS = 8
SLOT_H = 0.5
RECENT_MINUTES = 15
USUAL = {"heater_kw": SeriesKey(HOME, "heater_kw"), "ev_kw": SeriesKey(HOME, "ev_kw")}


@dataclass(frozen=True, slots=True)
class Now:
    """What the running home hands to a plan: the instant, settings, assets, the air outside."""

    at: datetime
    settings: Settings
    assets: tuple[Asset, ...]
    outdoor_c: float | None = None
    sky: Sky | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A plan with what it was made of; `request` is what the solver was really asked."""

    plan: Plan
    ask: Ask
    facts: Facts
    request: PlanRequest | None
    days: int
    load_nmae: float | None = None
    pv_nmae: float | None = None
    outcomes: Outcomes | None = None  # what the battery's mode was chosen over ...
    chosen_kwh: float | None = None  # ... and what it held then, or would by the plan alone


@dataclass(slots=True)
class NotedSolver:
    """Passes everything on and keeps the last question and answer."""

    inner: Solver
    request: PlanRequest | None = None
    home: HomePlan | None = None

    def ask(self, request: PlanRequest | WhyRequest) -> Answer:
        """Ask the real one."""
        answer = self.inner.ask(request)
        if isinstance(request, PlanRequest):
            self.request = request
            self.home = None if isinstance(answer, Failed) else answer[0]
        return answer

    def close(self) -> None:
        """Close the real one."""
        self.inner.close()


@dataclass(slots=True)
class _Habits:
    """What is learned once a day."""

    day: date
    known: frozenset[str]  # assets that had told enough of themselves
    usual_kwh: dict[str, FloatArray]
    household: Household
    travel: Travel


@dataclass(slots=True)
class Planning:
    """Keeps the forecaster, the ladder and the last plan; `make` is called in one thread."""

    store: Store
    folder: Path
    solver: NotedSolver
    learning: Learning | None = None
    ladder: Ladder = field(init=False)
    shadow: Shadow = field(init=False)
    made: Made | None = None
    _habits: _Habits | None = None
    _chosen: tuple[datetime, Choice] | None = None
    _now: datetime | None = None
    _main: str | None = None
    _cars: frozenset[str] = frozenset()
    _asked: Outcomes | None = None
    _asked_kwh: float | None = None
    _sky_of: datetime | None = None

    def __post_init__(self) -> None:
        self.ladder = Ladder(self.solver, choose=self._choose)
        self.shadow = Shadow(self.store)

    def make(self, now: Now) -> Made:
        """The plan of this instant; never fails for what comes from outside."""
        settings = now.settings
        learning = self._learning(settings)
        while not learning.catch_up(self.store, now.at):
            pass
        if now.sky is not None and now.sky.issued != self._sky_of:
            self._sky_of = now.sky.issued
            learning.know(now.sky.days)
        elif now.sky is None and self._sky_of is not None:
            self._sky_of = None
            learning.know({})
        prices = self._prices(now)
        outlook = learning.look()
        recent = _recent(self.store, now, outlook, learning.before_pv_kwh)
        facts = self._facts(now, prices, outlook, recent)
        ask = ask_of(facts)
        self._now, self._main = now.at, ask.main
        self._cars = frozenset(asset.id for asset in now.assets if asset.is_car)
        is_start = unix(now.at) % SLOT_S == 0
        if is_start:
            self.shadow.account(now.at, self._net_before(now.at))
        plan = self.ladder.plan(ask)
        if is_start and ask.main is not None and settings.plan.steering:
            plan = self.shadow.settle(plan, ask.main, now.at, _slot_prices(prices))
        plan = as_carried_out(plan, ask, self._followed())
        load_nmae, pv_nmae = learning.scores()
        self.made = Made(
            plan,
            ask,
            facts,
            self.solver.request,
            learning.measured_days,
            load_nmae,
            pv_nmae,
            self._asked,
            self._asked_kwh,
        )
        return self.made

    def forget_choice(self) -> None:
        """Something happened: the battery's mode of the running half-hour is open again."""
        self._chosen = None

    def _net_before(self, at: datetime) -> float | None:
        """What the house without battery and cars took in the half-hour before, kWh."""
        keys = [LOAD, GEN, PV, USUAL["heater_kw"]]
        load, gen, pv, heater = slots_kwh(self.store, keys, at - timedelta(minutes=30), at)[0]
        if not np.isfinite(load):
            return None
        return float(load - np.nan_to_num(gen) - np.nan_to_num(pv) + np.nan_to_num(heater))

    def _learning(self, settings: Settings) -> Learning:
        where = settings.home.place
        place = place_of(where.lat, where.lon, settings.zone)
        if self.learning is None or self.learning.place != place:
            self.learning = Learning(place)
        return self.learning

    def _prices(self, now: Now) -> Prices:
        contract = contract_now(now.settings, self.folder, now.at)
        return prices_ahead(contract, self.store, now.at, HORIZON_SLOTS)

    def _facts(self, now: Now, prices: Prices, outlook: Outlook, recent: Recent) -> Facts:
        habits = self._learn_habits(now)
        local = now.at.astimezone(now.settings.zone)
        return Facts(
            now.at,
            now.settings,
            tuple(_as_learned(asset, habits.household) for asset in now.assets),
            prices,
            outlook,
            recent,
            habits.usual_kwh,
            replace(habits.household, outdoor_c=now.outdoor_c),
            replace(habits.travel, local=local),
        )

    def _learn_habits(self, now: Now) -> _Habits:
        today = local_day(now.at, now.settings.zone)
        known = {asset.id for asset in now.assets if asset.model is not None}
        old = self._habits
        if old is not None and old.day == today and known <= old.known:
            return old
        self._habits = _Habits(
            today,
            frozenset(known),
            _usual(self.store, now, today),
            _household(self.store, now, today),
            _travel(self.store, now, today),
        )
        return self._habits

    def _followed(self) -> frozenset[str]:
        """The battery itself, and the cars: a battery that follows the house does not feed them."""
        cars = self._cars
        return cars if self._main is None else cars | {self._main}

    def _choose(self, outcomes: Outcomes, battery: Battery, stored_kwh: float) -> Choice:
        """The battery's mode: found when a half-hour begins, kept until it ends or things change.

        The program over the whole home, solved just before, says what the other assets draw.
        """
        slot = slot_start(self._now) if self._now is not None else None
        if self._chosen is not None and self._chosen[0] == slot:
            return self._chosen[1]
        home = self.solver.home
        if home is not None:
            others = powers_of_others(home, self._followed(), outcomes.slot_h)
            outcomes = with_other_loads(outcomes, others)
        self._asked = outcomes
        self._asked_kwh = self.shadow.decides_on(battery, stored_kwh)
        found = choose(outcomes, battery, self._asked_kwh)
        if slot is not None:
            self._chosen = (slot, found)
        return found


def _recent(store: Store, now: Now, outlook: Outlook, before_pv_kwh: float | None) -> Recent:
    """The last thirty minutes, and what sun had been forecast for them."""
    end = now.at.replace(second=0, microsecond=0)
    keys = [key for key in (LOAD, GEN, PV) if key in store.series()]
    if LOAD not in keys:
        return Recent()
    minutes = store.minutes(keys, end - timedelta(minutes=30), end)
    known = np.isfinite(minutes).sum(axis=0) >= RECENT_MINUTES
    mean = {
        key: float(np.nanmean(minutes[:, i])) * SLOT_H if known[i] else None
        for i, key in enumerate(keys)
    }
    load, gen, pv = mean.get(LOAD), mean.get(GEN), mean.get(PV)
    made = None
    if before_pv_kwh is not None:
        share = (now.at - slot_start(now.at)).total_seconds() / 1800.0
        made = share * float(outlook.pv_kwh[0]) + (1.0 - share) * before_pv_kwh
    return Recent(None if load is None else load - (gen or 0.0), pv, made)


def powers_of_others(home: HomePlan, but: Collection[str], slot_h: float) -> FloatArray:
    """What all assets but some draw in each step, as kWh of a whole half-hour."""
    total = np.zeros(home.horizon.count)
    for asset in home.assets:
        if asset.key not in but:
            total += asset.power_kw * slot_h
    return total


def _slot_prices(prices: Prices) -> SlotPrices:
    """The first half-hour's, and whether it is one of the cheapest of the coming day."""
    day = prices.marginal_yen_kwh[:DAY_SLOTS]
    now = float(day[0])
    is_cheapest = now <= float(day.min()) + 1e-6 and float(np.ptp(day)) > 0.0
    return SlotPrices(now, float(prices.sell_yen_kwh[0]), is_cheapest)


def _usual(store: Store, now: Now, today: date) -> dict[str, FloatArray]:
    """Usual half-hours of the assets, shared evenly where the home has several of a kind."""
    found: dict[str, FloatArray] = {}
    for asset in now.assets:
        key = USUAL.get(asset.live.device.quantity)
        if key is None:
            found[asset.id] = np.zeros(DAY_SLOTS)
            continue
        count = sum(a.live.device.quantity == asset.live.device.quantity for a in now.assets)
        found[asset.id] = usual_day(store, key, today, now.settings.zone) / count
    return found


def _as_learned(asset: Asset, household: Household) -> Asset:
    """A tank with the cold water of the season; the others as they are."""
    tank = asset.model
    if not isinstance(tank, TankModel):
        return asset
    return replace(asset, model=in_cold_water(tank, household.cold_c))


def _household(store: Store, now: Now, today: date) -> Household:
    """Hot water to expect, from what the tank and its heat pump showed in the last weeks."""
    tank = next((a.model for a in now.assets if isinstance(a.model, TankModel)), None)
    kinds = tuple(day_kind(today + timedelta(days=i)) for i in range(3))
    persons = now.settings.home.people
    days = [today - timedelta(days=i) for i in range(2 * PROFILE_DAYS, 0, -1)]
    past = PastDays(np.zeros((0, DAY_SLOTS)), ())
    target, idle_kw, cold_c = None, 0.0, None
    if tank is not None:
        start, _ = day_bounds(days[0], now.settings.zone)
        end, _ = day_bounds(today, now.settings.zone)
        level = days_kwh_of(store, SeriesKey(HOME, "tank_l"), start, end)
        power = days_kwh_of(store, USUAL["heater_kw"], start, end)
        cold_c = cold_water_c(level.ravel(), power.ravel(), tank)
        tank = in_cold_water(tank, cold_c)
        drawn = heat_drawn(level.ravel(), power.ravel(), tank).reshape(level.shape)
        whole = np.isfinite(drawn).mean(axis=1) > 0.9
        kept = tuple(day_kind(day) for day, ok in zip(days, whole, strict=True) if ok)
        past = PastDays(np.nan_to_num(drawn[whole]), kept)
        target, idle_kw = usual_target_kwh(level, drawn, tank), usual_idle_kw(power)
    household = household_of(past, kinds, persons, now.outdoor_c)
    return replace(household, target_kwh=target, idle_kw=idle_kw, cold_c=cold_c)


def _travel(store: Store, now: Now, today: date) -> Travel:
    """The car's usual trips, from what its plug and its battery showed."""
    car = next((a for a in now.assets if a.is_car and a.storage is not None), None)
    if car is None or car.storage is None:
        return Travel()
    first = today - timedelta(weeks=TRIP_WEEKS)
    start, _ = day_bounds(first, now.settings.zone)
    end, _ = day_bounds(today, now.settings.zone)
    plug = days_kwh_of(store, SeriesKey(car.id, "plug"), start, end).ravel()
    soc = days_kwh_of(store, SeriesKey(car.id, "soc_pct"), start, end).ravel()
    known = np.isfinite(plug)
    if not known.any():
        return Travel()
    weeks = max(1, int(known.sum()) // (DAY_SLOTS * 7))
    past = past_trips(plug, soc / 100.0 * car.storage.capacity_kwh, first.weekday())
    return Travel(usual=usual_week(past, weeks))
