"""A machine that runs once, without a break, at a fixed power: only its start can be chosen."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.bus import Bus
from hidamari.plan.horizon import AssetPlan, Horizon
from hidamari.plan.lp import INF, Columns, Lp, Solution
from hidamari.plan.parts.part import Part

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Block:
    """Power and length of the run; it lies within [first, last) steps of the horizon."""

    key: str
    power_kw: float
    run_h: float
    first: int
    last: int

    @property
    def shape(self) -> tuple[object, ...]:
        """Nothing of it stands in the matrix."""
        return ("block", self.key)

    def build(self, bus: Bus, horizon: Horizon) -> "BlockPart":
        """One column per step, whose bounds say when it runs."""
        part = BlockPart(self, bus.lp.columns(horizon.count))
        bus.draw(part.takes)
        self.renew(part, bus.lp, horizon)
        return part

    def renew(self, part: Part, lp: Lp, horizon: Horizon) -> None:
        """New window; the start is fixed by the planner."""
        if not isinstance(part, BlockPart):
            raise TypeError(f"{self.key}: a block part expected")
        part.asset = self
        part.end_h = horizon.end_h
        part.begin_h = part.end_h - horizon.step_h
        lp.set_bounds(part.takes, 0.0, 0.0)


@dataclass(slots=True)
class BlockPart:
    """The column of one block in the program."""

    asset: Block
    takes: Columns
    gives: Columns | None = None
    begin_h: FloatArray = field(default_factory=lambda: np.zeros(0))
    end_h: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def key(self) -> str:
        """The asset's name."""
        return self.asset.key

    @property
    def told_yen(self) -> float:
        """Only the best start matters."""
        return 0.01

    def relax(self, lp: Lp) -> None:
        """Nothing to give up."""

    def starts(self) -> list[int | None]:
        """Every step from which the run still fits; not at all if none does."""
        asset, begin_h, end_h = self.asset, self.begin_h, self.end_h
        last_h = float(end_h[min(asset.last, len(end_h)) - 1])
        steps = range(asset.first, min(asset.last, len(end_h)))
        fits: list[int | None] = [
            step for step in steps if begin_h[step] + asset.run_h <= last_h + 1e-9
        ]
        return fits or [None]

    def runs_kwh(self, starts: list[int | None]) -> FloatArray:
        """A run takes its power for its length; a part of a step counts in proportion."""
        begin_h = self.begin_h
        first_h = np.array([INF if start is None else begin_h[start] for start in starts])[:, None]
        from_h = np.maximum(begin_h, first_h)
        until_h = np.minimum(self.end_h, first_h + self.asset.run_h)
        answer: FloatArray = self.asset.power_kw * np.maximum(until_h - from_h, 0.0)
        return answer

    def fix(self, lp: Lp, start: int | None) -> None:
        """Run from `start` for the run length."""
        (kwh,) = self.runs_kwh([start])
        lp.set_bounds(self.takes, kwh, kwh)

    def read(self, solution: Solution, horizon: Horizon) -> AssetPlan:
        """Power; a machine stores nothing."""
        takes = solution.of(self.takes)
        surplus = np.maximum(horizon.pv_kwh - horizon.load_kwh, 0.0)
        return AssetPlan(
            self.key,
            takes / horizon.step_h,
            np.zeros_like(takes),
            np.maximum(takes - surplus, 0.0) / horizon.step_h,
        )
