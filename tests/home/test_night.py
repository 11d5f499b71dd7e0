"""Closed days: all of them are verified within a month."""

from datetime import date, timedelta

import pytest

from hidamari.home.night import next_days

FIRST = date(2021, 6, 1)
FEBRUARY_H = 28 * 24


@pytest.mark.parametrize("count", [1, 30, 672, 673, 5 * 365])
def test_a_month_of_hours_walks_through_all_sealed_days(count):
    days = [FIRST + timedelta(i) for i in range(count)]
    last, seen = None, set()
    for _ in range(FEBRUARY_H):
        turn = next_days(days, last)
        assert len(turn) <= 3  # 1,825 days in 672 hours
        seen.update(turn)
        last = turn[-1]
    assert seen == set(days)


def test_the_walk_goes_on_after_a_day_that_is_gone_and_from_the_newest_to_the_oldest():
    days = [FIRST, FIRST + timedelta(2), FIRST + timedelta(3)]
    assert next_days(days, FIRST + timedelta(1)) == [days[1]]
    assert next_days(days, days[2]) == [FIRST]
