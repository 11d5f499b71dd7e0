"""Adaptive polling: nothing hammered, nothing forgotten."""

from hidamari.echonet.frame import Eoj
from hidamari.home.schedule import SILENT_PACE_S, Ask, Schedule

BATTERY, LAMP = Eoj.parse("027D01"), Eoj.parse("029001")


def schedule(**pace_s):
    found = Schedule()
    found.want(BATTERY, {int(epc, 16): s for epc, s in pace_s.items()}, 0.0)
    return found


def test_everything_is_asked_once_at_the_start():
    assert schedule(D3=10, E4=60, C8=0).due(0.0) == [Ask(BATTERY, (0xD3, 0xE4, 0xC8))]


def test_each_property_has_its_own_pace_and_what_is_wanted_once_is_not_asked_again():
    found = schedule(D3=10, E4=60, C8=0)
    found.answered(found.due(0.0)[0], 0.1, 0.1)
    assert found.due(5.0) == []
    assert found.due(10.1) == [Ask(BATTERY, (0xD3,))]
    assert found.due(61.0) == [Ask(BATTERY, (0xD3, 0xE4))]


def test_a_slow_node_is_asked_less_often_and_a_quick_one_as_wished_again():
    found = schedule(D3=10)
    for _ in range(3):
        found.answered(Ask(BATTERY, (0xD3,)), 5.0, 100.0)
    # 1.5 x 1.5 x 1.5 x 10 s
    assert found.next_due_s() == 133.75
    for _ in range(40):
        found.went_round(0.05, 1)
    found.answered(Ask(BATTERY, (0xD3,)), 0.05, 200.0)
    assert found.next_due_s() == 210.0


def test_the_owner_may_have_everything_asked_less_often_and_as_usual_again():
    found = Schedule(least_s=60.0)
    found.want(BATTERY, {0xD3: 10, 0xE4: 60, 0x83: 300}, 0.0)
    found.answered(Ask(BATTERY, (0xD3, 0xE4, 0x83)), 0.1, 0.0)
    assert found.due(60.0) == [Ask(BATTERY, (0xD3, 0xE4))]
    found.went_round(0.05, 1)  # quick, and still not asked more often
    found.answered(Ask(BATTERY, (0xD3, 0xE4)), 0.1, 60.0)
    assert found.next_due_s() == 120.0
    found.least_s = 10.0
    found.answered(Ask(BATTERY, (0xD3, 0xE4)), 0.1, 120.0)
    assert found.next_due_s() == 130.0


def test_the_pace_has_an_end():
    found = schedule(D3=10)
    for _ in range(100):
        found.answered(Ask(BATTERY, (0xD3,)), 20.0, 0.0)
    assert found.next_due_s() == 80.0


def test_a_bridge_with_many_quick_objects_is_not_asked_all_the_time():
    # 26 objects of 0.4 s each take 10.4 s: at a pace of 10 s the bridge would never rest.
    found = schedule(D3=10)
    for _ in range(5):
        found.went_round(10.4, 26)
    assert found.factor == 1.5**2  # 10.4 s of 22.5 s: less than half of the time
    for _ in range(3):
        found.went_round(0.4, 1)  # a round of one object only
    assert found.factor < 1.5**2


def test_a_silent_node_is_asked_for_ever_at_the_slow_pace():
    found = schedule(D3=10, E4=60)
    for turn in range(1, 200):
        now_s = turn * SILENT_PACE_S
        assert found.due(now_s), f"forgotten after {turn} turns"
        assert found.went_silent(BATTERY, now_s)
        assert not found.due(now_s + SILENT_PACE_S / 2)


def test_after_the_first_answer_everything_is_read_again_at_once():
    found = schedule(D3=10, E4=600)
    found.answered(found.due(0.0)[0], 0.1, 0.0)
    found.went_silent(BATTERY, 10.0)
    found.answered(Ask(BATTERY, (0xD3,)), 0.1, 70.0)
    assert found.due(70.0) == [Ask(BATTERY, (0xE4,))]


def test_a_dead_object_behind_a_bridge_does_not_slow_the_others():
    found = schedule(D3=10)
    found.want(LAMP, {0x80: 60}, 0.0)
    found.answered(Ask(BATTERY, (0xD3,)), 0.1, 5.0)
    assert not found.went_silent(LAMP, 12.0)
    assert found.due(15.0) == [Ask(BATTERY, (0xD3,))]
    found.answered(Ask(BATTERY, (0xD3,)), 0.1, 15.0)
    assert found.due(16.0) == []  # the lamp waits on, though the bridge speaks
    assert Ask(LAMP, (0x80,)) in found.due(72.0)


def test_a_node_of_which_nothing_was_heard_for_a_minute_waits_as_a_whole():
    found = schedule(D3=10)
    found.want(LAMP, {0x80: 60}, 0.0)
    found.answered(Ask(BATTERY, (0xD3,)), 0.1, 0.0)
    assert not found.went_silent(BATTERY, 17.0)
    assert found.went_silent(LAMP, 67.0)
    assert found.due(120.0) == []
    assert len(found.due(127.0)) == 2
    found.answered(Ask(LAMP, (0x80,)), 0.1, 128.0)
    assert found.due(128.0) == [Ask(BATTERY, (0xD3,))]  # back: everything is read again


