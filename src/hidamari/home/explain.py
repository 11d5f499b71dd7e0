"""Why an asset does what it does in a half-hour, and what each other choice would cost."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hidamari.core.errors import InputError
from hidamari.core.time import slot_start
from hidamari.home.decide import flows
from hidamari.home.planning import Made
from hidamari.plan.battery import Mode
from hidamari.plan.horizon import HomePlan, Term, compare
from hidamari.plan.ladder import Told
from hidamari.plan.reasons import IDLE_KW, Reason
from hidamari.plan.recursion import Choice
from hidamari.plan.request import Failed, Forced, WhyRequest
from hidamari.plan.solver import Solver
from hidamari.plan.why import Other, Why
from hidamari.plan.why import explain as explain_step


@dataclass(frozen=True, slots=True)
class Choose:
    """Another mode for the half-hour and how much dearer it is over the whole horizon."""

    mode: str
    kw: float | None
    yen: float


@dataclass(frozen=True, slots=True)
class Start:
    """A start of the next run that was tried; None = no run."""

    at: datetime | None
    yen: float


@dataclass(frozen=True, slots=True)
class Explained:
    """One asset in one step of a plan."""

    slot: datetime
    asset: str
    mode: str
    kw: float | None
    kwh: float | None
    reason: Reason
    inputs: Mapping[str, float]
    others: tuple[Choose, ...] = ()
    terms: tuple[Term, ...] = ()
    starts: tuple[Start, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One asset held between two powers for some half-hours from an instant on."""

    asset: str
    at: datetime
    slots: int
    low_kw: float
    high_kw: float


def step_of(made: Made, at: datetime) -> int:
    """The step of the plan that holds an instant; InputError outside of it.

    The whole running half-hour is the first step, also where the plan was made within it.
    """
    starts = made.plan.starts
    at = max(at, starts[0]) if slot_start(at) == slot_start(starts[0]) else at
    found = sum(start <= at for start in starts) - 1
    last = made.ask.request.horizon.step_h[-1] if len(starts) > 1 else 0.5
    if found < 0 or (at - starts[-1]).total_seconds() > float(last) * 3600.0:
        raise InputError(f"slot: an instant from {starts[0].isoformat()} on expected")
    return found


def explain(made: Made, solver: Solver, step: int) -> tuple[Explained, ...]:
    """Every asset of the plan at a step; `solver` solves the plan's own question again first."""
    others: dict[str, Why] = {}
    home = flows(made.plan)
    if home is not None and made.request is not None:
        answer = solver.ask(made.request)
        if not isinstance(answer, Failed):
            whys = explain_step(solver, made.request, answer[0], step)
            others = {why.asset: why for why in whys}
    return tuple(_one(made, told, step, others.get(told.asset)) for told in made.plan.told[step])


def try_move(made: Made, solver: Solver, move: Move) -> tuple[float, tuple[Term, ...]]:
    """How much dearer the plan gets with one asset held to a power for some half-hours."""
    home = flows(made.plan)
    if home is None or made.request is None:
        raise InputError("a plan with flows expected: there is only a rule now")
    if move.asset not in home.asset_by_key:
        raise InputError("asset: one that the plan steers expected")
    first = step_of(made, move.at)
    last = min(first + move.slots, len(made.plan.starts)) - 1
    answer = solver.ask(made.request)
    if isinstance(answer, Failed):
        raise InputError(f"the plan could not be solved again: {answer.message}")
    forced = Forced(move.asset, first, last, move.low_kw, move.high_kw)
    moved = solver.ask(WhyRequest(answer[0], made.request.bill, (forced,)))
    if isinstance(moved, Failed):
        raise InputError(f"this cannot be carried out: {moved.message}")
    return compare(answer[0], moved[0])


