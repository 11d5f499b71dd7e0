"""Requests, time-outs and searches of the node, in virtual time."""

from itertools import pairwise

import pytest
from tests.echonet.home26 import TableObject
from tests.echonet.lab import Wire
from tests.echonet.peer import node

from hidamari.echonet.events import Announced, Answered, NodeFound, NodeMoved
from hidamari.echonet.frame import (
    CONTROLLER,
    MULTICAST,
    NODE_PROFILE,
    NODE_PROFILE_ANY,
    Eoj,
    Esv,
    Frame,
    Property,
)
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Node, Setup
from hidamari.echonet.profile import Label
from hidamari.echonet.request import Answer, Request
from hidamari.echonet.responder import Maps

pytestmark = pytest.mark.req("CTL-03")

BATTERY = Eoj(0x02, 0x7D, 0x01)
SOLAR = Eoj(0x02, 0x79, 0x01)
DATA = {0x80: b"\x30", **{epc: bytes((epc,)) for epc in range(0xA0, 0xB4)}}  # 21 properties
A, B, C = "192.0.2.2", "192.0.2.3", "192.0.2.4"
LABEL = Label(b"node-under-tst")


def wire(*hosts: str, multicast: bool = False, **devices: object) -> Wire:
    found = {
        host: node({BATTERY: DATA}, b"\xfe\0\0\1number-of-" + host[-3:].encode()) for host in hosts
    }
    return Wire(Node(Setup(LABEL, search=Search(multicast=multicast))), found)


def bound(*hosts: str, multicast: bool = False) -> Wire:
    """A node that knows these devices."""
    lab = wire(*hosts, multicast=multicast)
    lab.node.search(hosts, 0.0)
    lab.run(10.0)
    assert set(lab.node.neighbours.records) == set(hosts)
    lab.sent.clear()
    lab.events.clear()
    return lab


# -- requests ------------------------------------------------------------------------------------


def test_silence_is_asked_three_times_after_one_two_and_four_seconds() -> None:
    lab = bound(A)
    lab.devices.clear()
    start_s = lab.now_s
    assert lab.ask(Request(A, BATTERY, (0x80,))) is None
    asked = [(at_s - start_s, frame) for at_s, frame in lab.sent_to(A) if frame.deoj == BATTERY]
    assert [at_s for at_s, _ in asked] == [0, 1, 3]  # and given up at 7
    assert len({frame.tid for _, frame in asked}) == 3


def test_a_command_that_must_not_be_repeated_is_sent_once() -> None:
    lab = bound(A)
    lab.devices.clear()
    order = Request(A, BATTERY, sets=(Property(0x80, b"\x31"),), waits_s=(4.0,))
    assert lab.ask(order) is None
    assert len([1 for _, frame in lab.sent_to(A) if frame.esv is Esv.SET_C]) == 1


def test_many_properties_are_asked_ten_at_a_time() -> None:
    lab = bound(A)
    told = lab.ask(Request(A, BATTERY, tuple(DATA)))
    assert told == Answer(DATA)
    assert [len(frame.props) for _, frame in lab.sent_to(A)] == [10, 10, 1]


def test_the_same_property_asked_twice_is_asked_once() -> None:
    lab = bound(A)
    assert lab.ask(Request(A, BATTERY, (0x80, 0x80))) == Answer({0x80: b"\x30"})
    assert [len(frame.props) for _, frame in lab.sent_to(A)] == [1]


def test_long_data_are_asked_for_alone_from_the_second_time_on() -> None:
    lab = wire()
    lab.devices[A] = node({BATTERY: {0x80: b"\x30", 0xB3: bytes(range(1, 200)), 0xE4: b"\x2a"}})
    lab.node.search([A], 0.0)
    lab.run(10.0)
    for _ in range(2):
        lab.sent.clear()
        told = lab.ask(Request(A, BATTERY, (0x80, 0xB3, 0xE4)))
        assert told is not None
        assert told.values.keys() == {0x80, 0xB3, 0xE4}
    asked = [tuple(epc for epc, _ in frame.props) for _, frame in lab.sent_to(A)]
    assert asked == [(0x80, 0xE4), (0xB3,)]


