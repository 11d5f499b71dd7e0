"""Always a plan: every rung reached by injected faults, each step down one notice."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import Pipe

import numpy as np
import pytest
from tests.plan.problems import battery, tank, winter_day

from hidamari.plan.battery import Action, Battery, Mode
from hidamari.plan.child import serve
from hidamari.plan.inline import InlineSolver
from hidamari.plan.ladder import Ask, Ladder, Plan, Rung
from hidamari.plan.parts.storage import Storage, Trip
from hidamari.plan.reasons import Code
from hidamari.plan.recursion import Choice, Outcomes
from hidamari.plan.request import Answer, Failed, Fault, Forced, PlanRequest, WhyRequest
from hidamari.plan.solver import ProcessSolver

NOW = datetime(2024, 1, 15, 15, 0, tzinfo=UTC)  # midnight in Tokyo
SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")
QUITTER = (sys.executable, "-c", "raise SystemExit(3)")


def scenarios(count: int = 10) -> Outcomes:
    ahead = winter_day(72)
    rng = np.random.default_rng(7)
    net = (ahead.load_kwh - ahead.pv_kwh)[None] * rng.uniform(0.7, 1.3, (count, 1))
    return Outcomes(
        net.astype(np.float32),
        np.full(count, 1.0 / count, np.float32),
        ahead.buy_yen_kwh.astype(np.float32),
        ahead.sell_yen_kwh.astype(np.float32),
        0.5,
        14.0,
    )


def ask(now: datetime = NOW, **changes: object) -> Ask:
    ahead = winter_day()
    car = Storage("car", Battery(40.0, 3.0, 0.0), 20.0, trips=(Trip(16, 36, 24.0, 8.0),))
    request = PlanRequest(ahead, (battery(3.0), tank(96), car))
    hour = (now.hour + 9 + now.minute / 60.0 + np.arange(96) * 0.5) % 24.0
    base = Ask(now, request, hour, "battery", scenarios())
    return replace(base, **changes)  # type: ignore[arg-type]


def broken(field_name: str, value: float) -> PlanRequest:
    request = ask().request
    values = getattr(request.horizon, field_name).copy()
    values[5] = value
    return replace(request, horizon=replace(request.horizon, **{field_name: values}))


def assert_whole(plan: Plan, request: PlanRequest) -> None:
    keys = {asset.key for asset in request.assets}
    assert plan.starts
    assert len(plan.starts) == len(plan.told)
    for orders in plan.told:
        assert {told.asset for told in orders} == keys
        assert all(np.isfinite([told.action.grid_kw, told.energy_kwh]).all() for told in orders)
        for told in orders:  # a forced charge always carries its energy
            assert (told.action.mode is Mode.CHARGE) <= (told.energy_kwh > 0.0)


@dataclass(slots=True)
class Flaky:
    """A solver that fails as told."""

    faults: list[Fault | None]
    inner: InlineSolver = field(default_factory=InlineSolver)

    def ask(self, request: PlanRequest | WhyRequest) -> Answer:
        fault = self.faults.pop(0) if self.faults else None
        return Failed(fault, "injected") if fault is not None else self.inner.ask(request)

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.t(10)
def test_a_good_day_stands_on_the_first_rung() -> None:
    plan = Ladder(InlineSolver()).plan(ask())
    assert plan.rung is Rung.SCENARIOS
    assert plan.notice is None
    assert plan.choice is not None
    assert plan.told[0][0].action == plan.choice.action
    assert_whole(plan, ask().request)


@pytest.mark.t(10)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_broken_scenarios_leave_the_mean_plan(bad: float) -> None:
    outcomes = scenarios()
    net = outcomes.net_kwh.copy()
    net[3, 3] = bad
    for wrong in (replace(outcomes, net_kwh=net), replace(outcomes, net_kwh=net[:0])):
        plan = Ladder(InlineSolver()).plan(ask(outcomes=wrong))
        assert plan.rung is Rung.MEAN
        assert plan.notice is not None
        assert "scenarios" in plan.notice.cause
        assert_whole(plan, ask().request)


def _mad(*_: object) -> Choice:
    raise FloatingPointError("injected")


def test_a_recursion_that_fails_leaves_the_mean_plan() -> None:
    assert Ladder(InlineSolver(), choose=_mad).plan(ask()).rung is Rung.MEAN


@pytest.mark.t(10)
def test_the_last_plan_serves_for_a_day_then_rules_then_up_again() -> None:
    ladder = Ladder(Flaky([None, *[Fault.NO_SOLUTION] * 4]))
    rungs, notices = [], 0
    for hours in (0, 1, 2, 20, 25, 26):
        now = NOW + timedelta(hours=hours)
        plan = ladder.plan(ask(now))
        assert_whole(plan, ask().request)
        rungs.append(plan.rung)
        notices += plan.notice is not None
    assert rungs == [
        Rung.SCENARIOS, Rung.LAST, Rung.LAST, Rung.LAST, Rung.RULE, Rung.SCENARIOS,
    ]  # fmt: skip
    assert notices == 3  # down, down, up


def test_a_shifted_plan_says_what_the_old_one_said_for_then() -> None:
    ladder = Ladder(Flaky([None, Fault.TIME]))
    first = ladder.plan(ask())
    later = ladder.plan(ask(NOW + timedelta(hours=3)))
    assert later.rung is Rung.LAST
    assert later.told[0] == first.at(NOW + timedelta(hours=3))
    assert later.made_at == NOW


def test_a_last_plan_for_other_assets_is_not_used() -> None:
    ladder = Ladder(Flaky([None, Fault.TIME]))
    ladder.plan(ask())
    fewer = replace(ask().request, assets=(battery(3.0),))
    assert ladder.plan(ask(request=fewer)).rung is Rung.RULE


@pytest.mark.t(10)
@pytest.mark.parametrize("name", ["load_kwh", "pv_kwh", "buy_yen_kwh", "sell_yen_kwh", "step_h"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e9, -1e9])
def test_unusable_forecasts_and_prices_end_in_a_rule(name: str, value: float) -> None:
    request = broken(name, value)
    plan = Ladder(InlineSolver()).plan(ask(request=request))
    assert plan.rung is Rung.RULE
    assert plan.notice is not None
    assert "input" in plan.notice.cause
    assert_whole(plan, request)


@pytest.mark.t(10)
def test_empty_and_short_forecasts_still_give_orders() -> None:
    request = ask().request
    none = np.zeros(0)
    empty = replace(
        request.horizon, step_h=none, load_kwh=none, pv_kwh=none, buy_yen_kwh=none,
        sell_yen_kwh=none, export_limit_kw=none,
    )  # fmt: skip
    plan = Ladder(InlineSolver()).plan(ask(request=replace(request, horizon=empty)))
    assert plan.rung is Rung.DEVICE
    assert {told.action.mode for told in plan.told[0]} == {Mode.AUTO}
    short = replace(request.horizon, load_kwh=request.horizon.load_kwh[:10])
    plan = Ladder(InlineSolver()).plan(ask(request=replace(request, horizon=short)))
    assert plan.rung is Rung.RULE
    assert_whole(plan, request)


def test_little_data_means_rules_and_says_so() -> None:
    plan = Ladder(InlineSolver()).plan(ask(is_enough=False))
    assert plan.rung is Rung.RULE
    assert {told.reason.code for told in plan.told[0]} == {Code.LITTLE_DATA}


def test_the_rule_boils_at_night_charges_the_car_in_time_and_follows_the_house() -> None:
    plan = Ladder(Flaky([Fault.GONE])).plan(ask())
    modes = {key: [] for key in ("battery", "tank", "car")}
    for orders in plan.told:
        for told in orders:
            modes[told.asset].append(told.action.mode)
    assert set(modes["battery"]) == {Mode.FOLLOW}
    boil = [i for i, mode in enumerate(modes["tank"][:48]) if mode is Mode.CHARGE]
    # 10 kWh of heat at COP 3.0 and 1.2 kW: 2.8 h, ending at 7:00 (step 14)
    assert boil == [9, 10, 11, 12, 13]
    charging = [i for i, mode in enumerate(modes["car"]) if mode is Mode.CHARGE]
    assert len(charging) == 3  # 4 kWh at 0.95 and 3 kW: 1.4 h
    assert max(charging) < 16


@pytest.fixture
def processes() -> Iterator[list[ProcessSolver]]:
    made: list[ProcessSolver] = []
    yield made
    for solver in made:
        solver.close()


@pytest.mark.t(10)
def test_the_solver_process_plans_and_explains(processes: list[ProcessSolver]) -> None:
    solver = ProcessSolver()
    processes.append(solver)
    request = ask().request
    answer = solver.ask(request)
    assert not isinstance(answer, Failed)
    inline = InlineSolver().ask(request)
    assert not isinstance(inline, Failed)
    assert answer[0].cost_yen == pytest.approx(inline[0].cost_yen, abs=1e-6)
    why = solver.ask(WhyRequest(answer[0], request.bill, (Forced("battery", 0, 1, 1.0, 1.0),)))
    assert not isinstance(why, Failed)
    assert why[0].cost_yen > answer[0].cost_yen


@pytest.mark.t(10)
@pytest.mark.parametrize(("command", "fault"), [(SLEEPER, Fault.TIME), (QUITTER, Fault.GONE)])
def test_a_solver_that_hangs_or_dies_is_replaced(
    processes: list[ProcessSolver], command: tuple[str, ...], fault: Fault
) -> None:
    solver = ProcessSolver(limit_s=0.5, start_limit_s=0.5, command=command)
    processes.append(solver)
    ladder = Ladder(solver)
    plan = ladder.plan(ask())
    assert plan.rung is Rung.RULE
    assert plan.notice is not None
    assert fault in plan.notice.cause
    solver.command = ProcessSolver().command
    solver.start_limit_s = 20.0
    assert ladder.plan(ask()).rung is Rung.SCENARIOS


@pytest.mark.t(10)
def test_a_killed_solver_costs_one_plan(processes: list[ProcessSolver]) -> None:
    solver = ProcessSolver()
    processes.append(solver)
    assert not isinstance(solver.ask(ask().request), Failed)
    assert solver.process is not None
    solver.process.kill()
    solver.process.wait()
    assert not isinstance(solver.ask(ask().request), Failed)


def test_the_process_serves_until_its_pipe_closes() -> None:
    requests, far_requests = Pipe()
    answers, far_answers = Pipe()
    requests.send(ask().request)
    requests.send(broken("load_kwh", np.nan))
    requests.close()
    serve(far_requests, far_answers)
    good, bad = answers.recv(), answers.recv()
    assert not isinstance(good, Failed)
    assert isinstance(bad, Failed)
    assert bad.fault is Fault.INPUT


def test_an_unexplainable_request_is_an_answer_too() -> None:
    plan = InlineSolver().ask(ask().request)
    assert not isinstance(plan, Failed)
    fresh = InlineSolver()
    answer = fresh.ask(WhyRequest(plan[0], ask().request.bill, (Forced("x", 0, 0, 0.0, 0.0),)))
    assert isinstance(answer, Failed)
    assert answer.fault is Fault.NO_SOLUTION
    fresh.close()


def _not_finite(*_: object) -> Choice:
    return Choice(Action(Mode.FOLLOW), (Action(Mode.FOLLOW),), (float("nan"),))


def test_numbers_that_are_none_leave_the_mean_plan() -> None:
    assert Ladder(InlineSolver(), choose=_not_finite).plan(ask()).rung is Rung.MEAN
    assert Ladder(InlineSolver()).plan(ask(outcomes=None)).rung is Rung.MEAN


def test_a_home_without_a_battery_stands_on_the_first_rung() -> None:
    request = replace(ask().request, assets=(tank(96),))
    assert Ladder(InlineSolver()).plan(ask(request=request, main=None)).rung is Rung.SCENARIOS


def test_beyond_its_end_a_plan_says_what_it_said_last_and_before_its_start_nothing() -> None:
    plan = Ladder(InlineSolver()).plan(ask())
    assert plan.at(NOW + timedelta(days=9)) == plan.told[-1]
    assert plan.at(NOW - timedelta(hours=1)) == ()


def test_an_empty_tank_is_heated_at_once_by_rule() -> None:
    request = replace(ask().request, assets=(tank(96, 0.5),))
    plan = Ladder(Flaky([Fault.GONE])).plan(ask(NOW + timedelta(hours=3), request=request))
    assert plan.told[0][0].action.mode is Mode.CHARGE


def test_when_even_the_rule_fails_the_devices_are_left_alone() -> None:
    request = replace(ask().request, assets=(tank(96, heat=None),))
    plan = Ladder(Flaky([Fault.GONE])).plan(ask(request=request))
    assert plan.rung is Rung.DEVICE
    assert plan.told[0][0].action.mode is Mode.AUTO
