"""A linear program over time: blocks of columns, rows and entries; `plan.highs` solves it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hidamari.core.errors import HidamariError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]

INF: Final = float("inf")


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
    """Columns, rows and entries are added one after the other."""

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

    def columns(
        self, count: int, lower: ArrayLike = 0.0, upper: ArrayLike = INF, cost: ArrayLike = 0.0
    ) -> Columns:
        """Add `count` variables with bounds and yen per unit."""
        for store, value in ((self.lower, lower), (self.upper, upper), (self.cost, cost)):
            store.append(full(value, count))
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
        self.row_lower.append(full(lower, count))
        self.row_upper.append(full(upper, count))
        at = np.arange(self.row_count, self.row_count + count, dtype=np.int32)
        self.row_count += count
        return Rows(at)

    def put(self, rows: IntArray, columns: IntArray, value: ArrayLike) -> None:
        """Matrix entries, row by row; a row and column pair must come once."""
        self.entries.append((rows, columns, full(value, len(rows))))

    def set_cost(self, columns: Columns, cost: ArrayLike) -> None:
        """New yen per unit."""
        _assign(self.cost, columns.at, full(cost, len(columns.at)))

    def set_bounds(self, columns: Columns, lower: ArrayLike, upper: ArrayLike) -> None:
        """New bounds."""
        _assign(self.lower, columns.at, full(lower, len(columns.at)))
        _assign(self.upper, columns.at, full(upper, len(columns.at)))

    def bounds(self, columns: Columns) -> tuple[FloatArray, FloatArray]:
        """Present bounds."""
        return np.concatenate(self.lower)[columns.at], np.concatenate(self.upper)[columns.at]

    def set_rows(self, rows: Rows, lower: ArrayLike, upper: ArrayLike) -> None:
        """New right-hand sides."""
        _assign(self.row_lower, rows.at, full(lower, len(rows.at)))
        _assign(self.row_upper, rows.at, full(upper, len(rows.at)))


def full(value: ArrayLike, count: int) -> FloatArray:
    """An array of `count` values: those given, or one again and again."""
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
