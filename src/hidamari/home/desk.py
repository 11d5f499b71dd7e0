"""A plan of a data folder, solved again on a desk: what it said, and why, with the same numbers."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from hidamari.core.errors import InputError
from hidamari.core.startup import Startup
from hidamari.core.time import TOKYO
from hidamari.home.explain import starts_of, with_nearest
from hidamari.home.inputs import KEY, Kept
from hidamari.home.planned import read_kv
from hidamari.plan.battery import Action
from hidamari.plan.horizon import HomePlan
from hidamari.plan.inline import InlineSolver
from hidamari.plan.reasons import Code, Reason, action_of, of_choice, of_step
from hidamari.plan.recursion import Choice, choose
from hidamari.plan.request import Failed
from hidamari.plan.why import Why, explain
from hidamari.store.journal import JsonValue


@dataclass(frozen=True, slots=True)
class Desk:
    """The question and its answer; no answer where the program has none."""

    kept: Kept
    solver: InlineSolver
    home: HomePlan | None
    choice: Choice | None

    @property
    def starts(self) -> tuple[datetime, ...]:
        """When each step begins."""
        step_h = self.kept.request.horizon.step_h
        begin_h = np.cumsum(step_h) - step_h
        return tuple(self.kept.at + timedelta(hours=float(h)) for h in begin_h)

    def told(self, step: int) -> list[tuple[str, Action, Reason]]:
        """Asset, action and reason of each asset at a step."""
        if self.home is None:
            return []
        found = []
        for asset in self.home.assets:
            action, reason = action_of(self.home, asset, step), of_step(self.home, asset, step)
            if step == 0 and self.choice is not None and asset.key == self.kept.main:
                action = self.choice.action
                horizon = self.home.horizon
                sell = float(horizon.sell_yen_kwh[0])
                reason = of_choice(self.choice, horizon.buy_yen_kwh, sell)
                rule = self.kept.rule
                if rule is not None:
                    action = Action(rule.mode, rule.grid_kw)
                    reason = Reason(Code.FLOOR, {"behind_yen": rule.behind_yen})
            found.append((asset.key, action, reason))
        return found


def solve_again(folder: Path) -> Desk:
    """Read a folder's last half-hour plan and solve it; InputError where there is none."""
    raw = read_kv(folder, KEY)
    if raw is None:
        raise InputError(f"{folder}: the data folder of a home with a plan expected")
    return solve(Kept(raw))


def solve(kept: Kept) -> Desk:
    """The same from what was kept."""
    solver = InlineSolver()
    answer = solver.ask(kept.request)
    home = None if isinstance(answer, Failed) else answer[0]
    choice = None
    if kept.outcomes is not None and kept.battery is not None:
        choice = choose(kept.outcomes, *kept.battery)
    return Desk(kept, solver, home, choice)


def told(folder: Path | None, why: str, *, as_json: bool) -> str:
    """What the command line prints: the plan, or one half-hour of it explained."""
    desk = solve_again(folder or Startup().data_folder)
    if why:
        try:
            slot = datetime.fromisoformat(why)
        except ValueError:
            expected = "an instant such as 2026-11-20T18:00"
            raise InputError(f"--why: {expected} expected, got {why}") from None
        slot = slot if slot.tzinfo is not None else slot.replace(tzinfo=TOKYO)
        found = why_json(desk, slot)
        return json.dumps(found, ensure_ascii=False, indent=1)
    return json.dumps(plan_json(desk), ensure_ascii=False) if as_json else _lines(desk)


def plan_json(desk: Desk) -> dict[str, JsonValue]:
    """The whole plan."""
    home, horizon = desk.home, desk.kept.request.horizon
    slots: list[JsonValue] = []
    for i, start in enumerate(desk.starts):
        assets: list[JsonValue] = []
        for key, action, reason in desk.told(i):
            row: dict[str, JsonValue] = {"asset": key, "mode": action.mode.value}
            if home is not None:
                row["kw"] = round(float(home.asset_by_key[key].power_kw[i]), 4)
                row["level_kwh"] = round(float(home.asset_by_key[key].level_kwh[i]), 4)
            assets.append({**row, "reason": _reason(reason)})
        slots.append(
            {
                "start": start.isoformat(),
                "hours": round(float(horizon.step_h[i]), 4),
                "buy_yen_kwh": round(float(horizon.buy_yen_kwh[i]), 4),
                "sell_yen_kwh": round(float(horizon.sell_yen_kwh[i]), 4),
                "load_kwh": round(float(horizon.load_kwh[i]), 4),
                "pv_kwh": round(float(horizon.pv_kwh[i]), 4),
                "assets": assets,
            }
        )
    return {
        "made_at": desk.kept.at.isoformat(),
        "rung": desk.kept.rung,
        "cost_yen": None if home is None else round(home.cost_yen, 4),
        "slots": slots,
    }


