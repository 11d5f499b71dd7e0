"""An ECHONET Lite frame as a frozen value: bytes to values and back, nothing half-believed.

Source: ECHONET Lite Specification Ver. 1.13 Part 2, chapter 3 (frame format 1). The values are
named tuples: a controller reads thousands of them, and a frozen dataclass costs twice as much.
"""

import struct
from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple, Self

from hidamari.core.errors import FrameError

EHD = b"\x10\x81"
_HEADER = struct.Struct(">2sH3s3sB")  # EHD, TID, SEOJ, DEOJ, ESV
# A property of each length: its code, the length itself (known by then), its data.
_PROPERTY = tuple(struct.Struct(f"Bx{size}s").unpack_from for size in range(256))
MAX_FRAME_BYTES = 4096  # far above what devices send; keeps a hostile frame cheap
HEADER_BYTES = 12  # EHD 2, TID 2, SEOJ 3, DEOJ 3, ESV 1, OPC 1
PORT = 3610
MULTICAST = "224.0.23.0"


class Esv(IntEnum):
    """What a frame asks or answers."""

    __hash__ = int.__hash__  # that of Enum is Python: each frame is looked up in several sets

    SET_I_SNA = 0x50
    SET_C_SNA = 0x51
    GET_SNA = 0x52
    INF_SNA = 0x53
    SET_GET_SNA = 0x5E
    SET_I = 0x60
    SET_C = 0x61
    GET = 0x62
    INF_REQ = 0x63
    SET_GET = 0x6E
    SET_RES = 0x71
    GET_RES = 0x72
    INF = 0x73
    INFC = 0x74
    INFC_RES = 0x7A
    SET_GET_RES = 0x7E


TWO_LISTS = frozenset({Esv.SET_GET, Esv.SET_GET_RES, Esv.SET_GET_SNA})
_ESV = {int(member): member for member in Esv}


class Eoj(NamedTuple):
    """An object on a node: class group, class, instance."""

    group: int
    code: int
    instance: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "027D01"."""
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raw = b""
        if len(raw) != 3:
            raise FrameError(f"EOJ: 3 bytes in hexadecimal expected, got {text!r}")
        return cls(raw[0], raw[1], raw[2])

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the three bytes of the wire."""
        if len(raw) != 3:
            raise FrameError(f"EOJ: 3 bytes expected, got {len(raw)}")
        return cls(raw[0], raw[1], raw[2])

    @property
    def class_code(self) -> int:
        """Group and class as one number, such as 0x027D."""
        return self.group << 8 | self.code

    def to_bytes(self) -> bytes:
        """The three bytes of the wire."""
        return bytes(self)

    def __str__(self) -> str:
        return f"{self.group:02X}{self.code:02X}{self.instance:02X}"


NODE_PROFILE = Eoj(0x0E, 0xF0, 0x01)
NODE_PROFILE_ANY = Eoj(0x0E, 0xF0, 0x00)
CONTROLLER = Eoj(0x05, 0xFF, 0x01)


class Property(NamedTuple):
    """One property to be sent: its code and its data, which is empty in requests and refusals."""

    epc: int
    edt: bytes = b""


