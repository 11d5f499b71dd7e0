"""Shapes of data that several device kinds share: pairs, clocks and half-hour histories."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Self

from hidamari.core.errors import InputError
from hidamari.echonet.prop import NO_VALUE, Device, Prop, Use, custom

Factor = Callable[[Device], float | None]
HALF_HOURS = 48
NO_COUNT = 0xFFFFFFFE
ON_REQUEST = Use()


@dataclass(frozen=True, slots=True)
class Form:
    """How one number of a pair stands on the wire."""

    size: int
    signed: bool
    factor: float
    unit: str


WATTS = Form(4, signed=False, factor=1.0, unit="W")
AMPERES = Form(2, signed=False, factor=0.1, unit="A")
PHASE_AMPERES = Form(2, signed=True, factor=0.1, unit="A")
VOLTS = Form(2, signed=False, factor=0.1, unit="V")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two numbers that belong together: least and most, phase R and T, in and out."""

    first: float | None
    second: float | None


@dataclass(frozen=True, slots=True)
class WireTime:
    """A wall time as a device tells it, without a zone; it may be wrong by hours."""

    year: int
    month: int
    day: int
    hour: int = 0
    minute: int = 0
    second: int = 0

    @classmethod
    def from_bytes(cls, edt: bytes) -> Self | None:
        """Read yyyy mm dd [hh mm [ss]]; `None` where that is no time of the calendar."""
        if len(edt) not in (4, 6, 7):
            return None
        found = cls(int.from_bytes(edt[:2], "big"), *edt[2:])
        return found if found.at(UTC) is not None else None

    @classmethod
    def of(cls, local: datetime) -> Self:
        """The wall time that a clock beside `local` shows."""
        return cls(local.year, local.month, local.day, local.hour, local.minute, local.second)

    def to_bytes(self, size: int) -> bytes:
        """The 4, 6 or 7 bytes of the wire."""
        rest = bytes((self.month, self.day, self.hour, self.minute, self.second))
        return (self.year.to_bytes(2, "big") + rest)[:size]

    def at(self, zone: tzinfo) -> datetime | None:
        """The instant in UTC when a clock in `zone` shows this; `None` where it never does."""
        try:
            local = datetime(
                self.year, self.month, self.day, self.hour, self.minute, self.second, tzinfo=zone
            )
            return local.astimezone(UTC)
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class DayHistory:
    """Counters [kWh] at 00:00, 00:30 ... 23:30 of the day `days_back` (0 = today) days ago."""

    days_back: int | None
    kwh: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Stamped:
    """Counters [kWh] at a time of the device's clock; `out_kwh` where there are two."""

    at: WireTime
    in_kwh: float | None
    out_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of a history to read: from when, how many values."""

    start: WireTime
    count: int


@dataclass(frozen=True, slots=True)
class SpanHistory:
    """Counters in and out [kWh] from `start` on, one pair a step."""

    start: WireTime
    kwh: tuple[Pair, ...]


def pair(epc: int, form: Form, *, use: Use = ON_REQUEST) -> Prop[Pair]:
    """Two big-endian integers of the same form."""
    size, signed = form.size, form.signed
    empty = NO_VALUE[size, signed]
    nothing = min(code for code in empty if code > 0)

    def one(edt: bytes) -> float | None:
        code = int.from_bytes(edt, "big", signed=signed)
        return None if code in empty else code * form.factor

    def back(value: float | None) -> bytes:
        code = nothing if value is None else round(value / form.factor)
        return code.to_bytes(size, "big", signed=signed)

    return custom(
        epc,
        frozenset({2 * size}),
        lambda edt, _: Pair(one(edt[:size]), one(edt[size:])),
        lambda value, _: back(value.first) + back(value.second),
        unit=form.unit,
        settable=False,
        use=use,
    )


def clock(epc: int, *, settable: bool = False, use: Use = ON_REQUEST) -> Prop[int]:
    """A time of day (hour, minute) as minutes after midnight."""

    def decode(edt: bytes, _: Device) -> int | None:
        return edt[0] * 60 + edt[1] if edt[0] < 24 and edt[1] < 60 else None

    def encode(value: int, _: Device) -> bytes:
        if not 0 <= value < 1440:
            raise InputError(f"EPC 0x{epc:02X}: minutes 0 to 1439 expected, got {value}")
        return bytes(divmod(value, 60))

    return custom(epc, frozenset({2}), decode, encode, unit="min", settable=settable, use=use)


def calendar(epc: int, size: int, *, use: Use = ON_REQUEST) -> Prop[WireTime]:
    """A date (4 bytes) or a date with time (6 or 7)."""
    return custom(
        epc,
        frozenset({size}),
        lambda edt, _: WireTime.from_bytes(edt),
        lambda value, _: value.to_bytes(size),
        settable=False,
        use=use,
    )


def steps(epc: int, count: int, *, settable: bool = False, use: Use = ON_REQUEST) -> Prop[int]:
    """A level 1 to `count` (codes 31, 32 ...), 0 for automatic (41)."""

    def decode(edt: bytes, _: Device) -> int | None:
        if edt[0] == 0x41:
            return 0
        return edt[0] - 0x30 if 0x31 <= edt[0] <= 0x30 + count else None

    def encode(value: int, _: Device) -> bytes:
        if not 0 <= value <= count:
            raise InputError(f"EPC 0x{epc:02X}: 0 (automatic) to {count} expected, got {value}")
        return bytes((0x30 + value if value else 0x41,))

    return custom(epc, frozenset({1}), decode, encode, settable=settable, use=use)


def day_history(epc: int, factor: Factor) -> Prop[DayHistory]:
    """48 counters of a day: day (u16), then u32 times the meter's factor."""

    def decode(edt: bytes, device: Device) -> DayHistory:
        day = int.from_bytes(edt[:2], "big")
        own = factor(device)
        kwh = tuple(_kwh(edt[i : i + 4], own) for i in range(2, len(edt), 4))
        return DayHistory(day if day < 100 else None, kwh)

    def encode(value: DayHistory, device: Device) -> bytes:
        day = 0x00FF if value.days_back is None else value.days_back
        own = factor(device)
        return day.to_bytes(2, "big") + b"".join(_count(v, own) for v in value.kwh)

    sizes = frozenset({2 + 4 * HALF_HOURS})
    return custom(epc, sizes, decode, encode, unit="kWh", settable=False)


