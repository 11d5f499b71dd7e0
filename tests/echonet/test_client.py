"""The client with real sockets on loopback."""

import asyncio
from pathlib import Path

import pytest
from tests.echonet.home26 import TableObject, load
from tests.echonet.loops import block, run

from hidamari.core.errors import DeviceSilent, InputError, StartError
from hidamari.echonet.client import Client
from hidamari.echonet.events import Announced, Event
from hidamari.echonet.frame import Eoj
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.echonet.udp import Udp, mac_of

pytestmark = pytest.mark.req("CTL-03")

AIR = Eoj(0x01, 0x30, 0x01)
CONTROL = Setup(Label(b"client-tests-"), search=Search())
DEVICE = Label(b"device-tests-")


def test_a_home_of_26_objects_is_found_by_multicast_and_read_whole() -> None:
    async def main() -> None:
        net = block()
        device = Client.open(Setup(DEVICE, load()), net + "2")
        client = Client.open(CONTROL, net + "1")
        try:
            await client.discover()
            record = client.nodes[net + "2"]
            for eoj, thing in load().items():
                told = await client.get(net + "2", eoj, thing.maps.readable)
                assert told.values == thing.data
                assert not told.refused
            assert client.counters.bad == client.counters.foreign == 0
            assert len(record.objects) == 26
        finally:
            client.close()
            device.close()

    run(main())


def test_a_command_is_taken_announced_and_read_back() -> None:
    async def main() -> None:
        net = block()
        objects: dict[Eoj, TableObject] = load()
        device = Client.open(Setup(DEVICE, objects, peers=(net + "1",)), net + "2", multicast=False)
        client = Client.open(CONTROL, net + "1", multicast=False)
        heard: list[Event] = []
        try:
            client.search([net + "2"])
            await client.discover()
            unsubscribe = client.subscribe(heard.append)
            told = await client.set(net + "2", AIR, {0x80: b"\x31", 0x88: b"\x41"})
            assert told.refused == {0x88}
            assert objects[AIR].data[0x80] == b"\x31"
            assert (await client.get(net + "2", AIR, [0x80])).values == {0x80: b"\x31"}
            device.announce(AIR, [0x80])
            await asyncio.sleep(0.5)
            unsubscribe()
            device.announce(AIR, [0x80])
            await asyncio.sleep(0.5)
        finally:
            client.close()
            device.close()
        assert heard == [Announced(net + "2", AIR, {0x80: b"\x31"})]

    run(main())


def test_a_taken_port_is_named() -> None:
    async def main() -> None:
        net = block()
        first = Client.open(CONTROL, net + "1", multicast=False)
        try:
            with pytest.raises(StartError, match=f"UDP port 3610 of {net}1 is taken"):
                Client.open(CONTROL, net + "1", multicast=False)
        finally:
            first.close()

    run(main())


def test_an_address_of_another_machine_is_named() -> None:
    async def main() -> None:
        with pytest.raises(StartError, match=r"UDP port 3610 of 192\.0\.2\.1: Cannot assign"):
            Client.open(CONTROL, "192.0.2.1", multicast=False)

    run(main())


@pytest.mark.parametrize("edt", [b"", bytes(256)])
def test_data_that_fit_no_property_are_refused(edt: bytes) -> None:
    async def main() -> None:
        net = block()
        client = Client.open(CONTROL, net + "1", multicast=False)
        try:
            with pytest.raises(InputError, match="EPC 0x80: 1 to 255 bytes expected"):
                await client.set(net + "2", AIR, {0x80: edt})
        finally:
            client.close()

    run(main())


def test_closing_ends_what_is_under_way() -> None:
    async def main() -> None:
        net = block()
        client = Client.open(CONTROL, net + "1", multicast=False)
        ask = asyncio.ensure_future(client.get(net + "2", AIR, [0x80]))
        await asyncio.sleep(0.1)
        client.close()
        client.close()
        with pytest.raises(DeviceSilent):
            await ask
        client.search([net + "2"])  # goes nowhere, harms nothing

    run(main())


def test_a_cancelled_request_leaves_the_next_one_alone() -> None:
    async def main() -> None:
        net = block()
        device = Client.open(Setup(DEVICE, load()), net + "2", multicast=False)
        client = Client.open(CONTROL, net + "1", multicast=False)
        try:
            ask = asyncio.ensure_future(client.get(net + "2", AIR, [0x80]))
            await asyncio.sleep(0)
            ask.cancel()
            assert (await client.get(net + "2", AIR, [0x88])).values == {0x88: b"\x42"}
        finally:
            client.close()
            device.close()

    run(main())


def test_a_network_that_is_away_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        udp = Udp.open(block() + "1", lambda _data, _host: None, multicast=False)
        for _ in range(3):
            udp.send(b"\x10\x81", "198.51.100.1")  # loopback does not lead there
        udp.close()

    run(main())
    assert len([r for r in caplog.records if "cannot send to 198.51.100.1" in r.message]) == 1


def test_hardware_addresses_are_read_from_the_table_of_the_kernel(tmp_path: Path) -> None:
    table = tmp_path / "arp"
    table.write_text(
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "192.0.2.7        0x1         0x2         02:00:5e:00:53:01     *        eth0\n"
        "192.0.2.8        0x1         0x0         00:00:00:00:00:00     *        eth0\n"
    )
    assert mac_of("192.0.2.7", table) == "02:00:5e:00:53:01"
    assert mac_of("192.0.2.8", table) == ""
    assert mac_of("192.0.2.9", table) == ""
    assert mac_of("192.0.2.7", tmp_path / "none") == ""