def test_an_answer_to_the_first_try_counts_after_the_second_was_sent() -> None:
    lab = bound(A)
    lab.delay_s = 1.5
    assert lab.ask(Request(A, BATTERY, (0x80,))) == Answer({0x80: b"\x30"})
    assert len(lab.sent_to(A)) == 2
    assert lab.node.counters.foreign == 0  # the second answer is late, not foreign


def test_a_bridge_slower_than_all_tries_is_waited_for_the_next_time() -> None:
    lab = bound(A)
    lab.delay_s = 9.0
    assert lab.ask(Request(A, BATTERY, (0x80,))) is None
    assert lab.ask(Request(A, BATTERY, (0x80,)), 120.0) == Answer({0x80: b"\x30"})


def test_patience_shrinks_when_the_device_is_quick_again() -> None:
    lab = bound(A)
    lab.delay_s = 3.0
    lab.ask(Request(A, BATTERY, (0x80,)))
    lab.delay_s = 0.0
    for _ in range(60):
        lab.ask(Request(A, BATTERY, (0x80,)))
    lab.devices.clear()
    start_s = lab.now_s
    lab.sent.clear()
    lab.ask(Request(A, BATTERY, (0x80,)))
    assert lab.sent_to(A)[1][0] - start_s == pytest.approx(1.0, abs=0.1)


def test_one_lost_frame_does_not_make_the_batches_smaller() -> None:
    lab = bound(A)
    lab.ask(Request(A, BATTERY, tuple(DATA)))
    lost = [True]
    lab.drops = lambda _host, _frame: bool(lost and lost.pop())
    lab.ask(Request(A, BATTERY, tuple(DATA)))
    assert lab.node.batch_size(A) == 10


def test_a_device_that_bears_less_than_before_is_asked_for_less() -> None:
    lab = bound(A)
    lab.ask(Request(A, BATTERY, tuple(DATA)))
    lab.drops = lambda _host, frame: len(frame.props) > 4
    for _ in range(12):
        assert lab.ask(Request(A, BATTERY, tuple(DATA))) == Answer(DATA)
    assert lab.node.batch_size(A) == 4


def test_a_slow_bridge_may_answer_for_itself_in_large_frames() -> None:
    lab = bound(A)
    lab.drops = lambda _host, frame: frame.deoj == BATTERY and len(frame.props) > 2
    for _ in range(6):
        assert lab.ask(Request(A, BATTERY, tuple(DATA))) == Answer(DATA)
    assert lab.node.batch_size(A) == 2


def test_a_single_cut_answer_is_silence() -> None:
    lab = bound(A)
    lab.devices.clear()
    lab.node.request(Request(A, BATTERY, (0x80,)), lab.now_s)
    lab.run(0.0)
    tid = lab.sent_to(A)[-1][1].tid
    whole = Frame(tid, BATTERY, CONTROLLER, Esv.GET_RES, (Property(0x80, b"\x30"),)).to_bytes()
    assert lab.node.receive(whole[:-1], A, lab.now_s) == []
    lab.run(0.5)
    assert len(lab.sent_to(A)) == 1


def test_an_absent_object_answers_for_its_class_by_instance_zero() -> None:
    lab = bound(A)
    ask = lab.node.request(Request(A, BATTERY._replace(instance=0), (0x80,)), lab.now_s)
    lab.run(0.0)
    tid = lab.sent_to(A)[-1][1].tid
    lab.say(Frame(tid, BATTERY, CONTROLLER, Esv.GET_RES, (Property(0x80, b"\x30"),)), A)
    assert [e.ticket for e in lab.events if hasattr(e, "ticket")] == [ask]


