"""The cycle over a simulated house: modes are carried out, amounts sent, others respected."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from tests.control.paper import NIGHT, Paper, paper
from tests.whole.loop import run

from hidamari.devices.battery import Working
from hidamari.devices.v2h import CarMode
from hidamari.devices.water_heater import Heating
from hidamari.home.control import owner_proposal
from hidamari.home.orders import orders_to
from hidamari.plan.battery import Mode

SEED = int(os.environ.get("SEED", "1"))
KILLS = 50


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Paper]:
    found = paper(tmp_path)
    yield found
    found.store.close()


def battery(home: Paper):
    return home.line.world.state.battery


def test_nothing_is_sent_while_steering_is_off(home: Paper):
    home.set(steering=False)
    home.tell("battery", Mode.CHARGE, 2.0)
    run(home.minutes(3))
    assert home.line.ran == []


def test_a_planned_charge_is_told_with_power_and_amount_and_read_back(home: Paper):
    home.tell("battery", Mode.CHARGE, 2.0)
    run(home.minutes(1))
    state = battery(home)
    assert (state.mode, state.charge_kw) == (Working.CHARGING, 2.0)
    # 29 minutes of 2 kW are left of the half-hour.
    assert state.charge_kwh == pytest.approx(2.0 * 29 / 60, abs=0.01)
    assert [e.data["mode"] for e in home.noted("confirmed") if e.device == "battery"] == ["charge"]


def test_the_same_order_is_not_sent_twice(home: Paper):
    home.tell("battery", Mode.CHARGE, 2.0)
    run(home.minutes(20))
    told = [values for host, values in home.line.ran if host == "battery"]
    assert len(told) == 1


def test_at_the_end_of_its_half_hour_a_charge_gives_way_to_the_next_order(home: Paper):
    home.tell("battery", Mode.CHARGE, 2.0)
    run(home.minutes(32))
    assert battery(home).mode is Working.AUTO
    assert not home.noted("foreign_command")


@pytest.mark.req("CTL-10")
def test_a_foreign_command_is_noticed_and_the_plan_gives_way_until_the_next_day(home: Paper):
    home.tell("battery", Mode.SURPLUS, hours=12)
    run(home.minutes(2))
    world = home.line.world
    world.state = replace(world.state, battery=replace(battery(home), mode=Working.DISCHARGING))
    run(home.minutes(5))
    assert battery(home).mode is Working.DISCHARGING
    notices = home.noted("foreign_command")
    assert [(e.kind, e.data["mode"]) for e in notices] == [("notice", "discharging")]
    assert home.control.gives_way["battery"].until == NIGHT + timedelta(hours=23)
    home.clock.advance(23 * 3600)  # past local midnight
    home.line.world.advance(home.clock.now())
    home.tell("battery", Mode.SURPLUS, hours=12)
    run(home.minutes(2))
    assert battery(home).mode is Working.CHARGING
    assert "battery" not in home.control.gives_way


@pytest.mark.req("CTL-10")
def test_the_owners_word_ends_a_giving_way(home: Paper):
    home.tell("battery", Mode.SURPLUS, hours=12)
    run(home.minutes(2))
    world = home.line.world
    world.state = replace(world.state, battery=replace(battery(home), mode=Working.STANDBY))
    # a battery that ends charging by itself stands by: no foreign hand in that
    run(home.minutes(2))
    assert not home.noted("foreign_command")
    world.state = replace(world.state, battery=replace(battery(home), mode=Working.RAPID_CHARGING))
    run(home.minutes(2))
    assert home.noted("foreign_command")
    home.control.release("battery")
    run(home.minutes(2))
    assert battery(home).mode is Working.CHARGING


def test_the_owner_goes_before_the_plan_and_only_for_as_long_as_said(home: Paper):
    home.tell("battery", Mode.SURPLUS, hours=12)
    until = home.clock.now() + timedelta(minutes=10)
    home.control.override(owner_proposal("battery", "hold", until))
    run(home.minutes(5))
    assert battery(home).mode is Working.STANDBY
    run(home.minutes(7))
    assert battery(home).mode is Working.CHARGING


def test_the_owners_word_and_a_giving_way_outlive_a_restart(home: Paper):
    until = home.clock.now() + timedelta(hours=1)
    home.control.override(replace(owner_proposal("battery", "hold", until), since=NIGHT))
    home.start()
    assert home.control.overrides["battery"].mode == "hold"
    assert home.control.overrides["battery"].until == until


def test_below_its_reserve_a_battery_gives_nothing(home: Paper):
    home.set(reserve_pct=80.0)
    home.tell("battery", Mode.FOLLOW, hours=12)
    run(home.minutes(2))
    assert battery(home).mode is Working.CHARGING  # from surplus only
    assert home.control.settled["battery"].code == "reserve"


def test_a_device_that_does_not_obey_is_told_again_at_growing_intervals(home: Paper):
    home.tell("battery", Mode.SURPLUS, hours=12)
    home.line.deaf.add("battery")
    run(home.minutes(60))
    order = home.control.orders["battery"]
    assert order.outcome == "not_confirmed"
    # at once, then after 1, 2, 4, 8, 15, 15 ... minutes
    assert 5 <= order.tries <= 8
    assert len([e for e in home.noted("not_confirmed") if e.device == "battery"]) == 2


def test_a_silent_device_is_left_alone_after_a_quarter_of_an_hour(home: Paper):
    home.tell("battery", Mode.CHARGE, 2.0, hours=12)
    run(home.minutes(1))
    home.line.silent.add("battery")
    run(home.minutes(20))
    count = len(home.line.ran)
    run(home.minutes(20))
    assert len(home.line.ran) == count


def test_the_car_is_never_forced_while_it_is_away(home: Paper):
    world = home.line.world
    car = world.state.car
    world.state = replace(world.state, car=replace(car, model=car.model.leave()))
    home.tell("v2h", Mode.CHARGE, 3.0)
    run(home.minutes(2))
    assert not [values for host, values in home.line.ran if host == "v2h"]


def test_stopping_hands_a_forced_battery_back(home: Paper):
    home.tell("battery", Mode.CHARGE, 2.0, hours=12)
    run(home.minutes(2))

    async def stop() -> None:
        await home.control.hand_back()

    run(stop())
    assert battery(home).mode is Working.AUTO


def test_switching_steering_off_hands_everything_back_once(home: Paper):
    home.tell("battery", Mode.HOLD, hours=12)
    run(home.minutes(2))
    assert battery(home).mode is Working.STANDBY
    home.set(steering=False)
    run(home.minutes(2))
    assert battery(home).mode is Working.AUTO
    count = len(home.line.ran)
    run(home.minutes(10))
    assert len(home.line.ran) == count


def test_an_unreadable_memory_of_orders_is_none(home: Paper):
    home.store.put_kv("control_orders", b"{broken")
    home.store.put_kv("control_owner", b'{"overrides": 7}')
    home.start()
    assert home.control.orders == {}
    assert orders_to({}) == b"{}"


@pytest.mark.t(12)
def test_a_forced_charge_never_outlives_its_amount_when_the_controller_dies(home: Paper):
    """50 kills at random moments of a forced charge; then hours without a controller, a restart."""
    die = Random(SEED)
    world = home.line.world
    for case in range(KILLS):
        model = replace(battery(home).model, stored_kwh=1.0 + 7.0 * die.random())
        world.state = replace(world.state, battery=replace(battery(home), model=model))
        home.read()
        home.tell("battery", Mode.CHARGE, die.choice((0.5, 1.0, 2.0)), hours=0.5)
        run(home.minutes(1 + die.randrange(8)))
        left_kwh = battery(home).charge_kwh
        assert battery(home).mode is Working.CHARGING, (SEED, case)
        before_kwh = battery(home).charged_kwh
        home.pass_time(seconds=die.randrange(2 * 3600))  # nobody controls
        beyond_kwh = battery(home).charged_kwh - before_kwh
        assert beyond_kwh <= left_kwh + 0.002, (SEED, case)
        home.plan = None
        home.start()
        run(home.minutes(2))
        assert battery(home).mode is Working.AUTO, (SEED, case)


def test_the_heater_is_told_to_heat_and_left_to_itself_after(home: Paper):
    home.tell("water_heater", Mode.CHARGE, 1.0, hours=0.25)
    run(home.minutes(2))
    assert home.line.world.state.heater.heating is Heating.NOW
    run(home.minutes(20))
    assert home.line.world.state.heater.heating is Heating.AUTO


def test_a_car_that_is_told_to_charge_gets_an_amount(home: Paper):
    home.tell("v2h", Mode.CHARGE, 3.0)
    run(home.minutes(1))
    car = home.line.world.state.car
    assert car.mode is CarMode.CHARGE
    assert car.charge_kwh > 0.5


def test_cycles_never_overlap_for_one_device(home: Paper):
    home.tell("battery", Mode.CHARGE, 2.0)

    async def twice() -> None:
        home.read()
        await asyncio.gather(home.control.cycle())

    run(twice())
    assert len([host for host, _ in home.line.ran if host == "battery"]) == 1
