"""What our node answers: the sequences of the specification, Part 2 section 4.2, one by one."""

import pytest
from tests.echonet.home26 import TableObject

from hidamari.echonet.frame import CONTROLLER, NODE_PROFILE, Eoj, Esv, Frame, Property
from hidamari.echonet.profile import Label, controller_object, node_profile
from hidamari.echonet.responder import Maps, ObjectServer, respond

AIR = Eoj(0x01, 0x30, 0x01)
AIR_2 = Eoj(0x01, 0x30, 0x02)


def objects() -> dict[Eoj, ObjectServer]:
    def air() -> TableObject:
        data = {0x80: b"\x30", 0xB0: b"\x41", 0xBB: b"\x16"}
        return TableObject(data, Maps(frozenset(data), frozenset({0x80, 0xB0}), frozenset({0x80})))

    return {AIR: air(), AIR_2: air()}


def said(esv: Esv, props: str, deoj: Eoj = AIR, gets: str = "") -> list[tuple[Eoj, Esv, str, str]]:
    """Answers to "80=31 B0=42" style requests, as (object, service, properties, second list)."""
    frame = Frame(7, CONTROLLER, deoj, esv, parse(props), parse(gets))
    replies = respond(objects(), frame)
    assert all(r.frame.tid == 7 and r.frame.deoj == CONTROLLER for r in replies)
    assert all(r.to_all == (r.frame.esv is Esv.INF) for r in replies)
    return [(r.frame.seoj, r.frame.esv, show(r.frame.props), show(r.frame.gets)) for r in replies]


def parse(text: str) -> tuple[Property, ...]:
    words = (word.partition("=") for word in text.split())
    return tuple(Property(int(epc, 16), bytes.fromhex(edt)) for epc, _, edt in words)


def show(props: tuple[tuple[int, bytes], ...]) -> str:
    return " ".join(f"{epc:02X}={edt.hex().upper()}" if edt else f"{epc:02X}" for epc, edt in props)


@pytest.mark.parametrize(
    ("esv", "props", "answer", "returned"),
    [
        (Esv.GET, "80 B0", Esv.GET_RES, "80=30 B0=41"),
        (Esv.GET, "B0 80", Esv.GET_RES, "B0=41 80=30"),  # in the order asked
        (Esv.GET, "80 EE BB", Esv.GET_SNA, "80=30 EE BB=16"),
        (Esv.SET_C, "80=31 B0=42", Esv.SET_RES, "80 B0"),
        (Esv.SET_C, "80=31 BB=17", Esv.SET_C_SNA, "80 BB=17"),  # refused data come back
        (Esv.SET_C, "80=3131", Esv.SET_C_SNA, "80=3131"),
        (Esv.SET_I, "80=31 EE=01", Esv.SET_I_SNA, "80 EE=01"),
        (Esv.INF_REQ, "80 BB", Esv.INF, "80=30 BB=16"),
        (Esv.INF_REQ, "80 EE", Esv.INF_SNA, "80=30 EE"),
        (Esv.INFC, "80=30", Esv.INFC_RES, "80"),
    ],
)
def test_each_service_is_answered_as_the_standard_says(
    esv: Esv, props: str, answer: Esv, returned: str
) -> None:
    assert said(esv, props) == [(AIR, answer, returned, "")]


def test_a_set_without_answer_is_silent_when_all_is_taken() -> None:
    assert said(Esv.SET_I, "80=31 B0=42") == []


@pytest.mark.parametrize(
    ("sets", "gets", "answer"),
    [
        ("80=31", "80 B0", (AIR, Esv.SET_GET_RES, "80", "80=31 B0=41")),
        ("BB=17", "80", (AIR, Esv.SET_GET_SNA, "BB=17", "80=30")),
        ("80=31", "EE", (AIR, Esv.SET_GET_SNA, "80", "EE")),
    ],
)
def test_set_and_get_sets_before_it_gets(
    sets: str, gets: str, answer: tuple[Eoj, Esv, str, str]
) -> None:
    assert said(Esv.SET_GET, sets, gets=gets) == [answer]


