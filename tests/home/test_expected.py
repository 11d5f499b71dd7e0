"""What a plan's orders lead to: the battery acts first, the car has what it leaves."""

from datetime import timedelta

import numpy as np
import pytest
from tests.control.made import NOW

from hidamari.home.expected import as_carried_out
from hidamari.plan.battery import Action, Battery, Mode
from hidamari.plan.horizon import AssetPlan, HomePlan, Horizon
from hidamari.plan.ladder import Ask, Plan, Rung, Told
from hidamari.plan.parts.storage import Storage
from hidamari.plan.reasons import Code, Reason
from hidamari.plan.request import PlanRequest

HOME = Storage("battery", Battery(10.0, 4.0, 4.0, 1.0, 1.0), 9.5)
CAR = Storage("car", Battery(40.0, 6.0, 6.0, 1.0, 1.0), 20.0)


def carried_out(spare_kw: float, car_kw: float, car_mode: Mode) -> tuple[float, float]:
    """kW of battery and car in a half-hour whose battery follows the house."""
    one = np.ones(2)
    load, pv = np.maximum(-spare_kw, 0.0) * one / 2, np.maximum(spare_kw, 0.0) * one / 2
    horizon = Horizon(0.5 * one, load, pv, 30.0 * one, 8.0 * one, np.inf * one)
    planned = [
        AssetPlan(key, kw * one, one, one) for key, kw in (("battery", 0.0), ("car", car_kw))
    ]
    by_key = {asset.key: asset for asset in planned}
    home = HomePlan(horizon, one, one, 0.0 * one, tuple(planned), 0.0, (), one, asset_by_key=by_key)
    modes = (("battery", Mode.FOLLOW), ("car", car_mode))
    told = tuple(Told(key, Action(mode), 0.0, Reason(Code.STAND_BY)) for key, mode in modes)
    starts = (NOW, NOW + timedelta(minutes=30))
    plan = Plan(NOW, starts, (told, told), Rung.SCENARIOS, home)
    ask = Ask(NOW, PlanRequest(horizon, (CAR, HOME)), 18.0 * one, "battery")
    done = as_carried_out(plan, ask, frozenset({"battery", "car"})).home
    assert done is not None
    return tuple(float(done.asset_by_key[key].power_kw[0]) for key in ("battery", "car"))


@pytest.mark.parametrize(
    ("spare_kw", "car_kw", "mode", "battery_kw", "real_kw"),
    [
        (3.0, 1.0, Mode.SURPLUS, 1.0, 2.0),  # 0.5 kWh of room in the battery, the car has the rest
        (0.8, 0.8, Mode.SURPLUS, 0.8, 0.0),  # the battery takes all
        (1.2, 0.9, Mode.SURPLUS, 1.0, 0.0),  # too little is left for the stand
        (3.0, 0.2, Mode.SURPLUS, 1.0, 0.0),  # a plan that drips is told to hold
        (3.0, 5.0, Mode.CHARGE, 1.0, 5.0),  # forced: from the grid as well
        (-5.0, -2.0, Mode.FOLLOW, -4.0, -1.0),  # only what the battery cannot give
        (-2.0, -2.0, Mode.FOLLOW, -2.0, 0.0),
    ],
)
def test_the_car_has_what_the_battery_leaves(spare_kw, car_kw, mode, battery_kw, real_kw):
    assert carried_out(spare_kw, car_kw, mode) == pytest.approx((battery_kw, real_kw))
