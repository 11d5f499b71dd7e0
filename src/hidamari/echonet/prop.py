"""One line describes a property: its code on the wire, its type here, and what we do with it.

A device kind is a class with such lines. On the class an attribute is the description; on an
instance it is the typed value, or `None` where the device gave none. Sizes, units and special
values are those of the ECHONET Appendix (Detailed Requirements for Device Objects, release R).
"""

import math
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Generic, Self, TypeVar, overload

from hidamari.core.errors import InputError
from hidamari.core.reading import Kind
from hidamari.echonet.frame import Eoj

T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)

Decode = Callable[[bytes, "Device"], T | None]
Encode = Callable[[T, "Device"], bytes]
Table = tuple[T | None, ...]  # what each code of a property of one byte means
# How a plain number is read: the bytes to a code, their number, codes without value, the divisor.
Number = tuple[Callable[[bytes], tuple[int, ...]], int, frozenset[int], int]
Line = tuple[str, Table[object] | None, Number | None, frozenset[int] | None, Decode[object]]

# What a sensor says when it has no number (Appendix chapter 2.1: underflow, overflow, no data).
NO_VALUE: dict[tuple[int, bool], frozenset[int]] = {
    (1, False): frozenset({0xFD, 0xFE, 0xFF}),
    (1, True): frozenset({0x7E, 0x7F, -0x80}),
    (2, False): frozenset({0xFFFE, 0xFFFF}),
    (2, True): frozenset({0x7FFE, 0x7FFF, -0x8000}),
    (4, False): frozenset({0xFFFFFFFE, 0xFFFFFFFF}),
    (4, True): frozenset({0x7FFFFFFE, 0x7FFFFFFF, -0x80000000}),
}

# EPC that give the factor of energy counters (0287 C2, 0288 E1, 028D D4, 0281 E1).
UNIT_FACTOR = {
    0x00: 1.0,
    0x01: 0.1,
    0x02: 0.01,
    0x03: 0.001,
    0x04: 0.0001,
    0x05: 0.00001,
    0x06: 0.000001,
    0x0A: 10.0,
    0x0B: 100.0,
    0x0C: 1000.0,
    0x0D: 10000.0,
}


@dataclass(frozen=True, slots=True)
class Use:
    """What the controller does with a property: how often it asks, and what it keeps.

    `every_s`: seconds between two readings (0 = once after discovery, None = only when somebody
    looks or it is announced). `record`: kept in the history as this kind of series, at this
    stored step (`scale`, in the unit of the property).
    """

    every_s: int | None = None
    record: Kind | None = None
    scale: float = 1.0


class Prop(Generic[T]):
    """The description of one property; see `number`, `choice`, `flag`, `text`, `raw`, `custom`."""

    def __init__(
        self,
        epc: int,
        sizes: frozenset[int] | None,
        decode: Decode[T],
        table: Table[T] | None = None,
        plain: Number | None = None,
    ) -> None:
        self.epc = epc
        self.sizes = sizes  # None: any length
        self.table = table  # where there is one it says all that `decode` does,
        self.plain = plain  # and so does this
        self.decode_edt = decode
        self.encode_edt: Encode[T] | None = None
        self.unit = ""
        self.gettable = True
        self.settable = False
        self.use = Use()
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: "Device", owner: type) -> T | None: ...
    def __get__(self, instance: "Device | None", owner: type) -> "Self | T | None":
        if instance is None:
            return self
        edt = instance.raw.get(self.epc)
        return None if edt is None else self.decode(edt, instance)

    def decode(self, edt: bytes, device: "Device") -> T | None:
        """The typed value; `None` for a wrong length or a code that means no value."""
        if self.sizes is not None and len(edt) not in self.sizes:
            return None
        return self.decode_edt(edt, device)

    def encode(self, value: T, device: "Device") -> bytes:
        """The bytes to send; InputError names what was expected."""
        if self.encode_edt is None or not self.settable:
            raise InputError(f"{self.name} (EPC 0x{self.epc:02X}) cannot be set")
        return self.encode_edt(value, device)


