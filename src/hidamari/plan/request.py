"""What the solver is asked and what it answers: plain values that can cross a process border."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.horizon import Bill, HomePlan, Horizon
from hidamari.plan.parts.part import Asset

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LastPlan:
    """What the last plan said for the steps of the present horizon: kW per asset."""

    power_kw: dict[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Forced:
    """One decision taken by hand: an asset's kW (positive = drawn) in a range of steps."""

    key: str
    first: int
    last: int
    low_kw: float
    high_kw: float


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """One plan to be made."""

    horizon: Horizon
    assets: tuple[Asset, ...]
    bill: Bill = field(default_factory=Bill)
    last: LastPlan | None = None
    exclusive: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class WhyRequest:
    """The plan just made, with decisions taken otherwise, each alone."""

    plan: HomePlan
    bill: Bill
    forced: tuple[Forced, ...]


class Fault(StrEnum):
    """Why there is no answer."""

    INPUT = "input"  # what was given cannot be planned with
    NO_SOLUTION = "no_solution"
    TIME = "time"  # the whole plan took too long, the process was ended
    GONE = "gone"  # the process ended by itself


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer, and why."""

    fault: Fault
    message: str


Answer = tuple[HomePlan, ...] | Failed
