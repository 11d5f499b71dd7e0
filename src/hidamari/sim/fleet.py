"""Which devices the simulated house has, and on which node of its network each one is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hidamari.devices import kind_of
from hidamari.devices.common import Common
from hidamari.echonet.frame import Eoj
from hidamari.echonet.profile import NO_MAKER, Label
from hidamari.sim import gauges, objects
from hidamari.sim.charger import charger
from hidamari.sim.noise import chance
from hidamari.sim.wire import LiveObject
from hidamari.sim.world import World

RELEASE = b"\x00\x00Q\x00"  # Appendix release Q
LIVING, BEDROOM, GARDEN, GARAGE, WASHROOM = 0x08, 0x41, 0x61, 0x69, 0x31  # EPC 81: room, number


@dataclass(frozen=True, slots=True)
class SimDevice:
    """A device: its key here, its object and node, its place (EPC 81) and product code."""

    key: str
    eoj: Eoj
    node: int
    place: int
    product: str
    describe: Callable[[LiveObject], None]


DEVICES = (
    SimDevice("solar", Eoj(0x02, 0x79, 1), 0, GARDEN, "SIM-PV50", objects.solar),
    SimDevice("battery", Eoj(0x02, 0x7D, 1), 1, GARDEN, "SIM-BAT100", objects.battery),
    SimDevice("v2h", Eoj(0x02, 0x7E, 1), 2, GARAGE, "SIM-V2H60", objects.car),
    SimDevice("water_heater", Eoj(0x02, 0x6B, 1), 3, GARDEN, "SIM-EQ460", objects.heater),
    SimDevice("board", Eoj(0x02, 0x87, 1), 4, WASHROOM, "SIM-BOARD20", gauges.board),
    SimDevice("smart_meter", Eoj(0x02, 0x88, 1), 5, GARDEN, "SIM-METER", gauges.smart_meter),
    SimDevice(
        "air_living",
        Eoj(0x01, 0x30, 1),
        6,
        LIVING,
        "SIM-AC40",
        partial(gauges.air_conditioner, which="living"),
    ),
    SimDevice(
        "air_bedroom",
        Eoj(0x01, 0x30, 1),
        7,
        BEDROOM,
        "SIM-AC22",
        partial(gauges.air_conditioner, which="bedroom"),
    ),
    SimDevice("temperature", Eoj(0x00, 0x11, 1), 8, LIVING, "SIM-TH", gauges.temperature),
    SimDevice("humidity", Eoj(0x00, 0x12, 1), 8, LIVING, "SIM-TH", gauges.humidity),
    SimDevice("lamp", Eoj(0x02, 0x90, 1), 9, LIVING, "SIM-LAMP", gauges.lamp),
)
CHARGER = SimDevice("charger", Eoj(0x02, 0xA1, 1), 2, GARAGE, "SIM-EVC60", charger)
# The same house with a stand that only charges.
WITH_CHARGER = tuple(CHARGER if device.key == "v2h" else device for device in DEVICES)
NODES = 1 + max(device.node for device in DEVICES)


def own_number(seed: int, key: str) -> bytes:
    """The 13 bytes that tell this unit from all others."""
    digest = int(chance(seed, *key.encode()) * 2**48)
    return b"SIM" + digest.to_bytes(6, "big") + key.encode()[:4].ljust(4, b"\0")


def identity(seed: int, key: str) -> bytes:
    """EPC 83 of a device of the house: FE, maker, own number."""
    return b"\xfe" + NO_MAKER + own_number(seed, key)


def label(seed: int, node: int, devices: tuple[SimDevice, ...] = DEVICES) -> Label:
    """Who a node says it is."""
    first = next(device for device in devices if device.node == node)
    return Label(
        own_number(seed, f"node{node}"), NO_MAKER, first.product, f"{seed % 10000:04d}-{node:02d}"
    )


def build(world: World, devices: tuple[SimDevice, ...] = DEVICES) -> dict[str, LiveObject]:
    """Every object of the house by its device's key."""
    return {device.key: _object(world, device) for device in devices}


def _object(world: World, device: SimDevice) -> LiveObject:
    obj = LiveObject(world, kind_of(device.eoj.class_code), device.eoj)
    seed = world.state.seed
    obj.fixed(0x80, b"\x30")
    obj.stored(0x81, bytes((device.place,)), valid=lambda edt: len(edt) in (1, 17))
    obj.fixed(0x82, RELEASE)
    obj.fixed(0x83, identity(seed, device.key))
    obj.fixed(0x88, b"\x42")
    obj.fixed(0x89, b"\x00\x00")
    obj.fixed(0x8A, NO_MAKER)
    obj.fixed(0x8C, device.product.encode().ljust(12, b"\0"))
    obj.fixed(0x8D, f"{seed % 10000:04d}-{device.node:02d}".encode().ljust(12, b"\0"))
    obj.give(Common.clock_min, gauges.local_min)
    obj.give(Common.date, gauges.local_date)
    device.describe(obj)
    return obj
