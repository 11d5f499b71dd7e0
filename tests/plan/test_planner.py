"""The whole home's program against trying all, and every device's wishes by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.problems import NO_END, battery, cheapest_by_trying, horizon, tank, winter_day

from hidamari.core.errors import InputError
from hidamari.plan.battery import Battery
from hidamari.plan.horizon import Bill, Horizon, Tiers, check, compare, usual_steps
from hidamari.plan.lp import NoSolution
from hidamari.plan.parts.block import Block
from hidamari.plan.parts.storage import Storage, Taper, Trip
from hidamari.plan.planner import HomePlanner
from hidamari.plan.request import Forced, LastPlan
from hidamari.plan.value import battery_end


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=8),
    st.lists(st.tuples(st.integers(5, 40), st.integers(0, 40)), min_size=8, max_size=8),
    st.integers(0, 4),
    st.integers(1, 2),
)
def test_it_agrees_with_trying_everything(
    flows: list[tuple[int, int]], prices: list[tuple[int, int]], start: int, power: int
) -> None:
    load, pv = [f[0] for f in flows], [f[1] for f in flows]
    count = len(flows)
    buy = [p[0] for p in prices[:count]]
    sell = [min(p[1], p[0]) for p in prices[:count]]
    ahead = horizon(load, pv, buy, sell)
    asset = Storage("b", Battery(4.0, power, power, 1.0, 1.0), float(start), 0.0, NO_END)
    plan = HomePlanner().plan(ahead, [asset])
    net = [a - b for a, b in zip(load, pv, strict=True)]
    assert plan.cost_yen == pytest.approx(
        cheapest_by_trying((4, power, start), net, buy, sell), abs=1e-5
    )


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=6),
    st.lists(st.tuples(st.integers(-10, 40), st.integers(-5, 50)), min_size=6, max_size=6),
)
def test_absurd_prices_burn_no_energy(
    flows: list[tuple[int, int]], prices: list[tuple[int, int]]
) -> None:
    load, pv = [f[0] for f in flows], [f[1] for f in flows]
    count = len(flows)
    ahead = horizon(load, pv, [p[0] for p in prices[:count]], [p[1] for p in prices[:count]])
    plan = HomePlanner().plan(ahead, [battery(2.0)])
    both = np.minimum(plan.import_kwh, plan.export_kwh)
    assert both.max() < 1e-6
    grid = plan.import_kwh - plan.export_kwh - plan.curtail_kwh
    moved = plan.assets[0].power_kw * ahead.step_h
    assert grid + ahead.pv_kwh == pytest.approx(ahead.load_kwh + moved, abs=1e-6)


def test_energy_from_the_battery_never_flows_out() -> None:
    ahead = horizon([1.0, 1.0, 0.0], [0.0, 3.0, 3.0], [40.0, 40.0, 40.0], [5.0, 39.0, 39.0])
    plan = HomePlanner().plan(ahead, [battery(9.0), tank(3, 15.0)])
    out = plan.export_kwh > 1e-6
    assert (plan.asset_by_key["battery"].power_kw[out] > -1e-6).all()


def test_a_kept_program_gives_the_same_as_a_new_one() -> None:
    kept = HomePlanner()
    for stored in (1.0, 4.0, 8.0):
        ahead = replace(winter_day(), load_kwh=winter_day().load_kwh * (0.5 + stored / 8.0))
        assets = [battery(stored), tank(96, stored)]
        again = kept.plan(ahead, assets)
        assert again.cost_yen == pytest.approx(HomePlanner().plan(ahead, assets).cost_yen, abs=1e-4)


def test_every_start_of_the_next_run_was_tried_and_the_best_one_taken() -> None:
    ahead = winter_day()
    plan = HomePlanner().plan(ahead, [tank(96)])
    best = min(plan.trials, key=lambda trial: trial.yen)
    power = plan.asset_by_key["tank"].power_kw
    assert 40 <= len(plan.trials) <= 49  # 48 half-hours and none, less the hopeless ones
    assert best.start is not None
    today = np.flatnonzero(power[:48] > 1e-6)
    assert today.min() >= best.start
    assert today.max() < best.start + 10  # five hours
    for start in (best.start - 4, best.start + 4):
        only = tank(96, announced=start)
        assert HomePlanner().plan(ahead, [only]).cost_yen >= plan.cost_yen - 1e-6


def test_a_run_begins_with_a_half_hour_unless_the_water_runs_out() -> None:
    rest = winter_day()
    rest.step_h[0] = 0.25  # a plan made in the middle of a half-hour
    starts = {trial.start for trial in HomePlanner().plan(rest, [tank(96, 6.0)]).trials}
    assert 0 not in starts
    assert {1, 2} <= starts
    urgent = HomePlanner().plan(rest, [tank(96, 1.0)])
    assert 0 in {trial.start for trial in urgent.trials}
    running = HomePlanner().plan(rest, [tank(96, 6.0, running=True)])
    assert [trial.start for trial in running.trials] == [0]


def test_hot_water_runs_in_allowed_hours_and_not_short() -> None:
    night = np.zeros(96, dtype=bool)
    night[40:60] = True
    plan = HomePlanner().plan(winter_day(), [tank(96, 12.0, may_run=night)])
    assert not plan.asset_by_key["tank"].power_kw[~night].any()
    names = {term.name for term in plan.terms}
    assert "tank.cold_water" not in names


def test_a_due_legionella_run_fills_the_tank() -> None:
    plan = HomePlanner().plan(winter_day(), [tank(96, 6.0, germs_by=60)])
    assert plan.asset_by_key["tank"].level_kwh[60] == pytest.approx(16.0, abs=1e-6)


def test_the_car_leaves_with_what_it_needs() -> None:
    trips = (Trip(16, 36, 24.0, 8.0),)
    car = Storage("car", Battery(40.0, 6.0, 6.0, 0.92, 0.92, 8.0), 20.0, 0.3, trips=trips)
    plan = HomePlanner().plan(winter_day(), [car])
    level, power = plan.assets[0].level_kwh, plan.assets[0].power_kw
    assert level[15] >= 24.0 - 1e-6
    assert not power[16:36].any()
    assert level[35] - level[36] >= 8.0 - 6.0 * 0.5 * 0.92 - 1e-6  # back, 8 kWh lower


def test_a_full_car_in_ten_minutes_is_planned_as_well_as_can_be() -> None:
    car = Storage("car", Battery(40.0, 6.0, 0.0, 1.0, 1.0), 10.0, trips=(Trip(1, 20, 40.0, 8.0),))
    plan = HomePlanner().plan(winter_day(), [car])
    assert plan.assets[0].level_kwh[0] == pytest.approx(13.0)  # half an hour at 6 kW
    short = next(term for term in plan.terms if term.name == "car.departure_short")
    assert short.yen == pytest.approx(27.0 * 200.0)


def test_a_battery_below_its_reserve_climbs_to_it_at_once() -> None:
    plan = HomePlanner().plan(winter_day(), [battery(1.0, reserve_kwh=8.0)])
    level = plan.assets[0].level_kwh
    assert level[:3] == pytest.approx([2.9, 4.8, 6.7], abs=1e-6)  # 4 kW x 0.5 h x 0.95
    assert level[4:].min() >= 8.0 - 1e-6


def test_an_unreachable_reserve_is_given_up_not_the_plan() -> None:
    ahead = replace(winter_day(), import_limit_kw=1.4)
    plan = HomePlanner().plan(ahead, [battery(1.0, reserve_kwh=9.0)])
    assert np.isfinite(plan.cost_yen)


def test_charging_tapers_when_nearly_full() -> None:
    ahead = horizon([0.0] * 6, [4.0] * 6, [30.0] * 6, [1.0] * 6)
    asset = Storage("b", Battery(10.0, 4.0, 4.0, 1.0, 1.0), 6.0, 0.0, tapers=(Taper(5.0, 0.5),))
    plan = HomePlanner().plan(ahead, [asset])
    # most = 5 - 0.5 x stored: 2.0 at 6, then 1.0 at 8, 0.5 at 9, 0.25 at 9.5 ...
    assert plan.assets[0].power_kw[:4] == pytest.approx([2.0, 1.0, 0.5, 0.25], abs=1e-6)


def test_output_control_is_kept() -> None:
    ahead = replace(
        horizon([0.5] * 4, [4.0] * 4, [30.0] * 4, [20.0] * 4),
        export_limit_kw=np.array([np.inf, 1.0, 0.0, np.inf]),
    )
    plan = HomePlanner().plan(ahead, [])
    assert plan.export_kwh == pytest.approx([3.5, 1.0, 0.0, 3.5], abs=1e-6)
    assert plan.curtail_kwh == pytest.approx([0.0, 2.5, 3.5, 0.0], abs=1e-6)


def test_tiers_by_hand() -> None:
    tiers = Tiers((120.0, 180.0, 0.0), (0.0, 6.0, 10.0), used_kwh=110.0, rest_kwh=0.0)
    ahead = horizon([10.0, 10.0], [0.0, 0.0], [30.0, 30.0], [0.0, 0.0])
    plan = HomePlanner().plan(ahead, [], Bill(tiers))
    # 20 kWh at 30, the last 10 of them 6 dearer
    assert plan.cost_yen == pytest.approx(600.0 + 60.0, abs=1e-5)
    falling = Tiers((120.0, 0.0), (5.0, 0.0), used_kwh=110.0, rest_kwh=100.0)
    assert HomePlanner().plan(ahead, [], Bill(falling)).cost_yen == pytest.approx(600.0, abs=1e-5)


def test_the_highest_import_is_shaved_when_it_costs() -> None:
    ahead = horizon([1.0, 4.0, 1.0], [0.0] * 3, [30.0] * 3, [0.0] * 3)
    bill = Bill(peak_yen_kw=100.0, peak_so_far_kw=2.0)
    asset = Storage("b", Battery(5.0, 3.0, 3.0, 1.0, 1.0), 1.0, 0.0, NO_END)
    plan = HomePlanner().plan(ahead, [asset], bill)
    assert plan.import_kwh.max() == pytest.approx(2.0, abs=1e-6)
    target = HomePlanner().plan(ahead, [asset], Bill(target_kw=2.5))
    assert target.import_kwh.max() <= 2.5 + 1e-6


def test_a_plan_does_not_jump_without_gain() -> None:
    ahead = replace(winter_day(), buy_yen_kwh=np.full(96, 30.0), pv_kwh=np.zeros(96))
    first = HomePlanner().plan(ahead, [battery(5.0)])
    before = LastPlan({"battery": np.where(np.arange(96) < 4, -0.4, 0.0)})
    steady = HomePlanner().plan(ahead, [battery(5.0)], last=before)
    assert steady.assets[0].power_kw[:4] == pytest.approx([-0.4] * 4, abs=1e-6)
    assert steady.cost_yen == pytest.approx(first.cost_yen, abs=0.05)


def test_two_storages_that_exclude_each_other_take_turns() -> None:
    planner = HomePlanner(exclusive=("battery", "car"))
    car = Storage("car", Battery(40.0, 6.0, 6.0), 20.0, 0.3)
    plan = planner.plan(winter_day(), [battery(8.0), car])
    busy = [np.abs(asset.power_kw) > 1e-6 for asset in plan.assets]
    assert not (busy[0] & busy[1]).any()


def test_forcing_another_decision_costs_what_a_new_plan_says() -> None:
    planner = HomePlanner()
    plan = planner.plan(winter_day(), [battery(3.0)])
    forced = planner.what_if(plan, Bill(), Forced("battery", 20, 25, 2.0, 2.0))
    more_yen, moved = compare(plan, forced)
    assert more_yen > 0.0
    assert forced.assets[0].power_kw[20:26] == pytest.approx([2.0] * 6, abs=1e-6)
    assert {term.name for term in moved} & {"bought", "battery.stored_at_end", "sold"}
    again = planner.plan(winter_day(), [battery(3.0)])
    assert again.cost_yen == pytest.approx(plan.cost_yen, abs=1e-6)


def test_the_end_is_worth_something() -> None:
    end = battery_end(winter_day(), Battery())
    assert end.first_kwh == pytest.approx(3.0)
    assert end.rest_yen_kwh == pytest.approx(18.0 * 0.95)
    plan = HomePlanner().plan(winter_day(), [battery(9.0)])
    assert plan.assets[0].level_kwh[-1] > 2.0


def test_steps_may_differ_in_length() -> None:
    steps = usual_steps(0)
    assert steps.size == 116
    assert steps.sum() == pytest.approx(48.0)
    ahead = winter_day(116)
    mixed = Horizon(steps, *(getattr(ahead, n) for n in (
        "load_kwh", "pv_kwh", "buy_yen_kwh", "sell_yen_kwh", "export_limit_kw")))  # fmt: skip
    mixed = replace(mixed, load_kwh=mixed.load_kwh * steps / 0.5, pv_kwh=mixed.pv_kwh * steps / 0.5)
    assert np.isfinite(HomePlanner().plan(mixed, [battery(3.0)]).cost_yen)


@pytest.mark.t(10)
@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("load_kwh", np.nan, "load_kwh"),
        ("pv_kwh", np.inf, "pv_kwh"),
        ("pv_kwh", 1e9, "pv_kwh"),
        ("load_kwh", -1.0, "load_kwh"),
        ("load_kwh", 200.0, "400 kW"),
        ("buy_yen_kwh", np.nan, "buy_yen_kwh"),
        ("sell_yen_kwh", 1e6, "sell_yen_kwh"),
        ("step_h", 0.0, "step_h"),
        ("export_limit_kw", np.nan, "export_limit_kw"),
    ],
)
def test_unusable_input_is_named(field: str, value: float, says: str) -> None:
    ahead = winter_day()
    values = getattr(ahead, field).copy()
    values[3] = value
    with pytest.raises(InputError, match=says):
        check(replace(ahead, **{field: values}))
    with pytest.raises(InputError, match=r"steps|step_h"):
        check(replace(ahead, **{field: values[:-1]}))
    with pytest.raises(InputError, match="step"):
        check(replace(ahead, step_h=np.zeros(0)))


def test_a_machine_runs_once_where_it_is_cheapest() -> None:
    buy = [30.0, 30.0, 20.0, 20.0, 30.0, 15.0]
    ahead = horizon([0.0] * 6, [0.0] * 6, buy, [0.0] * 6)
    whole = HomePlanner().plan(ahead, [Block("wash", 1.0, 2.0, 0, 6)])
    assert whole.assets[0].power_kw == pytest.approx([0, 0, 1, 1, 0, 0])  # 40, against 45 at best
    late = HomePlanner().plan(ahead, [Block("wash", 1.0, 1.5, 3, 6)])
    assert late.assets[0].power_kw == pytest.approx([0, 0, 0, 1, 0.5, 0])  # 35, against 37.5
    assert late.cost_yen == pytest.approx(35.0)
    none = HomePlanner().plan(ahead, [Block("wash", 1.0, 9.0, 0, 6)])
    assert not none.assets[0].power_kw.any()


def test_a_house_beyond_its_contract_still_gets_a_plan() -> None:
    ahead = replace(winter_day(), import_limit_kw=0.2)
    plan = HomePlanner().plan(ahead, [battery(1.0, reserve_kwh=9.0), tank(96)])
    assert np.isfinite(plan.cost_yen)
    assert len(plan.trials) > 1


def test_where_the_contract_allows_it_stored_energy_is_sold() -> None:
    ahead = horizon([0.0, 0.0], [0.0, 0.0], [40.0, 40.0], [10.0, 30.0])
    asset = Storage("b", Battery(4.0, 2.0, 2.0, 1.0, 1.0), 2.0, 0.0, NO_END)
    kept = HomePlanner().plan(ahead, [asset])
    assert not kept.export_kwh.any()
    sold = HomePlanner().plan(replace(ahead, may_export_stored=True), [asset])
    assert sold.export_kwh == pytest.approx([0.0, 2.0], abs=1e-6)


def test_falling_tiers_take_the_one_the_month_ends_in() -> None:
    ahead = horizon([10.0], [0.0], [30.0], [0.0])
    early = Tiers((120.0, 0.0), (5.0, 0.0), used_kwh=10.0, rest_kwh=50.0)
    assert HomePlanner().plan(ahead, [], Bill(early)).cost_yen == pytest.approx(350.0, abs=1e-5)


def test_too_long_a_horizon_is_refused() -> None:
    with pytest.raises(InputError, match="at most 192"):
        check(winter_day(200, 1.0))


def test_parts_are_not_mixed_up() -> None:
    planner = HomePlanner()
    planner.plan(winter_day(), [battery(1.0), tank(96), Block("wash", 1.0, 1.0, 0, 90)])
    assert planner.model is not None
    storage, boiler, wash = planner.model.parts
    lp = planner.model.lp
    for asset, part in (
        (battery(1.0), boiler), (tank(96), wash), (Block("wash", 1.0, 1.0, 0, 90), storage),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="part expected"):
            asset.renew(part, lp, winter_day())
    with pytest.raises(NoSolution):
        HomePlanner().what_if(planner.plan(winter_day(), []), Bill(), Forced("x", 0, 0, 0.0, 0.0))


def test_a_running_heater_goes_on() -> None:
    plan = HomePlanner().plan(winter_day(), [tank(96, running=True)])
    assert [trial.start for trial in plan.trials] == [0]