def test_a_device_that_announces_all_the_time_is_not_asked_all_the_time():
    found = schedule(D3=10)
    found.hint(BATTERY, (0xD3,), 0.0)
    found.answered(Ask(BATTERY, (0xD3,)), 0.0, 0.0)
    for tenth in range(1, 15):
        found.hint(BATTERY, (0xD3,), tenth / 10)
    assert found.due(1.5) == []
    assert found.due(2.0) == [Ask(BATTERY, (0xD3,))]


def test_the_owners_pace_holds_for_a_device_that_announces_too_but_not_at_the_half_hour():
    found = Schedule(least_s=300.0)
    found.want(BATTERY, {0xA8: 60}, 0.0)
    found.answered(found.due(0.0)[0], 0.0, 0.0)
    found.hint(BATTERY, (0xA8,), 20.0)
    found.answered(found.due(20.0)[0], 0.0, 20.0)  # the first is asked for at once
    found.hint(BATTERY, (0xA8,), 40.0)
    assert found.due(299.0) == []
    found.ask_at_once(BATTERY, (0xA8,), 200.0)
    assert found.due(200.0) == [Ask(BATTERY, (0xA8,))]


def test_what_is_announced_while_it_is_asked_for_is_asked_for_again():
    """A round of several requests takes seconds: the answer may be older than the change."""
    found = schedule(D3=60, E0=0)
    first = found.due(0.0)[0]
    found.hint(BATTERY, (0xD3, 0xE0), 1.5)
    found.answered(first, 3.0, 3.0, requests=2)
    assert found.due(3.0) == [Ask(BATTERY, (0xD3, 0xE0))]
    found.hint(BATTERY, (0xE0,), 3.2)  # and once more, out of turn
    found.answered(found.due(3.2)[0], 0.4, 3.5)
    assert found.due(5.0) == []
    assert found.due(5.5) == [Ask(BATTERY, (0xE0,))]
    found.answered(found.due(5.5)[0], 0.1, 5.6)
    assert found.next_due_s() == 63.0  # its turn is kept


def test_an_announcement_brings_forward_what_waits_for_a_silent_device():
    found = schedule(D3=10, E4=600)
    found.answered(found.due(0.0)[0], 0.1, 0.1)
    found.hint(BATTERY, (0xE4,), 3.0)
    assert not found.went_silent(BATTERY, 10.0)
    assert found.due(30.0) == []
    found.hint(BATTERY, (0xE4,), 30.0)
    assert found.due(30.0) == [Ask(BATTERY, (0xE4,))]


def test_what_was_asked_out_of_turn_goes_on_with_what_it_was_asked_with_before():
    found = schedule(D3=60, A8=60)
    found.answered(found.due(0.0)[0], 0.1, 0.0)
    found.hint(BATTERY, (0xA8,), 20.0)
    found.answered(found.due(20.0)[0], 0.0, 20.0)
    assert found.next_due_s() == 60.0
    assert found.due(60.0) == [Ask(BATTERY, (0xD3, 0xA8))]


def test_what_was_asked_shortly_before_its_turn_skips_it():
    found = schedule(D3=60, A8=60)
    found.answered(found.due(0.0)[0], 0.1, 0.0)
    found.hint(BATTERY, (0xA8,), 50.0)
    found.answered(found.due(50.0)[0], 0.0, 50.0)
    assert found.due(60.0) == [Ask(BATTERY, (0xD3,))]
    found.answered(found.due(60.0)[0], 0.1, 60.0)
    assert found.due(120.0) == [Ask(BATTERY, (0xD3, 0xA8))]


def test_a_change_announced_just_after_its_turn_is_asked_for_at_once():
    found = schedule(D3=10)
    found.answered(Ask(BATTERY, (0xD3,)), 0.1, 0.0)
    found.hint(BATTERY, (0xD3,), 0.3)
    assert found.due(0.3) == [Ask(BATTERY, (0xD3,))]


def test_what_has_no_pace_is_asked_when_somebody_looks_and_not_again():
    found = Schedule()
    found.want(BATTERY, {0xD3: 10, 0xCC: None}, 0.0)
    assert found.due(0.0) == [Ask(BATTERY, (0xD3,))]
    found.hint(BATTERY, (0xCC, 0xCD), 0.0)
    assert found.due(0.0) == [Ask(BATTERY, (0xD3, 0xCC))]
    found.answered(Ask(BATTERY, (0xD3, 0xCC)), 0.0, 0.0)
    assert found.due(1000.0) == [Ask(BATTERY, (0xD3,))]


def test_at_the_usual_pace_a_change_is_asked_for_two_seconds_after_the_one_before():
    found = schedule(D3=10)
    found.least_s = 10.0
    found.answered(found.due(0.0)[0], 0.1, 0.0)
    found.hint(BATTERY, (0xD3,), 1.0)
    found.answered(found.due(1.0)[0], 0.1, 1.1)
    found.hint(BATTERY, (0xD3,), 1.5)
    assert found.due(2.0) == []
    assert found.due(3.1) == [Ask(BATTERY, (0xD3,))]


def test_what_a_device_no_longer_tells_is_no_longer_asked():
    found = schedule(D3=10, E4=60)
    found.want(BATTERY, {0xE4: 60}, 1.0)
    assert found.due(1.0) == [Ask(BATTERY, (0xE4,))]
    found.forget(BATTERY)
    assert found.next_due_s() is None


def test_an_announcement_is_a_hint_to_ask_the_device():
    found = schedule(D3=10, E4=600)
    found.answered(found.due(0.0)[0], 0.1, 0.0)
    found.hint(BATTERY, (0xE4, 0x99), 3.0)
    assert found.due(3.0) == [Ask(BATTERY, (0xE4,))]
