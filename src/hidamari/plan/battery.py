"""A stationary battery as the plan sees it: limits, losses, and what each mode does in a slot."""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What an asset is told: a mode with limits, not a bare power set point."""

    FOLLOW = "follow"  # self-consumption: charge from surplus, discharge into use
    SURPLUS = "surplus"  # charge from surplus only, keep what is stored
    CHARGE = "charge"  # charge at `charge_kw` from the grid, surplus on top
    HOLD = "hold"  # neither
    AUTO = "auto"  # the device's own mode


@dataclass(frozen=True, slots=True)
class Battery:
    """Usable capacity in kWh, AC power limits in kW, one-way efficiencies, reserve in kWh."""

    capacity_kwh: float = 10.0
    charge_kw: float = 4.0
    discharge_kw: float = 4.0
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    reserve_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class Action:
    """A mode with the power it asks of the grid (only for `charge`)."""

    mode: Mode
    grid_kw: float = 0.0


FOLLOW = Action(Mode.FOLLOW)
SURPLUS = Action(Mode.SURPLUS)


@dataclass(frozen=True, slots=True)
class Move:
    """What happened to a battery in one slot: AC energy in and out, energy stored after it."""

    charge_kwh: float
    discharge_kwh: float
    stored_kwh: float


def move(
    battery: Battery, stored_kwh: float, net_kwh: float, action: Action, slot_h: float
) -> Move:
    """One slot of `action`; `net_kwh` is load less sun (negative = surplus).

    Battery energy never raises the export: discharge is bounded by the net load.
    """
    room_kwh = max(battery.capacity_kwh - stored_kwh, 0.0) / battery.charge_efficiency
    left_kwh = max(stored_kwh - battery.reserve_kwh, 0.0) * battery.discharge_efficiency
    most_kwh = min(battery.charge_kw * slot_h, room_kwh)
    surplus_kwh = max(-net_kwh, 0.0)
    charge_kwh = 0.0 if action.mode is Mode.HOLD else min(surplus_kwh, most_kwh)
    discharge_kwh = 0.0
    if action.mode is Mode.CHARGE:
        charge_kwh = min(action.grid_kw * slot_h + surplus_kwh, most_kwh)
    elif action.mode in (Mode.FOLLOW, Mode.AUTO):
        discharge_kwh = min(max(net_kwh, 0.0), battery.discharge_kw * slot_h, left_kwh)
    after_kwh = (
        stored_kwh
        + battery.charge_efficiency * charge_kwh
        - discharge_kwh / battery.discharge_efficiency
    )
    return Move(charge_kwh, discharge_kwh, min(max(after_kwh, 0.0), battery.capacity_kwh))
