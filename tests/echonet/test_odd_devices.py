"""Each odd behaviour seen in the field or in emulators, played over UDP against our controller."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.echonet.loops import block, run
from tests.echonet.peer import Peer, answer, node, normal

from hidamari.core.errors import DeviceSilent
from hidamari.echonet.client import Client
from hidamari.echonet.events import Event, NodeDoubled, NodeFound, NodeMoved
from hidamari.echonet.frame import NODE_PROFILE, NODE_PROFILE_ANY, Eoj, Esv, Frame, Property
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label

BATTERY = Eoj(0x02, 0x7D, 0x01)
AIR = Eoj(0x01, 0x30, 0x01)
DATA = {0x80: b"\x30", **{epc: bytes((epc, 1)) for epc in range(0xA0, 0xAC)}}
OURS = Label(b"test-control-")
LISTED = frozenset({0xD6})


def controller(host: str, *, multicast: bool = False) -> Client:
    known = {0x027D: DATA.keys()}
    search = Search(known_epcs=lambda code: known.get(code, ()), multicast=multicast)
    return Client.open(Setup(OURS, search=search), host, multicast=multicast)


def meet(peer: Peer, then: Callable[[Client, Peer], Awaitable[None]]) -> None:
    """A controller and one played device on loopback; the device's address is told."""

    async def main() -> None:
        net = block()
        peer.host = net + "2"
        with peer:
            client = controller(net + "1")
            try:
                await client.discover([peer.host])
                await then(client, peer)
            finally:
                client.close()

    run(main())


def battery_peer(**changes: object) -> Peer:
    return replace(Peer("", node({BATTERY: DATA})), **changes)


def epcs(frame: Frame) -> set[int]:
    return {epc for epc, _ in frame.props}


async def expect_all(client: Client, peer: Peer) -> None:
    told = await client.get(peer.host, BATTERY, DATA)
    assert told.values == DATA
    assert not told.refused


@pytest.mark.req("CTL-03")
def test_answers_from_another_source_port_count() -> None:
    meet(battery_peer(answer_port=40123), expect_all)


def test_the_order_of_properties_in_an_answer_does_not_matter() -> None:
    def sorting(frame: Frame) -> list[bytes] | None:
        whole = Frame.from_bytes(normal(peer.objects, frame))
        return [whole._replace(props=tuple(reversed(whole.props))).to_bytes()]

    peer = battery_peer(script=sorting)
    meet(peer, expect_all)


def test_doubled_properties_in_an_answer_count_once() -> None:
    def doubling(frame: Frame) -> list[bytes] | None:
        whole = Frame.from_bytes(normal(peer.objects, frame))
        return [whole._replace(props=whole.props * 2).to_bytes()]

    peer = battery_peer(script=doubling)
    meet(peer, expect_all)


def test_a_property_given_twice_with_different_data_is_not_believed() -> None:
    def torn(frame: Frame) -> list[bytes] | None:
        if epcs(frame) != {0x80}:
            return None
        both = (Property(0x80, b"\x30"), Property(0x80, b"\x31"))
        return [answer(frame, Esv.GET_RES, both)]

    async def then(client: Client, peer: Peer) -> None:
        told = await client.get(peer.host, BATTERY, [0x80])
        assert told.values == {}
        assert told.refused == {0x80}

    meet(battery_peer(script=torn), then)


@pytest.mark.parametrize("deaf_to", [NODE_PROFILE, NODE_PROFILE_ANY])
def test_a_node_that_is_silent_on_one_profile_instance_is_found_by_the_other(deaf_to: Eoj) -> None:
    def deaf(frame: Frame) -> list[bytes] | None:
        return [] if frame.deoj == deaf_to else None

    async def then(client: Client, peer: Peer) -> None:
        record = client.nodes[peer.host]
        assert record.profile != deaf_to
        assert record.identity.text == "id:fe000001706565722d6e756d6265722d31"  # "peer-number-1"
        await expect_all(client, peer)

    meet(battery_peer(script=deaf), then)


@pytest.mark.parametrize(
    "get_map",
    [
        b"",  # none at all
        bytes((14, 0x80, 0x9D)),  # shorter than it counts
        bytes((20, 0x80, 0xA0, 0xA1)),  # counts sixteen and more, but is a list
    ],
)
def test_short_or_missing_property_maps_are_replaced_by_asking(get_map: bytes) -> None:
    objects = node({BATTERY: DATA})
    objects[BATTERY][0x9F] = get_map

    async def then(client: Client, peer: Peer) -> None:
        record = client.nodes[peer.host].object(BATTERY)
        assert record is not None
        assert not record.maps_told
        assert record.maps.readable >= DATA.keys()

    meet(Peer("", objects), then)