def why_json(desk: Desk, slot: datetime) -> dict[str, JsonValue]:
    """Every asset of one half-hour, its reason, and the yen of the other choices."""
    starts = desk.starts
    step = sum(start <= slot for start in starts) - 1
    if step < 0 or slot >= starts[-1] + timedelta(minutes=30):
        first, last = starts[0].isoformat(), starts[-1].isoformat()
        raise InputError(f"--why: an instant from {first} to {last} expected")
    whys = {}
    if desk.home is not None:
        whys = {w.asset: w for w in explain(desk.solver, desk.kept.request, desk.home, step)}
    assets: list[JsonValue] = []
    for key, action, reason in desk.told(step):
        is_choice = step == 0 and key == desk.kept.main and desk.choice is not None
        why = whys.get(key)
        nearest_yen = [] if why is None or is_choice else [one.more_yen for one in why.others]
        others = _choices(desk.choice) if is_choice else _forced(why)
        assets.append(
            {
                "asset": key,
                "mode": action.mode.value,
                "reason": _reason(with_nearest(reason, nearest_yen)),
                "others": others,
                "starts": _starts(desk, key),
            }
        )
    return {
        "slot": starts[step].isoformat(),
        "made_at": desk.kept.at.isoformat(),
        "rung": desk.kept.rung,
        "assets": assets,
    }


def _lines(desk: Desk) -> str:
    """One line a half-hour: local time, price, and what each asset does."""
    lines = [f"plan of {desk.kept.at.astimezone(TOKYO):%Y-%m-%d %H:%M}, rung {desk.kept.rung}"]
    horizon = desk.kept.request.horizon
    for i, start in enumerate(desk.starts):
        parts = []
        for key, action, reason in desk.told(i):
            kw = 0.0 if desk.home is None else float(desk.home.asset_by_key[key].power_kw[i])
            parts.append(f"{key} {action.mode.value} {kw:+.2f} kW ({reason.code.value})")
        buy_yen_kwh = float(horizon.buy_yen_kwh[i])
        lines.append(
            f"{start.astimezone(TOKYO):%d %H:%M}  {buy_yen_kwh:5.1f} yen  " + "  ".join(parts)
        )
    return "\n".join(lines)


def _choices(choice: Choice | None) -> list[JsonValue]:
    """Every other kind of mode of the running half-hour and how much dearer it is."""
    if choice is None:
        return []
    return [
        {"mode": a.mode.value, "kw": round(a.grid_kw, 4), "yen": round(yen - choice.yen, 2)}
        for a, yen in zip(choice.actions, choice.mean_yen, strict=True)
        if a.mode is not choice.action.mode
    ]


def _forced(why: Why | None) -> list[JsonValue]:
    if why is None:
        return []
    return [
        {
            "low_kw": round(other.low_kw, 4),
            "high_kw": round(other.high_kw, 4),
            "yen": round(other.more_yen, 2),
        }
        for other in why.others
    ]


def _starts(desk: Desk, key: str) -> list[JsonValue]:
    """Every start of the next run that was tried and how much dearer it is."""
    tried = () if desk.home is None else starts_of(desk.home, desk.starts, key)
    return [
        {"at": None if one.at is None else one.at.isoformat(), "yen": round(one.yen, 2)}
        for one in tried
    ]


def _reason(reason: Reason) -> dict[str, JsonValue]:
    numbers: dict[str, JsonValue] = {n: round(float(v), 4) for n, v in reason.numbers.items()}
    return {"code": reason.code.value, "numbers": numbers}