class Frame(NamedTuple):
    """One ECHONET Lite message; `gets` is the second list that only SetGet frames carry.

    Properties that were read are plain pairs of code and data: they become a dict four times as
    fast as named ones, and that is where nearly all of them go.
    """

    tid: int
    seoj: Eoj
    deoj: Eoj
    esv: Esv
    props: tuple[tuple[int, bytes], ...]
    gets: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a frame; anything that is not exactly one is a FrameError."""
        shape = _shapes.get(data[4:14])
        if shape is not None:
            size_bytes, mask, same, unpack, epcs, seoj, deoj, esv = shape
            if len(data) == size_bytes and int.from_bytes(data) & mask == same:
                props = tuple(zip(epcs, unpack(data), strict=True))
                # Without the Python-level __new__ of named tuples: most that we read comes here.
                return tuple.__new__(cls, (data[2] << 8 | data[3], seoj, deoj, esv, props, ()))
        return cls._read(data)

    @classmethod
    def _read(cls, data: bytes) -> Self:
        """Read a frame of any shape, step by step, and know its shape from then on."""
        end = len(data)
        if not HEADER_BYTES <= end <= MAX_FRAME_BYTES:
            raise FrameError(
                f"frame: {HEADER_BYTES} to {MAX_FRAME_BYTES} bytes expected, got {end}"
            )
        ehd, tid, seoj, deoj, service = _HEADER.unpack_from(data)
        if ehd != EHD:
            raise FrameError(f"EHD: 1081 expected, got {ehd.hex()}")
        esv = _ESV.get(service)
        if esv is None:
            raise FrameError(f"ESV: a service of the standard expected, got 0x{service:02X}")
        gets: tuple[tuple[int, bytes], ...] = ()
        try:
            props, at = _read_list(data, 11)
            if esv in TWO_LISTS:
                gets, at = _read_list(data, at)
        except (IndexError, struct.error):
            raise FrameError(f"frame: it ends inside its property list ({end} bytes)") from None
        if at != end:
            raise FrameError(f"frame: {at} bytes expected from its lengths, got {end}")
        frame = cls(tid, _eoj(seoj), _eoj(deoj), esv, props, gets)
        _learn(data, frame)
        return frame

    def to_bytes(self) -> bytes:
        """The bytes of the wire."""
        out = bytearray(EHD)
        out += bytes((self.tid >> 8, self.tid & 0xFF, *self.seoj, *self.deoj, self.esv))
        _write_list(out, self.props)
        if self.esv in TWO_LISTS:
            _write_list(out, self.gets)
        return bytes(out)


class _Shape(NamedTuple):
    """What is the same in all answers to one request: everything but TID and the data."""

    size_bytes: int
    mask: int  # of the frame as one number: ones where `same` says all bits
    same: int
    unpack: Callable[[bytes], tuple[bytes, ...]]  # the data of each property
    epcs: tuple[int, ...]
    seoj: Eoj
    deoj: Eoj
    esv: Esv


# By the bytes from SEOJ to the first property's length. A controller asks the same again and again:
# an answer whose lengths and codes are those of one before is read in one step.
_shapes: dict[bytes, _Shape] = {}
MOST_SHAPES = 1024  # hosts that send ever other shapes fill no memory
MOST_SHAPE_BYTES = 512
MOST_SHAPE_PROPS = 16  # nobody of ours asks for more at once; each costs memory


def _learn(data: bytes, frame: Frame) -> None:
    """Know the shape of a frame from now on: the first of its kind, with one list that is short."""
    key = data[4:14]
    is_large = len(data) > MOST_SHAPE_BYTES or len(frame.props) > MOST_SHAPE_PROPS
    if not frame.props or frame.esv in TWO_LISTS or is_large or key in _shapes:
        return
    if len(_shapes) == MOST_SHAPES:
        _shapes.clear()
    sizes = [len(edt) for _, edt in frame.props]
    same_bytes = (b"\xff\xff" + bytes(size) for size in sizes)
    mask = int.from_bytes(b"\xff\xff\0\0" + b"\xff" * 8 + b"".join(same_bytes))
    form = struct.Struct(">12x" + "".join(f"2x{size}s" for size in sizes))
    _shapes[key] = _Shape(
        form.size,
        mask,
        int.from_bytes(data) & mask,
        form.unpack,
        tuple(epc for epc, _ in frame.props),
        frame.seoj,
        frame.deoj,
        frame.esv,
    )


@lru_cache(1024)  # the objects of a home, again and again
def _eoj(raw: bytes) -> Eoj:
    return Eoj.from_bytes(raw)


def _read_list(data: bytes, at: int) -> tuple[tuple[tuple[int, bytes], ...], int]:
    """Read OPC and its properties at `at`; returns them and where they end.

    A cut list is an IndexError where a length is missing, a struct.error where data are.
    """
    found: list[tuple[int, bytes]] = []
    count = data[at]
    at += 1
    for _ in range(count):
        size = data[at + 1]
        found.append(_PROPERTY[size](data, at))
        at += 2 + size
    return tuple(found), at


def _write_list(out: bytearray, props: tuple[tuple[int, bytes], ...]) -> None:
    out.append(len(props))
    for epc, edt in props:
        out.append(epc)
        out.append(len(edt))
        out += edt
