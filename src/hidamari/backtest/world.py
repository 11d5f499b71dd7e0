"""The yardstick: a measured home with a battery under a tariff, and what rules cost there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.homes import HomeYear
from hidamari.plan.battery import FOLLOW, Action, Battery, Mode, move

FloatArray = NDArray[np.float64]

WARM_DAYS = 28  # learned from, not billed
NIGHT_FROM_H, NIGHT_TO_H = 23.0, 7.0

Decide = Callable[[int, int, float], Action]  # (day, slot, stored kWh) -> what the battery is told


@dataclass(frozen=True, slots=True)
class Prices:
    """Buying and selling price of each slot of a day, yen/kWh, shape (slots,)."""

    buy_yen_kwh: FloatArray
    sell_yen_kwh: FloatArray


@dataclass(frozen=True, slots=True)
class World:
    """A home, its prices and its battery; bills run from `warm_days` to the end."""

    home: HomeYear
    prices: Prices
    battery: Battery
    warm_days: int = WARM_DAYS

    @property
    def slot_h(self) -> float:
        """Hours in a slot."""
        return 24.0 / self.home.slots

    @property
    def net_kwh(self) -> FloatArray:
        """Load less sun of the billed days, (days, slots)."""
        return (self.home.load_kwh - self.home.pv_kwh)[self.warm_days :]

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
    bought = np.maximum(grid_kwh, 0.0) @ prices.buy_yen_kwh
    sold = np.maximum(-grid_kwh, 0.0) @ prices.sell_yen_kwh
    return float(bought.sum() - sold.sum())


def no_battery(world: World) -> float:
    """The year's bill without a battery."""
    return world.yearly(bill(world.net_kwh, world.prices))


def run(world: World, decide: Decide) -> float:
    """The year's bill when `decide` says the mode of every slot; the battery starts empty."""
    net_kwh = world.net_kwh
    grid_kwh = np.zeros_like(net_kwh)
    stored_kwh = 0.0
    for day in range(net_kwh.shape[0]):
        for slot in range(net_kwh.shape[1]):
            net = float(net_kwh[day, slot])
            action = decide(day + world.warm_days, slot, stored_kwh)
            done = move(world.battery, stored_kwh, net, action, world.slot_h)
            grid_kwh[day, slot] = net + done.charge_kwh - done.discharge_kwh
            stored_kwh = done.stored_kwh
    return world.yearly(bill(grid_kwh, world.prices))


def self_consumption(world: World) -> float:
    """The year's bill when the battery only follows the house."""
    return run(world, lambda _day, _slot, _stored: FOLLOW)


def night_fill(world: World) -> float:
    """The year's bill when the battery is filled from the grid every night."""
    night = is_night(world.home.slots)
    fill = Action(Mode.CHARGE, world.battery.charge_kw)
    return run(world, lambda _day, slot, _stored: fill if night[slot] else FOLLOW)


def optimum(world: World) -> float:
    """The year's bill with perfect foresight of the whole span; what is left is worth nothing.

    Columns per slot: charge from surplus, charge from grid, discharge, stored energy. Discharge
    is bounded by the net load, so import and export need no columns of their own.
    """
    net_kwh = world.net_kwh.ravel()
    count = net_kwh.size
    battery = world.battery
    days = world.net_kwh.shape[0]
    buy = np.tile(world.prices.buy_yen_kwh, days)
    sell = np.tile(world.prices.sell_yen_kwh, days)
    most_kwh = battery.charge_kw * world.slot_h
    out_kwh = battery.discharge_kw * world.slot_h
    cost = np.concatenate([sell, buy, -buy, np.zeros(count)])
    upper = np.concatenate(
        [
            np.minimum(np.maximum(-net_kwh, 0.0), most_kwh),
            np.full(count, most_kwh),
            np.minimum(np.maximum(net_kwh, 0.0), out_kwh),
            np.full(count, battery.capacity_kwh),
        ]
    )
    saved_yen = _solve(cost, upper, battery, most_kwh)
    return world.yearly(bill(world.net_kwh, world.prices) + saved_yen)


def _solve(cost: FloatArray, upper: FloatArray, battery: Battery, most_kwh: float) -> float:
    count = cost.size // 4
    each = np.arange(count)
    gain = battery.charge_efficiency
    # rows 0..T-1: e[t] - e[t-1] - gain (cs + cg) + d / loss = 0; rows T..2T-1: cs + cg <= limit
    row = [each, each, each, each, each[1:], count + each, count + each]
    col = [each, count + each, 2 * count + each, 3 * count + each, 3 * count + each[:-1]]
    col += [each, count + each]
    value = [-gain, -gain, 1.0 / battery.discharge_efficiency, 1.0, -1.0, 1.0, 1.0]
    data = np.concatenate([np.full(len(r), v) for r, v in zip(row, value, strict=True)])
    rows, cols = np.concatenate(row), np.concatenate(col)
    order = np.lexsort((rows, cols))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = 4 * count, 2 * count
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(4 * count), upper
    lp.row_lower_ = np.concatenate([np.zeros(count), np.full(count, -highspy.kHighsInf)])
    lp.row_upper_ = np.concatenate([np.zeros(count), np.full(count, most_kwh)])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.searchsorted(cols[order], np.arange(4 * count + 1)).astype(np.int32)
    lp.a_matrix_.index_ = rows[order].astype(np.int32)
    lp.a_matrix_.value_ = data[order]
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(lp)
    status = solver.run()
    if status == highspy.HighsStatus.kError:
        raise RuntimeError("the perfect-foresight program could not be solved")
    return float(solver.getInfo().objective_function_value)
