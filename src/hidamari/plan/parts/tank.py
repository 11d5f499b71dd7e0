"""An EcoCute tank in the program: heat kept, heat drawn, and one run of the heat pump at a time.

    q[t] = q[t-1] (1 - loss dt) + COP[t] hp[t] - draw[t] + short[t],   0 <= q <= full

The next run is one block: it starts once, at most `run_h` long, and ends early when the tank is
full. Every start is tried (planner section 2.5); the costs of the trials explain the choice. Runs
of later days stay free.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.bus import Bus
from hidamari.plan.horizon import AssetPlan, Horizon, Term
from hidamari.plan.lp import INF, Columns, Lp, Rows, Solution
from hidamari.plan.parts.part import Part
from hidamari.plan.value import heat_end_yen_kwh

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

COLD_YEN_KWH = 60.0  # a kWh of hot water that is not there when wanted
GERMS_YEN_KWH = 20.0  # heat missing at the legionella deadline; never traded for less
START_EVERY_H = 0.5
URGENT_SHARE = 0.1  # of a full tank


@dataclass(frozen=True, slots=True)
class Heat:
    """What the weather and the family do to the tank, one entry per step.

    `cop` heat per electricity; `draw_kwh` expected draw of heat; `reserve_kwh` heat that should be
    there at the end of each step for a day with more draw (the 0.8 quantile less the mean).
    """

    cop: FloatArray
    draw_kwh: FloatArray
    reserve_kwh: FloatArray


@dataclass(frozen=True, slots=True)
class Tank:
    """A heat-pump tank: electric power, heat when full, heat now, loss per hour, run length.

    `may_run` says at which steps the owner's settings allow it (night only, day boil, pause).
    `announced` is a start already told to the heater: it cannot be moved; after `latest` it would
    start by itself. `germs_by` is the step by whose end the tank must have been full once; None if
    not due. `idle_kw` is drawn between the runs.
    """

    key: str
    power_kw: float
    full_kwh: float
    stored_kwh: float
    heat: Heat
    may_run: BoolArray
    run_h: float = 5.0
    loss_share_h: float = 0.008
    announced: int | None = None
    germs_by: int | None = None
    running: bool = False
    latest: int | None = None
    idle_kw: float = 0.0

    @property
    def shape(self) -> tuple[object, ...]:
        """Losses and COP stand in the matrix."""
        return ("tank", self.key, self.loss_share_h, self.heat.cop.tobytes(), self.germs_by)

    def build(self, bus: Bus, horizon: Horizon) -> "TankPart":
        """Heat pump, heat kept, heat missing per step."""
        lp, count = bus.lp, horizon.count
        takes, level, cold = lp.columns(count), lp.columns(count), lp.columns(count)
        bus.draw(takes)
        keep = 1.0 - self.loss_share_h * horizon.step_h
        flow = lp.rows(count, 0.0, 0.0)
        lp.put(flow.at, level.at, 1.0)
        lp.put(flow.at[1:], level.at[:-1], -keep[1:])
        lp.put(flow.at, takes.at, -self.heat.cop)
        lp.put(flow.at, cold.at, -1.0)
        low = lp.columns(count)
        floor = lp.rows(count, 0.0, INF)
        lp.put(floor.at, level.at, 1.0)
        lp.put(floor.at, low.at, 1.0)
        part = TankPart(self, takes, level, cold, low, flow, floor)
        if self.germs_by is not None:
            part.germs = lp.columns(1, 0.0, INF, GERMS_YEN_KWH)
            part.germs_row = lp.rows(1, self.full_kwh, INF)
            lp.put(part.germs_row.at, level.at[[self.germs_by]], 1.0)
            lp.put(part.germs_row.at, part.germs.at, 1.0)
        self.renew(part, lp, horizon)
        return part

    def renew(self, part: Part, lp: Lp, horizon: Horizon) -> None:
        """Present heat, draws, allowed hours."""
        if not isinstance(part, TankPart):
            raise TypeError(f"{self.key}: a tank part expected")
        part.asset = self
        part.limit_kwh = self.power_kw * horizon.step_h * self.may_run
        part.end_h = horizon.end_h
        part.begin_h = part.end_h - horizon.step_h
        lp.set_bounds(part.takes, 0.0, part.limit_kwh)
        stored = min(max(self.stored_kwh, 0.0), self.full_kwh)
        right = -self.heat.draw_kwh.copy()
        right[0] += (1.0 - self.loss_share_h * horizon.step_h[0]) * stored
        lp.set_rows(part.flow, right, right)
        lp.set_bounds(part.level, 0.0, self.full_kwh)
        lp.set_cost(part.cold, COLD_YEN_KWH)
        lp.set_cost(part.low, 0.5 * COLD_YEN_KWH * horizon.step_h)
        lp.set_rows(part.floor, np.minimum(self.heat.reserve_kwh, self.full_kwh), INF)
        worth = np.zeros(horizon.count)
        worth[-1] = -heat_end_yen_kwh(horizon, float(self.heat.cop.mean()))
        part.end_yen_kwh = -float(worth[-1])
        lp.set_cost(part.level, worth)


@dataclass(slots=True)
class TankPart:
    """The blocks of one tank in the program."""

    asset: Tank
    takes: Columns
    level: Columns
    cold: Columns
    low: Columns
    flow: Rows
    floor: Rows
    gives: Columns | None = None
    germs: Columns | None = None
    germs_row: Rows | None = None
    end_yen_kwh: float = 0.0
    limit_kwh: FloatArray = field(default_factory=lambda: np.zeros(0))
    begin_h: FloatArray = field(default_factory=lambda: np.zeros(0))
    end_h: FloatArray = field(default_factory=lambda: np.zeros(0))
    start: int | None = None

    @property
    def key(self) -> str:
        """The asset's name."""
        return self.asset.key

    @property
    def told_yen(self) -> float:
        """The cost over the starts is shown: why now, and what later would cost."""
        return 100.0

    def relax(self, lp: Lp) -> None:
        """Nothing to give up: every wish is soft already."""
        lp.set_bounds(self.level, 0.0, self.asset.full_kwh)

    def starts(self) -> list[int | None]:
        """Half-hour starts within the next day at which the heater may run, and none at all."""
        asset, begin_h = self.asset, self.begin_h
        if asset.running:
            return [0]
        if asset.announced is not None:
            return [asset.announced]
        latest = asset.latest
        found: list[int | None] = [None] if latest is None else []
        # A run waits for the next half-hour: what was planned for the running one stays true.
        next_h = float(self.end_h[0]) if self._is_rest and not self._is_urgent else 0.0
        for step in np.flatnonzero(asset.may_run & (begin_h < DAY_H)):
            if begin_h[step] >= next_h - 1e-9 and (latest is None or step <= latest):
                found.append(int(step))
                next_h = float(begin_h[step]) + START_EVERY_H
        return found or [latest]

    @property
    def _is_rest(self) -> bool:
        """Whether the first step is what is left of a half-hour: shorter than the next one."""
        return len(self.end_h) > 1 and float(self.end_h[0]) < float(self.end_h[1]) / 2.0 - 1e-9

    @property
    def _is_urgent(self) -> bool:
        """Whether hot water may run out before then."""
        return self.asset.stored_kwh < URGENT_SHARE * self.asset.full_kwh

    def runs_kwh(self, _starts: list[int | None]) -> None:
        """A run ends early when the tank is full: what it takes is the program's to find."""
        return

    def fix(self, lp: Lp, start: int | None) -> None:
        """The first day's run only from `start` on, for at most the run length."""
        self.start = start
        upper = self.limit_kwh.copy()
        day = int(self.begin_h.searchsorted(DAY_H))
        first = end = day
        if start is not None:
            over_h = self.begin_h[start] + self.asset.run_h - 1e-9
            first, end = start, int(self.begin_h.searchsorted(over_h))
        upper[: min(first, day)] = 0.0
        upper[end:day] = 0.0
        lp.set_bounds(self.takes, 0.0, upper)

    def read(self, solution: Solution, horizon: Horizon) -> AssetPlan:
        """Power, heat kept, and what shortage and the heat left are worth."""
        takes, level = solution.of(self.takes), solution.of(self.level)
        surplus = np.maximum(horizon.pv_kwh - horizon.load_kwh, 0.0)
        low = solution.of(self.low) * 0.5 * COLD_YEN_KWH * horizon.step_h
        terms = [
            Term("cold_water", float(solution.of(self.cold).sum()) * COLD_YEN_KWH),
            Term("little_hot_water", float(low.sum())),
            Term("heat_at_end", -float(level[-1]) * self.end_yen_kwh),
        ]
        if self.germs is not None:
            terms.append(Term("germs", float(solution.of(self.germs)[0]) * GERMS_YEN_KWH))
        return AssetPlan(
            self.key,
            takes / horizon.step_h,
            level,
            np.maximum(takes - surplus, 0.0) / horizon.step_h,
            tuple(terms),
        )


DAY_H = 24.0
