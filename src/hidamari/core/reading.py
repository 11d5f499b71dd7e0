"""A named quantity of a device and its samples."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How a series is rolled up: what a minute and a half-hour of it mean."""

    POWER = "power"  # minute: mean kW; slot: energy in kWh (signed as the power)
    LEVEL = "level"  # minute and slot: mean (SoC, temperature, tank)
    COUNTER = "counter"  # minute and slot: the counter as last read, kWh
    STATE = "state"  # minute and slot: last code


class Quality(IntEnum):
    """Where a slot's value comes from; a better one replaces a worse one, never the reverse."""

    MISSING = 0
    ESTIMATE = 1  # balance estimate, sum of circuits
    PARTLY = 2  # power samples with gaps
    POWER = 3  # power samples, whole
    REFILLED = 4  # taken from the meter's own history
    COUNTER = 5  # difference of two valid counter readings


class SeriesKey(NamedTuple):
    """Who and what: our device id ("home" for the house itself) and the series name."""

    device: str
    name: str


@dataclass(frozen=True, slots=True)
class Series:
    """A named quantity; stored as an integer times `scale`, in `unit`."""

    device: str
    name: str
    unit: str
    scale: float
    kind: Kind

    @property
    def key(self) -> SeriesKey:
        """What identifies the series in the home."""
        return SeriesKey(self.device, self.name)


@dataclass(frozen=True, slots=True)
class SlotValue:
    """One half-hour of one series: kWh for power, mean for levels, the reading for counters."""

    value: float | None
    quality: Quality


@dataclass(frozen=True, slots=True)
class Reading:
    """One sample as it came in; `None` means asked and not answered, never zero."""

    key: SeriesKey
    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant while the time is not known: the run of the kernel and its count of seconds."""

    boot: int
    mono_s: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person may ask about: code and numbers, put into words by the reader."""

    at: datetime | Moment
    kind: str  # command, reason, notice, error, log
    device: str
    code: str
    data: dict[str, object]
    seq: int = 0
