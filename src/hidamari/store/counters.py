"""From the readings of an energy counter to half-hours: only what is certain is counted.

The state knows one valid reading (the base) and never trusts a lone one. A reading that is
smaller, or larger than the house can draw, becomes a candidate: it counts nothing, and takes
over as the new base only when three readings, 60 s apart or more, agree and rise (the meter was
replaced or reset). Where the first of them is no more than the house draws in five minutes, the
display was only late, and all is counted. Zero and "no data" are never a value, except on a
counter that has never moved.

What is counted is laid on the half-hours linearly in time; the sums telescope, so that rounding
loses nothing. A half-hour that a silence only touches is counted all the same: samples would be
better in it alone, but then the sum over the silence would not be what was counted.
Nothing in here knows clocks, devices or the store.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from hidamari.core.reading import Quality, SlotValue
from hidamari.core.time import SLOT_S, from_unix, slot_start

_DECIMALS = 4  # 0.1 Wh, the step of a stored half-hour of power at 1 W
_FLOAT_NOISE_KWH = 1e-6
_AGREEING = 3
_APART_S = 60.0
_LATE_S = 300.0  # a display may be renewed this seldom: what rose since shows all at once
_MARGIN = 1.2  # above the contract: breakers bear overload for minutes
_LARGEST_RAW = 99_999_999  # where counters of eight digits begin again (class 0x0288, EPC 0xE0)


@dataclass(frozen=True, slots=True)
class CounterRules:
    """What one counter can do: its smallest step, where it begins again, what flows at most.

    `close_s`: a half-hour that a long silence touches for no more than this is still counted. A
    power sample is held for 10 minutes at most, its counter was read 5 minutes before.
    """

    max_kw: float  # contract capacity, or the rating of the device or breaker
    step_kwh: float
    wraps_kwh: tuple[float, ...]
    close_s: float = SLOT_S / 2

    @classmethod
    def of(cls, max_kw: float, step_kwh: float, digits: int | None) -> "CounterRules":
        """Rules of a counter in units of `step_kwh` that shows `digits` digits (None = unknown)."""
        raw = {_LARGEST_RAW + 1} | ({10**digits} if digits else set())
        return cls(max_kw, step_kwh, tuple(sorted(limit * step_kwh for limit in raw)))

    def most_kwh(self, seconds: float) -> float:
        """The largest believable rise within `seconds`, one step of the display more."""
        return self.max_kw * _MARGIN * seconds / 3600 + self.step_kwh


class Verdict(StrEnum):
    """What became of a reading."""

    FIRST = "first"  # the base to count from
    COUNTED = "counted"
    ROLLED_OVER = "rolled_over"  # counted across the end of the digits
    REPLACED = "replaced"  # three readings agreed: a new meter or a reset, worth an event
    NO_VALUE = "no_value"
    LATE = "late"
    SMALLER = "smaller"  # discarded, the base stays
    QUARANTINED = "quarantined"  # more than the house can draw: not in totals


_COUNTED = (Verdict.COUNTED, Verdict.ROLLED_OVER)


@dataclass(frozen=True, slots=True)
class Point:
    """A counter reading and its time."""

    at: datetime
    kwh: float

    def seconds_to(self, at: datetime) -> float:
        """Seconds from here to `at`."""
        return (at - self.at).total_seconds()


@dataclass(frozen=True, slots=True)
class _Candidate:
    first: Point
    last: Point
    agreeing: int

    def follows(self, now: Point, rules: CounterRules) -> bool:
        """Whether `now` could be the same counter a little later."""
        rise_kwh = now.kwh - self.last.kwh
        return 0 <= rise_kwh <= rules.most_kwh(self.last.seconds_to(now.at))

    def joined(self, now: Point) -> "_Candidate":
        """With `now` as one more witness, if it rose and came late enough to be one."""
        if now.kwh > self.last.kwh and self.last.seconds_to(now.at) >= _APART_S:
            return replace(self, last=now, agreeing=self.agreeing + 1)
        return self


@dataclass(frozen=True, slots=True)
class _OpenSlot:
    """The half-hour being filled."""

    start: datetime
    from_kwh: float  # the ledger where counting in it began, rounded
    covered_s: float = 0.0
    is_spread: bool = False  # silent for most of its time, in a span that holds a whole half-hour

    def closed(self, ledger_kwh: float) -> tuple[datetime, SlotValue]:
        """The half-hour when the ledger stands at `ledger_kwh`."""
        whole = self.covered_s >= SLOT_S - 1e-3 and not self.is_spread
        kwh = round(_rounded(ledger_kwh) - self.from_kwh, _DECIMALS)
        return self.start, SlotValue(kwh, Quality.COUNTER if whole else Quality.PARTLY)


@dataclass(frozen=True, slots=True)
class CounterState:
    """Everything remembered of one counter; `CounterState()` knows nothing yet."""

    base: Point | None = None
    ledger_kwh: float = 0.0  # all that was ever counted
    open: _OpenSlot | None = None
    candidate: _Candidate | None = None

    def feed(self, rules: CounterRules, at: datetime, kwh: float | None) -> "Fed":
        """Take in one reading (None = asked and not answered, or "no data")."""
        if kwh is None or not math.isfinite(kwh) or kwh < 0:
            return Fed(self, Verdict.NO_VALUE)
        now = Point(at, kwh)
        if self.base is None:
            return Fed(self._based_on(now), Verdict.FIRST)
        if kwh == 0 and self.base.kwh > 0:
            return Fed(self, Verdict.NO_VALUE)
        if at <= self.base.at:
            return Fed(self, Verdict.LATE)
        return self._judge(rules, self.base, now)

    def to_row(self) -> list[float]:
        """What `from_row` needs to count on after a restart; unix seconds, kWh. Empty: nothing.

        A candidate is left out: it has to prove itself again.
        """
        if self.base is None or self.open is None:
            return []
        base, opened = self.base, self.open
        times = [base.at.timestamp(), opened.start.timestamp(), opened.covered_s]
        return [*times, base.kwh, self.ledger_kwh, opened.from_kwh, float(opened.is_spread)]

    @classmethod
    def from_row(cls, row: Sequence[float]) -> "CounterState":
        """The state that `to_row` wrote."""
        if not row:
            return cls()
        at_s, start_s, covered_s, kwh, ledger_kwh, from_kwh, is_spread = row
        opened = _OpenSlot(from_unix(start_s), from_kwh, covered_s, bool(is_spread))
        return cls(Point(from_unix(at_s), kwh), ledger_kwh, opened)

    def moved(self, by: timedelta) -> "Fed":
        """The wall clock was set by `by`: count on from there, the half-hour so far is closed."""
        if self.base is None:
            return Fed(self, Verdict.NO_VALUE)
        base = Point(self.base.at + by, self.base.kwh)
        if self.open is not None and slot_start(base.at) == self.open.start:
            return Fed(replace(self, base=base, candidate=None), Verdict.FIRST)
        return Fed(self._based_on(base), Verdict.FIRST, self._ended())

    def _judge(self, rules: CounterRules, base: Point, now: Point) -> "Fed":
        known = self.candidate
        if known and known.first.kwh > base.kwh and known.follows(now, rules):
            return self._suspect(rules, base, now)  # what jumped up does not grow true by waiting
        kwh = _rise(rules, base.kwh, now.kwh, base.seconds_to(now.at))
        if kwh is None:
            return self._suspect(rules, base, now)
        return self._counted(rules, now, kwh, _COUNTED[now.kwh < base.kwh])

    def _suspect(self, rules: CounterRules, base: Point, now: Point) -> "Fed":
        known = self.candidate
        if known is None or not known.follows(now, rules):
            known = _Candidate(now, now, 1)
        else:
            known = known.joined(now)
        if known.agreeing < _AGREEING:
            verdict = Verdict.SMALLER if now.kwh < base.kwh else Verdict.QUARANTINED
            return Fed(replace(self, candidate=known), verdict)
        late_kwh = rules.most_kwh(base.seconds_to(known.first.at) + _LATE_S)
        if base.kwh < known.first.kwh <= base.kwh + late_kwh:
            return self._counted(rules, now, now.kwh - base.kwh, Verdict.COUNTED)
        same_slot = self.open is not None and slot_start(known.first.at) == self.open.start
        anew = replace(self, base=known.first) if same_slot else self._based_on(known.first)
        counted = anew._counted(rules, now, now.kwh - known.first.kwh, Verdict.REPLACED)
        return counted if same_slot else replace(counted, slots=self._ended() + counted.slots)

    def _based_on(self, base: Point) -> "CounterState":
        opened = _OpenSlot(slot_start(base.at), _rounded(self.ledger_kwh))
        return replace(self, base=base, open=opened, candidate=None)

    def _ended(self) -> tuple[tuple[datetime, SlotValue], ...]:
        """The open half-hour as far as it was counted."""
        if self.open is None or not self.open.covered_s:
            return ()
        return (self.open.closed(self.ledger_kwh),)

    def _counted(self, rules: CounterRules, now: Point, kwh: float, verdict: Verdict) -> "Fed":
        if self.base is None or self.open is None:
            raise ValueError("nothing to count from")
        span_s = self.base.seconds_to(now.at)
        edges = list(_edges(self.base.at, now.at))
        is_spread = len([edge for edge in edges if edge < now.at]) >= 2
        opened, at, done = self.open, self.base.at, []
        for edge in edges:
            covered_s = opened.covered_s + (edge - at).total_seconds()
            ledger_kwh = self.ledger_kwh + kwh * self.base.seconds_to(edge) / span_s
            is_far = is_spread and (edge - at).total_seconds() > rules.close_s
            whole = replace(opened, covered_s=covered_s, is_spread=opened.is_spread or is_far)
            done.append(whole.closed(ledger_kwh))
            opened, at = _OpenSlot(edge, _rounded(ledger_kwh)), edge
        left_s = (now.at - at).total_seconds()
        opened = replace(
            opened,
            covered_s=opened.covered_s + left_s,
            is_spread=opened.is_spread or (is_spread and left_s > rules.close_s),
        )
        return Fed(CounterState(now, self.ledger_kwh + kwh, opened), verdict, tuple(done))


@dataclass(frozen=True, slots=True)
class Fed:
    """The state after a reading, what became of it, and the half-hours it completed."""

    state: CounterState
    verdict: Verdict
    slots: tuple[tuple[datetime, SlotValue], ...] = ()


def resumed(rules: CounterRules, readings: Iterable[tuple[datetime, float | None]]) -> CounterState:
    """The state that stored readings lead to, after a restart; their half-hours are stored too."""
    state = CounterState()
    for at, kwh in readings:
        state = state.feed(rules, at, kwh).state
    return state


def refilled(
    rules: CounterRules, start: datetime, readings: Sequence[float | None]
) -> dict[datetime, SlotValue]:
    """Half-hours out of a meter's own history: cumulative kWh at `start`, 30 minutes later, ...

    n readings make n - 1 half-hours, so put the next day's first one behind the 48 of a day.
    Where readings lack in between, the energy is spread over the gap and PARTLY.
    """
    points: list[tuple[int, float]] = []
    for index, kwh in enumerate(readings):
        if kwh is None or not math.isfinite(kwh) or kwh < 0:
            continue
        if kwh == 0 and points and points[-1][1] > 0:
            continue
        points.append((index, kwh))
    slots: dict[datetime, SlotValue] = {}
    for (low, before_kwh), (high, after_kwh) in pairwise(points):
        kwh = _rise(rules, before_kwh, after_kwh, (high - low) * SLOT_S)
        if kwh is None:
            continue
        quality = Quality.REFILLED if high - low == 1 else Quality.PARTLY
        shares = [_rounded(kwh * i / (high - low)) for i in range(high - low + 1)]
        for i, (a_kwh, b_kwh) in enumerate(pairwise(shares)):
            at = start + timedelta(seconds=SLOT_S * (low + i))
            slots[at] = SlotValue(round(b_kwh - a_kwh, _DECIMALS), quality)
    return slots


def _rise(rules: CounterRules, before_kwh: float, after_kwh: float, seconds: float) -> float | None:
    """What was counted between two readings, None when it cannot be."""
    most_kwh = rules.most_kwh(seconds) + _FLOAT_NOISE_KWH
    rises = [round(after_kwh + wrap - before_kwh, 9) for wrap in (0.0, *rules.wraps_kwh)]
    return next((rise_kwh for rise_kwh in rises if 0 <= rise_kwh <= most_kwh), None)


def _edges(after: datetime, until: datetime) -> Iterator[datetime]:
    """The slot starts in (after, until]."""
    edge = slot_start(after) + timedelta(seconds=SLOT_S)
    while edge <= until:
        yield edge
        edge += timedelta(seconds=SLOT_S)


def _rounded(kwh: float) -> float:
    return round(kwh, _DECIMALS)
