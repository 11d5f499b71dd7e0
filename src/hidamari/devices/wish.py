"""What the controller wants an energy asset to do: a mode with its limits."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["follow", "surplus", "charge", "discharge", "hold", "auto"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A mode and its limits.

    `follow`: self-consumption; `surplus`: charge from surplus only; `charge`, `discharge`: with
    `power_kw` (None = as the device likes) until `energy_kwh` (AC side) has passed; `hold`:
    neither; `auto`: the device's own mode. `start_h`: local hour of a water heater's shifted run.
    """

    mode: Mode
    power_kw: float | None = None
    energy_kwh: float | None = None
    start_h: int | None = None