# -- searching -----------------------------------------------------------------------------------


def test_a_search_asks_everybody_at_0_1_and_3_seconds_and_then_instance_zero() -> None:
    lab = wire(multicast=True)
    lab.node.search([], 0.0)
    assert lab.node.neighbours.is_searching(0.0)
    lab.run(10.0)
    assert [(at_s, frame.deoj) for at_s, frame in lab.sent_to(MULTICAST)] == [
        (0.0, NODE_PROFILE),
        (1.0, NODE_PROFILE),
        (3.0, NODE_PROFILE),
        (4.0, NODE_PROFILE_ANY),
    ]
    assert {frame.props for _, frame in lab.sent_to(MULTICAST)} == {(Property(0xD6),)}
    assert not lab.node.neighbours.is_searching(lab.now_s)


def test_addresses_are_asked_one_by_one_where_multicast_is_not_available() -> None:
    lab = wire(A, B)
    lab.node.search([A, B, C], 0.0)
    lab.run(10.0)
    assert set(lab.node.neighbours.records) == {A, B}
    assert not lab.sent_to(MULTICAST)
    assert [at_s for at_s, _ in lab.sent_to(C)] == [0.0, 1.0, 3.0, 4.0]


def test_a_found_node_tells_its_names_and_what_its_objects_can() -> None:
    lab = wire(A)
    objects = node({BATTERY: DATA})
    objects[BATTERY] |= {0x9E: b"\x01\x80", 0x9D: b"\x02\x80\xa0", 0x81: b"\x08"}
    objects[NODE_PROFILE] |= {0x8C: b"PW-9\0\0\0\0\0\0\0\0", 0x8D: b"77\0\0\0\0\0\0\0\0\0\0"}
    lab.devices[A] = objects
    lab.node.search([A], 0.0)
    lab.run(10.0)
    (found,) = lab.of(NodeFound)
    assert isinstance(found, NodeFound)
    record = found.record
    assert (record.maker, record.product, record.serial) == ("000001", "PW-9", "77")
    assert record.version == bytes.fromhex("010D0100")
    thing = record.object(BATTERY)
    assert thing is not None
    assert thing.maps.writable == {0x80}
    assert thing.maps.announced == {0x80, 0xA0}
    assert thing.maps.readable == {*DATA, 0x9D, 0x9E, 0x9F}
    assert thing.values[0x81] == b"\x08"
    assert record.object(SOLAR) is None


@pytest.mark.parametrize("esv", [Esv.INF, Esv.GET, Esv.INFC])
def test_any_frame_of_an_unknown_node_makes_it_known(esv: Esv) -> None:
    lab = wire(A)
    lab.say(Frame(1, BATTERY, NODE_PROFILE, esv, (Property(0x80, b"\x30"),)), A)
    lab.run(5.0)
    assert set(lab.node.neighbours.records) == {A}
    assert lab.of(Announced) == []


def test_a_node_that_only_answers_examines_nobody() -> None:
    lab = Wire(Node(Setup(LABEL)), {A: node({BATTERY: DATA})})
    lab.say(Frame(1, BATTERY, NODE_PROFILE, Esv.INF, (Property(0x80, b"\x30"),)), A)
    lab.run(5.0)
    assert lab.sent == []


def test_our_own_multicasts_are_not_heard() -> None:
    lab = Wire(Node(Setup(LABEL, own_hosts=frozenset({A}), search=Search())), {})
    lab.say(Frame(1, BATTERY, NODE_PROFILE, Esv.INF, (Property(0x80, b"\x30"),)), A)
    assert lab.sent == []
    assert lab.node.counters.received == 0


