"""The energy counters of the home: what is believed of each, and the half-hours it counted."""

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Self

import numpy as np

from hidamari.core.config import MeterSettings
from hidamari.core.contract import KW_A, Role
from hidamari.core.reading import Quality, SeriesKey, SlotValue
from hidamari.core.time import MINUTE_S, SLOT_S, floor_to, from_unix, slot_start
from hidamari.home.live import LiveDevice
from hidamari.store.counters import CounterRules, CounterState, Fed, Verdict
from hidamari.store.db import Store

SMALLEST_STEP_KWH = 0.001
WIDEST_KW = 24.0  # twice 60 A at 200 V: what a home without a contract may draw or give
BUYING = (Role.MAIN, Role.NIGHT)
BEFORE_STOP = timedelta(minutes=40)  # the half-hour before the stop may not be written yet
LOOK_BACK = timedelta(days=100)  # for counters that were silent when we stopped
LONGEST_SPAN = timedelta(days=31)
A_LITTLE = timedelta(minutes=5)  # a clock's drift; more than that is another half-hour's energy
MINUTE = timedelta(seconds=MINUTE_S)
UNWRITTEN = 2  # half-hours in a row that may be counted and not written yet
_DOUBTED = (Verdict.REPLACED, Verdict.QUARANTINED)
_BELIEVED = (Verdict.COUNTED, Verdict.ROLLED_OVER, Verdict.REPLACED)

Readings = Sequence[tuple[datetime, float]]
Slots = dict[datetime, SlotValue]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A counter that was replaced, is not believed, or is believed again (COUNTED)."""

    key: SeriesKey
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """What flows at most [kW], before the head room of the counters' rules."""

    bought_kw: float = WIDEST_KW  # rule 2.7: the contract's
    other_kw: float = WIDEST_KW  # sold, sun, storage, circuits

    @classmethod
    def of(cls, meters: Iterable[MeterSettings]) -> Self:
        """The largest contract decides, older ones too: counters tell of the past. One without
        ampere or kVA has no breaker (a contract in kW is what was drawn before): no limit then.
        """
        buying = [meter.contracts for meter in meters if meter.role in BUYING]
        sizes_kw = [c.contract_kva or (c.contract_a or 0.0) * KW_A for c in chain(*buying)]
        if not sizes_kw or not all(sizes_kw):
            return cls()
        return cls(max(sizes_kw), max(WIDEST_KW, 2.0 * max(sizes_kw)))


@dataclass(slots=True)
class Meter:
    """One counter."""

    name: str
    live: LiveDevice
    state: CounterState = field(default_factory=CounterState)
    slots: Slots = field(default_factory=dict)
    is_doubted: bool = False

    def rules(self, limits: Limits) -> CounterRules:
        """What this counter can do, as far as its device has told."""
        wrap_kwh = self.live.device.wrap_kwh()
        step_kwh = self.live.device.as_number("unit") or SMALLEST_STEP_KWH
        device = self.live.device
        is_bought = device.quantity == "grid_kw" and self.name == device.counter_in
        most_kw = limits.bought_kw if is_bought else limits.other_kw
        rules = CounterRules(most_kw, step_kwh, (wrap_kwh,) if wrap_kwh else ())
        # A meter that tells its own half-hours knows better what a silence has touched.
        remembers = "history_day" in self.live.device.by_name
        return replace(rules, close_s=0.0) if remembers else rules

    def took(self, fed: Fed) -> None:
        """Keep the state after a reading and the half-hours it completed.

        One that a clock set back brings twice holds what was counted both times.
        """
        self.state = fed.state
        for start, value in fed.slots:
            before = self.slots.get(start)
            self.slots[start] = value if before is None else _joined(before, value)

    def moved(self, by: timedelta) -> Fed:
        """The clock was set; what is counted meanwhile belongs to the half-hour that is open."""
        state = self.state
        if state.base is None or state.open is None:
            return Fed(state, Verdict.NO_VALUE)
        again = state.base.at + by
        if again < state.open.start <= again + A_LITTLE:
            # A little back over the edge: the half-hour before it is whole already.
            base = replace(state.base, at=state.open.start)
            return Fed(replace(state, base=base, candidate=None), Verdict.FIRST)
        return state.moved(by)


