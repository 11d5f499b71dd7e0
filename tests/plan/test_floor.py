"""The floor under the plan: a rule takes over when the plan has been dearer, and gives back."""

import pytest

from hidamari.plan.battery import FOLLOW, SURPLUS, Action, Battery, Mode
from hidamari.plan.floor import Floor, SlotPrices

NIGHT, DAY = SlotPrices(18.0, 8.0, True), SlotPrices(35.0, 8.0, False)


def days(floor: Floor, planned_night: Action, planned_day: Action, count: int) -> list[str | None]:
    active = []
    for _ in range(count):
        for hour in range(24):
            prices, planned = (NIGHT, planned_night) if hour < 8 else (DAY, planned_day)
            floor.account(planned, 0.5, prices)
        active.append(floor.active)
    return active


def test_a_plan_that_never_discharges_loses_the_battery_to_night_filling() -> None:
    floor = Floor(Battery(), 1.0)
    active = days(floor, SURPLUS, SURPLUS, 20)
    assert active[0] is None or active[0] == "night"
    assert active[-1] == "night"
    fill = floor.settle(SURPLUS, is_cheapest=True)
    assert (fill.mode, fill.grid_kw) == (Mode.CHARGE, 4.0)
    assert floor.settle(SURPLUS, is_cheapest=False) == FOLLOW
    # its shadow follows the plan's own battery, not the one the rule moves
    assert floor.shadow_kwh(9.0) == pytest.approx(0.0)


def test_a_plan_that_has_become_good_gets_the_battery_back() -> None:
    floor = Floor(Battery(), 1.0)
    days(floor, SURPLUS, SURPLUS, 20)
    active = days(floor, Action(Mode.CHARGE, 1.2), FOLLOW, 90)
    assert active[-1] is None
    assert floor.settle(SURPLUS, is_cheapest=False) == SURPLUS
    assert floor.shadow_kwh(9.0) == 9.0


def test_a_plan_as_good_as_the_rule_keeps_the_battery() -> None:
    floor = Floor(Battery(), 1.0)
    assert set(days(floor, Action(Mode.CHARGE, 4.0), FOLLOW, 30)) == {None}