def test_an_address_without_a_node_is_left_alone_for_a_minute() -> None:
    lab = wire()
    hello = Frame(1, BATTERY, NODE_PROFILE, Esv.INF, (Property(0x80, b"\x30"),))
    for _ in range(70):
        lab.say(hello, A)
        lab.run(1.0)
    # Six knocks (1, 2 and 4 s to both profiles) take 14 s; then a minute of rest.
    assert len(lab.sent_to(A)) == 6
    for _ in range(10):
        lab.say(hello, A)
        lab.run(1.0)
    assert len(lab.sent_to(A)) > 6


def test_an_announced_new_object_is_examined() -> None:
    lab = bound(A)
    lab.run(20.0)
    lab.devices[A] = node({BATTERY: DATA, SOLAR: {0x80: b"\x30"}}, b"\xfe\0\0\1number-of-2.2")
    listed = (Property(0xD5, b"\x02\x02\x7d\x01\x02\x79\x01"),)
    lab.say(Frame(1, NODE_PROFILE, NODE_PROFILE, Esv.INF, listed), A)
    lab.run(5.0)
    assert [o.eoj for o in lab.node.neighbours.records[A].objects] == [BATTERY, SOLAR]
    (found,) = lab.of(NodeFound)
    assert isinstance(found, NodeFound)
    assert found.known


def test_announcing_again_and_again_does_not_make_us_examine_again_and_again() -> None:
    lab = bound(A)
    lab.run(20.0)
    listed = (Property(0xD5, b"\x01\x02\x7d\x01"),)
    for _ in range(100):
        lab.say(Frame(1, NODE_PROFILE, NODE_PROFILE, Esv.INF, listed), A)
        lab.run(0.1)
    assert len(lab.of(NodeFound)) == 1


def test_an_announcement_of_a_bound_object_is_passed_on_as_a_hint() -> None:
    lab = bound(A)
    lab.say(Frame(1, BATTERY, NODE_PROFILE, Esv.INF, (Property(0x80, b"\x31"),)), A)
    assert lab.events == [Announced(A, BATTERY, {0x80: b"\x31"})]
    assert lab.sent == []


def test_an_announcement_that_asks_for_an_answer_gets_one() -> None:
    lab = bound(A)
    lab.say(Frame(9, BATTERY, CONTROLLER, Esv.INFC, (Property(0x80, b"\x31"),)), A)
    assert lab.events == [Announced(A, BATTERY, {0x80: b"\x31"})]
    ((_, reply),) = lab.sent_to(A)
    assert reply == Frame(9, CONTROLLER, BATTERY, Esv.INFC_RES, (Property(0x80),))


def test_a_silent_node_is_searched_for_less_and_less_often() -> None:
    lab = bound(A, B, multicast=True)
    del lab.devices[B]
    lab.run(60.0)
    start_s = lab.now_s
    lab.sent.clear()
    for _ in range(40):
        lab.ask(Request(B, BATTERY, (0x80,)), 20.0)
    times = [at_s - start_s for at_s, _ in lab.sent_to(MULTICAST)]
    begun = times[::4]
    assert begun[0] < 60
    pauses = [round(later - sooner) for sooner, later in pairwise(begun)]
    assert len(pauses) >= 3
    assert all(
        least <= one < least + 30 for one, least in zip(pauses, (120, 240, 300), strict=False)
    )
    assert not lab.sent_to(A)  # those that answer are not examined again


def test_a_moved_node_is_found_within_a_minute_by_its_number() -> None:
    lab = bound(A, multicast=True)
    lab.run(60.0)
    lab.devices[B] = lab.devices.pop(A)
    assert lab.ask(Request(A, BATTERY, (0x80,)), 45.0) is None
    (moved,) = lab.of(NodeMoved)
    assert isinstance(moved, NodeMoved)
    assert (moved.old_host, moved.record.host) == (A, B)
    assert lab.ask(Request(B, BATTERY, (0x80,))) == Answer({0x80: b"\x30"})