def with_nearest(reason: Reason, others_yen: Collection[float]) -> Reason:
    """The reason with the yen of the nearest other choice, where it tells none itself."""
    if not others_yen or "other_yen" in reason.numbers:
        return reason
    return Reason(reason.code, {**reason.numbers, "other_yen": min(others_yen)})


def _one(made: Made, told: Told, step: int, why: Why | None) -> Explained:
    home, choice = flows(made.plan), made.plan.choice
    is_choice = step == 0 and choice is not None and told.asset == made.ask.main
    kw = _kw(home, told.asset, step)
    hours = float(made.ask.request.horizon.step_h[step])
    chosen: tuple[Choose, ...] = ()
    terms: tuple[Term, ...] = ()
    if is_choice and choice is not None:
        chosen = _of_choice(choice)
    elif why is not None:
        chosen = tuple(_of_other(other) for other in why.others)
        terms = why.others[0].moved if why.others else ()
    reason = told.reason if is_choice else with_nearest(told.reason, [o.yen for o in chosen])
    return Explained(
        made.plan.starts[step],
        told.asset,
        told.action.mode.value,
        kw,
        None if kw is None else kw * hours,
        reason,
        _inputs(made, told.asset, step),
        chosen,
        terms,
        _starts(made, told.asset),
    )


def _of_choice(choice: Choice) -> tuple[Choose, ...]:
    """The best of each other kind of mode, cheapest first."""
    best: dict[Mode, Choose] = {}
    for action, yen in zip(choice.actions, choice.mean_yen, strict=True):
        if action.mode is choice.action.mode:
            continue
        kw = action.grid_kw if action.mode is Mode.CHARGE else None
        one = Choose(action.mode.value, kw, yen - choice.yen)
        if action.mode not in best or one.yen < best[action.mode].yen:
            best[action.mode] = one
    return tuple(sorted(best.values(), key=lambda one: one.yen))


def _of_other(other: Other) -> Choose:
    if abs(other.low_kw) <= IDLE_KW and abs(other.high_kw) <= IDLE_KW:
        return Choose("hold", None, other.more_yen)
    if other.low_kw > 0.0:
        return Choose("charge", other.high_kw, other.more_yen)
    return Choose("discharge", other.low_kw, other.more_yen)


def _kw(home: HomePlan | None, asset: str, step: int) -> float | None:
    if home is None or asset not in home.asset_by_key:
        return None
    return float(home.asset_by_key[asset].power_kw[step])


def _inputs(made: Made, asset: str, step: int) -> dict[str, float]:
    """The numbers that the step was decided on."""
    horizon, home = made.ask.request.horizon, flows(made.plan)
    ahead = slice(step, None)
    found = {
        "buy_yen_kwh": float(horizon.buy_yen_kwh[step]),
        "sell_yen_kwh": float(horizon.sell_yen_kwh[step]),
        "load_kwh": float(horizon.load_kwh[step]),
        "pv_kwh": float(horizon.pv_kwh[step]),
        "dearest_yen_kwh": float(horizon.buy_yen_kwh[ahead].max()),
        "cheapest_yen_kwh": float(horizon.buy_yen_kwh[ahead].min()),
    }
    if home is not None and asset in home.asset_by_key:
        found["level_kwh"] = float(home.asset_by_key[asset].level_kwh[step])
        found["value_yen_kwh"] = float(home.value_yen_kwh[step])
    return found


def _starts(made: Made, asset: str) -> tuple[Start, ...]:
    home = flows(made.plan)
    return () if home is None else starts_of(home, made.plan.starts, asset)


def starts_of(home: HomePlan, starts: Sequence[datetime], asset: str) -> tuple[Start, ...]:
    """Every start of an asset's next run that was tried, the cheapest first."""
    trials = [trial for trial in home.trials if trial.key == asset]
    best = min((trial.yen for trial in trials), default=0.0)
    found = [Start(None if t.start is None else starts[t.start], t.yen - best) for t in trials]
    return tuple(sorted(found, key=lambda one: one.yen))
