"""Explanations: the yen come from the same program, and can be had again."""

from dataclasses import replace

import numpy as np
import pytest
from tests.plan.problems import battery, tank, winter_day

from hidamari.plan.battery import Mode
from hidamari.plan.inline import InlineSolver
from hidamari.plan.planner import HomePlanner
from hidamari.plan.reasons import Code, action_of, of_step
from hidamari.plan.request import Failed, PlanRequest
from hidamari.plan.why import explain


def test_every_other_choice_is_dearer_and_says_which_terms_moved() -> None:
    request = PlanRequest(winter_day(), (battery(3.0), tank(96)))
    solver = InlineSolver()
    answer = solver.ask(request)
    assert not isinstance(answer, Failed)
    found = 0
    for step in (0, 20, 38, 44):
        for why in explain(solver, request, answer[0], step):
            for other in why.others:
                assert other.more_yen >= -1e-6
                found += other.more_yen > 0.01
                if other.more_yen > 0.01:
                    assert other.moved
            assert list(why.others) == sorted(why.others, key=lambda one: one.more_yen)
            again = explain(solver, request, answer[0], step)
            assert [o.more_yen for w in again if w.asset == why.asset for o in w.others] == (
                pytest.approx([o.more_yen for o in why.others], abs=1e-6)
            )
    assert found >= 4


def test_modes_and_reasons_of_a_winter_day() -> None:
    dark = replace(winter_day(), pv_kwh=np.zeros(96))
    plan = HomePlanner().plan(dark, [battery(0.5)])
    asset = plan.assets[0]
    night = [action_of(plan, asset, step).mode for step in range(14)]
    assert Mode.CHARGE in night  # 18 yen now, 35 by day
    charged = night.index(Mode.CHARGE)
    assert of_step(plan, asset, charged).code is Code.CHARGE_CHEAP
    evening = [step for step in range(34, 46) if asset.power_kw[step] < -0.1]
    assert evening
    assert of_step(plan, asset, evening[0]).code is Code.COVER_USE
    assert action_of(plan, asset, evening[0]).mode is Mode.FOLLOW


def test_keeping_energy_for_a_dearer_hour_is_the_mode_surplus() -> None:
    # 3 kWh stored: not enough for the 35 yen hours, so nothing is given away at 18 yen
    plan = HomePlanner().plan(winter_day(40), [battery(3.0, charge_kw=0.0)])
    asset = plan.assets[0]
    assert action_of(plan, asset, 2).mode is Mode.SURPLUS
    assert of_step(plan, asset, 2).code is Code.KEEP_FOR_LATER
