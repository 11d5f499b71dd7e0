"""Few at once, slowly on the whole."""

from hidamari.core.pace import Pace


def test_after_a_quiet_time_some_go_at_once_and_then_one_a_second() -> None:
    pace, sent = Pace(1.0, 3), []
    for tick in range(1000):  # ten seconds in which there is always something to send
        if pace.wait_s(tick / 100) == 0.0:
            pace.went(tick / 100)
            sent.append(tick)
    assert sent == [0, 1, 2, *range(100, 1000, 100)]


def test_a_change_every_two_seconds_never_waits_nor_does_the_one_right_before_it() -> None:
    pace = Pace(1.0, 3)
    for at_s in (0.0, 0.4, 2.0, 2.1, 4.0, 4.9):
        assert pace.wait_s(at_s) == 0.0
        pace.went(at_s)


def test_the_wait_is_told() -> None:
    pace = Pace(1.0, 1)
    pace.went(10.0)
    assert pace.wait_s(10.25) == 0.75
