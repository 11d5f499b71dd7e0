"""Weather forecasts: read, and recognised when stale, absurd, short or missing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hidamari.core.errors import InputError
from hidamari.forecast.sun import Place, cos_zenith
from hidamari.forecast.weather import Doubt, Weather, doubt, read_open_meteo

TOKYO = Place(35.68, 139.77, ZoneInfo("Asia/Tokyo"))
NOW = datetime(2024, 5, 1, 0, 0, tzinfo=UTC)


def fine() -> Weather:
    start = NOW - timedelta(hours=2)
    at = start.timestamp() + (np.arange(72) + 0.5) * 3600.0
    return Weather(start, start, 1.0, np.maximum(cos_zenith(TOKYO, at), 0.0), np.full(72, 15.0))


def test_a_good_forecast_is_used() -> None:
    assert doubt(fine(), NOW, TOKYO) is None


@pytest.mark.t(10)
@pytest.mark.parametrize(
    ("weather", "what"),
    [
        (None, Doubt.MISSING),
        (replace(fine(), ghi_kw_m2=np.zeros(0), temp_c=np.zeros(0)), Doubt.SHORT),
        (replace(fine(), ghi_kw_m2=fine().ghi_kw_m2[:6]), Doubt.SHORT),
        (replace(fine(), ghi_kw_m2=np.full(72, np.nan)), Doubt.ABSURD),
        (replace(fine(), ghi_kw_m2=np.full(72, np.inf)), Doubt.ABSURD),
        (replace(fine(), ghi_kw_m2=np.full(72, 1e9)), Doubt.ABSURD),
        (replace(fine(), ghi_kw_m2=np.full(72, -0.1)), Doubt.ABSURD),
        (replace(fine(), ghi_kw_m2=np.zeros(72)), Doubt.ABSURD),  # dark at noon
        (replace(fine(), temp_c=np.full(72, 80.0)), Doubt.ABSURD),
        (replace(fine(), issued=NOW - timedelta(hours=7)), Doubt.OLD),
        (replace(fine(), issued=NOW - timedelta(hours=49)), Doubt.STALE),
        (replace(fine(), issued=NOW + timedelta(days=1)), Doubt.STALE),
    ],
)
def test_a_doubtful_forecast_is_recognised(weather: Weather | None, what: Doubt) -> None:
    assert doubt(weather, NOW, TOKYO) is what


def test_open_meteo_arrays_are_read() -> None:
    answer = {
        "hourly": {
            "time": ["2024-05-01T01:00", "2024-05-01T02:00"],
            "shortwave_radiation": [100, 300.0],
            "temperature_2m": [10.5, None],
        }
    }
    weather = read_open_meteo(answer, NOW)
    assert weather.start == NOW  # a value is the mean of the hour before its time
    assert weather.ghi_kw_m2.tolist() == [0.1, 0.3]
    assert np.isnan(weather.temp_c[1])
    energy = weather.energy_kwh_m2(NOW, 0.5, 5)
    # middles at 0.25, 0.75, 1.25, 1.75 h; 0.1 at 0.5 h and 0.3 at 1.5 h
    assert energy[:4] == pytest.approx([0.05, 0.075, 0.125, 0.15])
    assert np.isnan(energy[4])


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({}, "hourly"),
        ({"hourly": {"time": 3}}, "time"),
        ({"hourly": {"time": [], "shortwave_radiation": [], "temperature_2m": []}}, "equal length"),
        (
            {"hourly": {"time": ["x"], "shortwave_radiation": [1], "temperature_2m": [1]}},
            "ISO 8601",
        ),
    ],
)
def test_a_wrong_answer_names_the_field(answer: dict[str, object], field: str) -> None:
    with pytest.raises(InputError, match=field):
        read_open_meteo(answer, NOW)
