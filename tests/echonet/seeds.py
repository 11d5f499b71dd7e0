"""Whole frames of our own device kinds: what the fuzzers start from."""

from tests.echonet.home26 import load

from hidamari.devices import KINDS
from hidamari.echonet.frame import CONTROLLER, NODE_PROFILE, Eoj, Esv, Frame, Property

PROPS_PER_FRAME = 10


def seed_frames() -> list[bytes]:
    """Answers of every kind and of the 26-object home, and one frame of each other service."""
    found: list[Frame] = []
    rows: list[tuple[Eoj, dict[int, bytes]]] = [(e, o.data) for e, o in load().items()]
    for code, kind in KINDS.items():
        sizes = {epc: min(prop.sizes or {8}) for epc, prop in kind.props.items()}
        data = {epc: bytes((epc + n) & 0xFF for n in range(size)) for epc, size in sizes.items()}
        rows.append((Eoj(code >> 8, code & 0xFF, 1), data))
    for eoj, data in rows:
        props = [Property(epc, edt) for epc, edt in data.items()]
        for at in range(0, len(props), PROPS_PER_FRAME):
            part = tuple(props[at : at + PROPS_PER_FRAME])
            found.append(Frame(at, eoj, CONTROLLER, Esv.GET_RES, part))
    one = (Property(0x80, b"\x30"),)
    listed = (Property(0xD5, b"\x01\x02\x7d\x01"),)
    for esv in Esv:
        found.append(Frame(1, Eoj(2, 0x7D, 1), CONTROLLER, esv, one, one))
        found.append(Frame(1, NODE_PROFILE, NODE_PROFILE, esv, listed, listed))
    return [frame.to_bytes() for frame in found]
