"""Small homes for the planner's tests, and the program of one battery solved by trying all."""

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.battery import Battery
from hidamari.plan.horizon import Horizon
from hidamari.plan.parts.storage import Storage
from hidamari.plan.parts.tank import Heat, Tank
from hidamari.plan.value import EndValue

FloatArray = NDArray[np.float64]
NO_END = EndValue(0.0, 0.0, 0.0)


def horizon(
    load: list[float], pv: list[float], buy: list[float], sell: list[float], step_h: float = 1.0
) -> Horizon:
    count = len(load)
    return Horizon(
        np.full(count, step_h),
        np.array(load, dtype=float),
        np.array(pv, dtype=float),
        np.array(buy, dtype=float),
        np.array(sell, dtype=float),
        np.full(count, np.inf),
    )


def winter_day(steps: int = 96, step_h: float = 0.5) -> Horizon:
    hour = (np.arange(steps) + 0.5) * step_h % 24.0
    sun = np.maximum(np.sin((hour - 6.5) / 11.0 * np.pi), 0.0) * ((hour > 6.5) & (hour < 17.5))
    buy = np.where(
        (hour >= 10) & (hour < 17), 35.0, np.where((hour >= 23) | (hour < 7), 18.0, 28.0)
    )
    load_kw = 0.4 + 0.8 * np.exp(-(((hour - 19.5) / 2.0) ** 2)) + 0.6 * np.exp(-((hour - 7.2) ** 2))
    return Horizon(
        np.full(steps, step_h),
        load_kw * step_h,
        2.5 * sun * step_h,
        buy,
        np.full(steps, 8.5),
        np.full(steps, np.inf),
    )


def tank(steps: int, stored_kwh: float = 6.0, **changes: object) -> Tank:
    hour = (np.arange(steps) + 0.5) * 0.5 % 24.0
    draw = 0.5 * 4.2 * np.exp(-(((hour - 20.5) / 1.0) ** 2))
    heat = Heat(3.0 + 0.8 * np.sin((hour - 9) / 24 * 2 * np.pi), draw, np.full(steps, 1.0))
    values: dict[str, object] = {
        "key": "tank",
        "power_kw": 1.2,
        "full_kwh": 16.0,
        "stored_kwh": stored_kwh,
        "heat": heat,
        "may_run": np.ones(steps, dtype=bool),
    }
    return Tank(**{**values, **changes})  # type: ignore[arg-type]


def battery(stored_kwh: float = 3.0, **changes: float) -> Storage:
    return Storage("battery", Battery(**changes), stored_kwh)


def cheapest_by_trying(
    lattice: tuple[int, int, int], net: list[int], buy: list[int], sell: list[int]
) -> float:
    """Capacity, power, start in whole kWh, no losses: backwards over whole charges."""
    capacity, power, start = lattice
    cost = dict.fromkeys(range(capacity + 1), 0.0)
    for t in range(len(net) - 1, -1, -1):
        before = {}
        for stored in range(capacity + 1):
            options = []
            for change in range(-power, power + 1):
                after = stored + change
                if not 0 <= after <= capacity or -change > max(net[t], 0):
                    continue
                grid = net[t] + change
                price = buy[t] if grid > 0 else sell[t]
                options.append(grid * price + cost[after])
            before[stored] = min(options)
        cost = before
    return cost[start]
