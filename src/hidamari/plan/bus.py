"""The house bus in the program: balance, import, export, curtailment, tiers, peak, target."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.horizon import Bill, Horizon, Term, Tiers
from hidamari.plan.lp import INF, Columns, Lp, Rows, Solution

FloatArray = NDArray[np.float64]

# Equal prices: discharge sooner, charge from sun sooner. Buying starts at twice the tie, so that
# no pair of ties makes selling dearer than buying where both cost the same.
TIE_YEN_KWH = 0.05
CURTAIL_YEN_KWH = 1e-4
BIG_KW = 100.0


@dataclass(slots=True)
class Bus:
    """Balance rows that the assets draw from; one per step, in kWh."""

    lp: Lp
    balance: Rows
    bought: Columns
    sold: Columns
    curtailed: Columns
    tier: Columns | None = None
    tier_row: Rows | None = None
    peak: Columns | None = None
    over: Columns | None = None
    over_rows: Rows | None = None
    tier_extra_yen_kwh: float = 0.0

    def draw(self, columns: Columns, kwh_per_unit: float | FloatArray = 1.0) -> None:
        """Columns take energy from the bus (negative: give)."""
        self.lp.put(self.balance.at, columns.at, -np.asarray(kwh_per_unit))

    def update(self, horizon: Horizon, bill: Bill) -> None:
        """New loads, sun, prices and limits."""
        lp = self.lp
        lp.set_rows(self.balance, *_twice(horizon.load_kwh - horizon.pv_kwh))
        late = np.concatenate(([0.0], horizon.end_h[:-1])) / horizon.end_h[-1]
        self.tier_extra_yen_kwh = _flat_extra(bill.tiers)
        buy = horizon.buy_yen_kwh + self.tier_extra_yen_kwh
        lp.set_cost(self.bought, buy + TIE_YEN_KWH * (2.0 - late))
        # a house that draws more than its contract still needs a plan: its load is not ours to cut
        needed_kwh = horizon.load_kwh - horizon.pv_kwh
        limit_kwh = _limit_kwh(horizon, horizon.import_limit_kw)
        lp.set_bounds(self.bought, 0.0, np.maximum(limit_kwh, needed_kwh))
        lp.set_cost(self.sold, -horizon.sell_yen_kwh - TIE_YEN_KWH * late)
        lp.set_bounds(self.sold, 0.0, export_bound_kwh(horizon))
        lp.set_bounds(self.curtailed, 0.0, horizon.pv_kwh)
        if self.tier is not None and self.tier_row is not None and bill.tiers is not None:
            before_kwh = bill.tiers.used_kwh + bill.tiers.rest_kwh
            lp.set_rows(self.tier_row, before_kwh, before_kwh)
            lp.set_bounds(self.tier, 0.0, np.append(bill.tiers.width_kwh[:-1], INF))
            lp.set_cost(self.tier, bill.tiers.extra_yen_kwh)
        if self.peak is not None:
            lp.set_bounds(self.peak, bill.peak_so_far_kw, INF)
            lp.set_cost(self.peak, bill.peak_yen_kw)
        if self.over is not None and self.over_rows is not None and bill.target_kw is not None:
            lp.set_cost(self.over, bill.target_yen_kwh)
            lp.set_rows(self.over_rows, -INF, bill.target_kw * horizon.step_h)

    def terms(self, solution: Solution, horizon: Horizon, bill: Bill) -> list[Term]:
        """What is bought, sold and charged beside it, without tie-breaking terms."""
        bought, sold = solution.of(self.bought), solution.of(self.sold)
        terms = [
            Term("bought", float(bought @ (horizon.buy_yen_kwh + self.tier_extra_yen_kwh))),
            Term("sold", -float(sold @ horizon.sell_yen_kwh)),
        ]
        if self.tier is not None and bill.tiers is not None:
            extra = float(solution.of(self.tier) @ np.array(bill.tiers.extra_yen_kwh))
            terms.append(Term("tiers", extra - _tiers_before_yen(bill.tiers)))
        if self.peak is not None:
            highest = float(solution.of(self.peak)[0]) - bill.peak_so_far_kw
            terms.append(Term("peak", highest * bill.peak_yen_kw))
        if self.over is not None:
            terms.append(Term("target", float(solution.of(self.over).sum()) * bill.target_yen_kwh))
        return terms


def build_bus(lp: Lp, horizon: Horizon, bill: Bill) -> Bus:
    """Columns and rows of the bus; `update` fills in the numbers."""
    count = horizon.count
    bought, sold = lp.columns(count), lp.columns(count)
    curtailed = lp.columns(count, cost=CURTAIL_YEN_KWH)
    balance = lp.rows(count, 0.0, 0.0)
    lp.put(balance.at, bought.at, 1.0)
    lp.put(balance.at, sold.at, -1.0)
    lp.put(balance.at, curtailed.at, -1.0)
    bus = Bus(lp, balance, bought, sold, curtailed)
    if bill.tiers is not None and _is_rising(bill.tiers):
        _build_tiers(bus, len(bill.tiers.extra_yen_kwh))
    if bill.peak_yen_kw > 0.0:
        bus.peak = lp.columns(1)
        rows = lp.rows(count, -INF, 0.0)
        lp.put(rows.at, bought.at, 1.0)
        lp.put(rows.at, np.repeat(bus.peak.at, count), -horizon.step_h)
    if bill.target_kw is not None:
        bus.over = lp.columns(count)
        bus.over_rows = lp.rows(count, -INF, INF)
        lp.put(bus.over_rows.at, bought.at, 1.0)
        lp.put(bus.over_rows.at, bus.over.at, -1.0)
    _build_directions(bus, horizon)
    bus.update(horizon, bill)
    return bus


def violating_steps(horizon: Horizon) -> NDArray[np.int32]:
    """Steps where buying to sell, or to burn, would pay: only there a direction must be chosen."""
    buy, sell = horizon.buy_yen_kwh, horizon.sell_yen_kwh
    return np.flatnonzero((buy < sell) | (buy < 0.0)).astype(np.int32)


def export_bound_kwh(horizon: Horizon) -> FloatArray:
    """The most each step may sell: only sun beyond the load, unless the contract allows more."""
    limit_kwh = _limit_kwh(horizon, horizon.export_limit_kw)
    if horizon.may_export_stored:
        return limit_kwh
    return np.minimum(limit_kwh, np.maximum(horizon.pv_kwh - horizon.load_kwh, 0.0))


def _build_tiers(bus: Bus, count: int) -> None:
    lp = bus.lp
    bus.tier = lp.columns(count)
    bus.tier_row = lp.rows(1, 0.0, 0.0)
    lp.put(np.repeat(bus.tier_row.at, count), bus.tier.at, 1.0)
    bought = bus.bought.at
    lp.put(np.repeat(bus.tier_row.at, len(bought)), bought, -1.0)


def _build_directions(bus: Bus, horizon: Horizon) -> None:
    at = violating_steps(horizon)
    if at.size == 0:
        return
    lp = bus.lp
    most_kwh = BIG_KW * horizon.step_h[at]
    buys = lp.binaries(at.size)
    rows = lp.rows(at.size, -INF, 0.0)
    lp.put(rows.at, bus.bought.at[at], 1.0)
    lp.put(rows.at, buys.at, -most_kwh)
    rows = lp.rows(at.size, -INF, most_kwh)
    lp.put(rows.at, bus.sold.at[at], 1.0)
    lp.put(rows.at, buys.at, most_kwh)


def _is_rising(tiers: Tiers) -> bool:
    return all(a <= b for a, b in zip(tiers.extra_yen_kwh, tiers.extra_yen_kwh[1:], strict=False))


def _flat_extra(tiers: Tiers | None) -> float:
    """Falling tiers are not convex: the tier the month will end in stands for all."""
    if tiers is None or _is_rising(tiers):
        return 0.0
    month_kwh = tiers.used_kwh + tiers.rest_kwh
    edge = 0.0
    for width, extra in zip(tiers.width_kwh[:-1], tiers.extra_yen_kwh, strict=False):
        edge += width
        if month_kwh < edge:
            return extra
    return tiers.extra_yen_kwh[-1]


def _tiers_before_yen(tiers: Tiers) -> float:
    """What the month costs above the base price without this horizon's purchases."""
    left, yen = tiers.used_kwh + tiers.rest_kwh, 0.0
    widths = (*tiers.width_kwh[:-1], float("inf"))
    for width, extra in zip(widths, tiers.extra_yen_kwh, strict=True):
        part = min(left, width)
        yen += part * extra
        left -= part
    return yen


def _limit_kwh(horizon: Horizon, limit_kw: float | FloatArray) -> FloatArray:
    limit_kwh: FloatArray = np.minimum(np.asarray(limit_kw), BIG_KW) * horizon.step_h
    return limit_kwh


def _twice(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    return values, values
