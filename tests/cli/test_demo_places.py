"""Where a demo puts its devices: two demos of one moment keep out of each other's way."""

import socket

from hidamari.demo import HOSTS, free_block
from hidamari.echonet.frame import PORT


def test_demos_on_two_ports_begin_at_two_blocks() -> None:
    assert free_block(8600) != free_block(8601)


def test_a_block_with_a_taken_address_is_passed_over() -> None:
    first = free_block(8600)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((f"{first}.{HOSTS[0]}", PORT))
        assert free_block(8600) != first
    assert free_block(8600) == first