def test_a_map_of_the_other_form_is_understood() -> None:
    # Five codes written as sixteen bytes of bits: 80 A0 A1 A2 A3 -> byte n, bit (code >> 4) - 8.
    bits = bytearray(16)
    bits[0] = 0b101  # 0x80 and 0xA0
    bits[1] = bits[2] = bits[3] = 0b100
    objects = node({BATTERY: DATA})
    objects[BATTERY][0x9F] = b"\x05" + bytes(bits)

    async def then(client: Client, peer: Peer) -> None:
        record = client.nodes[peer.host].object(BATTERY)
        assert record is not None
        assert record.maps_told
        assert record.maps.readable == {0x80, 0xA0, 0xA1, 0xA2, 0xA3}

    meet(Peer("", objects), then)


@pytest.mark.parametrize("number", [b"\xfe\0\0\1" + bytes(13), b"\xfe", b""])
def test_a_zero_or_missing_number_falls_back_to_maker_and_serial(number: bytes) -> None:
    objects = node({BATTERY: DATA}, number)
    objects[NODE_PROFILE] |= {0x8C: b"MODEL-7\0\0\0\0\0", 0x8D: b"S123456\0\0\0\0\0"}

    async def then(client: Client, peer: Peer) -> None:
        record = client.nodes[peer.host]
        assert record.identity.text == "serial:000001/MODEL-7/S123456"
        assert not record.identity.weak
        assert record.objects[0].identity.text == "serial:000001/MODEL-7/S123456#027D01"

    meet(Peer("", objects), then)


def test_without_any_name_the_address_is_a_weak_identity() -> None:
    async def then(client: Client, peer: Peer) -> None:
        identity = client.nodes[peer.host].identity
        assert identity.text == f"ip:{peer.host}"
        assert identity.weak

    meet(Peer("", node({BATTERY: DATA}, b"")), then)


SET = {0x80: b"\x31", 0xA0: b"\x00\x02"}


@pytest.mark.parametrize(
    ("esv", "echoed", "refused"),
    [
        (Esv.SET_RES, (), set()),
        (Esv.SET_C_SNA, (0xA0,), {0xA0}),  # the standard: refused data come back
        (Esv.SET_RES, (0xA0,), {0xA0}),  # "done", yet one came back
        (Esv.SET_C_SNA, (), {0x80, 0xA0}),  # "cannot", without saying what
        (Esv.SET_I_SNA, (0xA0,), {0x80, 0xA0}),  # the refusal of another service
        (Esv.GET_SNA, (), {0x80, 0xA0}),
    ],
)
def test_a_refused_command_is_never_taken_for_done(
    esv: Esv, echoed: tuple[int, ...], refused: set[int]
) -> None:
    def refusing(frame: Frame) -> list[bytes] | None:
        if frame.esv is not Esv.SET_C:
            return None
        props = tuple(Property(e, SET[e] if e in echoed else b"") for e, _ in frame.props)
        return [answer(frame, esv, props)]

    async def then(client: Client, peer: Peer) -> None:
        told = await client.set(peer.host, BATTERY, SET)
        assert told.refused == refused
        assert told.values.keys() == SET.keys() - refused

    meet(battery_peer(script=refusing), then)


def test_a_refusal_that_is_cut_is_silence_and_not_done() -> None:
    def cutting(frame: Frame) -> list[bytes] | None:
        if frame.esv is not Esv.SET_C:
            return None
        # The npm package echonet-lite returns only one byte of refused data, whatever PDC says.
        return [answer(frame, Esv.SET_C_SNA, frame.props)[:-1]]

    async def then(client: Client, peer: Peer) -> None:
        with pytest.raises(DeviceSilent):
            await client.set(peer.host, BATTERY, {0xA0: b"\x00\x02"})

    meet(battery_peer(script=cutting), then)


def test_an_answer_that_counts_more_than_it_holds_is_dropped_and_asked_for_again() -> None:
    def cutting(frame: Frame) -> list[bytes] | None:
        whole = normal(peer.objects, frame)
        if frame.deoj != BATTERY or len(frame.props) < 5:
            return [whole]
        return [whole[:-1]]

    async def then(client: Client, peer: Peer) -> None:
        await expect_all(client, peer)
        assert client.counters.bad > 0
        assert client.counters.bad_by_source == {peer.host: client.counters.bad}
        assert client.batch_size(peer.host) < 5

    peer = battery_peer(script=cutting)
    meet(peer, then)


