"""Devices from a file: EOJ, and its properties as hexadecimal data by EPC.

``{"027D01": {"get": {"E4": "3F", ...}, "set": ["DA"], "inf": ["CF"], "write_only": []}}``: readable
data, EPCs that may be written (the new data are kept), EPCs announced on change.
"""

import json
from pathlib import Path

from hidamari.core.errors import FrameError, InputError
from hidamari.echonet.frame import Eoj
from hidamari.echonet.profile import NO_MAKER
from hidamari.echonet.responder import Maps

COMMON = {
    0x80: b"\x30",
    0x81: b"\x00",
    0x82: b"\x00\x00R\x00",
    0x88: b"\x42",
    0x89: b"\x00\x00",
    0x8A: NO_MAKER,
    0x8C: b"RECORDED\0\0\0\0",
}


class RecordedObject:
    """An object that answers what was recorded and keeps what is written."""

    def __init__(self, data: dict[int, bytes], maps: Maps) -> None:
        self._data = data
        self._new: list[int] = []  # written and not announced yet
        self.maps = maps

    def get(self, epc: int) -> bytes | None:
        """The data of a property."""
        return self._data.get(epc) if epc in self.maps.readable else None

    def set(self, epc: int, edt: bytes) -> bool:
        """Take data of the same length as recorded."""
        old = self._data.get(epc)
        if old is not None and len(old) != len(edt):
            return False
        if old != edt and epc in self.maps.announced:
            self._new.append(epc)
        self._data[epc] = edt
        return True

    def changed(self) -> list[int]:
        """The announced properties that were written since the last time."""
        found, self._new = self._new, []
        return found


def read_recorded(path: Path) -> dict[Eoj, RecordedObject]:
    """The objects of a file; InputError names what is wrong in it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {
            Eoj.parse(name): _object(name, one)
            for name, one in found.items()
            if not name.startswith("_")
        }
    except (ValueError, KeyError, TypeError, AttributeError, FrameError) as error:
        raise InputError(f"{path.name}: devices by EOJ expected ({error})") from None


def _object(name: str, one: dict[str, object]) -> RecordedObject:
    get, settable = one["get"], one.get("set", [])
    announced, write_only = one.get("inf", []), one.get("write_only", [])
    if not isinstance(get, dict):
        raise TypeError(f"{name}: data by EPC expected")
    own = {0x83: b"\xfe" + NO_MAKER + b"REC" + bytes.fromhex(name) + bytes(7)}
    data = COMMON | own | {int(epc, 16): expand(edt) for epc, edt in get.items()}
    data = {epc: edt for epc, edt in data.items() if edt}
    maps = Maps(frozenset(data), _epcs(settable) | _epcs(write_only) | {0x81}, _epcs(announced))
    return RecordedObject(data, maps)


def expand(text: str) -> bytes:
    """Hexadecimal; "0000@48:0001E240" is a start and 48 times the bytes after the colon."""
    start, _, rest = text.partition("@")
    count, _, unit = rest.partition(":")
    return bytes.fromhex(start + unit * int(count or 0))


def _epcs(codes: object) -> frozenset[int]:
    return (
        frozenset(int(str(code), 16) for code in codes) if isinstance(codes, list) else frozenset()
    )
