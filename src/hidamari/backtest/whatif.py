"""What another battery or tariff would have cost on a home's own measured days.

The days count as they were measured; the plan decides with what it knew then (the replay), so the
answer is what the owner would really have seen, not what hindsight makes of it. Its range runs
from the better of two simple rules to perfect foresight.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from hidamari.backtest.homes import HomeYear
from hidamari.backtest.optimum import best_grid_kwh
from hidamari.backtest.replay import Replay
from hidamari.backtest.tariffs import Tariffed
from hidamari.backtest.world import (
    World,
    always_follow,
    lived,
    night_filled,
)
from hidamari.core.bill import Note
from hidamari.forecast.sun import Place
from hidamari.plan.battery import Battery

FloatArray = NDArray[np.float64]

SCENARIOS = 10  # enough for a comparison, and four times as fast as what a home runs with
NONE_KWH = 0.05


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to compare: a name, a tariff, and a battery or none."""

    name: str
    tariff: Tariffed
    battery: Battery | None


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the counted days: what it cost, in yen, and how many days counted."""

    month: str
    days: int
    yen: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case: yen a year as it would have come, at best and by the better rule; its months."""

    name: str
    yen: float
    best_yen: float
    rule_yen: float
    import_kwh: float
    export_kwh: float
    months: tuple[Month, ...]
    notes: tuple[Note, ...] = ()

    @property
    def low_yen(self) -> float:
        """The least that the year would have cost."""
        return min(self.best_yen, self.yen)

    @property
    def high_yen(self) -> float:
        """What it would have cost by a rule, or by the plan where that came dearer."""
        return max(self.rule_yen, self.yen)


OnDone = Callable[[float], None]  # the share that is done


def what_if(
    home: HomeYear, place: Place, cases: tuple[Case, ...], on_done: OnDone = lambda _share: None
) -> tuple[Outcome, ...]:
    """The cases on the home's days, in their order."""
    parts = [0.02 if case.battery is None else 1.0 for case in cases]
    outcomes = []
    for i, case in enumerate(cases):
        before, whole = sum(parts[:i]), sum(parts)
        world = World(home, case.tariff.prices, Battery(), contract=case.tariff.contract)

        def on_day(day: int, before: float = before, whole: float = whole) -> None:
            on_done((before + (day + 1) / home.days) / whole)

        outcomes.append(_outcome(case, world, place, on_day))
        on_done((before + parts[i]) / whole)
    return tuple(outcomes)


def _outcome(case: Case, world: World, place: Place, on_day: Callable[[int], None]) -> Outcome:
    grids = dict.fromkeys(("ours", "best", "rule"), world.net_kwh)
    if case.battery is not None and case.battery.capacity_kwh > NONE_KWH:
        world = replace(world, battery=case.battery)
        rules = [lived(world, always_follow), lived(world, night_filled(world))]
        grids["rule"] = min(rules, key=world.bill_yen)
        grids["best"] = best_grid_kwh(world)
        replay = Replay(world, place, None, SCENARIOS, on_day=on_day)
        grids["ours"] = replay.run().grid_kwh
    yen = {name: world.yearly(world.bill_yen(grid)) for name, grid in grids.items()}
    ours = grids["ours"]
    return Outcome(
        case.name,
        yen["ours"],
        yen["best"],
        yen["rule"],
        world.yearly(float(np.maximum(ours, 0.0).sum())),
        world.yearly(float(np.maximum(-ours, 0.0).sum())),
        tuple(_months(world, ours)),
        _notes(world, ours),
    )


def _months(world: World, grid_kwh: FloatArray) -> Iterator[Month]:
    """The counted days by calendar month; a bill in steps is shared out by the day."""
    first = world.home.first + timedelta(days=world.warm_days)
    names = [f"{first + timedelta(days=day):%Y-%m}" for day in range(len(grid_kwh))]
    for name in dict.fromkeys(names):
        begin, count = names.index(name), names.count(name)
        yen = world.part_yen(begin, grid_kwh[begin : begin + count])
        yield Month(name, count, yen)


def _notes(world: World, grid_kwh: FloatArray) -> tuple[Note, ...]:
    if world.contract is None:
        return ()
    told = world.contract.bill(world.warm_days, grid_kwh).notes
    return tuple(note for note in told if note is not Note.PERIOD_INCOMPLETE)
