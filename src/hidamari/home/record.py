"""From readings to the history: minutes as they end, half-hours when their counters are in."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from hidamari.core.errors import StoreError, StoreFull
from hidamari.core.reading import Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.time import SLOT_S, from_unix, slot_start
from hidamari.home.counting import Counting, Limits, Stop, stored_readings
from hidamari.home.halfhour import HOME, Known, Refill, compose
from hidamari.home.house import House
from hidamari.home.live import CHANNELS_S, LiveDevice, channel_series, recorded
from hidamari.home.samples import HELD_S, Samples
from hidamari.store.db import Store
from hidamari.store.pack import FloatArray
from hidamari.store.rollup import slots_of_minutes

logger = logging.getLogger(__name__)

BUS = ("pv_kw", "gen_kw", "grid_kw", "battery_kw", "ev_kw", "heater_kw", "load_kw", "use_kw")
ONE_WAY = {
    "import_kw": ("grid_kw", 1),
    "export_kw": ("grid_kw", -1),
    "charge_kw": ("battery_kw", 1),
    "discharge_kw": ("battery_kw", -1),
    "ev_charge_kw": ("ev_kw", 1),
    "ev_discharge_kw": ("ev_kw", -1),
}
Storage = Literal["battery", "ev", "heater"]
LEVELS: dict[str, tuple[Storage, str, float]] = {
    "soc_pct": ("battery", "%", 0.1),
    "ev_soc_pct": ("ev", "%", 0.1),
    "tank_l": ("heater", "L", 1.0),
}
WIRE_NAMES = ("power_w", "energy_kwh", "back_kwh")
SLOT = timedelta(seconds=SLOT_S)
OPEN_FOR = timedelta(days=8)  # a slot waits this long for late counters
COUNTED_BACK = timedelta(days=400)  # what a counter tells of an earlier time is not laid out
AT_ONCE = 100  # half-hours in one minute, when a counter tells of a long silence
SOON = from_unix(0)
COUNTING = "counting"  # where the store keeps how far the counters were counted


def home_series() -> list[Series]:
    """The series of the house itself."""
    powers = [*BUS, *ONE_WAY, "other_kw", "balance_gap_kw"]
    out = [Series(HOME, name, "kW", 0.001, Kind.POWER) for name in powers]
    levels = [Series(HOME, n, unit, step, Kind.LEVEL) for n, (_, unit, step) in LEVELS.items()]
    return [*out, *levels]


@dataclass(slots=True)
class OpenSlot:
    """A half-hour whose values may still get better, with the quality they have."""

    start: datetime
    written: dict[SeriesKey, Quality] = field(default_factory=dict)
    next_try: datetime = SOON


class Recorder:
    """Keeps what the store needs between two writes; `now_s` is monotonic, `at` is wall time.

    While the time is unknown (`is_dated` False) nothing is counted: the stored minutes are
    counted when they get their time.
    """

    def __init__(self, house: House, store: Store, limits: Limits) -> None:
        self.house = house
        self.samples = Samples()
        self.counting = Counting(limits)
        self.refilled: dict[datetime, Refill] = {}
        self.open: dict[datetime, OpenSlot] = {}
        self.is_dated = True
        self._now = SOON
        self._store = store
        self._series: dict[SeriesKey, Series] = {}
        self._unknown: dict[SeriesKey, Series] = {}  # the store had no room to learn them
        self._lines: dict[str, list[tuple[int, Series, float]]] = {}
        self._circuits: dict[str, list[tuple[tuple[str, str], Series]]] = {}
        self._seen_s: dict[SeriesKey, float] = {}
        self._channels_s: dict[str, float] = {}
        self._follow(home_series())

    # -- what is recorded ----------------------------------------------------------------------

    def follow(self, live: LiveDevice) -> None:
        """Record a device's quantities from now on."""
        rows = list(recorded(live.binding.id, type(live.device)))
        told = [row for row in rows if row[0].epc in live.readable]
        self._lines[live.binding.id] = [(prop.epc, series, f) for prop, series, f in told]
        self._follow([series for _, series, _ in told])
        for _, series, _ in told:
            if series.kind is Kind.COUNTER:
                self._reopen(self.counting.follow(series.key, live))

    def follow_circuits(self, board: LiveDevice) -> None:
        """Record the circuits that a board has told of."""
        own = [c for c in self.house.circuits.values() if c.board == board.binding.id]
        self._circuits[board.binding.id] = lines = []
        for circuit in own:
            series = channel_series(circuit.id)[: 3 if circuit.two_way else 2]
            self._follow(series)
            for wire, one in zip(WIRE_NAMES, series, strict=False):
                lines.append(((circuit.channel, wire), one))
                if one.kind is Kind.COUNTER:
                    self._reopen(self.counting.follow(one.key, board))

    def forget(self, devices: Collection[str]) -> None:
        """Devices and circuits that are no more."""
        for device in devices:
            self._lines.pop(device, None)
            self._circuits.pop(device, None)
        self.counting.drop(devices)

    def resume(self, stop: Stop | None, now: datetime) -> None:
        """Go on where the store ends; the half-hours around the stop may still get better."""
        keys = [key for key, s in self._store.series().items() if s.kind is Kind.COUNTER]
        before = stored_readings(self._store, keys, stop, now) if stop else {}
        self._now = now
        self._reopen(self.counting.resume(self._store.get_kv(COUNTING), before, now))
        if stop is not None:
            last = slot_start(min(stop.last, now))
            self._reopen([last - SLOT, last])
            self._reopen(_slots(slot_start(max(stop.again or now, now - OPEN_FOR)), now))

    # -- readings ------------------------------------------------------------------------------

    def took(self, live: LiveDevice, at: datetime, now_s: float) -> None:
        """A device has answered: take over what is new."""
        for epc, series, factor in self._lines.get(live.binding.id, ()):
            measured_s = live.at_s.get(epc)
            if measured_s is None:
                if self._seen_s.pop(series.key, None) is not None:
                    self._add(series, None, at, now_s)  # it has this value no more
                continue
            if self._seen_s.get(series.key) == measured_s:
                continue
            self._seen_s[series.key] = measured_s
            prop = live.device.props[epc]
            value = prop.decode(live.device.raw[epc], live.device)
            number = float(value) * factor if isinstance(value, int | float) else None
            held_s = live.held_s(prop.use.every_s or 0, HELD_S)
            self._add(series, number, at - timedelta(seconds=now_s - measured_s), now_s, held_s)
        if live.channels:
            self._took_circuits(live, at, now_s)

    def _took_circuits(self, live: LiveDevice, at: datetime, now_s: float) -> None:
        if self._channels_s.get(live.binding.id) == live.channels_s:
            return
        self._channels_s[live.binding.id] = live.channels_s
        held_s = live.held_s(CHANNELS_S)
        for place, series in self._circuits.get(live.binding.id, ()):
            value, measured_s = live.channels.get(place, (None, -1.0))
            if measured_s < 0 or self._seen_s.get(series.key) == measured_s:
                continue
            self._seen_s[series.key] = measured_s
            if value is not None and series.kind is Kind.POWER:
                value /= 1000.0
            self._add(series, value, at - timedelta(seconds=now_s - measured_s), now_s, held_s)

    def _add(
        self,
        series: Series,
        value: float | None,
        at: datetime,
        now_s: float,
        held_s: float = HELD_S,
    ) -> None:
        if series.key not in self._series:
            return
        self.samples.add(series.key, value, now_s, held_s)
        if series.kind is Kind.COUNTER and self.is_dated:
            self._reopen(self.counting.feed(series.key, at, value))

    def flow(self, now_s: float) -> None:
        """One sample of the house bus."""
        bus, _ = self.house.flow(now_s)
        found: dict[str, float | None] = {name: getattr(bus, name) for name in BUS}
        for name, (of, sign) in ONE_WAY.items():
            value = found[of]
            found[name] = None if value is None else max(0.0, value * sign)
        circuits_kw = self.house.circuits_kw(now_s)
        is_known = bus.use_kw is not None and circuits_kw is not None
        found["other_kw"] = (
            max(0.0, (bus.use_kw or 0.0) - (circuits_kw or 0.0)) if is_known else None
        )
        found["balance_gap_kw"] = bus.balance_gap_kw
        for name, (storage, _, _) in LEVELS.items():
            level = self.house.level(storage, now_s)
            found[name] = None if level is None else level.value
        for name, value in found.items():
            self.samples.add(SeriesKey(HOME, name), value, now_s)

    # -- minutes and half-hours ----------------------------------------------------------------

    def end_minute(self, minute: datetime, now_s: float) -> dict[SeriesKey, float | None]:
        """The values of the minute that began at `minute` and ends now."""
        if self._unknown:
            self._follow(list(self._unknown.values()))
        if self.is_dated:
            self._now = minute
            self._reopen([minute])
        found = self.samples.end_minute(now_s)
        return {k: v for k, v in found.items() if v is not None and k in self._series}

    def keep(self, raw: bytes) -> None:
        """Write down the counting (its `to_json`), for a restart; any thread."""
        self._store.put_kv(COUNTING, raw)

    def moved(self, by: timedelta, now: datetime) -> None:
        """The clock was set: count on from there, nothing that is written is touched."""
        self._now = now
        self._reopen([*self.counting.moved(by), now])

    def due_slots(self, at: datetime) -> list[datetime]:
        """The closed half-hours to be looked at now, the newest first."""
        due = [start for start, x in self.open.items() if start + SLOT <= at and x.next_try <= at]
        return sorted(due, reverse=True)[:AT_ONCE]

    def keys(self) -> list[SeriesKey]:
        """All series that are recorded, in a fixed order."""
        return list(self._series)

    def better(
        self, start: datetime, minutes: FloatArray, at: datetime
    ) -> dict[SeriesKey, SlotValue]:
        """The values of a half-hour that are better than what is written of it.

        `minutes`: its 30 minutes, a column for each of `keys`.
        """
        keys = self.keys()[: minutes.shape[1]]
        kinds = [self._series[key].kind for key in keys]
        values, quality = slots_of_minutes(minutes, kinds)
        by_minutes = {
            key: SlotValue(float(values[0, i]), Quality(int(quality[0, i])))
            for i, key in enumerate(keys)
            if quality[0, i] != Quality.MISSING
        }
        counted = self.counting.counted(start)
        is_last = at - start > OPEN_FOR
        known = Known(by_minutes, counted, self.refilled.get(start), is_last)
        written = self.open[start].written if start in self.open else {}
        return {
            key: value
            for key, value in compose(self.house, known).items()
            if value.quality > written.get(key, Quality.MISSING) and key in self._series
        }

    def wrote(self, start: datetime, better: Mapping[SeriesKey, SlotValue], at: datetime) -> None:
        """A half-hour is in the store as good as it can be now."""
        slot = self.open.get(start)
        if slot is None:
            return
        slot.written.update({key: value.quality for key, value in better.items()})
        slot.next_try = start + OPEN_FOR + SLOT  # or when a counter speaks of it
        if at - start > OPEN_FOR or self._is_final(slot):
            del self.open[start]
            self.refilled.pop(start, None)
            self.counting.forget(start)

    def reason(self, start: datetime, at: datetime) -> str:
        """Why a half-hour is written now; none for the one that has just ended."""
        if start in self.refilled:
            return "the meter's own history"
        return "" if at - start <= 2 * SLOT else "late counters"

    def refill(self, start: datetime, refill: Refill) -> None:
        """The meter's own history of a half-hour has come."""
        self.refilled[start] = refill
        self.open.setdefault(start, OpenSlot(start)).next_try = SOON

    def _reopen(self, instants: Iterable[datetime]) -> None:
        """Something new is known of these half-hours."""
        for instant in instants:
            start = slot_start(instant)
            if self._now - start <= COUNTED_BACK:
                self.open.setdefault(start, OpenSlot(start)).next_try = SOON
            else:
                self.counting.forget(start)

    def _is_final(self, slot: OpenSlot) -> bool:
        """All counters of the home have spoken for this half-hour."""
        return all(
            slot.written.get(SeriesKey(HOME, name), Quality.MISSING) >= Quality.REFILLED
            for name in ("import_kw", "export_kw", "use_kw")
        ) and self.counting.has_all(slot.start)

    def _follow(self, series: Iterable[Series]) -> None:
        """Make series known to the store; what it has no room for now is tried again."""
        new = [one for one in series if one.key not in self._series]
        if not new:
            return
        try:
            self._store.add_series(new)
        except StoreFull as error:
            logger.error("%d series cannot be stored yet: %s", len(new), error)
            self._unknown |= {one.key: one for one in new}
            return
        except StoreError as error:
            if len(new) > 1:  # one of them is stored otherwise: keep the others
                for one in new:
                    self._follow([one])
            else:
                logger.error("not recorded: %s", error)
            return
        for one in new:
            self._series[one.key] = one
            self._unknown.pop(one.key, None)
            self.samples.follow(one.key, one.kind)


def _slots(first: datetime, end: datetime) -> Iterable[datetime]:
    while first < end:
        yield first
        first += SLOT
