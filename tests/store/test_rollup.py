"""Half-hours out of minutes, days out of half-hours: by hand."""

import numpy as np

from hidamari.core.reading import Kind, Quality
from hidamari.store.rollup import fold, of_slots, slots_of_minutes

NAN = float("nan")
KINDS = [Kind.POWER, Kind.LEVEL, Kind.COUNTER, Kind.STATE]


def test_a_whole_half_hour_is_energy_mean_and_last() -> None:
    minutes = np.array([[2.0, 10.0 + m, 100.0 + m / 10, 65.0 + (m > 20)] for m in range(30)])
    values, quality = slots_of_minutes(minutes, KINDS)
    # 2 kW for half an hour; the mean of 10..39; the last reading; the last code.
    np.testing.assert_allclose(values, [[1.0, 24.5, 102.9, 66.0]])
    assert quality.tolist() == [[Quality.POWER] * 4]


def test_a_gap_up_to_half_is_filled_by_the_mean_and_a_longer_one_is_not() -> None:
    for there, kwh in ((30, 1.0), (29, 1.0), (15, 1.0), (14, 14 * 2.0 / 60), (1, 2.0 / 60)):
        minutes = np.full((30, 1), NAN)
        minutes[:there] = 2.0
        values, quality = slots_of_minutes(minutes, [Kind.POWER])
        np.testing.assert_allclose(values, [[kwh]])
        assert quality[0, 0] == (Quality.POWER if there == 30 else Quality.PARTLY)


def test_nothing_stays_nothing() -> None:
    values, quality = slots_of_minutes(np.full((60, 4), NAN), KINDS)
    assert np.isnan(values).all()
    assert quality.tolist() == [[0] * 4] * 2
    empty = fold(
        of_slots(np.empty((0, 4)), np.empty((0, 4), np.uint8), KINDS), [], np.empty(0), KINDS
    )
    assert empty.values.shape == (0, 4)


def test_the_worst_half_hour_names_the_quality_and_the_largest_the_peak() -> None:
    values = np.array([[0.5], [1.5], [1.0]])
    quality = np.array([[Quality.COUNTER], [Quality.ESTIMATE], [Quality.POWER]], np.uint8)
    day = fold(of_slots(values, quality, [Kind.POWER]), [0], np.array([3.0]), [Kind.POWER])
    assert (day.values[0, 0], day.peaks[0, 0], day.slots[0, 0]) == (3.0, 3.0, 3.0)
    assert day.quality[0, 0] == Quality.ESTIMATE
    parts = of_slots(values[:1], quality[:1], [Kind.POWER])
    assert fold(parts, [0], np.array([2.0]), [Kind.POWER]).quality[0, 0] == Quality.PARTLY


def test_a_months_level_is_the_mean_of_its_half_hours_not_of_its_days() -> None:
    parts = of_slots(np.array([[10.0], [20.0], [60.0]]), np.full((3, 1), 3, np.uint8), [Kind.LEVEL])
    days = fold(parts, [0, 2], np.array([2.0, 1.0]), [Kind.LEVEL])
    month = fold(days, [0], np.array([3.0]), [Kind.LEVEL])
    assert days.values[:, 0].tolist() == [15.0, 60.0]
    assert month.values[0, 0] == 30.0  # (10 + 20 + 60) / 3
    assert month.peaks[0, 0] == 60.0
