"""What perfect foresight of a whole span would have paid: the mark that nothing can beat."""

import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.contracted import StepUp
from hidamari.backtest.world import World
from hidamari.plan.highs import Program
from hidamari.plan.lp import INF, Columns, Lp

FloatArray = NDArray[np.float64]

SOLVE_LIMIT_S = 600.0  # a year of half-hours takes some ten seconds


def optimum(world: World) -> float:
    """The year's bill with perfect foresight of the whole span; what is left is worth nothing."""
    return world.yearly(world.bill_yen(best_grid_kwh(world)))


def best_grid_kwh(world: World) -> FloatArray:
    """Net import per slot of the billed days, (days, slots).

    Columns per slot: charge from surplus, charge from grid, discharge, stored energy. Discharge
    is bounded by the net load, so import and export need no columns of their own.
    """
    battery, warm = world.battery, world.warm_days
    net_kwh = world.net_kwh.ravel()
    count = net_kwh.size
    buy, sell = world.first_yen_kwh[warm:].ravel(), world.sell_yen_kwh[warm:].ravel()
    most_kwh, out_kwh = battery.charge_kw * world.slot_h, battery.discharge_kw * world.slot_h
    surplus_kwh, needed_kwh = np.maximum(-net_kwh, 0.0), np.maximum(net_kwh, 0.0)
    # Where sun sells for more than it costs to buy, surplus would be sold and bought at once.
    may_buy = (sell <= buy) | (surplus_kwh <= 0.0)
    lp = Program()
    sun = lp.columns(count, 0.0, np.minimum(surplus_kwh, most_kwh), sell)
    grid = lp.columns(count, 0.0, most_kwh * may_buy, buy)
    out = lp.columns(count, 0.0, np.minimum(needed_kwh, out_kwh), -buy)
    level = lp.columns(count, 0.0, battery.capacity_kwh)
    flow = lp.rows(count, 0.0, 0.0)
    lp.put(flow.at, level.at, 1.0)
    lp.put(flow.at[1:], level.at[:-1], -1.0)
    for charge in (sun, grid):
        lp.put(flow.at, charge.at, -battery.charge_efficiency)
    lp.put(flow.at, out.at, 1.0 / battery.discharge_efficiency)
    limit = lp.rows(count, -INF, most_kwh)
    for charge in (sun, grid):
        lp.put(limit.at, charge.at, 1.0)
    for step_up in world.contract.step_ups(warm) if world.contract is not None else ():
        _add_steps(lp, step_up, grid, out, needed_kwh)
    found = lp.solve(SOLVE_LIMIT_S)
    moved: FloatArray = found.of(sun) + found.of(grid) - found.of(out)
    return (net_kwh + moved).reshape(world.net_kwh.shape)


def _add_steps(
    lp: Lp, step_up: StepUp, grid: Columns, out: Columns, needed_kwh: FloatArray
) -> None:
    """The import of a billing period fills its steps from the cheapest on."""
    widths = np.append(np.diff(step_up.edges_kwh), INF)
    steps = lp.columns(len(widths), 0.0, widths, step_up.extra_yen_kwh)
    bought_kwh = float(needed_kwh[step_up.at].sum())
    row = lp.rows(1, bought_kwh, bought_kwh)
    lp.put(np.repeat(row.at, len(widths)), steps.at, 1.0)
    for columns, sign in ((grid, -1.0), (out, 1.0)):
        lp.put(np.repeat(row.at, len(step_up.at)), columns.at[step_up.at], sign)
