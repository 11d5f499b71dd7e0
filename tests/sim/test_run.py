"""The simulated house over real UDP on loopback."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hidamari.core.clock import VirtualClock
from hidamari.core.errors import DeviceSilent, InputError, StartError
from hidamari.devices import kind_of
from hidamari.devices.battery import Working
from hidamari.echonet.client import Client
from hidamari.echonet.events import Announced, NodeMoved
from hidamari.echonet.frame import Eoj
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.sim.fleet import DEVICES, NODES
from hidamari.sim.house import HouseState
from hidamari.sim.keep import load, save
from hidamari.sim.meter import HalfHours
from hidamari.sim.replay import packaged_year
from hidamari.sim.run import Net, SimHouse, run_recorded, run_sim
from hidamari.sim.world import World

AT = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
YEAR = packaged_year(7)
BATTERY, METER = Eoj.parse("027D01"), Eoj.parse("028801")


def free_block() -> str:
    """A random block of loopback addresses whose ports 3610 nobody uses."""
    while True:
        block = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((f"{block}.2", 3610))
            except OSError:
                continue
            return f"{block}.0/24"


def sim_house(path: Path | None = None) -> SimHouse:
    world = World(HouseState.new(7, int(AT.timestamp()) // 10), HalfHours(), YEAR)
    return SimHouse(world, VirtualClock(AT), Net.parse(free_block()), path)


@asynccontextmanager
async def opened(house: SimHouse) -> AsyncIterator[Client]:
    """The house on the network, and a controller that knows its addresses."""
    house.open()
    search = Search(lambda _: (), multicast=False)
    setup = Setup(Label(b"TESTCONTROLLER"), search=search)
    client = Client.open(setup, house.net.controller, multicast=False)
    try:
        await client.discover(house.net.hosts, 10.0)
        yield client
    finally:
        client.close()
        house.close()


async def until(condition, within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_controller_finds_and_reads_every_device() -> None:
    async def scenario() -> None:
        house = sim_house()
        async with opened(house) as client:
            found = {(n.host, o.eoj): o for n in client.nodes.values() for o in n.objects}
            assert len(client.nodes) == NODES
            assert set(found) == {(house.net.hosts[device.node], device.eoj) for device in DEVICES}
            for device in DEVICES:
                host = house.host_of(device.key)
                maps = found[host, device.eoj].maps
                obj = house.objects[device.key]
                assert maps.writable == obj.maps.writable
                assert maps.announced == obj.maps.announced
                answer = await client.get(host, device.eoj, sorted(obj.maps.readable))
                assert answer.values == {
                    epc: obj.get(epc) for epc in obj.maps.readable if obj.get(epc)
                }

    asyncio.run(scenario())


def test_a_command_over_the_network_moves_the_house() -> None:
    async def scenario() -> None:
        house = sim_house()
        async with opened(house) as client:
            heard: list[Announced] = []
            client.subscribe(
                lambda event: heard.append(event) if isinstance(event, Announced) else None
            )
            host = house.host_of("battery")
            answer = await client.set(host, BATTERY, {0xAA: bytes(4), 0xC1: b"\x01", 0xDA: b"\x42"})
            assert not answer.refused
            house.clock.advance(10)
            house.catch_up()
            await until(lambda: any(0xDA in event.values for event in heard))
            assert house.world.state.battery.mode is Working.CHARGING
            assert house.world.state.battery.power_kw == pytest.approx(4.0, abs=0.01)
            answer = await client.set(host, BATTERY, {0xDA: b"\x99"})
            assert answer.refused == {0xDA}
            told = kind_of(0x027D)(BATTERY, dict((await client.get(host, BATTERY, [0xD3])).values))
            assert told.power_kw() == pytest.approx(4.0, abs=0.01)

    asyncio.run(scenario())


def test_the_meter_announces_its_counters_every_half_hour() -> None:
    async def scenario() -> None:
        house = sim_house()
        async with opened(house) as client:
            heard: list[Announced] = []
            client.subscribe(
                lambda event: heard.append(event) if isinstance(event, Announced) else None
            )
            house.clock.advance(1800)
            house.catch_up()
            await until(lambda: any(0xEA in event.values for event in heard))
            event = next(event for event in heard if 0xEA in event.values)
            assert event.eoj == METER
            assert {0xEA, 0xEB} <= set(event.values)
            assert event.values[0xEA][4:7] == bytes((12, 30, 0))

    asyncio.run(scenario())


def test_a_device_that_vanishes_is_silent_and_comes_back_elsewhere() -> None:
    async def scenario() -> None:
        house = sim_house()
        async with opened(house) as client:
            old = house.host_of("battery")
            house.vanish("battery")
            with pytest.raises(DeviceSilent):
                await client.set(old, BATTERY, {0xDA: b"\x44"}, waits_s=(0.1,))
            moved: list[NodeMoved] = []
            client.subscribe(
                lambda event: moved.append(event) if isinstance(event, NodeMoved) else None
            )
            new = old.rsplit(".", 1)[0] + ".77"
            house.come_back("battery", new)
            client.search([new])
            await until(lambda: moved, 20.0)
            assert (moved[0].old_host, moved[0].record.host) == (old, new)
            assert house.host_of("battery") == new

    asyncio.run(scenario())


def test_lost_and_late_answers_are_faults_that_can_be_set() -> None:
    async def scenario() -> None:
        house = sim_house()
        async with opened(house) as client:
            host = house.host_of("solar")
            house.faults.delay_s = 0.2
            began_s = asyncio.get_running_loop().time()
            await client.get(host, Eoj.parse("027901"), [0xE0])
            assert asyncio.get_running_loop().time() - began_s >= 0.2
            house.faults.delay_s, house.faults.drop = 0.0, 1.0
            with pytest.raises(DeviceSilent):
                await client.set(host, Eoj.parse("027901"), {0xA0: b"\x64"}, waits_s=(0.1,))
            assert house.faults.lost == 1

    asyncio.run(scenario())


def test_a_new_meter_starts_at_zero() -> None:
    async def scenario() -> None:
        house = sim_house()
        async with opened(house) as client:
            house.new_meter()
            answer = await client.get(house.host_of("smart_meter"), METER, [0xE0, 0xE3])
            assert answer.values == {0xE0: bytes(4), 0xE3: bytes(4)}

    asyncio.run(scenario())


def test_the_house_is_saved_at_the_end_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "sim.json"
    save(World(HouseState.new(7, int(AT.timestamp()) // 10), HalfHours(), YEAR), path)

    async def lived(clock: VirtualClock) -> None:
        ready = asyncio.Event()
        task = asyncio.create_task(run_sim(free_block(), 7, clock, path, ready.set))
        async with asyncio.timeout(20):
            await ready.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(lived(VirtualClock(AT + timedelta(hours=1))))
    first = load(path, YEAR)
    assert first is not None
    assert first.at >= AT + timedelta(hours=1)
    asyncio.run(lived(VirtualClock(AT + timedelta(days=2))))
    second = load(path, YEAR)
    assert second is not None
    assert second.at >= AT + timedelta(days=2)
    assert second.state.counters.import_kwh > first.state.counters.import_kwh
    assert second.state.counters.pv_kwh > first.state.counters.pv_kwh + 5.0
    # Every half-hour that was missed is in the meter.
    slots = sorted(second.half_hours.kwh)
    assert slots == list(range(slots[0], slots[-1] + 1))


def test_one_address_carries_all_objects() -> None:
    async def scenario() -> None:
        block = free_block().rsplit(".", 1)[0]
        world = World(HouseState.new(7, int(AT.timestamp()) // 10), HalfHours(), YEAR)
        house = SimHouse(world, VirtualClock(AT), Net((f"{block}.2",), f"{block}.1", False))
        async with opened(house) as client:
            (node,) = client.nodes.values()
            assert len(node.objects) == len(DEVICES)
            # Two air conditioners on one node are two instances of the class.
            assert {Eoj(1, 0x30, 1), Eoj(1, 0x30, 2)} <= {one.eoj for one in node.objects}

    asyncio.run(scenario())


def test_an_address_in_use_is_said_at_once() -> None:
    async def scenario() -> None:
        house, other = sim_house(), sim_house()
        other.net = house.net
        house.open()
        try:
            with pytest.raises(StartError, match="3610"):
                other.open()
        finally:
            house.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("text", ["127.0.0.0/30", "house", "10.0.0.300", "10.0.0.0/99"])
def test_a_network_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="network"):
        Net.parse(text)


def test_the_nodes_of_a_network_start_at_two() -> None:
    net = Net.parse("127.9.8.0/24")
    assert net.controller == "127.9.8.1"
    assert net.hosts[0] == "127.9.8.2"
    assert len(net.hosts) == NODES
    assert not net.multicast
    assert Net.parse("10.0.0.0/24").multicast
    assert Net.parse("192.0.2.7").one_node


def test_devices_from_a_file_answer_on_the_network(tmp_path: Path) -> None:
    path = tmp_path / "devices.json"
    path.write_text('{"027D01": {"get": {"E4": "3F", "DA": "46"}, "set": ["DA"], "inf": ["DA"]}}')

    async def scenario() -> None:
        block = free_block().rsplit(".", 1)[0]
        ready = asyncio.Event()
        task = asyncio.create_task(run_recorded(f"{block}.0/24", path, ready.set))
        await ready.wait()
        search = Search(lambda _: (), multicast=False)
        setup = Setup(Label(b"TESTCONTROLLER"), search=search)
        client = Client.open(setup, f"{block}.1", multicast=False)
        try:
            answer = await client.get(f"{block}.2", BATTERY, [0xE4, 0xE5])
            assert answer.values == {0xE4: b"\x3f"}
            assert answer.refused == {0xE5}
            await client.discover([f"{block}.2"], 5.0)
            told = []
            client.subscribe(told.append)
            await client.set(f"{block}.2", BATTERY, {0xDA: b"\x42"})
            await until(lambda: Announced(f"{block}.2", BATTERY, {0xDA: b"\x42"}) in told)
        finally:
            client.close()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scenario())


def test_the_house_lives_on_when_it_cannot_be_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        path = tmp_path / "nowhere" / "house.json"
        path.parent.write_text("a file where the folder should be")
        house = sim_house(path)
        task = asyncio.create_task(house.serve())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert "could not be saved" in caplog.text