def stamped(
    epc: int, factor: Factor, *, both: bool = False, use: Use = ON_REQUEST
) -> Prop[Stamped]:
    """A time (7 bytes) and the counter at it, or the counters of both directions."""

    def decode(edt: bytes, device: Device) -> Stamped | None:
        at = WireTime.from_bytes(edt[:7])
        if at is None:
            return None
        own = factor(device)
        return Stamped(at, _kwh(edt[7:11], own), _kwh(edt[11:], own) if both else None)

    def encode(value: Stamped, device: Device) -> bytes:
        own = factor(device)
        out = _count(value.out_kwh, own) if both else b""
        return value.at.to_bytes(7) + _count(value.in_kwh, own) + out

    sizes = frozenset({15 if both else 11})
    return custom(epc, sizes, decode, encode, unit="kWh", settable=False, use=use)


def span(epc: int, most: int) -> Prop[Span]:
    """Date with time (6 bytes) and how many values to read from it (at most `most`)."""

    def decode(edt: bytes, _: Device) -> Span | None:
        start = WireTime.from_bytes(edt[:6])
        return None if start is None or not 1 <= edt[6] <= most else Span(start, edt[6])

    def encode(value: Span, _: Device) -> bytes:
        if not 1 <= value.count <= most:
            raise InputError(f"EPC 0x{epc:02X}: 1 to {most} values expected, got {value.count}")
        return value.start.to_bytes(6) + bytes((value.count,))

    return custom(epc, frozenset({7}), decode, encode)


def span_history(epc: int, factor: Factor, most: int) -> Prop[SpanHistory]:
    """What a span asked for: start, count, then pairs of counters (in, out)."""

    def decode(edt: bytes, device: Device) -> SpanHistory | None:
        start = WireTime.from_bytes(edt[:6])
        if start is None or len(edt) < 7 + 8 * edt[6]:
            return None
        own = factor(device)
        rows = (edt[7 + 8 * i : 15 + 8 * i] for i in range(edt[6]))
        return SpanHistory(start, tuple(Pair(_kwh(r[:4], own), _kwh(r[4:], own)) for r in rows))

    def encode(value: SpanHistory, device: Device) -> bytes:
        own = factor(device)
        rows = b"".join(_count(row.first, own) + _count(row.second, own) for row in value.kwh)
        return value.start.to_bytes(6) + bytes((len(value.kwh),)) + rows

    sizes = frozenset(7 + 8 * count for count in range(most + 1))
    return custom(epc, sizes, decode, encode, unit="kWh", settable=False)


def _kwh(edt: bytes, factor: float | None) -> float | None:
    count = int.from_bytes(edt, "big")
    return None if count >= NO_COUNT or factor is None else count * factor


def _count(kwh: float | None, factor: float | None) -> bytes:
    if kwh is None or factor is None:
        return NO_COUNT.to_bytes(4, "big")
    # A counter never rounds up: it shows only what has passed.
    return int(kwh / factor + 1e-6).to_bytes(4, "big")
