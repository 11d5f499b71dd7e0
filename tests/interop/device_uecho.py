"""A device node run by the PyPI package uecho; this file gives it the data.

python device_uecho.py TABLE.json   (EOJ -> EPC -> hex, see netlab.py)
"""

import fcntl
import json
import socket
import struct
import sys
import time
from types import ModuleType

SIOCGIFADDR = 0x8915


def interface_addresses(name: str) -> dict[int, list[dict[str, str]]]:
    """What netifaces.ifaddresses gives, as far as uecho looks at it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            raw = fcntl.ioctl(sock, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
        except OSError:
            return {}
    return {socket.AF_INET: [{"addr": socket.inet_ntoa(raw[20:24])}]}


# uecho asks netifaces for the addresses of this machine and for nothing else. That package has no
# wheels for present Pythons; a compiler is too much to ask for three functions.
netifaces = ModuleType("netifaces")
netifaces.AF_INET = socket.AF_INET  # type: ignore[attr-defined]
netifaces.interfaces = lambda: [n for _, n in socket.if_nameindex()]  # type: ignore[attr-defined]
netifaces.ifaddresses = interface_addresses  # type: ignore[attr-defined]
sys.modules["netifaces"] = netifaces

from uecho import Device, LocalNode, ObjectRequestHandler, Property  # noqa: E402


class TableDevice(Device, ObjectRequestHandler):  # type: ignore[misc]
    """A uecho object with the properties of one row of the table."""

    def __init__(self, eoj: str, row: dict[str, str]) -> None:
        super().__init__(int(eoj, 16))
        self.writable = readable_map(bytes.fromhex(row["9E"]))
        self.readable = set()
        for epc, edt in row.items():
            code = int(epc, 16)
            self.readable.add(code)
            if not self.has_property(code):
                self.add_property(Property(code))
            self.set_property_data(code, bytes.fromhex(edt))
        self.set_request_handler(self)

    def property_read_requested(self, prop: Property) -> bool:
        return prop is not None and prop.code in self.readable

    def property_write_requested(self, prop: Property, data: bytes) -> bool:
        return prop is not None and prop.code in self.writable and len(data) == len(prop.data)


def readable_map(edt: bytes) -> set[int]:
    """The codes of a property map in either form."""
    if edt[0] < 16:
        return set(edt[1:])
    return {(bit + 8) << 4 | n for n in range(16) for bit in range(8) if edt[1 + n] >> bit & 1}


def main() -> None:
    with open(sys.argv[1]) as file:
        table = json.load(file)
    node = LocalNode()
    for eoj, row in table.items():
        node.add_object(TableDevice(eoj, row))
    if not node.start():
        sys.exit("uecho could not open its sockets")
    print("ready", flush=True)
    while True:
        time.sleep(1)


main()