class Device:
    """An object on a node as last read: raw data by EPC, typed by the class's Prop lines."""

    group: int = 0
    code: int = 0
    kind: str = "unknown"
    # Filled once a class by __init_subclass__; `lines`: what `values` needs of `props`.
    props: ClassVar[dict[int, Prop[object]]] = {}
    by_name: ClassVar[dict[str, Prop[object]]] = {}
    lines: ClassVar[dict[int, Line]] = {}

    def __init_subclass__(cls, **keywords: object) -> None:
        for key in ("group", "code", "kind"):
            if key in keywords:
                setattr(cls, key, keywords.pop(key))
        super().__init_subclass__(**keywords)
        lines = [p for base in reversed(cls.__mro__) for p in vars(base).values()]
        cls.props = {p.epc: p for p in lines if isinstance(p, Prop)}
        cls.by_name = {p.name: p for p in cls.props.values()}
        cls.lines = {
            p.epc: (p.name, p.table, p.plain, p.sizes, p.decode_edt) for p in cls.props.values()
        }

    def __init__(self, eoj: Eoj, raw: dict[int, bytes] | None = None) -> None:
        self.eoj = eoj
        self.raw: dict[int, bytes] = {} if raw is None else raw

    @classmethod
    def class_code(cls) -> int:
        """Group and class as one number, such as 0x027D."""
        return cls.group << 8 | cls.code

    def values(self) -> dict[str, object | None]:
        """By name every property that the device has given, with its typed value."""
        lines = self.lines
        found: dict[str, object | None] = {}
        for epc, edt in self.raw.items():
            if epc not in lines:
                continue
            # As Prop.decode, without the calls: one loop over what all answers hold.
            name, table, plain, sizes, decode = lines[epc]
            value: object | None = None
            if table is not None:
                if len(edt) == 1:
                    value = table[edt[0]]
            elif plain is not None:
                unpack, size, empty, divisor = plain
                if len(edt) == size and (code := unpack(edt)[0]) not in empty:
                    value = code / divisor
            elif sizes is None or len(edt) in sizes:
                value = decode(edt, self)
            found[name] = value
        return found


def number(
    epc: int,
    size: int,
    *,
    signed: bool = False,
    factor: float = 1.0,
    unit: str = "",
    lowest: float | None = None,
    highest: float | None = None,
    settable: bool = False,
    gettable: bool = True,
    none: frozenset[int] | None = None,
    scaled_by: Callable[["Device"], float | None] | None = None,
    use: Use = Use(),
) -> Prop[float]:
    """A big-endian integer of `size` bytes times `factor` (and the device's own `scaled_by`)."""
    empty = NO_VALUE.get((size, signed), frozenset()) if none is None else none
    table, plain, decode = _number_decoder(size, signed, factor, empty)
    if scaled_by is not None:
        table, plain, decode = None, None, _scaled(decode, scaled_by)

    def encode(value: float, device: Device) -> bytes:
        own = 1.0 if scaled_by is None else scaled_by(device) or 1.0
        if (lowest is not None and value < lowest) or (highest is not None and value > highest):
            raise InputError(f"EPC 0x{epc:02X}: {lowest} to {highest} {unit} expected, got {value}")
        try:
            code = round(value / (factor * own))
            edt = code.to_bytes(size, "big", signed=signed)
        except (OverflowError, ValueError):  # too large, infinite or not a number
            code, edt = 0, b""
        if not edt or code in empty:
            raise InputError(
                f"EPC 0x{epc:02X}: a number of {size} bytes in {unit or 'counts'} expected,"
                f" got {value}"
            )
        return edt

    prop: Prop[float] = Prop(epc, frozenset({size}), decode, table, plain)
    prop.encode_edt = encode
    prop.unit, prop.settable, prop.gettable, prop.use = unit, settable, gettable, use
    return prop


def choice(
    epc: int,
    words: type[E],
    *,
    settable: bool = False,
    gettable: bool = True,
    use: Use = Use(),
) -> Prop[E | int]:
    """One byte that is a word of `words`; codes of later releases stay plain numbers."""
    known = {int(word): word for word in words}
    table = tuple(known.get(code, code) for code in range(256))

    def encode(value: E | int, _: Device) -> bytes:
        if int(value) not in known:
            expected = ", ".join(word.name.lower() for word in words)
            raise InputError(f"EPC 0x{epc:02X}: one of {expected} expected, got {value}")
        return bytes((int(value),))

    prop: Prop[E | int] = Prop(epc, frozenset({1}), _by_table(table), table)
    prop.encode_edt = encode
    prop.settable, prop.gettable, prop.use = settable, gettable, use
    return prop


def flag(
    epc: int,
    *,
    yes: int = 0x41,
    no: int = 0x42,
    settable: bool = False,
    gettable: bool = True,
    use: Use = Use(),
) -> Prop[bool]:
    """One byte that says yes or no (0x41 and 0x42 unless the line says otherwise)."""

    meaning = {yes: True, no: False}
    table = tuple(meaning.get(code) for code in range(256))

    def encode(value: bool, _: Device) -> bytes:
        return bytes((yes if value else no,))

    prop: Prop[bool] = Prop(epc, frozenset({1}), _by_table(table), table)
    prop.encode_edt = encode
    prop.settable, prop.gettable, prop.use = settable, gettable, use
    return prop


