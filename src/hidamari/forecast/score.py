"""How good yesterday's forecasts were: a running account per method, and the best one by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MEMORY_DAYS = 20.0
BLOCK_H = 4.0  # a plan moves energy by hours, so errors are judged over blocks, not single slots


@dataclass(slots=True)
class Ledger:
    """Error and truth per method, older days fading; nMAE is their ratio."""

    slot_h: float
    block_error_kwh: dict[str, float] = field(default_factory=dict)
    error_kwh: dict[str, float] = field(default_factory=dict)
    truth_kwh: float = 0.0
    days: int = 0

    def add(self, forecasts: Mapping[str, FloatArray], truth_kwh: FloatArray) -> None:
        """Enter one finished day: every method's (slots,) beside what happened."""
        if not np.isfinite(truth_kwh).all():
            return
        fade = float(np.exp(-1.0 / MEMORY_DAYS))
        block = max(1, round(BLOCK_H / self.slot_h))
        self.truth_kwh = self.truth_kwh * fade + float(truth_kwh.sum())
        for name, forecast in forecasts.items():
            error = forecast - truth_kwh
            in_blocks = np.abs(error.reshape(-1, block).sum(axis=1)).sum()
            old_block = self.block_error_kwh.get(name, 0.0)
            self.block_error_kwh[name] = old_block * fade + float(in_blocks)
            old = self.error_kwh.get(name, 0.0)
            self.error_kwh[name] = old * fade + float(np.abs(error).sum())
        self.days += 1

    def best(self, default: str) -> str:
        """The method with the least block error so far; `default` until there are five days."""
        if self.days < FEWEST_SCORED_DAYS:
            return default
        return min(self.block_error_kwh, key=lambda name: self.block_error_kwh[name])

    def nmae(self, name: str) -> float | None:
        """Recent normalised mean absolute error of a method; None before the first day."""
        if self.truth_kwh <= 0.0 or name not in self.error_kwh:
            return None
        return self.error_kwh[name] / self.truth_kwh


FEWEST_SCORED_DAYS = 5
