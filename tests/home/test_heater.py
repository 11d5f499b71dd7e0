"""Hot water: what was drawn, how far a run heats, what is told to the heater and when."""

from dataclasses import replace

import numpy as np
import pytest
from tests.control.made import facts, heater_asset, made_plan

from hidamari.core.config import PlanSettings
from hidamari.devices.water_heater import WaterHeater
from hidamari.echonet.frame import Eoj
from hidamari.home.asking import ask_of
from hidamari.home.expected import as_carried_out
from hidamari.home.heater import (
    Night,
    Run,
    allowed_steps,
    announced_step,
    can_shift,
    cold_water_c,
    heat_drawn,
    in_cold_water,
    latest_step,
    next_run,
    usual_idle_kw,
    usual_target_kwh,
)
from hidamari.plan.inline import InlineSolver
from hidamari.plan.ladder import Ladder
from hidamari.plan.parts.tank import Tank

WRITABLE = frozenset({0xB0, 0xC7, 0xCA})
RUN = Run(30, 38, 11.0, 4.0)


def heater(shift: bool = False, hour: int = 0) -> WaterHeater:
    raw = {0xC7: b"\x01" if shift else b"\x00", 0xCA: bytes((hour,)), 0xC8: bytes((23,))}
    return WaterHeater(Eoj.parse("026B01"), raw)


def test_what_was_drawn_is_what_came_in_less_what_is_there_more():
    """A tank at rest but for 100 L of hot water: 100 L times its heat per litre is gone."""
    tank = heater_asset().model
    level = np.array([200.0, 200.0, 100.0, 100.0])
    found = heat_drawn(level, np.zeros(4), replace(tank, loss_w_k=0.0))
    assert np.isnan(found[0])
    assert found[1:].tolist() == pytest.approx([0.0, 100.0 * tank.kwh_per_l, 0.0])
    into = np.array([0.0, 1.0, 1.0, 0.0])  # heat pump: half of each counts to either side
    filled = heat_drawn(np.full(4, 200.0), into, replace(tank, loss_w_k=0.0))
    assert filled[2] == pytest.approx(tank.cop * 1.0)


def test_a_run_heats_as_far_as_runs_were_seen_to():
    tank = heater_asset().model
    level = np.tile(np.concatenate([np.full(14, 100.0), np.full(34, 260.0)]), (10, 1))
    few = usual_target_kwh(level[:3], np.zeros((3, 48)), tank)
    assert few is None
    assert usual_target_kwh(level, np.zeros((10, 48)), tank) == pytest.approx(260 * tank.kwh_per_l)
    # a day that draws more than that is what counts: 1.1 x 20 kWh
    much = usual_target_kwh(level, np.full((10, 48), 20.0 / 48), tank)
    assert much == pytest.approx(22.0)


@pytest.mark.parametrize(
    ("now_h", "told"),
    [
        (18.0, None),  # the plan of the next day has not settled yet
        (22.5, 11),
        (23.5, None),  # decided: the next decision comes after that run
        (3.0, None),
    ],
)
def test_a_shift_is_told_in_the_hour_before_the_heater_decides(now_h, told):
    assert can_shift(RUN, heater(), now_h, WRITABLE) == told


def test_a_night_run_and_an_old_heater_are_not_shifted():
    assert can_shift(replace(RUN, start_h=3.0), heater(), 22.5, WRITABLE) is None
    assert can_shift(RUN, heater(), 22.5, frozenset({0xB0})) is None


@pytest.mark.parametrize(
    ("now_h", "shift", "hour", "step"),
    [
        (22.0, True, 11, None),  # can still be changed
        (23.5, True, 11, 23),  # 11.5 h ahead
        (8.0, True, 11, 6),
        (8.0, False, 11, None),
        (8.0, True, 0, None),
        (13.0, True, 11, None),  # that run has begun
    ],
)
def test_a_shift_that_was_decided_stands(now_h, shift, hour, step):
    hours = (now_h + 0.5 * np.arange(72)) % 24.0
    assert announced_step(heater(shift, hour), hours) == step


def test_a_planned_run_is_carried_out_at_full_power_until_its_heat_is_there():
    given = facts()
    ask = ask_of(given)
    plan = as_carried_out(Ladder(InlineSolver()).plan(ask), ask, frozenset({"battery"}))
    tank = next(a for a in ask.request.assets if isinstance(a, Tank))
    assert plan.home is not None
    run = next_run(plan.home, "heater", ask.hour)
    assert run is not None
    power = plan.home.asset_by_key["heater"].power_kw
    inside = power[run.first : run.last]
    assert inside.tolist() == pytest.approx([tank.power_kw] * len(inside))
    assert plan.home.asset_by_key["heater"].level_kwh[run.last] == pytest.approx(
        tank.full_kwh, rel=0.03
    )


