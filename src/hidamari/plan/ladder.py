"""Always a plan: scenarios, else the mean, else the last plan, else a rule, else the device.

Each step down is one notice, each step up is automatic (planner section 2.11). What comes out of
any rung has the same form and has been checked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum

import numpy as np

from hidamari.core.errors import InputError
from hidamari.plan.battery import Action, Mode
from hidamari.plan.horizon import HomePlan
from hidamari.plan.parts.storage import Storage
from hidamari.plan.reasons import Code, Reason, action_of, of_choice, of_step
from hidamari.plan.recursion import Choice, Outcomes, choose
from hidamari.plan.request import Failed, LastPlan, PlanRequest
from hidamari.plan.rules import RuleInput, rule_actions
from hidamari.plan.solver import Solver

OLDEST_PLAN_H = 24.0
SHORTEST_STEP_H = 1.0 / 120.0


class Rung(IntEnum):
    """How a plan came to be; lower is better."""

    SCENARIOS = 0
    MEAN = 1
    LAST = 2
    RULE = 3
    DEVICE = 4


@dataclass(frozen=True, slots=True)
class Told:
    """What one asset is told in one step: mode, grid kW if it charges, kWh of a forced charge."""

    asset: str
    action: Action
    energy_kwh: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Notice:
    """The ladder was left by one or more rungs downwards, or climbed again."""

    rung: Rung
    before: Rung
    cause: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a home: one tuple of orders per step, and where it comes from."""

    made_at: datetime
    starts: tuple[datetime, ...]
    told: tuple[tuple[Told, ...], ...]
    rung: Rung
    home: HomePlan | None = None
    choice: Choice | None = None
    notice: Notice | None = None

    def at(self, now: datetime) -> tuple[Told, ...]:
        """The orders in force at `now`; empty beyond the plan's end."""
        current: tuple[Told, ...] = ()
        for start, orders in zip(self.starts, self.told, strict=True):
            if start > now:
                break
            current = orders
        return current


@dataclass(frozen=True, slots=True)
class Ask:
    """What a plan is made of: the request, the local hour of each step, and the scenarios.

    `outcomes` and `main` (the battery they are about) are None where there is no battery or too
    little data; `is_enough` False says the latter.
    """

    now: datetime
    request: PlanRequest
    hour: np.ndarray[tuple[int], np.dtype[np.float64]]
    main: str | None = None
    outcomes: Outcomes | None = None
    is_enough: bool = True


@dataclass(slots=True)
class Ladder:
    """Keeps the last good plan and the rung; `plan` never fails."""

    solver: Solver
    rung: Rung = Rung.SCENARIOS
    last_good: Plan | None = None
    choose: Callable[..., Choice] = choose
    causes: list[str] = field(default_factory=list)

    def plan(self, ask: Ask) -> Plan:
        """The best plan that can be had now."""
        self.causes = []
        for make in (self._solved, self._shifted, self._ruled):
            plan = make(ask)
            if plan is not None and _is_valid(plan):
                break
        else:
            plan = _left_to_devices(ask)
        notice = None
        if plan.rung != self.rung:
            notice = Notice(plan.rung, self.rung, "; ".join(self.causes))
            self.rung = plan.rung
        if plan.rung <= Rung.MEAN:
            self.last_good = plan
        return replace(plan, notice=notice)

    def _solved(self, ask: Ask) -> Plan | None:
        """The program over the whole home, and the battery's mode over scenarios."""
        if not ask.is_enough:
            self.causes.append("little data")
            return None
        request = replace(ask.request, last=self._last_power(ask))
        answer = self.solver.ask(request)
        if isinstance(answer, Failed):
            self.causes.append(f"{answer.fault}: {answer.message}")
            return None
        home = answer[0]
        choice = self._choice(ask)
        told = _orders(home, ask, choice)
        rung = Rung.SCENARIOS if choice is not None or ask.main is None else Rung.MEAN
        return Plan(ask.now, _starts(ask), told, rung, home, choice)

    def _choice(self, ask: Ask) -> Choice | None:
        asset = next((a for a in ask.request.assets if a.key == ask.main), None)
        if ask.outcomes is None or not isinstance(asset, Storage):
            return None
        try:
            _check_outcomes(ask.outcomes)
            choice = self.choose(ask.outcomes, asset.battery, asset.stored_kwh)
        except (InputError, ArithmeticError, ValueError, LookupError) as error:
            self.causes.append(f"scenarios: {error}")
            return None
        if not np.isfinite(choice.mean_yen).all():
            self.causes.append("scenarios: not finite")
            return None
        return choice

    def _last_power(self, ask: Ask) -> LastPlan | None:
        """The last plan's power at the steps of the present one."""
        last = self.last_good
        if last is None or last.home is None or ask.now - last.made_at > timedelta(hours=2):
            return None
        old_end = last.home.horizon.end_h
        begin_h = np.concatenate(([0.0], np.cumsum(ask.request.horizon.step_h)[:-1]))
        since_h = (ask.now - last.made_at).total_seconds() / 3600.0
        at = np.minimum(np.searchsorted(old_end, begin_h + since_h, side="right"), old_end.size - 1)
        return LastPlan({asset.key: asset.power_kw[at] for asset in last.home.assets})

    def _shifted(self, ask: Ask) -> Plan | None:
        """The last good plan, while it is fresh and reaches beyond now."""
        last = self.last_good
        if last is None or ask.now - last.made_at > timedelta(hours=OLDEST_PLAN_H):
            return None
        if not ask.is_enough or {a.key for a in ask.request.assets} != _assets_of(last):
            return None
        ahead = [i for i, start in enumerate(last.starts) if start > ask.now]
        if not ahead or not last.at(ask.now):
            return None
        starts = (ask.now, *(last.starts[i] for i in ahead))
        told = (last.at(ask.now), *(last.told[i] for i in ahead))
        return Plan(last.made_at, starts, told, Rung.LAST, last.home)

    def _ruled(self, ask: Ask) -> Plan | None:
        """Self-consumption, night boil, car in time."""
        code = Code.RULE if ask.is_enough else Code.LITTLE_DATA
        horizon = ask.request.horizon
        steps = len(_starts(ask))
        buy = horizon.buy_yen_kwh if horizon.buy_yen_kwh.shape == (steps,) else None
        try:
            step_h = _step_h(ask)
            actions = rule_actions(RuleInput(ask.hour[:steps], step_h, buy), ask.request.assets)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            self.causes.append(f"rule: {error}")
            return None
        told = tuple(
            tuple(
                Told(key, orders[i], orders[i].grid_kw * float(step_h[i]), Reason(code))
                for key, orders in actions.items()
            )
            for i in range(steps)
        )
        return Plan(ask.now, _starts(ask), told, Rung.RULE)


