"""Energy out of counters: nothing invented, nothing lost, no spikes."""

from datetime import UTC, datetime, timedelta

import pytest

from hidamari.core.reading import Quality, SlotValue
from hidamari.store.counters import (
    CounterRules,
    CounterState,
    Fed,
    Verdict,
    refilled,
    resumed,
)

RULES = CounterRules.of(max_kw=10.0, step_kwh=0.1, digits=6)
T0 = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def fed(*readings: tuple[float, float | None], rules: CounterRules = RULES) -> list[Fed]:
    """What becomes of readings (minutes after 10:00, kWh)."""
    state, out = CounterState(), []
    for at, kwh in readings:
        out.append(state.feed(rules, T0 + minutes(at), kwh))
        state = out[-1].state
    return out


def slots(steps: list[Fed]) -> list[tuple[float, float | None, Quality]]:
    return [
        ((at - T0) / minutes(1), slot.value, slot.quality)
        for step in steps
        for at, slot in step.slots
    ]


def test_readings_on_the_edges_make_whole_half_hours() -> None:
    steps = fed((0, 100.0), (30, 100.6), (60, 101.0))
    assert slots(steps) == [(0, 0.6, Quality.COUNTER), (30, 0.4, Quality.COUNTER)]


def test_a_reading_off_the_edge_is_split_by_time() -> None:
    # 10:20 -> 10:40 brings 0.8 kWh, half of it before 10:30.
    steps = fed((0, 100.0), (20, 100.2), (40, 101.0), (60, 101.2))
    assert slots(steps) == [(0, 0.6, Quality.COUNTER), (30, 0.6, Quality.COUNTER)]


def test_the_first_half_hour_is_partly_because_it_was_not_seen_whole() -> None:
    assert slots(fed((10, 5.0), (30, 5.3))) == [(0, 0.3, Quality.PARTLY)]


def test_missed_half_hours_are_spread_and_marked_partly() -> None:
    # Two hours without a reading: 4 kWh, 1 kWh in each half-hour, none of them certain.
    steps = fed((0, 10.0), (30, 11.0), (150, 15.0), (180, 15.5))
    spread = [(at, 1.0, Quality.PARTLY) for at in (30, 60, 90, 120)]
    assert slots(steps) == [(0, 1.0, Quality.COUNTER), *spread, (150, 0.5, Quality.COUNTER)]


@pytest.mark.t(7)
@pytest.mark.parametrize(
    ("last", "back", "counted"),
    [
        (27, 124, [0, 120]),  # silent from 10:27 to 12:04: both half-hours were mostly seen
        (12, 124, [120]),  # silent from 10:12: most of the first one is a guess
        (27, 136, [0]),
        (30, 121, [0, 120]),  # from an edge on
    ],
)
def test_a_silence_is_guessed_where_it_is_long_and_its_sum_is_counted(
    last: int, back: int, counted: list[float]
) -> None:
    # 0.02 kWh a minute for as long as it is seen, 3 kWh over the silence, 0.5 kWh at its end.
    seen = [(float(at), 10.0 + 0.02 * at) for at in range(0, last + 1, 3)]
    again_kwh = 10.0 + 0.02 * last + 3.0
    found = slots(fed(*seen, (back, again_kwh), (150, again_kwh + 0.5)))
    assert [at for at, _, quality in found if quality is Quality.COUNTER] == counted
    assert [at for at, _, _ in found] == [0, 30, 60, 90, 120]
    assert sum(kwh for _, kwh, _ in found if kwh) == pytest.approx(0.02 * last + 3.5, abs=1e-9)


@pytest.mark.t(7)
@pytest.mark.parametrize("bad", [None, 0.0, -5.0, float("nan"), float("inf")])
def test_what_is_no_value_changes_nothing(bad: float | None) -> None:
    steps = fed((0, 100.0), (10, bad), (30, 100.6))
    assert steps[1].verdict is Verdict.NO_VALUE
    assert steps[1].state == steps[0].state
    assert slots(steps) == [(0, 0.6, Quality.COUNTER)]


def test_a_counter_that_never_moved_stands_at_zero() -> None:
    # Export of a house without generation: zero is true, and the half-hours are 0.0 kWh.
    steps = fed((0, 0.0), (30, 0.0), (60, 0.2))
    assert slots(steps) == [(0, 0.0, Quality.COUNTER), (30, 0.2, Quality.COUNTER)]


def test_a_late_or_repeated_reading_is_ignored() -> None:
    steps = fed((0, 100.0), (20, 100.4), (10, 100.2), (20, 100.4), (30, 100.6))
    assert [step.verdict for step in steps[2:4]] == [Verdict.LATE] * 2
    assert slots(steps) == [(0, 0.6, Quality.COUNTER)]


@pytest.mark.t(7)
def test_a_smaller_reading_is_discarded_and_the_base_stays() -> None:
    steps = fed((0, 5000.0), (10, 4000.0), (30, 5000.6))
    assert steps[1].verdict is Verdict.SMALLER
    assert slots(steps) == [(0, 0.6, Quality.COUNTER)]


@pytest.mark.t(7)
def test_more_than_the_contract_bears_is_quarantined() -> None:
    # 10 kW x 1.2 in ten minutes is 2 kWh, one step of 0.1 more is believed.
    steps = fed((0, 5000.0), (10, 5002.2), (20, 5000.4), (30, 5000.6))
    assert steps[1].verdict is Verdict.QUARANTINED
    assert slots(steps) == [(0, 0.6, Quality.COUNTER)]
    assert fed((0, 5000.0), (10, 5002.1))[1].verdict is Verdict.COUNTED


