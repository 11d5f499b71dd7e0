"""What the home has: devices and circuits, in the store and a file that outlives a broken one."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from hidamari.core.errors import StoreError
from hidamari.home.registry import Registry
from hidamari.store.db import Store
from hidamari.store.files import load_file, save_file

logger = logging.getLogger(__name__)

REGISTRY = "devices"
WIRING = "wiring"
FILE = "devices.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Wire:
    """Where a circuit is: its id in the home, the board's device id, the channel on it."""

    circuit: str
    board: str
    channel: str


class Inventory:
    """Devices, circuits and doubled identities; `touch` after each change, `save` before minutes.

    A minute that is stored under a device's id must never outlive the id.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._path = folder / FILE
        devices, wiring = store.get_kv(REGISTRY), store.get_kv(WIRING)
        is_lost = devices is None
        if devices is None:
            devices, wiring = self._from_file()
        told = json.loads(wiring) if wiring else {}
        self.registry = Registry.from_json(devices)
        self.wires = [Wire(*row) for row in told.get("circuits", [])]
        self.doubled: set[str] = set(told.get("doubled", []))
        self._is_new = is_lost
        self._saved: tuple[bytes, bytes] | None = None if is_lost else self._raw()

    def touch(self, *, anew: bool = False) -> None:
        """Something changed; `anew`: the store has begun again with nothing in it."""
        self._is_new = True
        if anew:
            self._saved = None

    def unsaved(self) -> tuple[bytes, bytes] | None:
        """What `save` should write, if anything."""
        if not self._is_new:
            return None
        self._is_new = False
        raw = self._raw()
        return None if raw == self._saved else raw

    def save(self, raw: tuple[bytes, bytes]) -> None:
        """Write it, store first; where there is no room it stays to be saved. Any thread."""
        try:
            self._store.put_kv(REGISTRY, raw[0])
            self._store.put_kv(WIRING, raw[1])
            both = {"devices": raw[0].decode(), "wiring": raw[1].decode()}
            save_file(self._path, json.dumps(both).encode(), VERSION)
            self._saved = raw
        except (StoreError, OSError) as error:
            logger.warning("the list of devices was not saved: %s", error)
            self._is_new = True

    def _raw(self) -> tuple[bytes, bytes]:
        rows = [[wire.circuit, wire.board, wire.channel] for wire in self.wires]
        wiring = {"circuits": rows, "doubled": sorted(self.doubled)}
        return self.registry.to_json(), json.dumps(wiring).encode()

    def _from_file(self) -> tuple[bytes | None, bytes | None]:
        try:
            loaded = load_file(self._path)
        except StoreError as error:
            logger.error("%s", error)
            return None, None
        if loaded is None:
            return None, None
        both = json.loads(loaded.content)
        return both["devices"].encode(), both["wiring"].encode()
