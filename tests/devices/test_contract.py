"""What holds for every device kind, by existing."""

import json
from enum import IntEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.core.errors import InputError
from hidamari.core.reading import Kind
from hidamari.devices import KINDS, kind_of
from hidamari.devices.common import Common
from hidamari.devices.unknown import Unknown
from hidamari.devices.wish import Mode, Wish
from hidamari.echonet.frame import Eoj
from hidamari.echonet.prop import Prop, write_property_map

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "mra_facts.json").read_text(encoding="utf-8")
)["classes"]
# Lengths seen on old devices beside those of the Appendix: 0x83 had 9 bytes before release B.
OLD_SIZES = {0x83: {9}}
MODES: tuple[Mode, ...] = ("follow", "surplus", "charge", "discharge", "hold", "auto")
EVERY_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.kind)
MANY = settings(max_examples=200, deadline=None)
ASSETS = [kind for kind in KINDS.values() if kind.modes]


def code_of(kind: type[Common]) -> str:
    return f"{kind.class_code():04X}"


def one_of(kind: type[Common], raw: dict[int, bytes] | None = None) -> Common:
    return kind(Eoj(kind.group, kind.code, 1), raw)


def facts_of(kind: type[Common], epc: int) -> list[dict]:
    own = FACTS[code_of(kind)].get(f"{epc:02X}")
    return own or FACTS["0000"].get(f"{epc:02X}", [])


EVERY_SET_OF_LINES = pytest.mark.parametrize(
    "kind", [*KINDS.values(), Unknown], ids=lambda kind: kind.kind
)


def lines(kind: type[Common]) -> list[Prop]:
    """The lines of a kind itself; those that all share are looked at once, with `Unknown`."""
    shared = set(Unknown.props.values())
    return [prop for prop in kind.props.values() if kind is Unknown or prop not in shared]


def expanded(sizes: list[int]) -> set[int]:
    return set(range(sizes[0], sizes[1] + 1, sizes[2])) if len(sizes) == 3 else set(sizes)


def test_the_kinds_of_the_first_milestone_are_there() -> None:
    codes = {0x0279, 0x027D, 0x0287, 0x0288, 0x026B, 0x027E, 0x02A1, 0x0130, 0x0011, 0x0012}
    assert codes | {0x05FF, 0x0EF0} <= set(KINDS)


def test_a_class_without_a_kind_is_an_unknown_device_that_keeps_its_raw_properties() -> None:
    lamp = kind_of(0x0290)(Eoj.parse("029001"), {0x80: b"\x30", 0xB0: b"\x64"})
    assert isinstance(lamp, Unknown)
    assert lamp.on is True
    assert lamp.raw[0xB0] == b"\x64"
    assert lamp.power_kw() is None


@EVERY_SET_OF_LINES
def test_the_length_of_every_line_is_that_of_the_appendix(kind: type[Common]) -> None:
    for prop in lines(kind):
        variants = facts_of(kind, prop.epc)
        assert variants, f"{prop.name} is not in the Appendix"
        latest = expanded(variants[-1]["sizes"])
        ever = set().union(*(expanded(one["sizes"]) for one in variants))
        assert prop.sizes is not None
        assert latest <= prop.sizes <= ever | OLD_SIZES.get(prop.epc, set()), prop.name


@EVERY_SET_OF_LINES
def test_no_line_sets_or_gets_what_the_appendix_forbids(kind: type[Common]) -> None:
    for prop in lines(kind):
        get, put, _ = facts_of(kind, prop.epc)[-1]["access"]
        assert not prop.settable or put != "-", prop.name
        assert not prop.gettable or get != "-", prop.name
        assert prop.settable or (put, get) != ("R", "-"), prop.name


@EVERY_SET_OF_LINES
def test_every_number_has_the_unit_and_the_factor_of_the_appendix(kind: type[Common]) -> None:
    # Units of one kWh a count, so that the own factor of meters does not show.
    device = one_of(kind, {0xE1: b"\x00", 0xC2: b"\x00"})
    for prop in lines(kind):
        fact = facts_of(kind, prop.epc)[-1]
        if "format" not in fact or prop.sizes is None or len(prop.sizes) != 1:
            continue
        size = next(iter(prop.sizes))
        read = prop.decode((1).to_bytes(size, "big"), device)
        if isinstance(read, bool | IntEnum | bytes) or read is None:
            continue
        assert read == pytest.approx(fact["factor"]), prop.name
        unit = prop.unit.replace("°C", "Celsius")
        # The Appendix gives hours of the day and digits as bare numbers.
        assert unit == fact["unit"].replace("digit", "") or unit == "h", prop.name
        minus = prop.decode((256**size - 5).to_bytes(size, "big"), device)
        if fact["format"].startswith("int"):
            assert minus == pytest.approx(-5 * fact["factor"]), prop.name
        else:
            assert minus is None or minus > 0, prop.name