def test_a_jump_that_stays_is_not_believed_after_waiting_long_enough() -> None:
    # 100 kWh too much would be possible after 8.4 h at 12 kW; the reading does not even rise.
    steps = fed((0, 5000.0), *((60 * hour, 5100.0) for hour in range(1, 24)))
    assert {step.verdict for step in steps[1:]} == {Verdict.QUARANTINED}
    assert slots(steps) == []


@pytest.mark.t(7)
def test_a_display_that_is_renewed_seldom_loses_nothing_when_it_is_read_around_its_edge() -> None:
    # 8.4 kW, shown anew every five minutes: 0.7 kWh within 12 s are more than the house draws.
    read = [(0, 5000.0), (4.8, 5000.0), (5, 5000.7), (10, 5001.4), (15, 5002.1), (30, 5004.2)]
    steps = fed(*read)
    assert steps[2].verdict is Verdict.QUARANTINED
    assert slots(steps) == [(0, 4.2, Quality.COUNTER)]


@pytest.mark.t(7)
@pytest.mark.parametrize("new", [3.0, 70_000.0])
def test_three_rising_readings_make_a_new_base(new: float) -> None:
    steps = fed(
        (0, 5000.0), (5, 5000.5), (10, new), (11, new + 0.1), (12, new + 0.2), (30, new + 2)
    )
    verdicts = [step.verdict for step in steps]
    assert verdicts[-2:] == [Verdict.REPLACED, Verdict.COUNTED]
    # Counted: 0.5 kWh before, 2.0 kWh from the first reading of the new meter on. 10:05 to 10:10
    # is not known, so the half-hour is partly.
    assert slots(steps) == [(0, 2.5, Quality.PARTLY)]


def test_readings_too_close_or_standing_still_are_no_witnesses() -> None:
    steps = fed((0, 50.0), (1, 3.0), (1.5, 3.1), (2, 3.1), (2.5, 3.1), (30, 50.5))
    assert {step.verdict for step in steps[1:5]} == {Verdict.SMALLER}
    assert slots(steps) == [(0, 0.5, Quality.COUNTER)]


@pytest.mark.t(7)
@pytest.mark.parametrize(("before", "after"), [(99_999.9, 0.3), (9_999_999.9, 0.3)])
def test_the_end_of_the_digits_is_counted_across(before: float, after: float) -> None:
    # Six digits of 0.1 kWh end at 99,999.9; raw 99,999,999 is 9,999,999.9 kWh.
    steps = fed((0, before), (30, after))
    assert steps[1].verdict is Verdict.ROLLED_OVER
    assert slots(steps) == [(0, 0.4, Quality.COUNTER)]


def test_a_replaced_meter_in_a_later_half_hour_closes_the_old_one() -> None:
    steps = fed((0, 50.0), (20, 50.4), (65, 3.0), (75, 3.2), (85, 3.3), (90, 3.4))
    assert slots(steps) == [(0, 0.4, Quality.PARTLY), (60, 0.4, Quality.PARTLY)]


@pytest.mark.t(6)
def test_a_clock_that_jumps_closes_the_half_hour_and_counts_on() -> None:
    for years in (-20, 20):
        by = timedelta(days=365 * years)
        state = fed((0, 50.0), (20, 50.4))[-1].state
        moved = state.moved(by)
        assert moved.slots == ((T0, SlotValue(0.4, Quality.PARTLY)),)
        after = moved.state.feed(RULES, T0 + by + minutes(30), 50.7)
        assert after.slots == ((T0 + by, SlotValue(0.3, Quality.PARTLY)),)


def test_a_small_step_of_the_clock_stays_in_its_half_hour() -> None:
    state = fed((0, 50.0), (20, 50.4))[-1].state
    moved = state.moved(minutes(-5))
    assert moved.slots == ()
    assert moved.state.feed(RULES, T0 + minutes(30), 51.0).slots[0][1].value == 1.0
    assert CounterState().moved(minutes(5)).state == CounterState()


def test_a_restart_counts_on_from_stored_readings() -> None:
    steps = fed((0, 100.0), (10, 100.1), (20, 100.2))
    again = resumed(RULES, [(T0 + minutes(10 * i), 100.0 + i / 10) for i in range(3)])
    assert again.feed(RULES, T0 + minutes(30), 100.6).slots == (
        steps[-1].state.feed(RULES, T0 + minutes(30), 100.6).slots
    )


def test_a_meters_own_history_refills_half_hours() -> None:
    # 48 readings at 0:00, 0:30, ... and the next day's first: 48 half-hours of 0.2 kWh.
    readings = [1000.0 + 0.2 * i for i in range(49)]
    got = refilled(RULES, T0, readings)
    assert list(got) == [T0 + minutes(30 * i) for i in range(48)]
    assert set(got.values()) == {SlotValue(0.2, Quality.REFILLED)}


def test_gaps_and_jumps_in_a_meters_history_are_left_alone() -> None:
    readings = [10.0, None, 11.0, 0.0, 11.4, 900.0, 901.0, 99_999.9]
    got = refilled(RULES, T0, readings)
    assert got == {
        T0: SlotValue(0.5, Quality.PARTLY),  # 1.0 kWh over two half-hours
        T0 + minutes(30): SlotValue(0.5, Quality.PARTLY),
        T0 + minutes(60): SlotValue(0.2, Quality.PARTLY),  # the zero is no value
        T0 + minutes(90): SlotValue(0.2, Quality.PARTLY),
        T0 + minutes(150): SlotValue(1.0, Quality.REFILLED),  # 900 -> 901; the jumps are left out
    }
    assert refilled(RULES, T0, [99_999.8, 0.1]) == {T0: SlotValue(0.3, Quality.REFILLED)}
