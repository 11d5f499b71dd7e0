"""What screens are told of devices."""

import pytest

from hidamari.home.showing import room_told


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
