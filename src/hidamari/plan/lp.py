"""A linear program over time: built once, solved again with new costs, bounds and limits."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hidamari.core.errors import HidamariError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]

INF: Final = float(highspy.kHighsInf)
DEVEX: Final = 1
SOLVE_LIMIT_S = 1.0  # one solve; the whole plan has 20 s (reliability F19)


class SolveFailure(StrEnum):
    """Why a program has no answer."""

    INFEASIBLE = "infeasible"
    TIME = "time"
    REFUSED = "refused"
    NOT_FINITE = "not_finite"


class NoSolution(HidamariError):
    """The program could not be solved; `failure` says why, the ladder decides what then."""

    def __init__(self, failure: SolveFailure) -> None:
        super().__init__(f"no solution: {failure}")
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Columns:
    """A block of variables, one per time step (or as many as asked for)."""

    at: IntArray


@dataclass(frozen=True, slots=True)
class Rows:
    """A block of constraints."""

    at: IntArray


@dataclass(frozen=True, slots=True)
class Solution:
    """Values of all columns, worth of one more unit on each row, cost in yen, gap."""

    values: FloatArray
    duals: FloatArray
    cost_yen: float
    gap: float = 0.0

    def of(self, columns: Columns) -> FloatArray:
        """The values of one block."""
        return self.values[columns.at]


@dataclass(slots=True)
class Lp:
    """Columns, rows and entries are added, then `solve` keeps the HiGHS object and its basis."""

    threads: int = 1
    cost: list[FloatArray] = field(default_factory=list)
    lower: list[FloatArray] = field(default_factory=list)
    upper: list[FloatArray] = field(default_factory=list)
    row_lower: list[FloatArray] = field(default_factory=list)
    row_upper: list[FloatArray] = field(default_factory=list)
    entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    integer: list[IntArray] = field(default_factory=list)
    column_count: int = 0
    row_count: int = 0
    solver: Any = None  # HiGHS: its Python object is only partly typed

    def columns(
        self, count: int, lower: ArrayLike = 0.0, upper: ArrayLike = INF, cost: ArrayLike = 0.0
    ) -> Columns:
        """Add `count` variables with bounds and yen per unit."""
        for store, value in ((self.lower, lower), (self.upper, upper), (self.cost, cost)):
            store.append(_full(value, count))
        at = np.arange(self.column_count, self.column_count + count, dtype=np.int32)
        self.column_count += count
        return Columns(at)

    def binaries(self, count: int, cost: ArrayLike = 0.0) -> Columns:
        """Add `count` yes/no variables."""
        block = self.columns(count, 0.0, 1.0, cost)
        self.integer.append(block.at)
        return block

    def rows(self, count: int, lower: ArrayLike, upper: ArrayLike) -> Rows:
        """Add `count` constraints lower <= sum <= upper."""
        self.row_lower.append(_full(lower, count))
        self.row_upper.append(_full(upper, count))
        at = np.arange(self.row_count, self.row_count + count, dtype=np.int32)
        self.row_count += count
        return Rows(at)

    def put(self, rows: IntArray, columns: IntArray, value: ArrayLike) -> None:
        """Matrix entries, row by row; a row and column pair must come once."""
        self.entries.append((rows, columns, _full(value, len(rows))))

    def set_cost(self, columns: Columns, cost: ArrayLike) -> None:
        """New yen per unit."""
        values = _full(cost, len(columns.at))
        if self.solver is None:
            _assign(self.cost, columns.at, values)
        else:
            self.solver.changeColsCost(len(values), columns.at, values)

    def set_bounds(self, columns: Columns, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds."""
        low, high = _full(lower, len(columns.at)), _full(upper, len(columns.at))
        if self.solver is None:
            _assign(self.lower, columns.at, low)
            _assign(self.upper, columns.at, high)
        else:
            self.solver.changeColsBounds(len(low), columns.at, low, high)

    def bounds(self, columns: Columns) -> tuple[FloatArray, FloatArray]:
        """Present bounds."""
        if self.solver is None:
            return np.concatenate(self.lower)[columns.at], np.concatenate(self.upper)[columns.at]
        program = self.solver.getLp()
        lower = np.asarray(program.col_lower_)[columns.at]
        return lower, np.asarray(program.col_upper_)[columns.at]

    def set_rows(self, rows: Rows, lower: ArrayLike, upper: ArrayLike) -> None:
        """New right-hand sides."""
        low, high = _full(lower, len(rows.at)), _full(upper, len(rows.at))
        if self.solver is None:
            _assign(self.row_lower, rows.at, low)
            _assign(self.row_upper, rows.at, high)
        else:
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


def _full(value: ArrayLike, count: int) -> FloatArray:
    array = np.asarray(value, dtype=np.float64)
    return np.full(count, float(array)) if array.ndim == 0 else array.copy()


def _assign(blocks: list[FloatArray], at: IntArray, values: FloatArray) -> None:
    """Write into the blocks as if they were one array; `at` ascends, whole blocks are replaced."""
    first, last = int(at[0]), int(at[-1])
    start = 0
    for i, block in enumerate(blocks):
        end = start + len(block)
        if start == first and len(block) == len(at):
            blocks[i] = values
            return
        if first < end:
            inside = (at >= start) & (at < end)
            block[at[inside] - start] = values[inside]
        if last < end:
            return
        start = end
