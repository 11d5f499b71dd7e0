"""What our node answers to the requests of others, exactly as the standard asks.

Source: ECHONET Lite Specification Ver. 1.13 Part 2, section 4.2 (basic sequences). A request to an
object that is not there is dropped without an answer; instance 0 means every instance of the
class, each answering for itself; a "cannot" answer still does and gives whatever was possible.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hidamari.echonet.frame import MAX_FRAME_BYTES, Eoj, Esv, Frame, Property
from hidamari.echonet.prop import write_property_map

# Room for header and both OPC; an answer above it is cut by refusing what no longer fits.
_ROOM_BYTES = MAX_FRAME_BYTES - 16


@dataclass(frozen=True, slots=True)
class Maps:
    """Which EPCs an object gives (9F), takes (9E) and announces on change (9D)."""

    readable: frozenset[int] = frozenset()
    writable: frozenset[int] = frozenset()
    announced: frozenset[int] = frozenset()


class ObjectServer(Protocol):
    """One object of our node. The property maps 9D, 9E, 9F are answered from `maps` for it."""

    @property
    def maps(self) -> Maps:
        """The EPCs that this object serves."""
        ...

    def get(self, epc: int) -> bytes | None:
        """The data of a property; None when it cannot be read."""
        ...

    def set(self, epc: int, edt: bytes) -> bool:
        """Take new data; False refuses it."""
        ...


class Reply(NamedTuple):
    """An answer, to the asker or to everybody."""

    frame: Frame
    to_all: bool = False


def respond(objects: Mapping[Eoj, ObjectServer], frame: Frame) -> list[Reply]:
    """The answers to a request; an empty list for anything that asks nothing of our objects."""
    if not frame.props and not frame.gets:
        return []  # OPC 0 asks nothing
    replies: list[Reply] = []
    for eoj in _addressed(objects, frame.deoj):
        reply = _one(objects[eoj], eoj, frame)
        if reply is not None:
            replies.append(reply)
    return replies


def read_one(server: ObjectServer, epc: int) -> bytes | None:
    """What a Get of one property gives."""
    if epc == 0x9D:
        return write_property_map(server.maps.announced)
    if epc == 0x9E:
        return write_property_map(server.maps.writable)
    if epc == 0x9F:
        return write_property_map(server.maps.readable | {0x9D, 0x9E, 0x9F})
    return server.get(epc)


def _addressed(objects: Mapping[Eoj, ObjectServer], deoj: Eoj) -> list[Eoj]:
    if deoj.instance:
        return [deoj] if deoj in objects else []
    return [e for e in objects if e.group == deoj.group and e.code == deoj.code]


def _one(server: ObjectServer, eoj: Eoj, frame: Frame) -> Reply | None:
    def back(esv: Esv, props: tuple[Property, ...], gets: tuple[Property, ...] = ()) -> Reply:
        return Reply(Frame(frame.tid, eoj, frame.seoj, esv, props, gets))

    match frame.esv:
        case Esv.GET:
            props, whole = _read(server, frame.props)
            return back(Esv.GET_RES if whole else Esv.GET_SNA, props)
        case Esv.SET_C:
            props, whole = _write(server, frame.props)
            return back(Esv.SET_RES if whole else Esv.SET_C_SNA, props)
        case Esv.SET_I:
            props, whole = _write(server, frame.props)
            return None if whole else back(Esv.SET_I_SNA, props)
        case Esv.SET_GET:
            props, set_whole = _write(server, frame.props)
            gets, get_whole = _read(server, frame.gets)
            whole = set_whole and get_whole
            return back(Esv.SET_GET_RES if whole else Esv.SET_GET_SNA, props, gets)
        case Esv.INF_REQ:
            props, whole = _read(server, frame.props)
            if not whole:
                return back(Esv.INF_SNA, props)
            return Reply(back(Esv.INF, props).frame, to_all=True)
        case Esv.INFC:
            return back(Esv.INFC_RES, tuple(Property(epc) for epc, _ in frame.props))
        case _:
            return None


def _read(
    server: ObjectServer, asked: tuple[tuple[int, bytes], ...]
) -> tuple[tuple[Property, ...], bool]:
    found: list[Property] = []
    whole, room = True, _ROOM_BYTES - 2 * len(asked)
    for epc, _ in asked:
        edt = read_one(server, epc)
        if not edt or len(edt) > min(room, 255):
            whole, edt = False, b""
        room -= len(edt)
        found.append(Property(epc, edt))
    return tuple(found), whole


def _write(
    server: ObjectServer, asked: tuple[tuple[int, bytes], ...]
) -> tuple[tuple[Property, ...], bool]:
    found: list[Property] = []
    whole = True
    for epc, edt in asked:
        taken = epc in server.maps.writable and server.set(epc, edt)
        whole &= taken
        found.append(Property(epc, b"" if taken else edt))
    return tuple(found), whole