@EVERY_SET_OF_LINES
def test_every_word_of_a_choice_is_known_and_none_is_invented(kind: type[Common]) -> None:
    device = one_of(kind)
    for prop in lines(kind):
        variants = [one for one in facts_of(kind, prop.epc) if "codes" in one]
        known = [prop.decode(bytes((code,)), device) for code in range(256)]
        words = {int(word) for word in known if isinstance(word, IntEnum)}
        if not words or not variants:
            continue
        ever = {int(code, 16) for one in variants for code in one["codes"]}
        assert {int(code, 16) for code in variants[-1]["codes"]} <= words, prop.name
        # 03 = unknown is a word of 0279 D0 alone; DB of the stores shares its words.
        assert words <= ever | {0x03}, prop.name


@EVERY_KIND
def test_what_the_appendix_requires_to_be_readable_is_described(kind: type[Common]) -> None:
    missing = {
        epc
        for epc, variants in FACTS[code_of(kind)].items()
        if variants[-1]["access"][0] == "R" and int(epc, 16) not in kind.props
    }
    assert missing <= {"9D", "9E", "9F"}  # the maps are read by the node


@EVERY_SET_OF_LINES
@MANY
@given(data=st.data())
def test_no_data_whatever_makes_a_line_fail(kind: type[Common], data: st.DataObject) -> None:
    prop = data.draw(st.sampled_from(lines(kind)))
    edt = data.draw(st.binary(max_size=260))
    device = one_of(kind, {0xE1: edt[:1], 0xC2: edt[:1], 0xD3: edt})
    value = prop.decode(edt, device)
    if prop.sizes is not None and len(edt) not in prop.sizes:
        assert value is None


@EVERY_SET_OF_LINES
@MANY
@given(data=st.data())
def test_every_short_answer_is_no_value(kind: type[Common], data: st.DataObject) -> None:
    prop = data.draw(st.sampled_from(lines(kind)))
    assert prop.sizes is not None
    size = data.draw(st.sampled_from(sorted(prop.sizes)))
    short = data.draw(st.binary(min_size=max(0, size - 1), max_size=max(0, size - 1)))
    if len(short) not in prop.sizes:
        assert prop.decode(short, one_of(kind)) is None


@EVERY_SET_OF_LINES
@MANY
@given(data=st.data())
def test_what_is_read_can_be_written_and_read_again(
    kind: type[Common], data: st.DataObject
) -> None:
    prop = data.draw(st.sampled_from(lines(kind)))
    device = one_of(kind, {0xE1: b"\x02", 0xC2: b"\x02", 0xD3: b"\x00\x00\x00\x01"})
    assert prop.sizes is not None
    size = data.draw(st.sampled_from(sorted(prop.sizes)))
    value = prop.decode(data.draw(st.binary(min_size=size, max_size=size)), device)
    if value is None or prop.encode_edt is None or "\ufffd" in str(value):
        return
    try:
        edt = prop.encode_edt(value, device)
    except InputError:
        return  # a code or a number outside of what may be set
    assert len(edt) in prop.sizes
    assert prop.decode(edt, device) == value


@EVERY_KIND
def test_the_roles_of_a_kind_name_its_own_properties(kind: type[Common]) -> None:
    for name in (kind.power, kind.counter_in, kind.counter_out, kind.level, kind.state):
        assert not name or name in kind.by_name
    assert set(kind.card) <= set(kind.by_name)
    assert kind.card
    if kind.power:
        assert kind.by_name[kind.power].unit == "W"
        assert kind.by_name[kind.power].use.record is Kind.POWER
    for name in (kind.counter_in, kind.counter_out):
        if name:
            assert kind.by_name[name].unit == "kWh"
            assert kind.by_name[name].use.record is Kind.COUNTER
    if kind.quantity:
        assert kind.power
        assert kind.counter_in
    assert kind.title() == f"device.{kind.kind}"


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("mode", MODES)
def test_commands_set_only_what_may_be_set_and_end_with_the_mode(
    kind: type[Common], mode: Mode
) -> None:
    device = one_of(kind)
    wish = Wish(mode, power_kw=1.5, energy_kwh=2.0, start_h=11)
    if mode not in kind.modes:
        with pytest.raises(InputError):
            device.commands(wish)
        return
    orders = device.commands(wish)
    assert orders
    for order in orders:
        prop = kind.props[order.epc]
        assert prop.settable
        assert prop.decode(order.edt, device) is not None
    assert orders[-1].epc in (0xDA, 0xB0)


@pytest.mark.parametrize("kind", ASSETS, ids=lambda kind: kind.kind)
def test_commands_leave_out_what_the_device_does_not_take(kind: type[Common]) -> None:
    last = 0xB0 if kind.kind == "water_heater" else 0xDA
    device = one_of(kind, {0x9E: write_property_map(frozenset({last}))})
    orders = device.commands(Wish("charge", power_kw=1.0, energy_kwh=1.0))
    assert [order.epc for order in orders] == [last]
