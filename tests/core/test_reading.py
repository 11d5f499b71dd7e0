"""Series, readings and how good a value is."""

from hidamari.core.reading import Kind, Quality, Series, SeriesKey


def test_a_series_is_known_by_its_device_and_name() -> None:
    series = Series("home", "grid_kw", "kW", 0.001, Kind.POWER)
    assert series.key == SeriesKey("home", "grid_kw") == ("home", "grid_kw")


def test_a_counter_is_better_than_samples_and_samples_than_an_estimate() -> None:
    assert sorted(Quality) == [
        Quality.MISSING,
        Quality.ESTIMATE,
        Quality.PARTLY,
        Quality.POWER,
        Quality.REFILLED,
        Quality.COUNTER,
    ]
