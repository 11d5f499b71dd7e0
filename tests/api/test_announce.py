"""What the LAN hears by mDNS of a home."""

import socket

import pytest

from hidamari.api.announce import Announcement, own_addresses


@pytest.mark.req("UI-01")
def test_name_model_and_api_version_are_told_and_nothing_of_the_household():
    service = Announcement("陽だまりの家", 8600, "0.1.0").service([socket.inet_aton("192.0.2.7")])
    assert service.name == "陽だまりの家._http._tcp.local."
    assert service.port == 8600
    assert service.server == "hidamari.local."
    assert set(service.properties) == {b"model", b"version", b"api"}


def test_own_addresses_are_four_bytes_each():
    assert all(len(address) == 4 for address in own_addresses())
