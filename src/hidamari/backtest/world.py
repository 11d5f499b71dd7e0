"""The yardstick: a measured home with a battery under a tariff, and what rules cost there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.contracted import Contracted
from hidamari.backtest.homes import HomeYear
from hidamari.plan.battery import FOLLOW, Action, Battery, Mode, move

FloatArray = NDArray[np.float64]

WARM_DAYS = 28  # learned from, not billed
NIGHT_FROM_H, NIGHT_TO_H = 23.0, 7.0

Decide = Callable[[int, int, float], Action]  # (day, slot, stored kWh) -> what the battery is told


@dataclass(frozen=True, slots=True)
class Prices:
    """Yen per kWh bought and sold: (slots,) where all days are alike, else (days, slots)."""

    buy_yen_kwh: FloatArray
    sell_yen_kwh: FloatArray


@dataclass(frozen=True, slots=True)
class World:
    """A home, its prices and its battery; bills run from `warm_days` to the end.

    With a `contract` the bill is the whole one, steps and basic charge included; the prices are
    then those of one more kWh, which plans decide by.
    """

    home: HomeYear
    prices: Prices
    battery: Battery
    warm_days: int = WARM_DAYS
    contract: Contracted | None = None

    @property
    def slot_h(self) -> float:
        """Hours in a slot."""
        return 24.0 / self.home.slots

    @property
    def net_kwh(self) -> FloatArray:
        """Load less sun of the billed days, (days, slots)."""
        return (self.home.load_kwh - self.home.pv_kwh)[self.warm_days :]

    @property
    def buy_yen_kwh(self) -> FloatArray:
        """The price of one more kWh in every slot, (days, slots), learning days included."""
        return np.broadcast_to(self.prices.buy_yen_kwh, self.home.load_kwh.shape)

    @property
    def sell_yen_kwh(self) -> FloatArray:
        """What a sold kWh earns in every slot, (days, slots)."""
        return np.broadcast_to(self.prices.sell_yen_kwh, self.home.load_kwh.shape)

    @property
    def first_yen_kwh(self) -> FloatArray:
        """The price before any step up, (days, slots)."""
        return self.buy_yen_kwh if self.contract is None else self.contract.first_yen_kwh

    @property
    def is_cheapest(self) -> NDArray[np.bool_]:
        """Slots at the lowest price of their day, where that has more than one price."""
        buy = self.buy_yen_kwh
        low, high = buy.min(axis=1, keepdims=True), buy.max(axis=1, keepdims=True)
        cheapest: NDArray[np.bool_] = (buy == low) & (low < high)
        return cheapest

    def bill_yen(self, grid_kwh: FloatArray) -> float:
        """What net import per slot of the billed days costs, less what is sold."""
        return self.part_yen(0, grid_kwh)

    def part_yen(self, first: int, grid_kwh: FloatArray) -> float:
        """The same of some billed days from the one numbered `first` on."""
        begin = self.warm_days + first
        if self.contract is not None:
            return self.contract.bill_yen(begin, grid_kwh)
        days = slice(begin, begin + len(grid_kwh))
        return bill(grid_kwh, Prices(self.buy_yen_kwh[days], self.sell_yen_kwh[days]))

    def yearly(self, bill_yen: float) -> float:
        """A bill of the billed days, scaled to 365 days."""
        return bill_yen * 365.0 / (self.home.days - self.warm_days)


def time_of_use(slots: int) -> Prices:
    """The yardstick's bands: 35 yen 10-17 h, 18 yen 23-7 h, else 28; sell 15."""
    hour = np.arange(slots) * 24.0 / slots
    day = (hour >= 10.0) & (hour < 17.0)
    buy_yen_kwh = np.where(day, 35.0, np.where(is_night(slots), 18.0, 28.0))
    return Prices(buy_yen_kwh, np.full(slots, 15.0))


def flat(slots: int) -> Prices:
    """31 yen at any time; sell 15."""
    return Prices(np.full(slots, 31.0), np.full(slots, 15.0))


def is_night(slots: int) -> NDArray[np.bool_]:
    """Which slots of a day lie in the night band, 23 to 7 h."""
    hour = np.arange(slots) * 24.0 / slots
    return (hour >= NIGHT_FROM_H) | (hour < NIGHT_TO_H)


def bill(grid_kwh: FloatArray, prices: Prices) -> float:
    """Yen for net import per slot, (days, slots)."""
    bought = np.maximum(grid_kwh, 0.0) * prices.buy_yen_kwh
    sold = np.maximum(-grid_kwh, 0.0) * prices.sell_yen_kwh
    return float(bought.sum() - sold.sum())


def no_battery(world: World) -> float:
    """The year's bill without a battery."""
    return world.yearly(world.bill_yen(world.net_kwh))


def lived(world: World, decide: Decide) -> FloatArray:
    """Net import of the billed days when `decide` says every slot's mode; it starts empty."""
    net_kwh = world.net_kwh
    grid = np.zeros_like(net_kwh)
    stored_kwh = 0.0
    for day in range(net_kwh.shape[0]):
        for slot in range(net_kwh.shape[1]):
            net = float(net_kwh[day, slot])
            action = decide(day + world.warm_days, slot, stored_kwh)
            done = move(world.battery, stored_kwh, net, action, world.slot_h)
            grid[day, slot] = net + done.charge_kwh - done.discharge_kwh
            stored_kwh = done.stored_kwh
    return grid


def run(world: World, decide: Decide) -> float:
    """The year's bill by such a rule."""
    return world.yearly(world.bill_yen(lived(world, decide)))


def self_consumption(world: World) -> float:
    """The year's bill when the battery only follows the house."""
    return run(world, always_follow)


def night_fill(world: World) -> float:
    """The year's bill when the battery is filled from the grid at the cheapest price of a day."""
    return run(world, night_filled(world))


def always_follow(_day: int, _slot: int, _stored_kwh: float) -> Action:
    """Self-consumption."""
    return FOLLOW


def night_filled(world: World) -> Decide:
    """Filled from the grid at the cheapest price of each day, else self-consumption."""
    cheapest = world.is_cheapest
    fill = Action(Mode.CHARGE, world.battery.charge_kw)
    return lambda day, slot, _stored: fill if cheapest[day, slot] else FOLLOW
