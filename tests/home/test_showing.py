"""What screens are told of devices."""

from datetime import UTC, datetime

import pytest

from hidamari.core.config import CircuitSettings, Settings
from hidamari.devices.ev_charger import EvCharger
from hidamari.devices.v2h import V2h
from hidamari.echonet.frame import Eoj
from hidamari.home.house import Circuit, House
from hidamari.home.live import LiveDevice
from hidamari.home.registry import Binding
from hidamari.home.showing import room_told, snapshot

NOW = datetime(2026, 11, 20, 1, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "room"),
    [
        ("08", "living"),  # 0 0001 000: living room
        ("41", "bedroom"),  # 0 1000 001: a room, number 1
        ("69", "garage"),  # 0 1101 001
        ("00", None),  # not set
        ("FF", None),  # undefined
        ("88", None),  # bit 7: defined by the user
    ],
)
def test_the_room_is_read_from_the_place_a_device_tells(place, room):
    assert room_told(bytes.fromhex(place)) == room


def test_a_place_by_coordinates_names_no_room():
    assert room_told(bytes(17)) is None


def house_of(*plugs: tuple[type[V2h | EvCharger], str]) -> House:
    """A house whose chargers have told EPC C7 so ("" = nothing yet)."""
    house = House()
    for n, (kind, plug) in enumerate(plugs):
        eoj = Eoj(kind.group, kind.code, n + 1)
        binding = Binding(f"car{n}", kind.kind, "", weak=True, host="", eoj=str(eoj))
        live = LiveDevice(binding, kind(eoj))
        live.took({0xC7: bytes.fromhex(plug)} if plug else {}, frozenset(), now_s=0.0)
        house.devices[live.binding.id] = live
    house.choose_sources({})
    return house


@pytest.mark.parametrize(
    ("plugs", "here"),
    [
        ([(EvCharger, "41")], True),  # Appendix 0x02A1, C7: connected, chargeable
        ([(EvCharger, "40")], True),  # connected, not chargeable
        ([(EvCharger, "30")], False),  # not connected
        ([(EvCharger, "44")], None),  # unknown
        ([(V2h, "43")], True),  # Appendix 0x027E, C7: connected, chargeable and dischargeable
        ([(V2h, "30")], False),
        ([(V2h, "FF")], None),  # undefined
        ([(V2h, "")], None),
        ([(V2h, "30"), (EvCharger, "41")], True),
        ([(V2h, "30"), (EvCharger, "")], None),
        ([], None),
    ],
)
def test_a_car_is_away_only_when_every_charger_says_so(plugs, here):
    shown = snapshot(house_of(*plugs), Settings(), NOW, 10.0, None)
    assert shown.ev_here is here


def test_what_a_charger_said_long_ago_of_the_car_is_not_known_any_more():
    shown = snapshot(house_of((V2h, "30")), Settings(), NOW, 3600.0, None)
    assert shown.ev_here is None


def test_a_hidden_circuit_leaves_the_house_but_not_the_list_that_brings_it_back():
    house = House(circuits={one: Circuit(one, "board", one[-2:], one) for one in ("c:01", "c:02")})
    settings = Settings(circuits={"c:01": CircuitSettings(hidden=True)})
    shown = snapshot(house, settings, NOW, 10.0, None)
    assert [one.id for one in shown.circuits] == ["c:02"]
    assert [(one.id, one.hidden) for one in shown.hidden_circuits] == [("c:01", True)]
