"""Lists of a meter that are read by range: write which channels, then read their values.

Appendix 0x0287 (atomic operation): the list answers the range that was written last, so both
requests go out one after the other and the answer says itself which channels it holds. Devices in
the field get unstable under large batches: one list per request.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hidamari.echonet.prop import Device

NO_ENERGY = frozenset({0xFFFFFFFE, 0xFFFFFFFF})
NO_POWER = frozenset({0x7FFFFFFE, 0x7FFFFFFF, -0x80000000})


@dataclass(frozen=True, slots=True)
class ChannelValue:
    """One number of one circuit of a board; `None` where the board has none.

    `channel`: "3" for the third one-way channel, "t1" for the first two-way channel.
    `name`: `power_w` (positive = drawn), `energy_kwh` (drawn so far), `back_kwh` (given back so
    far, two-way channels only), `current_a`.
    """

    channel: str
    name: str
    value: float | None


@dataclass(frozen=True, slots=True)
class ListRead:
    """How a list is read: SetC `range_epc` with `request(...)`, then Get `list_epc` alone.

    `count_epc` says how many channels there are; at most `per_request` at a time; `every_s`
    seconds between two readings. Where a device has the list, the EPCs in `replaces` (the same
    values one by one) need not be asked.
    """

    range_epc: int
    list_epc: int
    count_epc: int
    per_request: int
    names: tuple[str, ...]
    every_s: int
    prefix: str = ""
    replaces: range = range(0)

    def count(self, device: Device) -> int:
        """How many channels the device says it has; 0 while unknown or undefined."""
        edt = device.raw.get(self.count_epc, b"")
        return edt[0] if len(edt) == 1 and 1 <= edt[0] <= 252 else 0

    def requests(self, device: Device) -> Iterator[bytes]:
        """The EDTs (first channel, how many) for `range_epc` that together cover all channels."""
        count = self.count(device)
        for first in range(1, count + 1, self.per_request):
            yield bytes((first, min(self.per_request, count - first + 1)))

    def read(self, edt: bytes, energy_factor: float | None) -> list[ChannelValue]:
        """The values of an answer; none at all where it is shorter than it says.

        `energy_factor`: kWh per count, or `None` while the device has not told.
        """
        size = 4 * len(self.names)
        if len(edt) < 2 or not 1 <= edt[0] <= 252 or len(edt) < 2 + edt[1] * size:
            return []
        found: list[ChannelValue] = []
        for index in range(edt[1]):
            for place, name in enumerate(self.names):
                at = 2 + index * size + place * 4
                value = channel_number(edt[at : at + 4], name, energy_factor)
                found.append(ChannelValue(f"{self.prefix}{edt[0] + index}", name, value))
        return found

    def write(self, edt: bytes, values: list[tuple[float | None, ...]], factor: float) -> bytes:
        """The answer of a board to the range in `edt`, one tuple (as `names`) per channel."""
        first, count = (edt[0], edt[1]) if len(edt) == 2 else (1, len(values))
        chosen = values[first - 1 : first - 1 + min(count, self.per_request)]
        out = bytearray((first, len(chosen)))
        for row in chosen:
            for name, value in zip(self.names, row, strict=True):
                out += channel_bytes(value, name, factor)
        return bytes(out)


def channel_number(raw: bytes, name: str, energy_factor: float | None) -> float | None:
    """Four bytes of a list: W signed for powers, counts times the factor for energies."""
    if name == "power_w":
        watts = int.from_bytes(raw, "big", signed=True)
        return None if watts in NO_POWER else float(watts)
    count = int.from_bytes(raw, "big")
    return None if count in NO_ENERGY or energy_factor is None else count * energy_factor


def channel_bytes(value: float | None, name: str, factor: float) -> bytes:
    """The reverse of `channel_number`; an energy never rounds up."""
    if name == "power_w":
        return (0x7FFFFFFE if value is None else round(value)).to_bytes(4, "big", signed=True)
    return (0xFFFFFFFE if value is None else int(value / factor + 1e-9)).to_bytes(4, "big")


def phase_sum_a(raw: bytes) -> float | None:
    """R and T phase (i16 x 0.1 A each) added up; 7FFE on T means a one-phase circuit."""
    phases = [int.from_bytes(raw[i : i + 2], "big", signed=True) for i in (0, 2)]
    known = [code for code in phases if code not in (0x7FFE, 0x7FFF, -0x8000)]
    return sum(known) * 0.1 if known else None
