"""Our own node profile (0EF001) and controller object (05FF01): what they tell, read-only.

Source: ECHONET Lite Specification Ver. 1.13 Part 2, chapter 6 (profile objects); Appendix release
R, super class and class 05FF.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hidamari.echonet.frame import NODE_PROFILE, Eoj, Esv, Frame, Property
from hidamari.echonet.responder import Maps

INSTANCE_LIST = 0xD5  # announced only; D6 is the one that can be read
LISTED_AT_MOST = 84  # objects in one D5 or D6
_CLASSES_AT_MOST = 8  # classes in D7
NO_MAKER = b"\xff\xff\xff"  # the code for makers that have none of their own
_PROTOCOL = b"\x01\x0d\x01\x00"  # version 1.13, format 1 only
_RELEASE = b"\x00\x00R\x00"  # Appendix release R
_RUNNING = b"\x30"
_NO_FAULT = b"\x42"


@dataclass(frozen=True, slots=True)
class Label:
    """Who a node says it is: maker code (3 bytes), its own number (13 bytes), product, serial."""

    number: bytes
    maker: bytes = NO_MAKER
    product: str = ""
    serial: str = ""

    def properties(self) -> dict[int, bytes]:
        """EPC 83 and 8A, and 8C and 8D where there are such."""
        own = self.number[:13].ljust(13, b"\0")
        found = {0x83: b"\xfe" + self.maker + own, 0x8A: self.maker}
        for epc, text in ((0x8C, self.product), (0x8D, self.serial)):
            if text:
                found[epc] = text.encode("ascii", "replace")[:12].ljust(12, b"\0")
        return found


class FixedObject:
    """An object whose readable data never change and that takes no orders."""

    def __init__(self, data: dict[int, bytes], announced: frozenset[int]) -> None:
        self._data = data
        self.maps = Maps(readable=frozenset(data), announced=announced)

    def get(self, epc: int) -> bytes | None:
        """The data of a property."""
        return self._data.get(epc)

    def set(self, _epc: int, _edt: bytes) -> bool:
        """Refuse: nobody on the LAN commands us."""
        return False


def node_profile(label: Label, objects: Sequence[Eoj]) -> FixedObject:
    """The node profile of a node with these device objects."""
    classes = list(dict.fromkeys((eoj.group, eoj.code) for eoj in objects))
    listed = b"".join(bytes(pair) for pair in classes[:_CLASSES_AT_MOST])
    data = {
        0x80: _RUNNING,
        0x82: _PROTOCOL,
        **label.properties(),
        0xD3: len(objects).to_bytes(3, "big"),
        0xD4: (len(classes) + 1).to_bytes(2, "big"),  # the profile's class counts too
        0xD6: instance_lists(objects)[0],
        0xD7: bytes((len(classes),)) + listed,
    }
    return FixedObject(data, frozenset({0x80, INSTANCE_LIST}))


def controller_object(label: Label) -> FixedObject:
    """The object in whose name we ask."""
    data = {
        0x80: _RUNNING,
        0x81: b"\x00",
        0x82: _RELEASE,
        0x88: _NO_FAULT,
        **label.properties(),
    }
    return FixedObject(data, frozenset({0x80, 0x81, 0x88}))


def instance_lists(objects: Sequence[Eoj]) -> list[bytes]:
    """D5 data: one list for each 84 objects, at least one."""
    parts = [objects[i : i + LISTED_AT_MOST] for i in range(0, len(objects), LISTED_AT_MOST)]
    return [bytes((len(part),)) + b"".join(map(bytes, part)) for part in parts or [()]]


def read_instance_list(edt: bytes) -> list[Eoj]:
    """The objects of a D5 or D6, each once; a torn last entry and profile objects are left out."""
    found = (Eoj.from_bytes(edt[i : i + 3]) for i in range(1, len(edt) - 2, 3))
    return [e for e in dict.fromkeys(found) if e.instance and e.group != NODE_PROFILE.group]


def start_announcements(objects: Sequence[Eoj], tid: int) -> list[Frame]:
    """What a node says to everybody when it comes up."""
    return [
        Frame(tid, NODE_PROFILE, NODE_PROFILE, Esv.INF, (Property(INSTANCE_LIST, edt),))
        for edt in instance_lists(objects)
    ]
