"""Node profile (class 0x0EF0): what a node tells of itself and its objects."""

from hidamari.devices.common import Common
from hidamari.echonet.frame import Eoj
from hidamari.echonet.prop import Device, Prop, Use, custom, number, raw

MOST_OBJECTS = 84
MOST_CLASSES = 8


def eoj_list(epc: int, *, gettable: bool = True) -> Prop[tuple[Eoj, ...]]:
    """A count and that many objects of three bytes; a wrong count is no list."""

    def decode(edt: bytes, _: Device) -> tuple[Eoj, ...] | None:
        if len(edt) < 1 + 3 * edt[0]:
            return None
        return tuple(Eoj(*edt[at : at + 3]) for at in range(1, 1 + 3 * edt[0], 3))

    def encode(value: tuple[Eoj, ...], _: Device) -> bytes:
        return bytes((len(value),)) + b"".join(eoj.to_bytes() for eoj in value)

    sizes = frozenset(1 + 3 * count for count in range(MOST_OBJECTS + 1))
    prop = custom(epc, sizes, decode, encode, settable=False, use=Use(3600))
    prop.gettable = gettable
    return prop


def class_list(epc: int) -> Prop[tuple[int, ...]]:
    """A count and that many class codes of two bytes."""

    def decode(edt: bytes, _: Device) -> tuple[int, ...] | None:
        if len(edt) < 1 + 2 * edt[0]:
            return None
        return tuple(edt[at] << 8 | edt[at + 1] for at in range(1, 1 + 2 * edt[0], 2))

    def encode(value: tuple[int, ...], _: Device) -> bytes:
        return bytes((len(value),)) + b"".join(code.to_bytes(2, "big") for code in value)

    sizes = frozenset(1 + 2 * count for count in range(MOST_CLASSES + 1))
    return custom(epc, sizes, decode, encode, settable=False)


class NodeProfile(Common, group=0x0E, code=0xF0, kind="node_profile"):
    """Wire: identity and inventory of a node."""

    card = ("on", "product", "serial")

    node_identity = raw(0xBF, frozenset({2}), settable=True, use=Use(3600))
    objects = number(0xD3, 3, none=frozenset(), use=Use(3600))
    classes = number(0xD4, 2, use=Use(3600))
    announced_objects = eoj_list(0xD5, gettable=False)
    object_list = eoj_list(0xD6)
    class_codes = class_list(0xD7)
