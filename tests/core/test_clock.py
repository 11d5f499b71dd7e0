"""Clocks that run together, faster, or only when told."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hidamari.core.clock import (
    FastClock,
    RealClock,
    VirtualClock,
    clock_from,
    clock_text,
    fast_clock_from_now,
)

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_real_clock_shows_utc_and_never_runs_back() -> None:
    clock = RealClock()
    assert clock.now().tzinfo is UTC
    first = clock.monotonic_s()
    asyncio.run(clock.sleep(-1.0))
    assert clock.monotonic_s() >= first


def test_two_fast_clocks_of_one_anchor_show_the_same_time() -> None:
    anchor_s = 1_800_000_000.0
    one, other = FastClock(anchor_s, NEW_YEAR, 60.0), FastClock(anchor_s, NEW_YEAR, 60.0)
    assert abs(one.now() - other.now()) < timedelta(seconds=5)


def test_a_fast_clock_lives_a_minute_in_a_second() -> None:
    clock = fast_clock_from_now(NEW_YEAR, 6000.0)
    first, first_s = clock.now(), clock.monotonic_s()
    asyncio.run(clock.sleep(60.0))  # 10 ms of the machine
    assert clock.now() - first >= timedelta(seconds=59)
    assert clock.monotonic_s() - first_s >= 59.0
    assert first - NEW_YEAR < timedelta(minutes=60)


def test_a_clock_written_as_text_comes_back_for_another_process() -> None:
    clock = FastClock(1_800_000_000.5, NEW_YEAR, 60.0)
    again = clock_from(clock_text(clock))
    assert isinstance(again, FastClock)
    assert (again.anchor_unix_s, again.start, again.speed) == (1_800_000_000.5, NEW_YEAR, 60.0)
    assert isinstance(clock_from(""), RealClock)


@pytest.mark.t(6)
def test_a_jump_of_the_wall_clock_leaves_monotonic_time_alone() -> None:
    clock = VirtualClock(NEW_YEAR)
    clock.advance(90.0)
    clock.set_wall(datetime(1970, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(1970, 1, 1, tzinfo=UTC)
    assert clock.monotonic_s() == 90.0


def test_sleeping_moves_a_virtual_clock_and_tells_its_listener() -> None:
    clock = VirtualClock(NEW_YEAR)
    told: list[float] = []
    clock.on_advance = told.append
    asyncio.run(clock.sleep(1800.0))
    assert clock.now() == NEW_YEAR + timedelta(minutes=30)
    assert told == [1800.0]


def test_a_virtual_clock_refuses_a_naive_start() -> None:
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime.fromisoformat("2026-01-01"))