def test_instance_zero_asks_every_object_of_the_class() -> None:
    answers = said(Esv.GET, "80", deoj=Eoj(0x01, 0x30, 0x00))
    assert answers == [(AIR, Esv.GET_RES, "80=30", ""), (AIR_2, Esv.GET_RES, "80=30", "")]


@pytest.mark.parametrize("deoj", [Eoj(0x01, 0x30, 0x03), Eoj(0x02, 0x7D, 0x00), NODE_PROFILE])
def test_an_object_that_is_not_there_says_nothing(deoj: Eoj) -> None:
    assert said(Esv.GET, "80", deoj=deoj) == []


def test_a_request_for_nothing_is_not_answered() -> None:
    assert said(Esv.GET, "") == []


@pytest.mark.parametrize("esv", [Esv.GET_RES, Esv.SET_RES, Esv.INF, Esv.GET_SNA, Esv.INFC_RES])
def test_answers_are_not_answered(esv: Esv) -> None:
    assert said(esv, "80=30") == []


def test_maps_are_answered_for_the_object() -> None:
    assert said(Esv.GET, "9D 9E 9F") == [
        (AIR, Esv.GET_RES, "9D=0180 9E=0280B0 9F=06809D9E9FB0BB", "")
    ]


def test_an_answer_that_would_not_fit_is_cut_by_refusing() -> None:
    data = {0x80 + n: bytes(250) for n in range(20)}
    large = TableObject(data, Maps(readable=frozenset(data)))
    asked = Frame(1, CONTROLLER, AIR, Esv.GET, tuple(Property(epc) for epc in data))
    (reply,) = respond({AIR: large}, asked)
    assert reply.frame.esv is Esv.GET_SNA
    raw = reply.frame.to_bytes()
    assert 3800 < len(raw) <= 4096
    assert Frame.from_bytes(raw) == reply.frame


# Node profile, Part 2 section 6.11: maker FFFFFF, version 1.13 (01 0D) of format 1 (01 00).
LABEL = Label(b"0123456789abc", product="HIDAMARI", serial="7")


def test_the_node_profile_tells_what_the_standard_requires() -> None:
    profile = node_profile(LABEL, [AIR, AIR_2, CONTROLLER])
    asked = tuple(Property(e) for e in (0x80, 0x82, 0x83, 0x8A, 0x8C, 0x8D, 0xD3, 0xD4, 0xD6, 0xD7))
    request = Frame(1, CONTROLLER, NODE_PROFILE, Esv.GET, asked)
    (reply,) = respond({NODE_PROFILE: profile}, request)
    assert dict(reply.frame.props) == {
        0x80: b"\x30",
        0x82: bytes.fromhex("010D0100"),
        0x83: b"\xfe\xff\xff\xff0123456789abc",
        0x8A: b"\xff\xff\xff",
        0x8C: b"HIDAMARI\0\0\0\0",
        0x8D: b"7" + bytes(11),
        0xD3: bytes.fromhex("000003"),  # objects, without the profile
        0xD4: bytes.fromhex("0003"),  # classes 0130, 05FF and 0EF0
        0xD6: bytes.fromhex("03 013001 013002 05FF01"),
        0xD7: bytes.fromhex("02 0130 05FF"),
    }
    assert profile.maps.announced == {0x80, 0xD5}


def test_the_controller_object_has_the_required_super_class_and_takes_no_orders() -> None:
    ours = controller_object(LABEL)
    served: dict[Eoj, ObjectServer] = {CONTROLLER: ours}
    required = {0x80, 0x81, 0x82, 0x88, 0x8A}
    assert required <= ours.maps.readable
    order = Frame(1, AIR, CONTROLLER, Esv.SET_C, (Property(0x80, b"\x31"), Property(0x81, b"\x08")))
    (reply,) = respond(served, order)
    assert reply.frame.esv is Esv.SET_C_SNA
    assert reply.frame.props == order.props
    assert not ours.set(0x80, b"\x31")
    assert ours.get(0x80) == b"\x30"
