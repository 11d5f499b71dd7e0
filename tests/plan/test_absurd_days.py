"""200 days of broken forecasts, prices and solvers: at every minute there is a valid plan."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import numpy as np
import pytest
from tests.plan.test_ladder import NOW, Flaky, ask, assert_whole, broken, scenarios

from hidamari.plan.horizon import Horizon
from hidamari.plan.ladder import Ask, Ladder, Rung
from hidamari.plan.recursion import Outcomes
from hidamari.plan.request import Fault

DAYS, PARTS = 200, 4
PLAN_EVERY_H = 12
FIELDS = ("load_kwh", "pv_kwh", "buy_yen_kwh", "sell_yen_kwh", "step_h", "export_limit_kw")
ABSURD = (np.nan, np.inf, -np.inf, -5.0, 0.0, 1e9)


def whole_ask(now: datetime) -> Ask:
    """A home with battery and car; its tank would only make the test slow."""
    given = ask(now)
    assets = tuple(asset for asset in given.request.assets if asset.key != "tank")
    request = replace(given.request, assets=assets)
    return replace(given, request=request, outcomes=scenarios(3))


def with_horizon(given: Ask, horizon: Horizon) -> Ask:
    return replace(given, request=replace(given.request, horizon=horizon))


def faulty(given: Ask, die: Random) -> tuple[Ask, Fault | None]:
    """One thing that may be wrong with the question, or with who answers it."""
    match die.randrange(7):
        case 0:
            absurd = broken(die.choice(FIELDS), die.choice(ABSURD)).horizon
            return with_horizon(given, absurd), None
        case 1:  # short: half of the forecast did not come
            horizon = given.request.horizon
            return with_horizon(given, replace(horizon, load_kwh=horizon.load_kwh[:40])), None
        case 2:  # empty
            none = np.zeros(0)
            empty = Horizon(none, none, none, none, none, none)
            return with_horizon(given, empty), None
        case 3:  # zero and stale: yesterday's night for all hours
            horizon = given.request.horizon
            return with_horizon(given, replace(horizon, pv_kwh=0.0 * horizon.pv_kwh)), None
        case 4:
            outcomes = given.outcomes
            assert outcomes is not None
            return replace(given, outcomes=spoilt(outcomes, die)), None
        case 5:
            return given, die.choice((Fault.TIME, Fault.GONE, Fault.NO_SOLUTION))
        case _:
            return replace(given, is_enough=False, outcomes=None), None


def spoilt(outcomes: Outcomes, die: Random) -> Outcomes:
    net = outcomes.net_kwh.copy()
    net[die.randrange(len(net)), die.randrange(net.shape[1])] = die.choice((np.nan, np.inf))
    return replace(outcomes, net_kwh=net)


@pytest.mark.t(10)
@pytest.mark.parametrize("seed", range(PARTS))
def test_every_minute_of_two_hundred_absurd_days_has_a_valid_plan(seed: int) -> None:
    die, solver = Random(seed), Flaky([])
    ladder = Ladder(solver)
    reached: dict[Rung, int] = dict.fromkeys(Rung, 0)
    for day in range(DAYS // PARTS):
        for hour in range(0, 24, PLAN_EVERY_H):
            now = NOW + timedelta(days=day, hours=hour)
            # A fault lasts for some hours or for days: the last plan must grow too old, too.
            is_wrong = die.random() < (0.4 if day % 25 < 18 else 1.0)
            given, fault = faulty(whole_ask(now), die) if is_wrong else (whole_ask(now), None)
            solver.faults = [fault] if fault is not None else []
            plan = ladder.plan(given)
            reached[plan.rung] += 1
            assert_whole(plan, given.request)
            # orders change at starts only, and all steps are whole: so is every minute
            assert plan.starts[0] <= now
            last = plan.at(now + timedelta(hours=PLAN_EVERY_H))
            assert {told.asset for told in last} == {a.key for a in given.request.assets}
    assert all(count > 0 for rung, count in reached.items() if rung is not Rung.DEVICE), reached
