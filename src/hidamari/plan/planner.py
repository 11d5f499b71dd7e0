"""The plan of the whole home: one program, kept between plans, solved again with new numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.bus import Bus, build_bus
from hidamari.plan.highs import Program
from hidamari.plan.horizon import Bill, HomePlan, Horizon, Trial, check
from hidamari.plan.lp import INF, Columns, Lp, NoSolution, Rows, Solution, SolveFailure
from hidamari.plan.parts.part import Asset, Part, Runs
from hidamari.plan.request import Forced, LastPlan

FloatArray = NDArray[np.float64]

STEADY_H = 2.0
STEADY_YEN_KW = 0.2  # for each kW by which the next two hours differ from the last plan
TOUCH_KWH = 1e-6
MOST_REPAIRS = 3


@dataclass(slots=True)
class _Steady:
    """Rows and columns that price a change against the last plan."""

    rows: Rows
    more: Columns
    less: Columns


@dataclass(slots=True)
class _Model:
    """A built program and what it was built for."""

    shape: tuple[object, ...]
    lp: Program
    bus: Bus
    parts: list[Part]
    steady: list[_Steady] = field(default_factory=list)


@dataclass(slots=True)
class HomePlanner:
    """Keeps the program of one home; `plan` renews or builds it and solves."""

    model: _Model | None = None
    exclusive: tuple[str, str] | None = None  # two storages that must not run together
    solves: int = 0

    def plan(
        self,
        horizon: Horizon,
        assets: Sequence[Asset],
        bill: Bill | None = None,
        last: LastPlan | None = None,
    ) -> HomePlan:
        """The cheapest plan; raises InputError for unusable input, NoSolution for no answer."""
        check(horizon)
        bill = bill or Bill()
        self.solves = 0
        model = self._ready(horizon, assets, bill, last)
        solution, trials = self._best_runs(model, horizon)
        return self._result(model, horizon, bill, solution, trials)

    def what_if(self, plan: HomePlan, bill: Bill, forced: Forced) -> HomePlan:
        """The same program with one decision forced; the program is left as it was."""
        model = self.model
        if model is None:
            raise NoSolution(SolveFailure.REFUSED)
        part = next(part for part in model.parts if part.key == forced.key)
        steps = np.arange(forced.first, forced.last + 1)
        kept = _kept(model.lp, part)
        step_h = plan.horizon.step_h[steps]
        try:
            self._force(model.lp, part, forced, step_h)
            solution = self._solve(model, plan.horizon)
        finally:
            for block, lower, upper in kept:
                model.lp.set_bounds(block, lower, upper)
        return self._result(model, plan.horizon, bill, solution, ())

    def _force(self, lp: Lp, part: Part, forced: Forced, step_h: FloatArray) -> None:
        at = np.arange(forced.first, forced.last + 1)
        low_kwh, high_kwh = forced.low_kw * step_h, forced.high_kw * step_h
        takes = Columns(part.takes.at[at])
        lp.set_bounds(takes, np.maximum(low_kwh, 0.0), np.maximum(high_kwh, 0.0))
        if part.gives is not None:
            gives = Columns(part.gives.at[at])
            lp.set_bounds(gives, np.maximum(-high_kwh, 0.0), np.maximum(-low_kwh, 0.0))

    def _ready(
        self, horizon: Horizon, assets: Sequence[Asset], bill: Bill, last: LastPlan | None
    ) -> _Model:
        shape = _shape(horizon, assets, bill)
        if self.model is not None and self.model.shape == shape:
            self.model.bus.update(horizon, bill)
            for asset, part in zip(assets, self.model.parts, strict=True):
                asset.renew(part, self.model.lp, horizon)
        else:
            self.model = _build(shape, horizon, assets, bill)
        _renew_steady(self.model, horizon, last)
        return self.model

    def _best_runs(self, model: _Model, horizon: Horizon) -> tuple[Solution, tuple[Trial, ...]]:
        """Every start of the next run of each tank in turn, from the last basis."""
        trials: list[Trial] = []
        for part in model.parts:
            if not isinstance(part, Runs):
                continue
            tried = self._try_starts(model, part)
            if not tried:
                for other in model.parts:
                    other.relax(model.lp)
                tried = self._try_starts(model, part)
            if not tried:
                raise NoSolution(SolveFailure.INFEASIBLE)
            part.fix(model.lp, min(tried, key=lambda trial: trial.yen).start)
            trials += tried
        best = self._solve(model, horizon)
        if self.exclusive is not None:
            best = self._one_of_two(model, horizon, best)
        return best, tuple(trials)

    def _try_starts(self, model: _Model, part: Runs) -> list[Trial]:
        """The cost of every start that can be solved and is not hopelessly dear.

        The cost is convex in what a run of fixed power takes: each start that was solved says what
        any other costs at least, the most promising one is solved next, and those that cannot
        win any more are left out.
        """
        starts = part.starts()
        takes_kwh = None if model.lp.integer else part.runs_kwh(starts)
        least_yen = np.full(len(starts), -INF)
        tried: list[Trial] = []
        best_yen = INF
        for _ in starts:
            at = int(least_yen.argmin())
            if least_yen[at] > best_yen + part.told_yen:
                break
            part.fix(model.lp, starts[at])
            self.solves += 1
            yen = model.lp.cheapest_yen(best_yen + part.told_yen)
            best_yen = min(best_yen, yen)
            if np.isfinite(yen):
                tried.append(Trial(part.key, starts[at], yen))
                if takes_kwh is not None:
                    moved_yen = (takes_kwh - takes_kwh[at]) @ model.lp.reduced_yen(part.takes)
                    np.maximum(least_yen, yen + moved_yen, out=least_yen)
            least_yen[at] = np.inf  # done
        return tried

    def _one_of_two(self, model: _Model, horizon: Horizon, both: Solution) -> Solution:
        """Two storages that must not run together: each alone, the cheaper one stays."""
        keys = self.exclusive or ("", "")
        pair = [part for part in model.parts if part.key in keys]
        if len(pair) < 2 or not _run_together(pair[0], pair[1], both):
            return both
        results = []
        for idle in pair:
            kept = _kept(model.lp, idle)
            for block, _, _ in kept:
                model.lp.set_bounds(block, 0.0, 0.0)
            results.append((self._solve(model, horizon), idle))
            for block, lower, upper in kept:
                model.lp.set_bounds(block, lower, upper)
        return min((result for result, _ in results), key=lambda solution: solution.cost_yen)

    def _solve(self, model: _Model, horizon: Horizon) -> Solution:
        """Solve; give up soft floors if need be; never let stored energy flow out."""
        self.solves += 1
        try:
            solution = model.lp.solve()
        except NoSolution as failure:
            if failure.failure is not SolveFailure.INFEASIBLE:
                raise
            for part in model.parts:
                part.relax(model.lp)
            solution = model.lp.solve()
        if horizon.may_export_stored:
            return solution
        for _ in range(MOST_REPAIRS):
            out = solution.of(model.bus.sold) > TOUCH_KWH
            touched = False
            for part in model.parts:
                if part.gives is None:
                    continue
                both = out & (solution.of(part.gives) > TOUCH_KWH)
                if both.any():
                    model.lp.set_bounds(Columns(part.gives.at[both]), 0.0, 0.0)
                    touched = True
            if not touched:
                break
            self.solves += 1
            solution = model.lp.solve()
        return solution

    def _result(
        self,
        model: _Model,
        horizon: Horizon,
        bill: Bill,
        solution: Solution,
        trials: tuple[Trial, ...],
    ) -> HomePlan:
        assets = tuple(part.read(solution, horizon) for part in model.parts)
        terms = model.bus.terms(solution, horizon, bill)
        for asset in assets:
            terms += [replace(term, name=f"{asset.key}.{term.name}") for term in asset.terms]
        return HomePlan(
            horizon=horizon,
            import_kwh=solution.of(model.bus.bought),
            export_kwh=solution.of(model.bus.sold),
            curtail_kwh=solution.of(model.bus.curtailed),
            assets=assets,
            cost_yen=float(sum(term.yen for term in terms)),
            terms=tuple(term for term in terms if abs(term.yen) > 1e-9),
            value_yen_kwh=solution.duals[model.bus.balance.at],
            trials=trials,
            gap=solution.gap,
            solves=self.solves,
            asset_by_key={asset.key: asset for asset in assets},
        )


def _shape(horizon: Horizon, assets: Sequence[Asset], bill: Bill) -> tuple[object, ...]:
    tiers = len(bill.tiers.extra_yen_kwh) if bill.tiers is not None else 0
    rising = bill.tiers is not None and list(bill.tiers.extra_yen_kwh) == sorted(
        bill.tiers.extra_yen_kwh
    )
    odd = (horizon.buy_yen_kwh < horizon.sell_yen_kwh) | (horizon.buy_yen_kwh < 0.0)
    return (
        horizon.step_h.tobytes(),
        odd.tobytes() if odd.any() else b"",
        (tiers, rising, bill.peak_yen_kw > 0.0, bill.target_kw is not None),
        tuple(asset.shape for asset in assets),
    )


def _build(
    shape: tuple[object, ...], horizon: Horizon, assets: Sequence[Asset], bill: Bill
) -> _Model:
    lp = Program()
    bus = build_bus(lp, horizon, bill)
    parts = [asset.build(bus, horizon) for asset in assets]
    model = _Model(shape, lp, bus, parts)
    steps = int(np.searchsorted(horizon.end_h, STEADY_H + 1e-9))
    for part in parts:
        more, less = lp.columns(steps), lp.columns(steps)
        rows = lp.rows(steps, -INF, INF)
        lp.put(rows.at, part.takes.at[:steps], 1.0)
        if part.gives is not None:
            lp.put(rows.at, part.gives.at[:steps], -1.0)
        lp.put(rows.at, more.at, -1.0)
        lp.put(rows.at, less.at, 1.0)
        model.steady.append(_Steady(rows, more, less))
    return model


def _renew_steady(model: _Model, horizon: Horizon, last: LastPlan | None) -> None:
    """Without a last plan the rows are free and cost nothing."""
    for part, steady in zip(model.parts, model.steady, strict=True):
        steps = len(steady.rows.at)
        if steps == 0:
            continue
        before = last.power_kw.get(part.key) if last is not None else None
        if before is None or len(before) < steps:
            model.lp.set_rows(steady.rows, -INF, INF)
            continue
        step_h = horizon.step_h[:steps]
        before_kwh = before[:steps] * step_h
        model.lp.set_rows(steady.rows, before_kwh, before_kwh)
        # 0.2 yen for a kW held over the whole two hours: the price of a kWh shifted is shared out
        steady_yen_kwh = STEADY_YEN_KW / STEADY_H
        model.lp.set_cost(steady.more, steady_yen_kwh)
        model.lp.set_cost(steady.less, steady_yen_kwh)


def _run_together(one: Part, other: Part, solution: Solution) -> bool:
    busy = []
    for part in (one, other):
        flow = solution.of(part.takes)
        if part.gives is not None:
            flow = flow + solution.of(part.gives)
        busy.append(flow > TOUCH_KWH)
    return bool((busy[0] & busy[1]).any())


def _kept(lp: Lp, part: Part) -> list[tuple[Columns, FloatArray, FloatArray]]:
    """The bounds of an asset's flows, to be put back later."""
    return [(block, *lp.bounds(block)) for block in (part.takes, part.gives) if block is not None]
