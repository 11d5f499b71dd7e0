"""The yardstick's battery, rules and optimum, by hand and by trying everything."""

import itertools
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.backtest.homes import HomeYear
from hidamari.backtest.optimum import optimum
from hidamari.backtest.world import (
    Prices,
    World,
    bill,
    flat,
    is_night,
    night_fill,
    no_battery,
    self_consumption,
    time_of_use,
)
from hidamari.plan.battery import FOLLOW, SURPLUS, Action, Battery, Mode, move

LOSSLESS = Battery(3.0, 1.0, 1.0, 1.0, 1.0)


def world_of(net_kwh: list[list[float]], prices: Prices, battery: Battery) -> World:
    net = np.array(net_kwh)
    home = HomeYear(
        "x", ZoneInfo("UTC"), date(2024, 1, 1), np.maximum(net, 0), -np.minimum(net, 0), True
    )
    return World(home, prices, battery, warm_days=0)


def test_time_of_use_has_the_bands_of_the_yardstick() -> None:
    buy = time_of_use(48).buy_yen_kwh
    assert [float(buy[2 * hour]) for hour in (0, 6, 7, 9, 10, 16, 17, 22, 23)] == [
        18, 18, 28, 28, 35, 35, 28, 28, 18,
    ]  # fmt: skip
    assert is_night(24).sum() == 8


@pytest.mark.parametrize(
    ("action", "net", "stored", "charge", "discharge", "after"),
    [
        (FOLLOW, 2.0, 5.0, 0.0, 2.0, 5.0 - 2.0 / 0.95),
        (FOLLOW, -2.0, 5.0, 2.0, 0.0, 5.0 + 2.0 * 0.95),
        (FOLLOW, 2.0, 0.95, 0.0, 0.9025, 0.0),  # what is left, less the loss
        (FOLLOW, -9.0, 9.05, 1.0, 0.0, 10.0),  # room 0.95 / 0.95
        (SURPLUS, 2.0, 5.0, 0.0, 0.0, 5.0),
        (SURPLUS, -2.0, 5.0, 2.0, 0.0, 6.9),
        (Action(Mode.CHARGE, 2.0), 1.0, 5.0, 1.0, 0.0, 5.95),  # half an hour of 2 kW
        (Action(Mode.CHARGE, 2.0), -0.5, 5.0, 1.5, 0.0, 6.425),  # surplus on top
        (Action(Mode.HOLD), -2.0, 5.0, 0.0, 0.0, 5.0),
    ],
)
def test_modes_move_energy_as_reckoned_by_hand(
    action: Action, net: float, stored: float, charge: float, discharge: float, after: float
) -> None:
    done = move(Battery(), stored, net, action, 0.5)
    assert done.charge_kwh == pytest.approx(charge)
    assert done.discharge_kwh == pytest.approx(discharge)
    assert done.stored_kwh == pytest.approx(after)


def test_the_reserve_is_not_discharged() -> None:
    done = move(Battery(reserve_kwh=4.0), 4.5, 3.0, FOLLOW, 1.0)
    assert done.discharge_kwh == pytest.approx(0.5 * 0.95)


def test_bills_by_hand() -> None:
    prices = Prices(np.array([30.0, 20.0]), np.array([10.0, 10.0]))
    assert bill(np.array([[1.0, -2.0]]), prices) == pytest.approx(30.0 - 20.0)
    world = world_of([[-1.0, 1.0]], prices, LOSSLESS)
    assert no_battery(world) == pytest.approx(365 * 10.0)  # 1 sold at 10, 1 bought at 20
    assert self_consumption(world) == pytest.approx(0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-2, 2), min_size=4, max_size=6),
    st.lists(st.integers(10, 40), min_size=6, max_size=6),
    st.integers(0, 10),
)
def test_the_optimum_is_what_trying_everything_finds(
    net: list[int], buy: list[int], sell: int
) -> None:
    # whole kWh, no losses: some best plan moves whole kWh (the program is a network)
    count = len(net)
    prices = Prices(np.array(buy[:count], dtype=float), np.full(count, float(sell)))
    world = world_of(
        [[float(x) for x in net]], prices, Battery(3.0, count / 24.0, count / 24.0, 1.0, 1.0)
    )
    best = min(
        _bill_of(net, moves, prices)
        for moves in itertools.product((-1, 0, 1), repeat=count)
        if _fits(net, moves)
    )
    assert optimum(world) / 365.0 == pytest.approx(best, abs=1e-6)


def _fits(net: list[int], moves: tuple[int, ...]) -> bool:
    stored = 0
    for x, m in zip(net, moves, strict=True):
        stored += m
        if not 0 <= stored <= 3 or (m < 0 and -m > max(x, 0)):
            return False
    return True


def _bill_of(net: list[int], moves: tuple[int, ...], prices: Prices) -> float:
    grid = np.array([[float(x + m) for x, m in zip(net, moves, strict=True)]])
    return bill(grid, prices)


def test_under_one_price_only_sun_is_worth_storing() -> None:
    rng = np.random.default_rng(3)
    net = rng.normal(0.0, 1.0, (4, 24)).tolist()
    world = world_of(net, flat(24), Battery())
    assert optimum(world) <= self_consumption(world) <= no_battery(world)
    assert night_fill(world) >= optimum(world)
