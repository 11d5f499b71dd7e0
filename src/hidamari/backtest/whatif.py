"""What another battery or tariff would have saved on a home's own measured history.

The history counts as it was measured; the plan decides with what it knew then (the replay), so the
answer is what the owner would really have seen, not what hindsight makes of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.homes import HomeYear
from hidamari.backtest.replay import Replay
from hidamari.backtest.world import (
    Prices,
    World,
    night_fill,
    no_battery,
    optimum,
    self_consumption,
)
from hidamari.core.errors import InputError
from hidamari.forecast.sun import Place
from hidamari.plan.battery import Battery

FloatArray = NDArray[np.float64]

FEWEST_DAYS = 35  # four weeks to learn from and one to count


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to compare: a name, prices per slot of a day, and a battery or none."""

    name: str
    prices: Prices
    battery: Battery | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Yen a year of a case: as it would have come, by simple rules, and at best."""

    name: str
    yen: float
    rule_yen: float
    optimum_yen: float
    saved_yen: float  # against the first case


def what_if(home: HomeYear, place: Place, cases: tuple[Case, ...]) -> tuple[Outcome, ...]:
    """Bills of the cases on the home's days, the first one being what it is compared with."""
    if home.days < FEWEST_DAYS:
        raise InputError(f"at least {FEWEST_DAYS} measured days expected, got {home.days}")
    outcomes: list[Outcome] = []
    for case in cases:
        world = World(home, case.prices, case.battery or Battery(0.0, 0.0, 0.0))
        none_yen = no_battery(world)
        if case.battery is None:
            yen = rule_yen = best_yen = none_yen
        else:
            yen = Replay(world, place).run().ours_yen
            rule_yen = min(self_consumption(world), night_fill(world))
            best_yen = optimum(world)
        base_yen = outcomes[0].yen if outcomes else yen
        outcomes.append(Outcome(case.name, yen, rule_yen, best_yen, base_yen - yen))
    return tuple(outcomes)
