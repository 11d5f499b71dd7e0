"""Solves a linear program with HiGHS, again and again with new costs, bounds and limits.

In a running home only the child process that solves imports this: HiGHS takes memory.
"""

from dataclasses import dataclass
from typing import Any, Final

import highspy
import numpy as np
from numpy.typing import ArrayLike

from hidamari.plan.lp import (
    INF,
    Columns,
    FloatArray,
    Lp,
    NoSolution,
    Rows,
    Solution,
    SolveFailure,
    full,
)

DEVEX: Final = 1
SOLVE_LIMIT_S = 1.0  # one solve; the whole plan has 20 s (reliability F19)


@dataclass(slots=True)
class Program(Lp):
    """A program that the first `solve` hands to HiGHS, whose object and basis are kept."""

    solver: Any = None  # HiGHS: its Python object is only partly typed

    def set_cost(self, columns: Columns, cost: ArrayLike) -> None:
        """New yen per unit."""
        if self.solver is None:
            Lp.set_cost(self, columns, cost)
        else:
            values = full(cost, len(columns.at))
            self.solver.changeColsCost(len(values), columns.at, values)

    def set_bounds(self, columns: Columns, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds."""
        if self.solver is None:
            Lp.set_bounds(self, columns, lower, upper)
        else:
            low, high = full(lower, len(columns.at)), full(upper, len(columns.at))
            self.solver.changeColsBounds(len(low), columns.at, low, high)

    def bounds(self, columns: Columns) -> tuple[FloatArray, FloatArray]:
        """Present bounds."""
        if self.solver is None:
            return Lp.bounds(self, columns)
        program = self.solver.getLp()
        lower = np.asarray(program.col_lower_)[columns.at]
        return lower, np.asarray(program.col_upper_)[columns.at]

    def set_rows(self, rows: Rows, lower: ArrayLike, upper: ArrayLike) -> None:
        """New right-hand sides."""
        if self.solver is None:
            Lp.set_rows(self, rows, lower, upper)
        else:
            low, high = full(lower, len(rows.at)), full(upper, len(rows.at))
            self.solver.changeRowsBounds(len(low), rows.at, low, high)

    def solve(self, time_limit_s: float = SOLVE_LIMIT_S) -> Solution:
        """The cheapest solution; raises NoSolution, never returns a doubtful one."""
        self._run(time_limit_s)
        return self._read()

    def cheapest_yen(self, bound_yen: float = INF, time_limit_s: float = SOLVE_LIMIT_S) -> float:
        """The cost of the cheapest solution alone, for trials: infinite where there is none.

        A trial that is sure to cost more than `bound_yen` is broken off and counts as infinite.
        """
        if self.solver is not None:
            self.solver.setOptionValue("objective_bound", bound_yen)
        self._run(time_limit_s)
        self.solver.setOptionValue("objective_bound", INF)
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return INF
        return float(self.solver.getInfo().objective_function_value)

    def reduced_yen(self, columns: Columns) -> FloatArray:
        """What one more unit of each column would cost in the solution just found."""
        return np.asarray(self.solver.getSolution().col_dual)[columns.at]

    def _run(self, time_limit_s: float) -> None:
        if self.solver is None:
            self.solver = self._load()
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + time_limit_s)
        status = self.solver.run()
        # HiGHS has one thread pool per process and refuses another size with a status only
        if status == highspy.HighsStatus.kError:
            raise NoSolution(SolveFailure.REFUSED)

    def _read(self) -> Solution:
        solver = self.solver
        state = solver.getModelStatus()
        if state != highspy.HighsModelStatus.kOptimal:
            raise NoSolution(_FAILURE.get(state, SolveFailure.REFUSED))
        answer = solver.getSolution()
        values = np.asarray(answer.col_value)
        info = solver.getInfo()
        cost_yen = float(info.objective_function_value)
        if not (np.isfinite(cost_yen) and np.isfinite(values).all()):
            raise NoSolution(SolveFailure.NOT_FINITE)
        gap = float(info.mip_gap) if self.integer else 0.0
        return Solution(values, np.asarray(answer.row_dual), cost_yen, gap)

    def _load(self) -> Any:
        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", self.threads)
        solver.setOptionValue("parallel", "off")
        solver.setOptionValue("mip_rel_gap", 1e-4)
        if not self.integer:
            # A home's program is small: presolve takes longer than it saves, and throws away a kept
            # basis that is nearly right. Devex weights cost less than they lose in steps.
            solver.setOptionValue("presolve", "off")
            solver.setOptionValue("simplex_dual_edge_weight_strategy", DEVEX)
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self.column_count, self.row_count
        program.col_cost_ = np.concatenate(self.cost)
        program.col_lower_ = np.concatenate(self.lower)
        program.col_upper_ = np.concatenate(self.upper)
        program.row_lower_ = np.concatenate(self.row_lower)
        program.row_upper_ = np.concatenate(self.row_upper)
        row = np.concatenate([entry[0] for entry in self.entries])
        column = np.concatenate([entry[1] for entry in self.entries])
        value = np.concatenate([entry[2] for entry in self.entries])
        order = np.argsort(column, kind="stable")
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        counts = np.bincount(column, minlength=self.column_count)
        program.a_matrix_.start_ = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        program.a_matrix_.index_ = row[order]
        program.a_matrix_.value_ = value[order]
        if self.integer:
            kinds = [highspy.HighsVarType.kContinuous] * self.column_count
            for at in np.concatenate(self.integer):
                kinds[int(at)] = highspy.HighsVarType.kInteger
            program.integrality_ = kinds
        if solver.passModel(program) == highspy.HighsStatus.kError:
            raise NoSolution(SolveFailure.REFUSED)
        return solver


_FAILURE = {
    highspy.HighsModelStatus.kInfeasible: SolveFailure.INFEASIBLE,
    highspy.HighsModelStatus.kUnboundedOrInfeasible: SolveFailure.INFEASIBLE,
    highspy.HighsModelStatus.kTimeLimit: SolveFailure.TIME,
}