class Counting:
    """All counters of the home."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.meters: dict[SeriesKey, Meter] = {}
        self.doubts: list[Doubt] = []
        self.is_new = False  # something that a restart should know
        self._before: dict[SeriesKey, Readings] = {}
        self._old: dict[SeriesKey, tuple[CounterState, Slots]] = {}

    def to_json(self) -> bytes:
        """All counting as it stands, with the half-hours that may not be written yet."""
        self.is_new = False
        rows = [
            [*key, meter.state.to_row(), _newest(meter.slots)] for key, meter in self.meters.items()
        ]
        rows += [
            [*key, state.to_row(), _newest(slots)] for key, (state, slots) in self._old.items()
        ]
        return json.dumps(rows).encode()

    def follow(self, key: SeriesKey, live: LiveDevice) -> Iterable[datetime]:
        """Count a series from now on, from its stored readings on if there are any.

        Returns the half-hours that those complete.
        """
        known = self.meters.get(key)
        if known is not None:
            known.live = live
            return ()
        self.meters[key] = Meter(key.name, live)
        return self._begin(key, self.meters[key])

    def resume(
        self, raw: bytes | None, before: Mapping[SeriesKey, Readings], now: datetime
    ) -> set[datetime]:
        """Begin all counting anew from what `to_json` wrote and the readings stored since.

        Returns the half-hours that are known by that.
        """
        self._old, self._before = _read(raw, now), dict(before)
        done: set[datetime] = set()
        for key, meter in self.meters.items():
            done.update(self._begin(key, meter))
        return done

    def feed(self, key: SeriesKey, at: datetime, kwh: float | None) -> Iterable[datetime]:
        """Take in a reading of a followed counter; the half-hours that it completed."""
        meter = self.meters[key]
        fed = meter.state.feed(meter.rules(self.limits), at, kwh)
        meter.took(fed)
        self.is_new |= bool(fed.slots) or fed.verdict in _DOUBTED
        if fed.verdict in _DOUBTED and not (meter.is_doubted and fed.verdict is _DOUBTED[1]):
            self.doubts.append(Doubt(key, fed.verdict))
            meter.is_doubted = fed.verdict is Verdict.QUARANTINED
        elif meter.is_doubted and fed.verdict in _BELIEVED:
            self.doubts.append(Doubt(key, Verdict.COUNTED))
            meter.is_doubted = False
        return [start for start, _ in fed.slots]

    def restart(self, devices: Collection[str]) -> None:
        """Another unit counts for these devices and circuits from now on: new bases."""
        for key, meter in self.meters.items():
            if key.device in devices:
                meter.state, meter.is_doubted = CounterState(), False

    def drop(self, devices: Collection[str]) -> None:
        """Nothing is counted for these any more; half-hours need not wait for them."""
        for key in [key for key in self.meters if key.device in devices]:
            del self.meters[key]
        self.doubts = [doubt for doubt in self.doubts if doubt.key.device not in devices]

    def moved(self, by: timedelta) -> set[datetime]:
        """The clock was set: count on from there; the half-hours that this ended."""
        ended: set[datetime] = set()
        self.is_new = True
        for meter in self.meters.values():
            fed = meter.moved(by)
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

    def _begin(self, key: SeriesKey, meter: Meter) -> Iterable[datetime]:
        meter.state, meter.slots = self._old.pop(key, (CounterState(), {}))
        for at, kwh in self._before.pop(key, ()):
            base = meter.state.base
            if base is not None and at < base.at + MINUTE:
                continue  # read anywhere in its minute: the rise may look too steep for the time
            meter.took(meter.state.feed(meter.rules(self.limits), at, kwh))
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
    spans = [(slot_start(last) - BEFORE_STOP, floor_to(last, MINUTE_S) + MINUTE)]
    if stop.again is not None and stop.again < now:
        since = max(stop.again, now - LONGEST_SPAN, spans[0][1])
        spans.append((floor_to(since, MINUTE_S), now + MINUTE))
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


def _read(raw: bytes | None, now: datetime) -> dict[SeriesKey, tuple[CounterState, Slots]]:
    """What `to_json` wrote; a state from the future (a wrong clock) is not used."""
    found: dict[SeriesKey, tuple[CounterState, Slots]] = {}
    for device, name, row, slots in json.loads(raw) if raw else []:
        state = CounterState.from_row(row)
        if state.base is not None and state.base.at <= now:
            counted = {from_unix(at_s): SlotValue(kwh, Quality(q)) for at_s, kwh, q in slots}
            found[SeriesKey(device, name)] = (state, counted)
    return found


def _newest(slots: Slots) -> list[tuple[float, float | None, int]]:
    last = sorted(slots)[-UNWRITTEN:]
    return [(at.timestamp(), slots[at].value, int(slots[at].quality)) for at in last]


def _joined(before: SlotValue, after: SlotValue) -> SlotValue:
    if before.value is None or after.value is None:
        return after if before.value is None else before
    return SlotValue(before.value + after.value, max(before.quality, after.quality))
