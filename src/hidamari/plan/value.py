"""What energy left at the end is worth, so that no plan empties what it must refill."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.battery import Battery
from hidamari.plan.horizon import Horizon

LITTLE_SURPLUS_KWH = 0.5
DARK_SHARE = 0.98  # a little less than full: what is left may wait for long
SUNNY_SHARE = 0.8
FIRST_SHARE = 0.3  # of the capacity: will surely replace dear energy


@dataclass(frozen=True, slots=True)
class EndValue:
    """Yen per stored kWh: of the first part of the capacity, and of the rest."""

    first_kwh: float
    first_yen_kwh: float
    rest_yen_kwh: float


def battery_end(horizon: Horizon, battery: Battery) -> EndValue:
    """A battery's end value: the first 30 % replace day energy, the rest next night's purchase.

    A night purchase is worth at least what the sun would have sold for, less the losses of
    putting it in again.
    """
    dear = float(np.quantile(horizon.buy_yen_kwh, 0.75))
    cheap = float(horizon.buy_yen_kwh.min())
    out = battery.discharge_efficiency
    rest = max(cheap, float(horizon.sell_yen_kwh.max()), 0.0) * out
    return EndValue(FIRST_SHARE * battery.capacity_kwh, max(dear * out, rest), rest)


def heat_end_yen_kwh(horizon: Horizon, cop: float) -> float:
    """A kWh of heat left in the tank: the cheapest purchase that would make it again."""
    return max(float(horizon.buy_yen_kwh.min()), 0.0) / max(cop, 1.0)


def stored_end_yen_kwh(
    net_kwh: NDArray[np.float32],
    weight: NDArray[np.float32],
    cheap_yen_kwh: float,
    battery: Battery,
) -> float:
    """Worth of a kWh left at the end of the scenarios (scenarios, slots).

    Without surplus it saves a purchase at the cheapest price, losses and all; where sun may fill
    the battery anyway, it saves part of that.
    """
    surplus_kwh = np.maximum(-net_kwh, 0.0).sum(axis=1)
    sunny = float(weight @ (surplus_kwh > LITTLE_SURPLUS_KWH)) / float(weight.sum())
    dark_yen = DARK_SHARE * cheap_yen_kwh / battery.charge_efficiency
    sunny_yen = SUNNY_SHARE * cheap_yen_kwh * battery.discharge_efficiency
    return sunny * sunny_yen + (1.0 - sunny) * dark_yen
