"""Adaptive polling: nothing hammered, nothing forgotten."""

from hidamari.echonet.frame import Eoj
from hidamari.home.schedule import SILENT_PACE_S, Ask, Schedule

BATTERY = Eoj.parse("027D01")


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
    slow_s = found.next_due_s() - 100.0
    assert slow_s > 30
    for _ in range(40):
        found.answered(Ask(BATTERY, (0xD3,)), 0.05, 200.0)
    assert found.next_due_s() - 200.0 == 10.0


def test_a_silent_node_is_asked_for_ever_at_the_slow_pace():
    found = schedule(D3=10, E4=60)
    for turn in range(1, 200):
        now_s = turn * SILENT_PACE_S
        assert found.due(now_s), f"forgotten after {turn} turns"
        found.went_silent(now_s)
        assert not found.due(now_s + SILENT_PACE_S / 2)


def test_after_the_first_answer_everything_is_read_again_at_once():
    found = schedule(D3=10, E4=600)
    found.answered(found.due(0.0)[0], 0.1, 0.0)
    found.went_silent(10.0)
    found.answered(Ask(BATTERY, (0xD3,)), 0.1, 70.0)
    assert found.due(70.0) == [Ask(BATTERY, (0xE4,))]


def test_an_announcement_is_a_hint_to_ask_the_device():
    found = schedule(D3=10, E4=600)
    found.answered(found.due(0.0)[0], 0.1, 0.0)
    found.hint(BATTERY, (0xE4, 0x99), 3.0)
    assert found.due(3.0) == [Ask(BATTERY, (0xE4,))]
