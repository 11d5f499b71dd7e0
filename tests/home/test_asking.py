"""What the planner is asked: steps, prices by purpose, what is measured now, odd facts."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tests.control.made import COUNT, NOW, battery_asset, facts, heater_asset

from hidamari.core.settings_store import patch_settings
from hidamari.home.asking import Recent, ask_of, steps_h
from hidamari.home.outlay import outlay_of
from hidamari.home.planning import Made
from hidamari.plan.inline import InlineSolver
from hidamari.plan.ladder import Ladder, Rung
from hidamari.plan.parts.storage import Storage
from hidamari.plan.parts.tank import Tank


def storage(ask) -> Storage:
    return next(a for a in ask.request.assets if isinstance(a, Storage))


def test_the_first_step_is_the_rest_of_the_running_half_hour():
    found = steps_h(NOW + timedelta(minutes=20), 4)
    assert found.tolist() == pytest.approx([10 / 60, 0.5, 0.5, 0.5])
    late = steps_h(NOW + timedelta(minutes=29, seconds=59), 2)
    assert late[0] == pytest.approx(1 / 60)  # no step of nothing


def test_energies_of_the_first_step_are_those_of_the_rest():
    given = replace(facts(), now=NOW + timedelta(minutes=15))
    horizon = ask_of(given).request.horizon
    assert horizon.load_kwh[0] == pytest.approx(0.2)
    assert horizon.load_kwh[1] == pytest.approx(0.4)


def test_what_was_used_in_the_last_half_hour_draws_the_next_ones():
    """0.6 of the difference of 1.0 and 0.4 kWh stays in the first half-hour, 0.3 in the next."""
    horizon = ask_of(replace(facts(), recent=Recent(load_kwh=1.0))).request.horizon
    assert horizon.load_kwh[:5].tolist() == pytest.approx([0.76, 0.58, 0.49, 0.43, 0.4])


def test_the_suns_error_of_the_last_half_hour_fades():
    """Half of what had been forecast: 0.7, 0.5, 0.35 and 0.25 of the error stay."""
    noon = NOW + timedelta(hours=18)
    given = facts()
    outlook = replace(given.outlook, pv_kwh=np.full(COUNT, 1.0))
    recent = Recent(pv_kwh=0.5, pv_made_kwh=1.0)
    horizon = ask_of(replace(given, now=noon, outlook=outlook, recent=recent)).request.horizon
    assert horizon.pv_kwh[:5].tolist() == pytest.approx([0.65, 0.75, 0.825, 0.875, 1.0])
    dark = Recent(pv_kwh=0.3, pv_made_kwh=0.001)  # dawn tells nothing
    same = ask_of(replace(given, outlook=outlook, recent=dark)).request.horizon
    assert same.pv_kwh[0] == pytest.approx(1.0)


def test_the_reserve_is_kept_and_raised_for_blackouts():
    assert storage(ask_of(facts({"reserve_pct": 20.0}))).battery.reserve_kwh == pytest.approx(2.0)
    outage = storage(ask_of(facts({"mode": "outage", "outage_pct": 70.0})))
    assert outage.battery.reserve_kwh == pytest.approx(7.0)
    warned = storage(ask_of(facts({"weather_warning": True, "outage_pct": 50.0})))
    assert warned.battery.reserve_kwh == pytest.approx(5.0)
    both = storage(ask_of(facts({"mode": "outage", "weather_warning": True, "outage_pct": 70.0})))
    assert both.battery.reserve_kwh == pytest.approx(10.0)


def test_a_battery_found_below_its_usual_reserve_is_not_filled_from_the_grid_for_it():
    low = replace(facts({"reserve_pct": 50.0}), assets=(battery_asset(stored_kwh=1.0),))
    assert storage(ask_of(low)).battery.reserve_kwh == pytest.approx(1.0)


def test_self_sufficiency_buys_nothing_to_keep_it():
    for mode in ("self", "solar_rules"):
        ask = ask_of(facts({"mode": mode}))
        plan = Ladder(InlineSolver()).plan(ask)
        assert plan.home is not None
        assert float(plan.home.asset_by_key["battery"].grid_kw.max()) < 1e-3
    cost = Ladder(InlineSolver()).plan(ask_of(facts({"mode": "cost"})))
    assert cost.home is not None
    assert float(cost.home.asset_by_key["battery"].grid_kw.max()) > 0.5  # 18 yen for 35


@pytest.mark.req("SET-09")
def test_the_half_hour_target_and_the_import_limit_reach_the_plan():
    given = facts({"import_limit_kw": 1.5})
    settings = patch_settings(given.settings, {"target": {"half_hour_kwh": 0.9}})
    ask = ask_of(replace(given, settings=settings))
    assert ask.request.bill.target_kw == pytest.approx(1.8)
    assert ask.request.horizon.import_limit_kw == pytest.approx(1.5)
    # where the house alone needs more, the plan does not fail for it
    heavy = replace(given.outlook, load_kwh=np.full(COUNT, 2.0))
    limit = ask_of(replace(given, outlook=heavy)).request.horizon.import_limit_kw
    assert limit == pytest.approx(4.1)


def test_the_heater_may_not_run_in_quiet_hours_nor_while_it_is_paused():
    def tank(tree: object) -> Tank:
        assets = ask_of(facts(tree)).request.assets
        return next(a for a in assets if isinstance(a, Tank))

    hour = (18.0 + 0.5 * np.arange(COUNT)) % 24.0
    usual = tank({}).may_run
    assert not usual[(hour >= 7.0) & (hour < 9.0)].any()
    assert usual[(hour >= 23.0) | (hour < 6.0)].all()  # its own boil begins at 6 at the latest
    quiet = tank({"heater": {"quiet_from_h": 22.0, "quiet_to_h": 6.0}}).may_run
    assert not quiet[(hour >= 22.0) | (hour < 6.0)].any()
    assert quiet[(hour >= 6.0) & (hour < 7.0)].all()
    assert not tank({"heater": {"day_boil": False}}).may_run[(hour >= 9.0) & (hour < 18.0)].any()
    assert not tank({"heater": {"pause": True}}).may_run.any()


def test_what_the_plan_may_not_steer_is_a_load_at_its_usual_hours():
    given = facts()
    left = replace(heater_asset(), is_steered=False)
    usual = {"heater": np.where(np.arange(48) == 40, 1.5, 0.0)}  # 20:00
    ask = ask_of(replace(given, assets=(battery_asset(), left), usual_kwh=usual))
    assert [a.key for a in ask.request.assets] == ["battery"]
    load = ask.request.horizon.load_kwh
    assert load[4] == pytest.approx(1.9)
    assert load[3] == pytest.approx(0.4)


@pytest.mark.t(10)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e9])
def test_absurd_forecasts_end_in_a_rule_and_never_in_nothing(value: float):
    given = facts()
    load = given.outlook.load_kwh.copy()
    load[5] = value
    bad = replace(given.outlook, load_kwh=load)
    plan = Ladder(InlineSolver()).plan(ask_of(replace(given, outlook=bad)))
    assert plan.rung is Rung.RULE
    assert {told.asset for told in plan.told[0]} == {"battery", "heater"}


@pytest.mark.t(10)
def test_absurd_scenarios_end_in_the_plan_on_the_mean():
    given = facts()
    net = given.outlook.net_kwh.copy()
    net[3, 7] = np.nan
    plan = Ladder(InlineSolver()).plan(
        ask_of(replace(given, outlook=replace(given.outlook, net_kwh=net)))
    )
    assert plan.rung is Rung.MEAN


def test_the_outlay_lies_within_its_range_and_never_above_leaving_it_alone_by_much():
    given = facts()
    ask = ask_of(given)
    plan = Ladder(InlineSolver()).plan(ask)
    found = outlay_of(Made(plan, ask, given, ask.request, 40))
    assert found is not None
    assert found.low_yen <= found.plan_yen <= found.high_yen
    assert found.saving_yen > 20.0  # a battery filled at 18 yen for a day at 35
