"""What an object holds, as a table: EPC -> data, both hexadecimal, its property maps with it."""

from collections.abc import Mapping

from hidamari.echonet.prop import write_property_map
from hidamari.echonet.responder import Maps

MAPS = ("9D", "9E", "9F")


def table_of(data: Mapping[int, bytes], maps: Maps) -> dict[str, str]:
    """The row of an object; the responder makes the maps itself, they are made here once more."""
    row = dict(data)
    row |= {0x9D: write_property_map(maps.announced), 0x9E: write_property_map(maps.writable)}
    row[0x9F] = write_property_map(maps.readable | {0x9D, 0x9E, 0x9F})
    return {f"{epc:02X}": edt.hex().upper() for epc, edt in row.items()}
