"""A measured home lived through again: the real forecaster and the real choice, slot by slot.

The forecaster is a value fed by `observe`; what has not happened yet is not in it, so nothing from
the future can be handed over.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.homes import HomeYear
from hidamari.backtest.world import World
from hidamari.forecast.load import DayKind
from hidamari.forecast.outlook import DayFacts, Forecaster, Outlook, careful_net
from hidamari.forecast.series import nmae
from hidamari.forecast.sun import Place, clear_sky_kw_m2
from hidamari.plan.battery import Action, move
from hidamari.plan.floor import Floor, SlotPrices
from hidamari.plan.recursion import Outcomes, choose
from hidamari.plan.value import stored_end_yen_kwh

FloatArray = NDArray[np.float64]

ISSUED_H = 23.0  # a day-ahead forecast file is issued at 23:00 for the next day
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Account:
    """What a replay came to: bill a year, errors of the day-ahead forecasts, time per plan."""

    ours_yen: float
    load_nmae: float
    pv_nmae: float
    plan_ms: float
    grid_kwh: FloatArray  # net import of the billed days, (days, slots)
    stored_kwh: FloatArray
    actions: tuple[Action, ...]


@dataclass
class Replay:
    """One home on its way through the year."""

    world: World
    place: Place
    file_kwh: FloatArray | None = None  # (days, slots), NaN = not issued
    scenarios: int = 30
    known: str = ""  # "load" or "solar": a bound, with that part of the future given away
    on_day: Callable[[int], None] = lambda _day: None
    clear: list[FloatArray] = field(default_factory=list)
    load_made: list[FloatArray] = field(default_factory=list)
    pv_made: list[FloatArray] = field(default_factory=list)
    cheapest: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.cheapest = self.world.is_cheapest

    def run(self) -> Account:
        """Live through all days; the first `warm_days` are learned from only."""
        home = self.world.home
        forecaster = Forecaster(home.slots, self.scenarios)
        floor = Floor(self.world.battery, self.world.slot_h)
        net_kwh = home.load_kwh - home.pv_kwh
        grid_kwh = np.zeros_like(self.world.net_kwh)
        stored: list[float] = []
        actions: list[Action] = []
        stored_kwh, spent_s = 0.0, 0.0
        for day in range(home.days):
            forecaster.begin_day(self._facts(day), self._file(day))
            self._note(forecaster)
            for slot in range(home.slots):
                if slot == round(ISSUED_H / self.world.slot_h):
                    self._issue(forecaster, day)
                if day >= self.world.warm_days:
                    begun = time.perf_counter()
                    shadow_kwh = floor.shadow_kwh(stored_kwh)
                    outlook = self._told(forecaster.look(), day, slot)
                    planned = self._decide(outlook, (day, slot), shadow_kwh)
                    action = floor.settle(planned, bool(self.cheapest[day, slot]))
                    spent_s += time.perf_counter() - begun
                    net = float(net_kwh[day, slot])
                    done = move(self.world.battery, stored_kwh, net, action, self.world.slot_h)
                    grid_kwh[day - self.world.warm_days, slot] = (
                        net + done.charge_kwh - done.discharge_kwh
                    )
                    stored_kwh = done.stored_kwh
                    floor.account(planned, net, self._slot_prices(day, slot))
                    stored.append(stored_kwh)
                    actions.append(action)
                forecaster.observe(float(home.load_kwh[day, slot]), float(home.pv_kwh[day, slot]))
            self.on_day(day)
        warm = self.world.warm_days
        return Account(
            ours_yen=self.world.yearly(self.world.bill_yen(grid_kwh)),
            load_nmae=nmae(np.array(self.load_made[warm:]), home.load_kwh[warm:]),
            pv_nmae=nmae(np.array(self.pv_made[warm:]), home.pv_kwh[warm:]),
            plan_ms=1000.0 * spent_s / max(len(actions), 1),
            grid_kwh=grid_kwh,
            stored_kwh=np.array(stored),
            actions=tuple(actions),
        )

    def _told(self, outlook: Outlook, day: int, slot: int) -> Outlook:
        """The outlook with what really comes, for bounds; else as it is."""
        if not self.known:
            return outlook
        real = self.world.home.load_kwh if self.known == "load" else self.world.home.pv_kwh
        start = day * self.world.home.slots + slot
        ahead = np.minimum(start + np.arange(outlook.net_kwh.shape[1]), real.size - 1)
        truth = np.broadcast_to(real.ravel()[ahead], outlook.loads_kwh.shape)
        if self.known == "load":
            return replace(outlook, net_kwh=careful_net(truth, outlook.suns_kwh))
        return replace(outlook, net_kwh=careful_net(outlook.loads_kwh, truth))

    def outcomes(self, outlook: Outlook, at: tuple[int, int]) -> Outcomes:
        """The outlook with the prices of its slots, from a day and slot on."""
        world = self.world
        ahead = self._ahead(at, outlook.net_kwh.shape[1])
        buy = world.buy_yen_kwh.ravel()[ahead]
        return Outcomes(
            outlook.net_kwh,
            outlook.weight,
            buy.astype(np.float32),
            world.sell_yen_kwh.ravel()[ahead].astype(np.float32),
            world.slot_h,
            stored_end_yen_kwh(outlook.net_kwh, outlook.weight, float(buy.min()), world.battery),
        )

    def _ahead(self, at: tuple[int, int], count: int) -> NDArray[np.int64]:
        """Places of the coming slots; beyond the last day its own prices come again."""
        slots, days = self.world.home.slots, self.world.home.days
        place = at[0] * slots + at[1] + np.arange(count)
        beyond = np.maximum(place // slots - (days - 1), 0)
        answer: NDArray[np.int64] = place - beyond * slots
        return answer

    def _decide(self, outlook: Outlook, at: tuple[int, int], stored_kwh: float) -> Action:
        return choose(self.outcomes(outlook, at), self.world.battery, stored_kwh).action

    def _slot_prices(self, day: int, slot: int) -> SlotPrices:
        world = self.world
        return SlotPrices(
            float(world.buy_yen_kwh[day, slot]),
            float(world.sell_yen_kwh[day, slot]),
            bool(self.cheapest[day, slot]),
        )

    def _facts(self, day: int) -> DayFacts:
        home = self.world.home
        while len(self.clear) < day + 2:
            date = home.first + timedelta(days=len(self.clear))
            self.clear.append(clear_sky_kw_m2(self.place, date, home.slots))
        return DayFacts(
            _kind(home, day), _kind(home, day + 1), self.clear[day], self.clear[day + 1]
        )

    def _file(self, day: int) -> FloatArray | None:
        if self.file_kwh is None or day >= len(self.file_kwh):
            return None
        row = self.file_kwh[day]
        return row if np.isfinite(row).all() else None

    def _issue(self, forecaster: Forecaster, day: int) -> None:
        row = self._file(day + 1)
        if row is not None:
            forecaster.issue(row)

    def _note(self, forecaster: Forecaster) -> None:
        self.load_made.append(forecaster.load_day_kwh())
        self.pv_made.append(forecaster.pv_day_kwh())


def _kind(home: HomeYear, day: int) -> DayKind:
    weekday = home.weekday(day)
    return DayKind(weekday, is_off=weekday >= SATURDAY)
