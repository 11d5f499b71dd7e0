"""Solves in the asking process: for backtests, replays and tests."""

from dataclasses import dataclass, field

from hidamari.plan.child import answer
from hidamari.plan.planner import HomePlanner
from hidamari.plan.request import Answer, PlanRequest, WhyRequest


@dataclass(slots=True)
class InlineSolver:
    """Implements `Solver` with one planner that is kept."""

    planner: HomePlanner = field(default_factory=HomePlanner)

    def ask(self, request: PlanRequest | WhyRequest) -> Answer:
        """Solve at once."""
        return answer(self.planner, request)

    def close(self) -> None:
        """Nothing was started."""