def test_two_nodes_that_swap_addresses_are_told_apart() -> None:
    lab = bound(A, B, multicast=True)
    names = {host: r.identity for host, r in lab.node.neighbours.records.items()}
    both = dict(lab.devices)
    lab.devices.clear()
    for host in (A, B):
        assert lab.ask(Request(host, BATTERY, (0x80,))) is None
    lab.devices.update({A: both[B], B: both[A]})
    assert lab.ask(Request(A, BATTERY, (0x80,)), 15.0) is None  # not who it was
    moved = [(e.old_host, e.record.host) for e in lab.events if isinstance(e, NodeMoved)]
    assert moved == [(B, A)]
    lab.node.search([A, B], lab.now_s)
    lab.run(60.0)
    now = {host: r.identity for host, r in lab.node.neighbours.records.items()}
    assert now == {A: names[B], B: names[A]}
    assert lab.node.neighbours.doubled == set()


def test_like_nodes_without_a_number_that_swap_addresses_are_told_apart_by_their_serial() -> None:
    lab = wire()
    serials = {A: b"S1".ljust(12, b"\0"), B: b"S2".ljust(12, b"\0")}
    for host, serial in serials.items():
        lab.devices[host] = node({BATTERY: DATA}, b"")
        lab.devices[host][NODE_PROFILE][0x8D] = serial
    lab.node.search([A, B], 0.0)
    lab.run(10.0)
    lab.drops = lambda _host, _frame: True
    assert lab.ask(Request(A, BATTERY, (0x80,))) is None
    lab.drops = lambda _host, _frame: False
    lab.devices[A], lab.devices[B] = lab.devices[B], lab.devices[A]
    # It may have become another one while it was silent: it is asked who it is before it is read.
    assert lab.ask(Request(A, BATTERY, (0x80,)), 0.5) is None
    lab.run(60.0)
    assert lab.node.neighbours.records[A].serial == "S2"


def test_a_node_that_was_silent_is_asked_who_it_is_before_it_is_read() -> None:
    lab = bound(A)
    keep = dict(lab.devices)
    lab.devices.clear()
    lab.ask(Request(A, BATTERY, (0x80,)))
    lab.devices.update(keep)
    lab.sent.clear()
    assert lab.ask(Request(A, BATTERY, (0x80,))) == Answer({0x80: b"\x30"})
    first, second = (frame for _, frame in lab.sent_to(A) if frame.props[0][0] != 0xD6)
    assert (first.deoj, second.deoj) == (NODE_PROFILE, BATTERY)
    assert Property(0x83) in first.props


def test_a_node_that_goes_away_while_it_is_examined_is_not_known() -> None:
    lab = wire(A)
    lab.devices[A] = node({Eoj(2, 0x90, n): {0x80: b"\x30"} for n in range(1, 40)})
    lab.drops = lambda _host, frame: frame.deoj.instance == 3 or lab.now_s > 0
    lab.node.search([A], 0.0)
    lab.run(120.0)
    assert lab.node.neighbours.records == {}


def test_one_dead_object_does_not_hide_its_node() -> None:
    lab = wire()
    eojs = [Eoj(2, 0x90, n) for n in (1, 2, 3)]
    lab.devices[A] = node({eoj: {0x80: b"\x30"} for eoj in eojs})
    lab.drops = lambda _host, frame: frame.deoj == eojs[1]
    lab.node.search([A], 0.0)
    lab.run(60.0)
    assert [o.eoj for o in lab.node.neighbours.records[A].objects] == [eojs[0], eojs[2]]


# -- our own objects -----------------------------------------------------------------------------


