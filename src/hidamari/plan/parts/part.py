"""What the planner knows of an asset: it builds itself, takes new numbers, and reads its result."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.bus import Bus
from hidamari.plan.horizon import AssetPlan, Horizon
from hidamari.plan.lp import Columns, Lp, Solution

FloatArray = NDArray[np.float64]


class Part(Protocol):
    """An asset inside a program."""

    @property
    def key(self) -> str:
        """The asset's name in plans."""
        ...

    @property
    def takes(self) -> Columns:
        """kWh from the bus, one per step."""
        ...

    @property
    def gives(self) -> Columns | None:
        """kWh to the bus, one per step; None for a pure load."""
        ...

    def relax(self, lp: Lp) -> None:
        """Give up wishes that can make the program infeasible."""
        ...

    def read(self, solution: Solution, horizon: Horizon) -> AssetPlan:
        """Power, level and cost terms of the solution."""
        ...


class Asset(Protocol):
    """An asset with its present state, able to build itself into a program or renew its part."""

    @property
    def key(self) -> str:
        """The asset's name in plans."""
        ...

    @property
    def shape(self) -> tuple[object, ...]:
        """What must be equal for a part to be renewed instead of built anew."""
        ...

    def build(self, bus: Bus, horizon: Horizon) -> Part:
        """Add columns and rows."""
        ...

    def renew(self, part: Part, lp: Lp, horizon: Horizon) -> None:
        """Put present state and forecasts into an existing part."""
        ...


@runtime_checkable
class Runs(Protocol):
    """A part whose next run is one block: the planner tries every start."""

    @property
    def key(self) -> str:
        """The asset's name in plans."""
        ...

    @property
    def told_yen(self) -> float:
        """Trials up to this much dearer than the best are told exactly, others broken off."""
        ...

    @property
    def takes(self) -> Columns:
        """kWh from the bus, one per step."""
        ...

    def starts(self) -> list[int | None]:
        """Steps at which the next run may begin; None = no run within the horizon."""
        ...

    def runs_kwh(self, starts: list[int | None]) -> FloatArray | None:
        """What each start takes in every step, (starts, steps); None where that is open."""
        ...

    def fix(self, lp: Lp, start: int | None) -> None:
        """Allow the next run only from `start`."""
        ...