def text(epc: int, size: int, *, use: Use = Use()) -> Prop[str]:
    """ASCII in a field of fixed length, padded with zeros or blanks."""

    def decode(edt: bytes, _: Device) -> str | None:
        return edt.split(b"\0")[0].decode("ascii", "replace").strip() or None

    def encode(value: str, _: Device) -> bytes:
        return value.encode("ascii", "replace")[:size].ljust(size, b"\0")

    prop: Prop[str] = Prop(epc, frozenset({size}), decode)
    prop.encode_edt = encode
    prop.use = use
    return prop


def raw(
    epc: int,
    sizes: frozenset[int] | None = None,
    *,
    settable: bool = False,
    gettable: bool = True,
    use: Use = Use(),
) -> Prop[bytes]:
    """Data kept as it came."""
    prop: Prop[bytes] = Prop(epc, sizes, lambda edt, _: edt)
    prop.encode_edt = lambda edt, _: edt
    prop.settable, prop.gettable, prop.use = settable, gettable, use
    return prop


def custom(
    epc: int,
    sizes: frozenset[int] | None,
    decode: Decode[T],
    encode: Encode[T] | None = None,
    *,
    unit: str = "",
    settable: bool | None = None,
    use: Use = Use(),
) -> Prop[T]:
    """A property with a form of its own; settable where it can be encoded or where told."""
    prop: Prop[T] = Prop(epc, sizes, decode)
    prop.encode_edt = encode
    prop.settable = encode is not None if settable is None else settable
    prop.unit, prop.use = unit, use
    return prop


def add_prop(kind: type[Device], name: str, prop: Prop[T]) -> None:
    """One more line for a kind: for series of alike properties such as channels 1 to 32."""
    prop.__set_name__(kind, name)
    setattr(kind, name, prop)
    kind.__init_subclass__()


def _by_table(table: Table[T]) -> Decode[T]:
    return lambda edt, _: table[edt[0]]


def _number_decoder(
    size: int, signed: bool, factor: float, empty: frozenset[int]
) -> tuple[Table[float] | None, Number | None, Decode[float]]:
    """Bytes to a number; decimal factors divide, so that 3800 x 0.001 is 3.8 and not 3.80...3."""
    divisor = round(1 / factor) if 0 < factor <= 1 else 0
    exact = divisor and math.isclose(divisor * factor, 1.0)

    def value(code: int) -> float | None:
        if code in empty:
            return None
        return code / divisor if exact else code * factor

    if size == 1:
        table = tuple(value(c - 256 if signed and c > 127 else c) for c in range(256))
        return table, None, _by_table(table)
    letter = {2: "h", 4: "i"}.get(size)
    if letter is None:
        return None, None, lambda edt, _: value(int.from_bytes(edt, "big", signed=signed))
    unpack = struct.Struct(">" + (letter if signed else letter.upper())).unpack
    plain = (unpack, size, empty, divisor) if exact else None
    return None, plain, lambda edt, _: value(unpack(edt)[0])


def _scaled(decode: Decode[float], scaled_by: Callable[[Device], float | None]) -> Decode[float]:
    """The number times what the device itself says its unit is."""

    def scaled(edt: bytes, device: Device) -> float | None:
        plain, own = decode(edt, device), scaled_by(device)
        return None if plain is None or own is None else plain * own

    return scaled


def read_property_map(edt: bytes) -> frozenset[int] | None:
    """The EPCs of a property map (9D, 9E, 9F) in either form; `None` where it is neither.

    Fewer than 16: the codes follow the count. Else 16 bytes, byte n bit b: ((b + 8) << 4) | n.
    Some devices count wrongly, shorten the list or use the other form: what is there is taken.
    """
    if not edt:
        return None
    if len(edt) == 17:  # sixteen codes after a count are written as bits
        bits = edt[1:]
        return frozenset(
            ((bit + 8) << 4) | n for n in range(16) for bit in range(8) if bits[n] >> bit & 1
        )
    return frozenset(epc for epc in edt[1:] if epc >= 0x80)


def is_whole_map(edt: bytes) -> bool:
    """True when a property map holds exactly as many EPCs as it counts."""
    found = read_property_map(edt)
    return found is not None and len(found) == edt[0]


def write_property_map(epcs: Collection[int]) -> bytes:
    """A property map in the form that its count asks for."""
    if len(epcs) < 16:
        return bytes((len(epcs), *sorted(epcs)))
    bits = bytearray(16)
    for epc in epcs:
        bits[epc & 0x0F] |= 1 << ((epc >> 4) - 8)
    return bytes((len(epcs),)) + bytes(bits)
