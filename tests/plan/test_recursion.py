"""The choice of the mode, against trying every sequence of modes."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.plan.battery import FOLLOW, SURPLUS, Action, Battery, Mode, move
from hidamari.plan.recursion import LATER_CHARGE_SHARES, NOW_CHARGE_SHARES, Outcomes, choose
from hidamari.plan.value import stored_end_yen_kwh

# 10 kWh on 41 levels is a step of 0.25: without losses whole quarters stay on the grid
QUARTERS = Battery(10.0, 2.0, 2.0, 1.0, 1.0)


def outcomes(net: list[list[float]], buy: list[float], sell: float, end: float = 0.0) -> Outcomes:
    count = len(buy)
    return Outcomes(
        np.array(net, dtype=np.float32),
        np.full(len(net), 1.0 / len(net), np.float32),
        np.array(buy, dtype=np.float32),
        np.full(count, sell, np.float32),
        1.0,
        end,
    )


def cost_of(
    actions: tuple[Action, ...], net: list[float], given_: Outcomes, stored: float
) -> float:
    yen = 0.0
    for t, action in enumerate(actions):
        done = move(QUARTERS, stored, net[t], action, 1.0)
        grid = net[t] + done.charge_kwh - done.discharge_kwh
        yen += grid * float(given_.buy_yen_kwh[t] if grid > 0 else given_.sell_yen_kwh[t])
        stored = done.stored_kwh
    return yen - stored * given_.end_yen_kwh


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-8, 8), min_size=4, max_size=4),
    st.lists(st.integers(12, 40), min_size=4, max_size=4),
    st.integers(0, 12),
    st.integers(0, 20),
)
def test_with_one_future_it_is_the_best_of_all_sequences(
    quarters: list[int], buy: list[int], sell: int, start: int
) -> None:
    net = [q / 4.0 for q in quarters]
    given_ = outcomes([net], [float(b) for b in buy], float(sell))
    stored = start / 2.0
    now = [FOLLOW, SURPLUS, *(Action(Mode.CHARGE, s * 2.0) for s in NOW_CHARGE_SHARES)]
    later = [FOLLOW, SURPLUS, *(Action(Mode.CHARGE, s * 2.0) for s in LATER_CHARGE_SHARES)]
    best = min(
        cost_of(actions, net, given_, stored)
        for actions in itertools.product(now, later, later, later)
    )
    choice = choose(given_, QUARTERS, stored)
    if len(choice.actions) == 1:  # nothing but self-consumption can pay
        follow = min(
            cost_of((FOLLOW, *rest), net, given_, stored)
            for rest in itertools.product(later, repeat=3)
        )
        assert follow == pytest.approx(best, abs=1e-3)
    else:
        assert choice.yen == pytest.approx(best, abs=0.06)  # it stays with the house below 0.05 yen


def test_it_fills_at_night_for_a_dear_day_and_not_for_a_sunny_one() -> None:
    buy = [18.0] * 2 + [35.0] * 6
    dear = choose(outcomes([[0.3] * 2 + [2.0] * 6], buy, 8.0), Battery(), 1.0)
    assert dear.action.mode is Mode.CHARGE
    assert dear.next_best_yen > 0.0
    sunny = choose(outcomes([[0.3] * 2 + [-2.0] * 6], buy, 8.0), Battery(), 1.0)
    assert sunny.action.mode is not Mode.CHARGE


def test_it_hedges_between_futures() -> None:
    # dark or bright, even odds: filling costs 18 / 0.9025 = 19.9, saves 35 or wastes what sun gives
    buy = [18.0, 35.0, 35.0, 35.0]
    both = [[0.0, 3.0, 3.0, 3.0], [0.0, -3.0, -3.0, -3.0]]
    likely_dark = outcomes(both, buy, 15.0)
    assert choose(likely_dark, Battery(), 0.0).action.mode is Mode.CHARGE
    bright = Outcomes(
        likely_dark.net_kwh,
        np.array([0.02, 0.98], np.float32),
        likely_dark.buy_yen_kwh,
        likely_dark.sell_yen_kwh,
        1.0,
        0.0,
    )
    assert choose(bright, Battery(), 0.0).action.mode is not Mode.CHARGE


@pytest.mark.parametrize("price", [0.0, 31.0])
def test_under_one_price_it_is_self_consumption(price: float) -> None:
    rng = np.random.default_rng(0)
    net = rng.normal(0.0, 2.0, (10, 36)).tolist()
    choice = choose(outcomes(net, [price] * 36, min(price, 15.0)), Battery(), 4.0)
    assert choice.action == FOLLOW


def test_the_reserve_is_never_planned_away() -> None:
    dear = outcomes([[3.0] * 6], [18.0, 40.0, 40.0, 40.0, 40.0, 40.0], 8.0)
    full = choose(dear, Battery(reserve_kwh=9.0), 9.0)
    free = choose(dear, Battery(), 9.0)
    assert full.yen > free.yen + 100.0


def test_what_is_left_is_worth_a_night_purchase_unless_the_sun_fills_the_battery() -> None:
    weight = np.array([0.25, 0.75], np.float32)
    dark = np.full((2, 10), 1.0, np.float32)
    half = np.stack([np.full(10, -1.0), np.full(10, 1.0)]).astype(np.float32)
    # 0.98 x 18 / 0.95 = 18.57 without surplus; 0.8 x 18 x 0.95 = 13.68 with
    assert stored_end_yen_kwh(dark, weight, 18.0, Battery()) == pytest.approx(18.568, abs=1e-3)
    assert stored_end_yen_kwh(half, weight, 18.0, Battery()) == pytest.approx(
        0.25 * 13.68 + 0.75 * 18.568, abs=1e-3
    )
