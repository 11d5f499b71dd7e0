"""The forecaster slot by slot: honest with little data, deaf to the future, robust to gaps."""

import numpy as np
import pytest

from hidamari.forecast.load import DayKind
from hidamari.forecast.outlook import CAUTION, DayFacts, Forecaster, Outlook

SLOTS = 24
SKY = np.maximum(np.sin(np.linspace(-np.pi / 2, 3 * np.pi / 2, SLOTS)), 0.0)
PROFILE = 0.3 + 0.7 * (np.arange(SLOTS) >= 18)


def facts(day: int) -> DayFacts:
    return DayFacts(
        DayKind(day % 7, day % 7 >= 5), DayKind((day + 1) % 7, (day + 1) % 7 >= 5), SKY, SKY
    )


def live(days: int, sun: float = 3.0, gap: float = 0.0) -> tuple[Forecaster, list[Outlook]]:
    rng = np.random.default_rng(0)
    forecaster = Forecaster(SLOTS)
    outlooks = []
    for day in range(days):
        forecaster.begin_day(facts(day))
        for slot in range(SLOTS):
            outlooks.append(forecaster.look())
            load = float("nan") if rng.random() < gap else float(PROFILE[slot])
            forecaster.observe(load, float(sun * SKY[slot]))
    return forecaster, outlooks


def test_fewer_than_five_comparable_days_are_said_so() -> None:
    _, outlooks = live(16)
    enough = [o.is_enough for o in outlooks[::SLOTS]]
    assert enough[0] is False
    assert enough[-1] is True
    assert enough == sorted(enough)
    assert sum(enough) == 16 - 10  # error days from day 4, two days to be known, five of them


def test_a_house_that_repeats_itself_is_forecast_without_error() -> None:
    _, outlooks = live(40)
    last = outlooks[-SLOTS]
    assert last.load_kwh[:SLOTS] == pytest.approx(PROFILE, abs=1e-6)
    assert last.pv_kwh[:SLOTS] == pytest.approx(3.0 * SKY, abs=0.09)  # 3 % of full sun
    net = PROFILE - 3.0 * SKY
    expected = np.where(net > 0, net * CAUTION, net)
    assert np.abs(last.net_kwh[:, :SLOTS] - expected).max() < 0.3  # 10 % of full sun
    assert last.weight.sum() == pytest.approx(1.0)


@pytest.mark.t(10)
def test_gaps_neither_stop_nor_poison_the_forecast() -> None:
    _, outlooks = live(40, gap=0.3)
    for outlook in outlooks:
        assert np.isfinite(outlook.net_kwh).all()
        assert np.isfinite(outlook.load_kwh).all()
    forecaster, _ = live(30)
    for day in range(30, 34):  # the meter is silent for days
        forecaster.begin_day(facts(day))
        for _ in range(SLOTS):
            assert np.isfinite(forecaster.look().net_kwh).all()
            forecaster.observe(float("nan"), float("nan"))


def test_a_house_without_sun_has_no_sun_in_any_scenario() -> None:
    _, outlooks = live(20, sun=0.0)
    assert not outlooks[-1].pv_kwh.any()
    assert (outlooks[-1].net_kwh > 0.0).all()


def test_a_dark_forecast_darkens_tomorrow_once_it_is_issued() -> None:
    rng = np.random.default_rng(4)
    forecaster = Forecaster(SLOTS)
    index = rng.uniform(0.2, 1.0, 60)
    for day in range(60):
        forecaster.begin_day(facts(day), 3.0 * SKY * index[day])
        for slot in range(SLOTS):
            forecaster.look()
            forecaster.observe(float(PROFILE[slot]), float(3.0 * SKY[slot] * index[day]))
    forecaster.begin_day(facts(60), 3.0 * SKY)
    before = forecaster.look().pv_kwh[SLOTS:].sum()
    forecaster.issue(3.0 * SKY * 0.2)
    after = forecaster.look().pv_kwh[SLOTS:].sum()
    assert after < 0.5 * before
