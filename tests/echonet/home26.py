"""The 26-object home of tests/data: one node with many kinds, served from a table."""

import json
from dataclasses import dataclass
from pathlib import Path

from hidamari.echonet.frame import Eoj
from hidamari.echonet.responder import Maps

TABLE = Path(__file__).parents[1] / "data/home26.json"


@dataclass(slots=True)
class TableObject:
    """An object whose readable properties come from a table and whose writable ones change it."""

    data: dict[int, bytes]
    maps: Maps

    def get(self, epc: int) -> bytes | None:
        return self.data.get(epc)

    def set(self, epc: int, edt: bytes) -> bool:
        known = self.data.get(epc)
        if known is None:
            return epc in self.maps.writable  # write only
        if len(known) != len(edt):
            return False
        self.data[epc] = edt
        return True


def _epcs(codes: list[str]) -> frozenset[int]:
    return frozenset(int(code, 16) for code in codes)


def load() -> dict[Eoj, TableObject]:
    """All objects by EOJ."""
    found: dict[Eoj, TableObject] = {}
    for text, row in json.loads(TABLE.read_text()).items():
        data = {int(epc, 16): bytes.fromhex(edt) for epc, edt in row["get"].items()}
        writable = _epcs(row["set"]) | _epcs(row["write_only"])
        maps = Maps(frozenset(data), writable, _epcs(row["inf"]))
        found[Eoj.parse(text)] = TableObject(data, maps)
    return found
