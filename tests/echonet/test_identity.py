"""Who is who: number, else serial, else MAC, else address."""

import pytest

from hidamari.echonet.frame import Eoj
from hidamari.echonet.identity import Facts, Identity, identify, identify_object

pytestmark = pytest.mark.req("CTL-03")

NUMBER = b"\xfe\x00\x00\x77" + b"0123456789abc"
BATTERY = Eoj(0x02, 0x7D, 0x01)


def facts(**known: object) -> Facts:
    return Facts("192.0.2.7", **known)  # type: ignore[arg-type]


def test_a_number_names_a_node() -> None:
    found = identify(facts(number=NUMBER, serial="S1"))
    assert found == Identity("id:" + NUMBER.hex(), weak=False)


@pytest.mark.parametrize(
    "number",
    [b"", b"\xfe", NUMBER[:8], b"\xfe\0\0\x77" + bytes(13), b"\xfe\0\0\x77" + b"\xff" * 13],
)
def test_an_empty_or_cut_number_names_nobody(number: bytes) -> None:
    named = facts(
        number=number, maker=b"\0\0\x77", product="P", serial="S1", mac="02:00:00:00:00:01"
    )
    assert identify(named) == Identity("serial:000077/P/S1", weak=False)


def test_without_a_serial_number_the_hardware_address_is_a_weak_name() -> None:
    assert identify(facts(mac="02:00:00:00:00:01")) == Identity("mac:02:00:00:00:00:01", weak=True)


def test_without_anything_the_address_is_a_weak_name() -> None:
    assert identify(facts()) == Identity("ip:192.0.2.7", weak=True)


def test_doubled_names_are_passed_over() -> None:
    known = facts(number=NUMBER, serial="S1", mac="02:00:00:00:00:01")
    doubled = {"id:" + NUMBER.hex()}
    assert identify(known, doubled).text == "serial://S1"
    doubled.add("serial://S1")
    assert identify(known, doubled).text == "mac:02:00:00:00:00:01"
    doubled |= {"mac:02:00:00:00:00:01", "ip:192.0.2.7"}
    assert identify(known, doubled).text == "ip:192.0.2.7"


def test_an_object_is_named_after_its_node_and_its_code() -> None:
    named = Identity("id:aa", weak=False)
    assert identify_object(named, BATTERY) == Identity("id:aa#027D01", weak=False)


def test_an_objects_own_number_helps_a_node_without_a_name() -> None:
    weak = Identity("ip:192.0.2.7", weak=True)
    own = identify_object(weak, BATTERY, NUMBER)
    assert own == Identity(f"id:{NUMBER.hex()}#027D01", weak=False)
    assert identify_object(weak, BATTERY, NUMBER, {f"id:{NUMBER.hex()}"}).weak
    assert identify_object(weak, BATTERY, bytes(17)) == Identity("ip:192.0.2.7#027D01", weak=True)