def test_a_node_announces_its_objects_at_the_start_and_changes_later() -> None:
    thing = TableObject({0x80: b"\x30"}, Maps(frozenset({0x80})))
    ours = Node(Setup(LABEL, {BATTERY: thing}, peers=(A,)))
    ours.start()
    ours.announce(BATTERY, [0x80, 0xE4])
    ours.announce(BATTERY, [0xE4])  # it has no such property: nothing to say
    said = [(d.host, Frame.from_bytes(d.data)) for d in ours.take()]
    # To everybody, and to the one whom multicast does not reach.
    assert [host for host, _ in said] == [MULTICAST, A, MULTICAST, A]
    assert [(f.seoj, f.deoj, f.esv, f.props) for _, f in said[::2]] == [
        (NODE_PROFILE, NODE_PROFILE, Esv.INF, (Property(0xD5, b"\x01\x02\x7d\x01"),)),
        (BATTERY, NODE_PROFILE, Esv.INF, (Property(0x80, b"\x30"),)),
    ]


def test_a_requested_announcement_goes_to_everybody() -> None:
    ours = Node(Setup(LABEL))
    ask = Frame(3, CONTROLLER, NODE_PROFILE, Esv.INF_REQ, (Property(0xD6),))
    ours.receive(ask.to_bytes(), A, 0.0)
    (said,) = ours.take()
    assert said.host == MULTICAST
    assert Frame.from_bytes(said.data).esv is Esv.INF


LAMPS = {
    Eoj(0x02, 0x90, n): TableObject({0x80: b"\x30"}, Maps(frozenset({0x80}))) for n in range(1, 101)
}


def test_the_list_of_objects_is_announced_on_request_and_never_read() -> None:
    ours = Node(Setup(LABEL, LAMPS))
    ask = Frame(3, CONTROLLER, NODE_PROFILE, Esv.INF_REQ, (Property(0xD5),))
    ours.receive(ask.to_bytes(), A, 0.0)
    said = ours.take()
    assert [one.host for one in said] == [MULTICAST, MULTICAST]
    frames = [Frame.from_bytes(one.data) for one in said]
    assert [(f.tid, f.seoj, f.deoj, f.esv) for f in frames] == [
        (3, NODE_PROFILE, CONTROLLER, Esv.INF)
    ] * 2
    lists = [dict(frame.props)[0xD5] for frame in frames]
    assert [edt[0] for edt in lists] == [84, 16]
    assert b"".join(edt[1:] for edt in lists) == b"".join(map(bytes, LAMPS))
    ours.receive(ask._replace(esv=Esv.GET).to_bytes(), A, 0.0)
    assert Frame.from_bytes(ours.take()[0].data).esv is Esv.GET_SNA
    both = ask._replace(props=(Property(0xD5), Property(0x80)))
    ours.receive(both.to_bytes(), A, 0.0)
    assert [list(dict(Frame.from_bytes(d.data).props)) for d in ours.take()] == [
        [0xD5],
        [0xD5],
        [0x80],
    ]


def test_a_node_of_more_objects_than_its_list_holds_is_known_in_full() -> None:
    device, ours = Node(Setup(LABEL, LAMPS)), Node(Setup(LABEL, search=Search(multicast=False)))
    ours.search([A], 0.0)
    while asked := ours.take():
        for datagram in asked:
            device.receive(datagram.data, B, 0.0)
        for datagram in device.take():  # what is told to everybody too
            ours.receive(datagram.data, A, 0.0)
    record = ours.neighbours.records[A]
    assert [found.eoj for found in record.objects] == list(LAMPS)


def test_a_controller_shows_its_controller_object_and_its_profile() -> None:
    ours = Node(Setup(LABEL, search=Search()))
    ask = Frame(3, BATTERY, NODE_PROFILE_ANY, Esv.GET, (Property(0xD6),))
    ours.receive(ask.to_bytes(), A, 0.0)
    reply = Frame.from_bytes(ours.take()[0].data)
    assert reply.seoj == NODE_PROFILE
    assert reply.props == (Property(0xD6, b"\x01\x05\xff\x01"),)


def test_a_dead_object_of_a_living_node_starts_no_search() -> None:
    lab = bound(A, multicast=True)
    lab.run(60.0)
    lab.sent.clear()
    lab.drops = lambda _host, frame: frame.deoj == BATTERY
    for _ in range(5):
        assert lab.ask(Request(A, BATTERY, (0x80,))) is None
    assert not lab.sent_to(MULTICAST)
    assert lab.node.neighbours.unsure == set()


