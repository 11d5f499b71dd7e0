"""What the simulated meters remember: counters at each :00 and :30 of the last hundred days."""

from dataclasses import dataclass, field
from datetime import UTC

from hidamari.core.time import SLOT_S, from_unix
from hidamari.devices.forms import (
    HALF_HOURS,
    DayHistory,
    Pair,
    Span,
    SpanHistory,
    Stamped,
    WireTime,
)
from hidamari.sim.house import Counters
from hidamari.sim.replay import DAY_SLOTS, ZONE_S

KEPT_SLOTS = 101 * DAY_SLOTS
LOCAL_SLOTS = ZONE_S // SLOT_S


@dataclass(frozen=True, slots=True)
class MeterForm:
    """How a meter shows its counters: unit code and factor, digits; `offset_kwh` for a new one."""

    unit_code: int = 0x02
    unit_kwh: float = 0.01
    digits: int = 8
    import_offset_kwh: float = 0.0
    export_offset_kwh: float = 0.0

    def shown(self, counters: Counters) -> Pair:
        """Import and export as the meter shows them: rolled over, never negative."""
        wrap_kwh = 10.0**self.digits * self.unit_kwh
        return Pair(
            (counters.import_kwh - self.import_offset_kwh) % wrap_kwh,
            (counters.export_kwh - self.export_offset_kwh) % wrap_kwh,
        )


@dataclass(slots=True)
class HalfHours:
    """Counters (import, export) at the start of half-hours since 1970; old ones fall off."""

    kwh: dict[int, Pair] = field(default_factory=dict)

    def add(self, slot: int, shown: Pair) -> None:
        """Remember what the meter showed at the start of a half-hour."""
        self.kwh[slot] = shown
        self.kwh.pop(slot - KEPT_SLOTS, None)

    def day(self, days_back: int, now_slot: int, *, export: bool) -> DayHistory:
        """The 48 counters of a local day; none for what is not reached or was never seen."""
        first = _midnight(now_slot) - days_back * DAY_SLOTS
        return DayHistory(
            days_back,
            tuple(self._one(first + i, now_slot, export=export) for i in range(HALF_HOURS)),
        )

    def span(self, wanted: Span, now_slot: int) -> SpanHistory:
        """Up to `wanted.count` pairs from a local time on."""
        first = slot_of(wanted.start)
        rows = (
            Pair(
                self._one(first + i, now_slot, export=False),
                self._one(first + i, now_slot, export=True),
            )
            for i in range(wanted.count)
        )
        return SpanHistory(wanted.start, tuple(rows))

    def last(self, now_slot: int, *, export: bool) -> Stamped:
        """The counter at the last :00 or :30."""
        return Stamped(wire_time(now_slot), self._one(now_slot, now_slot, export=export))

    def _one(self, slot: int, now_slot: int, *, export: bool) -> float | None:
        shown = self.kwh.get(slot) if slot <= now_slot else None
        return None if shown is None else shown.second if export else shown.first


def wire_time(slot: int) -> WireTime:
    """The local wall time at the start of a half-hour."""
    return WireTime.of(from_unix(slot * SLOT_S + ZONE_S))


def slot_of(at: WireTime) -> int:
    """The half-hour since 1970 that a local wall time lies in."""
    instant = at.at(UTC)
    return -1 if instant is None else int(instant.timestamp() - ZONE_S) // SLOT_S


def _midnight(slot: int) -> int:
    return (slot + LOCAL_SLOTS) // DAY_SLOTS * DAY_SLOTS - LOCAL_SLOTS
