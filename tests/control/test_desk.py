"""A plan kept in a data folder is solved again with the same numbers; what is kept is only data."""

import json
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from tests.control.made import NOW, made_plan, unlike

from hidamari.core.errors import InputError
from hidamari.home.desk import plan_json, solve, solve_again, told
from hidamari.home.explain import explain
from hidamari.home.inputs import KEY, Kept, to_bytes
from hidamari.plan.battery import Action, Mode
from hidamari.plan.inline import InlineSolver
from hidamari.plan.reasons import Code, Reason
from hidamari.plan.request import Answer, PlanRequest, WhyRequest
from hidamari.store.db import Store


@dataclass
class SolvesOnce:
    """Asked the same question again it gives the same answer, at once."""

    inner: InlineSolver = field(default_factory=InlineSolver)
    question: PlanRequest | None = None
    answer: Answer = ()

    def ask(self, request: PlanRequest | WhyRequest) -> Answer:
        if isinstance(request, WhyRequest):
            return self.inner.ask(request)
        if request is not self.question:
            self.question, self.answer = request, self.inner.ask(request)
        return self.answer

    def close(self) -> None:
        self.inner.close()


def test_every_yen_of_every_reason_comes_out_again():
    made = made_plan()
    desk = solve(Kept(to_bytes(made.made)))
    assert desk.home is not None
    assert desk.home.cost_yen == pytest.approx(made.solved.cost_yen, abs=1e-6)
    solver = SolvesOnce()
    whys = [explain(made.made, solver, step) for step in range(72)]
    codes = {one.reason.code for step in whys for one in step}
    assert len(codes) >= 5
    assert unlike(whys, desk) == []


def test_a_rule_that_has_the_battery_is_told_with_what_the_plan_is_behind():
    made = made_plan().made
    reason = Reason(Code.FLOOR, {"behind_yen": 71.5})
    ruled = replace(made.plan.told[0][0], action=Action(Mode.CHARGE, 4.0), reason=reason)
    told = ((ruled, *made.plan.told[0][1:]), *made.plan.told[1:])
    by_rule = replace(made, plan=replace(made.plan, told=told), chosen_kwh=9.0)
    assert ruled.asset == made.ask.main
    desk = solve(Kept(to_bytes(by_rule)))
    key, action, again = desk.told(0)[0]
    assert (key, action, again) == ("battery", Action(Mode.CHARGE, 4.0), reason)
    # what the plan alone would do is reckoned with what the battery alone would hold
    battery = desk.kept.battery
    assert battery is not None
    assert battery[1] == 9.0


def test_the_battery_of_the_running_half_hour_is_explained_by_the_scenarios():
    made = made_plan()
    found = next(one for one in explain(made.made, InlineSolver(), 0) if one.asset == "battery")
    choice = made.made.plan.choice
    assert choice is not None
    by_mode = {a.mode: y for a, y in zip(choice.actions, choice.mean_yen, strict=True)}
    assert found.mode == choice.action.mode.value
    for other in found.others:
        if other.mode != Mode.CHARGE.value:
            yen = by_mode[Mode(other.mode)] - choice.yen
            assert other.yen == pytest.approx(yen)


def test_a_folder_is_read_beside_its_running_home(tmp_path: Path):
    store = Store.open(tmp_path, NOW, ballast_bytes=0)
    try:
        store.put_kv(KEY, to_bytes(made_plan().made))
        desk = solve_again(tmp_path)
        tree = plan_json(desk)
        assert len(tree["slots"]) == 72
        assert json.loads(told(tmp_path, "", as_json=True)) == tree
        assert "2026-11-20" in told(tmp_path, "", as_json=False)
        slot = desk.starts[2].isoformat()
        assert json.loads(told(tmp_path, slot, as_json=True))["slot"] == slot
    finally:
        store.close()


def test_a_folder_without_a_plan_says_so(tmp_path: Path):
    with pytest.raises(InputError, match="data folder of a home with a plan"):
        solve_again(tmp_path)
    store = Store.open(tmp_path, NOW, ballast_bytes=0)
    store.close()
    with pytest.raises(InputError, match="data folder of a home with a plan"):
        solve_again(tmp_path)


@pytest.mark.parametrize("why", ["yesterday", "2020-01-01T00:00"])
def test_an_instant_outside_of_the_plan_is_refused(tmp_path: Path, why: str):
    store = Store.open(tmp_path, NOW, ballast_bytes=0)
    try:
        store.put_kv(KEY, to_bytes(made_plan().made))
        with pytest.raises(InputError, match="--why"):
            told(tmp_path, why, as_json=True)
    finally:
        store.close()


def broken() -> list[bytes]:
    tree = json.loads(zlib.decompress(to_bytes(made_plan().made)))
    cases = [b"", b"plan", zlib.compress(b"{}"), zlib.compress(b"[]"), zlib.compress(b"{")]
    for name in tree:
        less = {key: value for key, value in tree.items() if key != name}
        cases.append(zlib.compress(json.dumps(less).encode()))
    later = tree | {"version": 99}
    text = json.dumps(tree).replace('"<f8"', '"|O"')
    return [*cases, zlib.compress(json.dumps(later).encode()), zlib.compress(text.encode())]


@pytest.mark.parametrize("raw", broken())
def test_what_cannot_be_read_is_refused_as_input(raw: bytes):
    with pytest.raises(InputError, match="plan inputs"):
        Kept(raw)


def test_the_kept_question_is_the_very_same():
    made = made_plan().made
    kept = Kept(to_bytes(made))
    assert made.request is not None
    for name in ("step_h", "load_kwh", "pv_kwh", "buy_yen_kwh", "sell_yen_kwh", "export_limit_kw"):
        ours, theirs = getattr(made.request.horizon, name), getattr(kept.request.horizon, name)
        assert np.array_equal(ours, theirs), name
    assert kept.request.assets[0] == made.request.assets[0]
    assert kept.request.bill == made.request.bill
    assert kept.main == made.ask.main
