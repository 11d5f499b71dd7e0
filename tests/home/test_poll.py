"""What a device is asked, whose answers count, and what of them is a value."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from tests.whole.loop import LoopClock, run

from hidamari.devices import kind_of
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import Answer
from hidamari.home.live import LiveDevice
from hidamari.home.poll import NodePoller
from hidamari.home.registry import Binding

HOST = "10.0.0.7"
MORNING = datetime(2026, 6, 10, 0, 0, tzinfo=UTC)
METER, SOLAR = Eoj.parse("028801"), Eoj.parse("027901")
AIR, LAMP = Eoj.parse("013001"), Eoj.parse("029001")


class Played:
    """A device behind a wire that always answers; keeps what it was asked."""

    def __init__(self, data: Mapping[int, bytes]) -> None:
        self.data = dict(data)
        self.asked: list[int] = []

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        self.asked += epcs
        found = {epc: self.data[epc] for epc in epcs if epc in self.data}
        return Answer(found, frozenset(epcs) - found.keys())

    async def set(self, host: str, eoj: Eoj, values: Mapping[int, bytes]) -> Answer:
        return Answer(dict.fromkeys(values, b""))


class Heard:
    """Who hears of it: how often somebody else answered."""

    def __init__(self) -> None:
        self.strangers = 0

    def took(self, live: LiveDevice, at: datetime) -> None: ...

    def went(self, live: LiveDevice, silent: bool) -> None: ...

    def met_stranger(self, live: LiveDevice) -> None:
        self.strangers += 1


class Polled:
    """One device with its poller, on a clock of virtual time."""

    def __init__(self, eoj: Eoj, data: Mapping[int, bytes], identity: str = "id:fe01") -> None:
        kind = kind_of(eoj.class_code)
        binding = Binding("a", kind.kind, f"{identity}#{eoj}", False, HOST, str(eoj))
        self.clock, self.wire, self.heard = LoopClock(MORNING), Played(data), Heard()
        self.live = LiveDevice(binding, kind(eoj), frozenset(data))
        self.poller = NodePoller(HOST, self.wire, self.clock, self.heard)
        self.poller.add(self.live)

    async def asked(self, after_s: float = 0.0) -> set[int]:
        """What is asked in everything that is due so much later."""
        await self.clock.sleep(after_s)
        self.wire.asked.clear()
        while await self.poller.round():
            pass
        return set(self.wire.asked)


@pytest.mark.req("CTL-03")
def test_of_an_unknown_class_all_is_read_but_the_maps():
    async def lived() -> None:
        lamp = Polled(LAMP, {0x80: b"\x30", 0xB0: b"\x64", 0xF3: b"maker", 0x9F: b"\x00"})
        assert await lamp.asked() == {0x80, 0xB0, 0xF3}
        assert lamp.live.device.raw[0xB0] == b"\x64"
        assert await lamp.asked(60.0) == {0x80}
        assert await lamp.asked(600.0) == {0x80, 0xB0, 0xF3}

    run(lived())


def test_what_has_no_pace_is_read_when_somebody_looks_once_a_minute():
    async def lived() -> None:
        data = {0x80: b"\x30", 0x84: b"\0\1", 0xA1: b"\x41", 0xC1: b"\x42", 0xF0: b"maker"}
        air = Polled(AIR, {**data, 0x9D: b"\0"})
        assert await air.asked() == {0x80, 0x84}
        air.poller.look(AIR)
        assert await air.asked() == {0xA1, 0xC1, 0xF0}
        air.poller.look(AIR)
        assert await air.asked() == set()
        await air.asked(60.0)
        air.poller.look(AIR)
        assert await air.asked() == {0xA1, 0xC1, 0xF0}

    run(lived())


def test_lists_that_answer_for_a_day_are_not_read_because_somebody_looks():
    async def lived() -> None:
        meter = Polled(METER, {0xE2: bytes(194), 0xE5: b"\x00", 0xE7: bytes(4)})
        assert await meter.asked() == {0xE7}
        meter.poller.look(METER)
        assert await meter.asked() == {0xE5}

    run(lived())


def test_the_schedule_of_output_control_is_read_again_when_another_was_fetched():
    async def lived() -> None:
        solar = Polled(SOLAR, {0xB0: b"\xff" * 100, 0xB1: b"\xff" * 7})
        assert await solar.asked() == {0xB0, 0xB1}
        assert await solar.asked(300.0) == {0xB1}
        solar.wire.data[0xB1] = bytes.fromhex("07EA060A060000")
        assert await solar.asked(300.0) == {0xB1, 0xB0}
        assert await solar.asked(300.0) == {0xB1}

    run(lived())


@pytest.mark.t(14)
@pytest.mark.parametrize(
    ("identity", "names", "changed"),
    [
        ("id:fe01", {0x83: b"\xfe" + bytes(15) + b"1", 0x8D: b"S1" + bytes(10)}, 0x83),
        ("id:fe01", {0x8D: b"S1" + bytes(10)}, 0x8D),  # the object has no number of its own
        ("serial:01/P/S1", {0x83: b"\xfe" + bytes(16), 0x8D: b"S1" + bytes(10)}, 0x8D),
    ],
)
def test_another_device_at_the_address_is_not_read_as_the_old_one(identity, names, changed):
    async def lived() -> None:
        air = Polled(AIR, {0x80: b"\x30", **names}, identity)
        await air.asked()
        air.wire.data |= {0x80: b"\x31", changed: names[changed][::-1]}
        await air.asked(61.0)
        assert air.heard.strangers == 1
        assert air.live.device.on is True
        assert air.poller.devices == {}

    run(lived())


@pytest.mark.t(13)
@pytest.mark.parametrize("size", [1, 3, 5, 128, 129, 255])
def test_a_factor_of_a_wrong_length_makes_no_energy_and_is_counted(size):
    async def lived() -> None:
        data = {0xE1: b"\x01", 0xE0: b"\0\0\4\0", 0xD7: b"\6", 0xE7: b"\0\0\1\0"}
        meter = Polled(METER, {**data, 0xD3: b"\xff" * size})
        await meter.asked()
        found = meter.live.device
        assert (found.as_number("import_kwh"), found.wrap_kwh()) == (None, None)
        assert meter.live.number("power_w", meter.clock.monotonic_s()) == 256.0
        assert meter.live.wrong_lengths == 1

    run(lived())