def test_another_node_at_a_known_address_is_met_anew() -> None:
    lab = bound(A)
    lab.devices.clear()
    lab.ask(Request(A, BATTERY, (0x80,)))
    lab.devices[A] = node({SOLAR: {0x80: b"\x30"}}, b"\xfe\0\0\1another-one--")
    assert lab.ask(Request(A, BATTERY, (0x80,)), 5.0) is None
    (found,) = lab.of(NodeFound)
    assert isinstance(found, NodeFound)
    assert not found.known
    assert lab.ask(Request(A, SOLAR, (0x80,))) == Answer({0x80: b"\x30"})


def test_a_transaction_id_is_not_used_twice_for_one_question() -> None:
    drawn = iter([1, 2, 7, 7, 7, 8, 9])
    lab = Wire(Node(Setup(LABEL, search=Search(), new_tid=lambda: next(drawn, 99))), {})
    assert lab.ask(Request(A, BATTERY, (0x80,))) is None
    assert [frame.tid for _, frame in lab.sent_to(A)] == [1, 2, 7]
    assert lab.ask(Request(A, BATTERY, (0x80,))) is None
    assert [frame.tid for _, frame in lab.sent_to(A)[3:]] == [7, 8, 9]


def test_identities_found_doubled_before_are_not_used_again() -> None:
    name = "id:" + (b"\xfe\0\0\1number-of-2.2").hex()
    lab = wire(A)
    lab.node.neighbours.doubled.add(name)
    lab.node.search([A], 0.0)
    lab.run(10.0)
    assert lab.node.neighbours.records[A].identity.text == f"ip:{A}"


def test_an_object_without_a_map_that_dies_while_probed_is_still_listed() -> None:
    lab = wire()
    objects = node({BATTERY: DATA})
    del objects[BATTERY][0x9F]
    lab.devices[A] = objects
    lab.drops = lambda _host, frame: frame.deoj == BATTERY and Property(0x9F) not in frame.props
    lab.node.search([A], 0.0)
    lab.run(60.0)
    (thing,) = lab.node.neighbours.records[A].objects
    assert not thing.maps_told
    assert thing.maps.readable == frozenset()


def test_a_doubted_answer_that_comes_twice_alike_is_believed() -> None:
    lab = bound(A)
    for n in range(20):
        stray = Frame(n, BATTERY, CONTROLLER, Esv.GET_RES, (Property(0x80, b"\x31"),))
        lab.say(stray, A)
    lab.devices.clear()
    lab.node.request(Request(A, BATTERY, (0x80,)), lab.now_s)
    lab.run(0.0)
    tid = lab.sent_to(A)[-1][1].tid
    true = Frame(tid, BATTERY, CONTROLLER, Esv.GET_RES, (Property(0x80, b"\x30"),))
    lab.say(true, A)
    lab.say(true, A)
    assert lab.of(Answered) == []
    lab.run(1.0)
    (ended,) = lab.of(Answered)
    assert isinstance(ended, Answered)
    assert ended.answer == Answer({0x80: b"\x30"})


def test_a_search_is_over_when_nodes_of_one_number_are_told_apart() -> None:
    lab = wire()
    for host in (A, B):
        lab.devices[host] = node({BATTERY: DATA})  # the same number and serial number
        lab.devices[host][NODE_PROFILE][0x8D] = b"S1".ljust(12, b"\0")
    lab.delay_s = 0.2
    lab.node.search([A, B], 0.0)
    neighbours = lab.node.neighbours
    while neighbours.is_searching(lab.now_s):
        lab.run(0.05)
    assert [neighbours.records[host].identity.text for host in (A, B)] == [f"ip:{A}", f"ip:{B}"]
