"""Means, quantiles, regressions, scores and the learned array, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.forecast.car import PastTrip, usual_trip
from hidamari.forecast.hotwater import draws, heat_kwh
from hidamari.forecast.load import (
    METHODS,
    DayKind,
    PastDays,
    mean_day,
    quantile_day,
    same_kind_rule,
)
from hidamari.forecast.score import Ledger
from hidamari.forecast.series import nmae, ridge, weighted_mean, weighted_quantile
from hidamari.forecast.solar import (
    IndexPast,
    SolarPast,
    corrected_index,
    day_shape,
    learned_array,
    own_index,
)

WORK, OFF = DayKind(0, is_off=False), DayKind(6, is_off=True)


def test_weighted_mean_and_quantile_by_hand() -> None:
    days = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    weight = np.array([1.0, 1.0, 2.0])
    assert weighted_mean(days, weight).tolist() == [2.75, 27.5]
    assert weighted_quantile(days, weight, 0.5).tolist() == [2.0, 20.0]
    assert weighted_quantile(days, weight, 0.6).tolist() == [4.0, 40.0]


def test_ridge_finds_the_line_and_keeps_the_prior_without_data() -> None:
    x = np.stack([np.ones(2000), np.linspace(0, 1, 2000)], axis=1)
    y = 0.2 + 0.5 * x[:, 1]
    assert ridge(x, y, np.ones(2000), np.zeros(2)) == pytest.approx([0.2, 0.5], abs=0.01)
    none = ridge(x[:0], y[:0], np.ones(0), np.array([0.1, 0.9]))
    assert none == pytest.approx([0.1, 0.9])


def test_nmae_leaves_gaps_out() -> None:
    truth = np.array([1.0, np.nan, 3.0])
    assert nmae(np.array([2.0, 5.0, 3.0]), truth) == pytest.approx(0.25)
    assert np.isnan(nmae(np.zeros(2), np.zeros(2)))


def test_the_five_day_rule_takes_the_last_five_of_the_kind() -> None:
    kinds = (WORK,) * 6 + (OFF,) * 2
    load = np.repeat(np.arange(8.0)[:, None], 24, axis=1)
    assert same_kind_rule(PastDays(load, kinds), WORK)[0] == pytest.approx(3.0)  # 1..5
    assert same_kind_rule(PastDays(load, kinds), OFF)[0] == pytest.approx(6.5)


def test_a_constant_house_is_forecast_exactly() -> None:
    profile = np.arange(24.0)
    past = PastDays(np.tile(profile, (10, 1)), (WORK,) * 10)
    for method in METHODS:
        assert mean_day(past, method, WORK, 1) == pytest.approx(profile)
    middle = quantile_day(past, METHODS[0], WORK, 0.5)
    assert np.abs(middle - profile).max() <= 1.0 + 23.0 * (np.arange(24) % 23 == 0).max()


def test_days_off_count_less_on_working_days() -> None:
    kinds = tuple(DayKind(i % 7, is_off=i % 7 >= 5) for i in range(28))
    load = np.array([[9.0 if kind.is_off else 1.0] * 24 for kind in kinds])
    past = PastDays(load, kinds)
    working = mean_day(past, METHODS[1], DayKind(0, is_off=False), 1)[0]
    off = mean_day(past, METHODS[1], DayKind(5, is_off=True), 1)[0]
    assert working < 3.3 < off  # 3.3 = the plain mean of 5 x 1 and 2 x 9


def test_the_ledger_prefers_the_method_that_was_right() -> None:
    ledger = Ledger(1.0)
    truth = np.ones(24)
    for _ in range(4):
        ledger.add({"good": truth * 1.1, "bad": truth * 2.0}, truth)
    assert ledger.best("bad") == "bad"  # too few days to judge
    ledger.add({"good": truth * 1.1, "bad": truth * 2.0}, truth)
    assert ledger.best("bad") == "good"
    assert ledger.nmae("good") == pytest.approx(0.1)
    assert ledger.nmae("none") is None
    ledger.add({"good": truth}, np.full(24, np.nan))
    assert ledger.days == 5


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 8.0), st.floats(0.3, 1.0))
def test_the_array_is_learned_without_being_typed_in(size_kw: float, clear_share: float) -> None:
    rng = np.random.default_rng(5)
    clear = np.tile(np.maximum(np.sin(np.linspace(-np.pi / 2, 3 * np.pi / 2, 24)), 0.0), (28, 1))
    index = np.where(rng.random(28) < clear_share, 1.0, 0.4)
    index[:7] = 1.0
    past = SolarPast(size_kw * clear * index[:, None], clear)
    array = learned_array(past)
    assert array[clear[0] > 0.02] == pytest.approx(size_kw)
    assert day_shape(past, index, clear[0]).sum() == pytest.approx(1.0)


def test_without_sun_there_is_no_shape() -> None:
    past = SolarPast(np.zeros((5, 24)), np.zeros((5, 24)))
    assert not day_shape(past, np.ones(5), np.zeros(24)).any()


def test_a_forecast_that_is_always_too_bright_is_corrected() -> None:
    rng = np.random.default_rng(2)
    truth = rng.uniform(0.2, 0.9, 120)
    said = np.minimum(truth + 0.15, 1.2)
    past = IndexPast(truth, truth, np.full(120, 20.0), said)
    assert corrected_index(past, 0.75) == pytest.approx(0.60, abs=0.05)
    assert 0.0 <= own_index(past) <= 1.1


def test_heat_and_standard_draws() -> None:
    # 450 L a day at 40 degC from 17: 450 x 4.186 / 3600 x 23 = 12.03 kWh
    assert float(heat_kwh(np.array(450.0))) == pytest.approx(12.03, abs=0.01)
    standard = draws(PastDays(np.zeros((0, 48)), ()), WORK, 48)
    assert not standard.is_learned
    assert standard.mean_kwh.sum() == pytest.approx(12.03, abs=0.4)
    past = PastDays(np.tile(np.linspace(0, 1, 48), (20, 1)), (WORK,) * 20)
    learned = draws(past, WORK, 48)
    assert learned.is_learned
    assert learned.mean_kwh == pytest.approx(np.linspace(0, 1, 48))
    assert learned.reserve_kwh == pytest.approx(np.zeros(48), abs=1e-9)


def test_a_usual_trip_needs_habit() -> None:
    trips = [PastTrip(1, 8.0 + 0.1 * i, 18.0, 5.0 + i) for i in range(6)]
    trip = usual_trip(trips, 1, weeks=6)
    assert trip is not None
    assert trip.leave_h == pytest.approx(8.075)  # 15 % quantile of 8.0 ... 8.5
    assert (trip.back_h, trip.used_kwh, trip.need_kwh) == (18.0, 7.5, 9.5)
    assert usual_trip(trips, 2, weeks=6) is None
    assert usual_trip(trips, 1, weeks=20) is None
    assert usual_trip(trips[:3], 1, weeks=3) is None