def test_the_grid_of_a_plan_carried_out_balances():
    given = facts()
    ask = ask_of(given)
    plan = as_carried_out(Ladder(InlineSolver()).plan(ask), ask, frozenset({"battery"}))
    home = plan.home
    assert home is not None
    drawn = sum(a.power_kw * home.horizon.step_h for a in home.assets)
    net = home.import_kwh - home.export_kwh - home.curtail_kwh
    assert net == pytest.approx(home.horizon.load_kwh - home.horizon.pv_kwh + drawn)


def test_the_trials_of_its_starts_explain_the_run():
    made = made_plan().made
    assert made.plan.home is not None
    starts = [trial for trial in made.plan.home.trials if trial.key == "heater"]
    assert len(starts) > 10


BY_ITSELF = Night(is_moved=False, can_move=False, decide_h=23.0)
MOVABLE = Night(is_moved=False, can_move=True, decide_h=23.0)
MOVED = Night(is_moved=True, can_move=True, decide_h=23.0)


@pytest.mark.parametrize(
    ("now_h", "night", "tomorrow_noon"),
    [
        (22.0, MOVABLE, True),  # it can still be told
        (22.0, BY_ITSELF, False),
        (23.5, MOVABLE, False),  # decided: tonight the heater sees to itself
        (3.0, MOVABLE, False),
        (3.0, MOVED, True),
        (8.0, BY_ITSELF, True),  # the night is over
    ],
)
def test_a_run_by_day_is_planned_only_where_the_heater_leaves_the_night_to_it(
    now_h, night, tomorrow_noon
):
    hour = (now_h + 0.5 * np.arange(48)) % 24.0
    may_run = allowed_steps(PlanSettings(), hour, night)
    assert bool(may_run[hour == 12.0][0]) is tomorrow_noon
    assert may_run[hour == 3.0].all()
    assert not may_run[hour == 6.5].any()  # its own boil would have begun before


def test_a_run_of_the_night_begins_in_time_to_be_over_an_hour_before_its_own():
    """Two hours of heat are to be over by 6:00: 4:00 at the latest; what is too late is due now."""
    hour = (0.5 * np.arange(48)) % 24.0
    may_run = allowed_steps(PlanSettings(), hour, MOVABLE)
    assert latest_step(may_run, hour, 2.0) == 8
    assert latest_step(may_run, hour, 9.0) == 0
    late = (6.5 + 0.5 * np.arange(48)) % 24.0
    assert latest_step(allowed_steps(PlanSettings(), late, MOVABLE), late, 1.0) is None


def test_what_a_heater_draws_between_its_runs_is_the_middle_of_its_idle_half_hours():
    day_kwh = np.concatenate([np.full(40, 0.004), [0.3, 0.5, 0.5, np.nan]])
    assert usual_idle_kw(day_kwh) == pytest.approx(0.008)
    assert usual_idle_kw(np.full(4, np.nan)) == 0.0


def test_how_cold_the_water_comes_in_is_seen_from_how_fast_runs_fill_the_tank():
    """4.5 kW of heat less what a half-full tank loses fill 39.9 L in a half-hour, 17 to 65 degC.

    2.25 kWh - 0.5 x 0.0882 kW x 0.5 h = 2.228 kWh; 2.228 / (4.186 / 3600 x 48) = 39.9 L.
    """
    tank = heater_asset().model
    run = np.r_[np.zeros(2), np.full(6, 0.5), np.zeros(2)]
    level = 100.0 + 39.9 * np.cumsum(run > 0.0)
    days_kwh, days_l = np.tile(run, 4), np.tile(level, 4)
    assert cold_water_c(days_l, days_kwh, tank) == pytest.approx(17.0, abs=0.2)
    # each litre takes more heat when it comes in colder
    slow_l = np.tile(100.0 + 36.0 * np.cumsum(run > 0.0), 4)
    cold_c = cold_water_c(slow_l, days_kwh, tank)
    assert cold_c == pytest.approx(65.0 - 48.0 * 39.9 / 36.0, abs=0.2)
    colder = in_cold_water(tank, cold_c)
    assert colder.hot_l == pytest.approx(tank.hot_l)
    assert colder.heat_kwh == pytest.approx(tank.heat_kwh * 39.9 / 36.0, rel=0.01)
    assert cold_water_c(days_l[:10], days_kwh[:10], tank) is None  # one run alone tells little
    assert in_cold_water(tank, None) is tank