def _left_to_devices(ask: Ask) -> Plan:
    told = tuple(
        Told(asset.key, Action(Mode.AUTO), 0.0, Reason(Code.RULE)) for asset in ask.request.assets
    )
    return Plan(ask.now, (ask.now,), (told,), Rung.DEVICE)


def _orders(home: HomePlan, ask: Ask, choice: Choice | None) -> tuple[tuple[Told, ...], ...]:
    steps = []
    for i in range(home.horizon.count):
        orders = []
        for asset in home.assets:
            action, reason = action_of(home, asset, i), of_step(home, asset, i)
            if i == 0 and choice is not None and asset.key == ask.main:
                action = choice.action
                reason = of_choice(
                    choice, home.horizon.buy_yen_kwh, float(home.horizon.sell_yen_kwh[0])
                )
            energy_kwh = action.grid_kw * float(home.horizon.step_h[i])
            orders.append(Told(asset.key, action, energy_kwh, reason))
        steps.append(tuple(orders))
    return tuple(steps)


def _starts(ask: Ask) -> tuple[datetime, ...]:
    lengths_h = _step_h(ask)
    begin_h = np.cumsum(lengths_h) - lengths_h
    return tuple(ask.now + timedelta(hours=float(h)) for h in begin_h)


def _step_h(ask: Ask) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Step lengths for a plan without a program: what makes no sense counts as half an hour."""
    given = ask.request.horizon.step_h
    return np.where((given >= SHORTEST_STEP_H) & (given <= 24.0), given, 0.5)


def _assets_of(plan: Plan) -> set[str]:
    return {told.asset for told in plan.told[0]}


def _check_outcomes(outcomes: Outcomes) -> None:
    arrays = (outcomes.net_kwh, outcomes.weight, outcomes.buy_yen_kwh, outcomes.sell_yen_kwh)
    if not all(np.isfinite(array).all() for array in arrays):
        raise InputError("scenarios: finite numbers expected")
    if outcomes.net_kwh.ndim != 2 or outcomes.net_kwh.size == 0:
        raise InputError("scenarios: at least one scenario and one slot expected")


def _is_valid(plan: Plan) -> bool:
    """Every step has an order for every asset, with finite power and energy."""
    if not plan.starts or len(plan.starts) != len(plan.told):
        return False
    keys = {told.asset for told in plan.told[0]}
    return all(
        {told.asset for told in orders} == keys
        and all(
            np.isfinite(told.action.grid_kw) and np.isfinite(told.energy_kwh) for told in orders
        )
        for orders in plan.told
    )