@pytest.mark.parametrize("bearable", [1, 3, 7])
@pytest.mark.parametrize("way", ["silent", "short", "refused"])
def test_the_size_a_device_bears_is_learned_and_kept(bearable: int, way: str) -> None:
    def limited(frame: Frame) -> list[bytes] | None:
        if frame.deoj != BATTERY or len(frame.props) <= bearable:
            return None
        if way == "silent":
            return []
        if way == "short":
            return [normal(peer.objects, frame._replace(props=frame.props[:bearable]))]
        return [answer(frame, Esv.GET_SNA, tuple(Property(epc) for epc, _ in frame.props))]

    async def then(client: Client, peer: Peer) -> None:
        for _ in range(5):
            await expect_all(client, peer)
        assert client.batch_size(peer.host) == bearable
        before = len(peer.heard)
        await expect_all(client, peer)
        # Learned: 13 properties in frames of the right size, and no try too many.
        assert len(peer.heard) - before == -(-len(DATA) // bearable)

    peer = battery_peer(script=limited)
    meet(peer, then)


def test_a_slow_bridge_is_given_the_time_it_needs() -> None:
    async def then(client: Client, peer: Peer) -> None:
        peer.delay_s = 1.6  # longer than the first wait
        await client.get(peer.host, BATTERY, [0x80])
        before = len(peer.heard)
        told = await client.get(peer.host, BATTERY, [0x80])
        assert told.values == {0x80: b"\x30"}
        assert len(peer.heard) - before == 1  # the second time it is waited for

    meet(battery_peer(), then)


def test_some_refused_properties_do_not_spoil_the_others() -> None:
    async def then(client: Client, peer: Peer) -> None:
        told = await client.get(peer.host, BATTERY, [0x80, 0xE4, 0xA0])
        assert told.values == {0x80: b"\x30", 0xA0: b"\xa0\x01"}
        assert told.refused == {0xE4}

    meet(battery_peer(), then)


def test_one_poisonous_property_does_not_hide_the_others() -> None:
    def poisoned(frame: Frame) -> list[bytes] | None:
        if 0xA3 not in epcs(frame):
            return None
        return [answer(frame, Esv.GET_SNA, tuple(Property(epc) for epc, _ in frame.props))]

    async def then(client: Client, peer: Peer) -> None:
        told = await client.get(peer.host, BATTERY, DATA)
        assert told.refused == {0xA3}
        assert told.values == {epc: DATA[epc] for epc in DATA if epc != 0xA3}

    meet(battery_peer(script=poisoned), then)


def test_a_request_for_nothing_sends_nothing() -> None:
    async def then(client: Client, peer: Peer) -> None:
        before = len(peer.heard)
        assert (await client.get(peer.host, BATTERY, [])).values == {}
        assert len(peer.heard) == before
        assert all(frame.props for frame in peer.heard)  # never OPC 0

    meet(battery_peer(), then)


def test_only_one_request_at_a_time_is_under_way_to_a_node() -> None:
    async def then(client: Client, peer: Peer) -> None:
        peer.delay_s = 0.2
        before = len(peer.heard)
        asks = [asyncio.ensure_future(client.get(peer.host, BATTERY, [e])) for e in (0x80, 0xA0)]
        await asyncio.sleep(0.1)
        assert len(peer.heard) - before == 1
        assert [(await ask).values for ask in asks] == [{0x80: b"\x30"}, {0xA0: b"\xa0\x01"}]

    meet(battery_peer(), then)


def test_a_device_that_vanishes_in_the_middle_is_silent_not_half_read() -> None:
    left = [3]

    def vanishing(frame: Frame) -> list[bytes] | None:
        if frame.deoj == BATTERY and epcs(frame) & {0xA0, 0xAB}:
            left[0] -= 1
            return None if left[0] > 1 else []
        return None

    async def then(client: Client, peer: Peer) -> None:
        with pytest.raises(DeviceSilent, match=f"027D01 at {peer.host}"):
            await client.get(peer.host, BATTERY, DATA)

    meet(battery_peer(script=vanishing), then)


def test_a_lost_multicast_is_repeated() -> None:
    lost = [2]

    def losing(frame: Frame) -> list[bytes] | None:
        if lost[0] and epcs(frame) == LISTED:
            lost[0] -= 1
            return []
        return None

    async def main() -> None:
        net = block()
        with battery_peer(script=losing, host=net + "2", hears_multicast=True) as peer:
            client = controller(net + "1", multicast=True)
            try:
                found = await client.discover()
                # Multicasts reach everybody on this machine's loopback: other tests too.
                assert peer.host in [record.host for record in found]
            finally:
                client.close()

    run(main())


def test_an_announcement_of_an_unknown_node_makes_it_known() -> None:
    async def main() -> None:
        net = block()
        with battery_peer(host=net + "2") as peer:
            client = controller(net + "1")
            events: list[Event] = []
            client.subscribe(events.append)
            try:
                inf = Frame(0, BATTERY, NODE_PROFILE, Esv.INF, (Property(0x80, b"\x31"),))
                peer.send(inf.to_bytes(), net + "1")
                await asyncio.sleep(1)
            finally:
                client.close()
        # The announced value itself is not believed: the node was not bound then.
        assert [type(event) for event in events] == [NodeFound]

    run(main())


@pytest.mark.t(14)
def test_a_node_that_gets_another_address_is_the_same_node() -> None:
    async def main() -> None:
        net = block()
        objects = node({BATTERY: DATA})
        client = controller(net + "1", multicast=True)
        events: list[Event] = []
        client.subscribe(events.append)
        try:
            with Peer(net + "2", objects, hears_multicast=True):
                await client.discover()
            with Peer(net + "3", objects, hears_multicast=True):
                with pytest.raises(DeviceSilent):
                    await client.get(net + "2", BATTERY, [0x80])
                await client.discover()
                assert net + "2" not in client.nodes
                assert (await client.get(net + "3", BATTERY, [0x80])).values
        finally:
            client.close()
        moved = [(e.old_host, e.record.host) for e in events if isinstance(e, NodeMoved)]
        assert (net + "2", net + "3") in moved

    run(main())


def test_another_device_at_a_known_address_is_not_read_as_the_old_one() -> None:
    async def main() -> None:
        net = block()
        client = controller(net + "1")
        try:
            with Peer(net + "2", node({BATTERY: DATA})):
                await client.discover([net + "2"])
            with pytest.raises(DeviceSilent):
                await client.get(net + "2", BATTERY, [0x80])
            other = node({BATTERY: {0x80: b"\x31"}}, b"\xfe\0\0\1another-numbr")
            with Peer(net + "2", other):
                with pytest.raises(DeviceSilent):
                    await client.get(net + "2", BATTERY, [0x80])
                found = await client.discover()
                assert found[0].identity.text == "id:fe000001616e6f746865722d6e756d6272"
                told = await client.get(net + "2", BATTERY, [0x80])
                assert told.values == {0x80: b"\x31"}
        finally:
            client.close()

    run(main())


@pytest.mark.parametrize("serials", [("S1", "S2"), ("", ""), ("S1", "S1")])
def test_one_number_on_two_nodes_names_neither(serials: tuple[str, str]) -> None:
    async def main() -> None:
        net = block()
        peers = []
        for last, serial in zip("23", serials, strict=True):
            objects = node({BATTERY: DATA})
            objects[NODE_PROFILE][0x8D] = serial.encode().ljust(12, b"\0")
            peers.append(Peer(net + last, objects))
        client = controller(net + "1")
        events: list[Event] = []
        client.subscribe(events.append)
        try:
            with peers[0], peers[1]:
                found = await client.discover([net + "2", net + "3"])
        finally:
            client.close()
        assert len({record.identity for record in found}) == 2
        for record, serial in zip(sorted(found, key=lambda r: r.host), serials, strict=True):
            alike = serials[0] == serials[1]
            expected = f"ip:{record.host}" if alike else f"serial:000001//{serial}"
            assert record.identity.text == expected
            assert record.identity.weak == alike
        assert any(isinstance(event, NodeDoubled) for event in events)

    run(main())


@pytest.mark.parametrize("count", [84, 85, 200])
def test_a_node_with_many_objects_is_known_completely(count: int) -> None:
    eojs = [Eoj(0x02, 0x90, n + 1) for n in range(count)]
    objects = node({eoj: {0x80: b"\x30"} for eoj in eojs})
    lists = [eojs[i : i + 84] for i in range(0, count, 84)]

    def announcing(frame: Frame) -> list[bytes] | None:
        if frame.esv is not Esv.INF_REQ:
            return None
        said = []
        for part in lists:
            edt = bytes((len(part),)) + b"".join(map(bytes, part))
            inf = Frame(frame.tid, NODE_PROFILE, NODE_PROFILE, Esv.INF, (Property(0xD5, edt),))
            said.append(inf.to_bytes())
        return said

    async def then(client: Client, peer: Peer) -> None:
        found = client.nodes[peer.host].objects
        assert [record.eoj for record in found] == eojs

    meet(Peer("", objects, announcing), then)
