"""From samples to minutes."""

from hidamari.core.reading import Kind, SeriesKey
from hidamari.home.samples import Samples

POWER, SOC = SeriesKey("a", "power_kw"), SeriesKey("a", "soc_pct")


def samples():
    found = Samples()
    found.follow(POWER, Kind.POWER)
    found.follow(SOC, Kind.LEVEL)
    return found


def test_a_minute_holds_the_mean_of_a_power_and_the_last_level():
    found = samples()
    for second, power_kw, soc_pct in ((0, 1.0, 50), (10, 2.0, 51), (20, 6.0, 52)):
        found.add(POWER, power_kw, second)
        found.add(SOC, soc_pct, second)
    assert found.end_minute(60) == {POWER: 3.0, SOC: 52}


def test_a_slow_value_stands_for_the_minutes_between_two_answers_but_not_for_ever():
    found = samples()
    found.add(POWER, 2.0, 55)
    assert found.end_minute(60)[POWER] == 2.0
    assert found.end_minute(120)[POWER] == 2.0
    assert found.end_minute(180)[POWER] is None


def test_silence_is_missing_and_never_the_old_value():
    found = samples()
    found.add(POWER, 2.0, 5)
    found.add(POWER, None, 50)
    found.end_minute(60)
    assert found.end_minute(120)[POWER] is None
