"""The energy counters of the home: what is believed of each, and the half-hours it counted."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from hidamari.core.reading import SeriesKey, SlotValue
from hidamari.core.time import MINUTE_S, SLOT_S, floor_to, slot_start
from hidamari.home.live import LiveDevice
from hidamari.store.counters import CounterRules, CounterState, Fed, Verdict
from hidamari.store.db import Store

SMALLEST_STEP_KWH = 0.001
BEFORE_STOP = timedelta(minutes=40)  # the half-hour before the stop may not be written yet
LOOK_BACK = timedelta(days=100)  # for counters that were silent when we stopped
LONGEST_SPAN = timedelta(days=31)
_DOUBTED = (Verdict.REPLACED, Verdict.QUARANTINED)
_BELIEVED = (Verdict.COUNTED, Verdict.ROLLED_OVER, Verdict.REPLACED)

Readings = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A counter that was replaced, is not believed, or is believed again (COUNTED)."""

    key: SeriesKey
    verdict: Verdict


@dataclass(slots=True)
class Meter:
    """One counter."""

    live: LiveDevice
    state: CounterState = field(default_factory=CounterState)
    slots: dict[datetime, SlotValue] = field(default_factory=dict)
    is_doubted: bool = False

    def rules(self, capacity_kw: float) -> CounterRules:
        """What this counter can do, as far as its device has told."""
        wrap_kwh = self.live.device.wrap_kwh()
        step_kwh = self.live.device.as_number("unit") or SMALLEST_STEP_KWH
        return CounterRules(capacity_kw, step_kwh, (wrap_kwh,) if wrap_kwh else ())

    def took(self, fed: Fed) -> None:
        """Keep the state after a reading and the half-hours it completed."""
        self.state = fed.state
        self.slots.update(fed.slots)


class Counting:
    """All counters of the home; `capacity_kw` is what can flow at most."""

    def __init__(self, capacity_kw: float) -> None:
        self.capacity_kw = capacity_kw
        self.meters: dict[SeriesKey, Meter] = {}
        self.doubts: list[Doubt] = []
        self._before: dict[SeriesKey, Readings] = {}

    def follow(self, key: SeriesKey, live: LiveDevice) -> Iterable[datetime]:
        """Count a series from now on, from its stored readings on if there are any.

        Returns the half-hours that those complete.
        """
        known = self.meters.get(key)
        if known is not None:
            known.live = live
            return ()
        self.meters[key] = Meter(live)
        return self._begin(self.meters[key], self._before.pop(key, ()))

    def resume(self, before: Mapping[SeriesKey, Readings]) -> set[datetime]:
        """Begin all counting anew from stored readings; the half-hours that those complete."""
        self._before = dict(before)
        done: set[datetime] = set()
        for key, meter in self.meters.items():
            meter.state, meter.slots = CounterState(), {}
            done.update(self._begin(meter, self._before.pop(key, ())))
        return done

    def feed(self, key: SeriesKey, at: datetime, kwh: float | None) -> Iterable[datetime]:
        """Take in a reading of a followed counter; the half-hours that it completed."""
        meter = self.meters[key]
        fed = meter.state.feed(meter.rules(self.capacity_kw), at, kwh)
        meter.took(fed)
        if fed.verdict in _DOUBTED and not (meter.is_doubted and fed.verdict is _DOUBTED[1]):
            self.doubts.append(Doubt(key, fed.verdict))
            meter.is_doubted = fed.verdict is Verdict.QUARANTINED
        elif meter.is_doubted and fed.verdict in _BELIEVED:
            self.doubts.append(Doubt(key, Verdict.COUNTED))
            meter.is_doubted = False
        return [start for start, _ in fed.slots]

    def restart(self, device: str) -> None:
        """Another unit counts for this device from now on: new bases."""
        for key, meter in self.meters.items():
            if key.device == device:
                meter.state, meter.is_doubted = CounterState(), False

    def moved(self, by: timedelta) -> set[datetime]:
        """The clock was set: count on from there; the half-hours that this ended."""
        ended: set[datetime] = set()
        for meter in self.meters.values():
            fed = meter.state.moved(by)
            meter.took(fed)
            ended |= {start for start, _ in fed.slots}
        return ended

    def counted(self, start: datetime) -> dict[SeriesKey, SlotValue]:
        """What each counter counted in a half-hour, as far as it has spoken."""
        return {key: m.slots[start] for key, m in self.meters.items() if start in m.slots}

    def has_all(self, start: datetime) -> bool:
        """Whether every counter has spoken for a half-hour."""
        return all(start in meter.slots for meter in self.meters.values())

    def forget(self, start: datetime) -> None:
        """A half-hour is written for good."""
        for meter in self.meters.values():
            meter.slots.pop(start, None)

    def _begin(self, meter: Meter, readings: Readings) -> Iterable[datetime]:
        for at, kwh in readings:
            meter.took(meter.state.feed(meter.rules(self.capacity_kw), at, kwh))
        return tuple(meter.slots)


@dataclass(frozen=True, slots=True)
class Stop:
    """When something was stored last, and from when on minutes are there again."""

    last: datetime
    again: datetime | None = None


def stored_readings(
    store: Store, keys: Sequence[SeriesKey], stop: Stop, now: datetime
) -> dict[SeriesKey, Readings]:
    """What is known of each counter around the stop, each reading in the minute it was read in.

    A stop in the future (rows written under a wrong clock) is taken as now.
    """
    if not keys:
        return {}
    last = min(stop.last, now)
    minute = timedelta(seconds=MINUTE_S)
    spans = [(slot_start(last) - BEFORE_STOP, floor_to(last, MINUTE_S) + minute)]
    if stop.again is not None and stop.again < now:
        since = max(stop.again, now - LONGEST_SPAN, spans[0][1])
        spans.append((floor_to(since, MINUTE_S), now + minute))
    found: dict[SeriesKey, list[tuple[datetime, float]]] = {}
    for start, end in spans:
        values = store.minutes(keys, start, end)
        for row, column in zip(*np.nonzero(~np.isnan(values)), strict=True):
            at = start + timedelta(seconds=MINUTE_S * int(row))
            found.setdefault(keys[column], []).append((at, float(values[row, column])))
    silent = [key for key in keys if key not in found or found[key][0][0] >= spans[0][1]]
    for key, reading in _last_slots(store, silent, slot_start(last)).items():
        found[key] = [reading, *found.get(key, [])]
    return dict(found)


def _last_slots(
    store: Store, keys: Sequence[SeriesKey], newest: datetime
) -> dict[SeriesKey, tuple[datetime, float]]:
    """For counters that were silent when we stopped: their last half-hour with a reading."""
    if not keys:
        return {}
    first = newest - LOOK_BACK
    values, _ = store.slots(keys, first, newest + timedelta(seconds=SLOT_S))
    found: dict[SeriesKey, tuple[datetime, float]] = {}
    for column, key in enumerate(keys):
        rows = np.flatnonzero(~np.isnan(values[:, column]))
        if rows.size:
            at = first + timedelta(seconds=SLOT_S * (int(rows[-1]) + 1))
            kwh = float(values[rows[-1], column])
            if math.isfinite(kwh):
                found[key] = (min(at, newest), kwh)
    return found
