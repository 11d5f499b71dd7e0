"""From readings to the history: minutes as they end, half-hours when their counters are in."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from hidamari.core.reading import Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.time import SLOT_S, slot_start
from hidamari.home.balance import MISSING
from hidamari.home.halfhour import HOME, Refill, compose
from hidamari.home.house import House
from hidamari.home.live import LiveDevice, channel_series, recorded
from hidamari.home.samples import Samples
from hidamari.home.sources import Quantity
from hidamari.store.counters import CounterRules, CounterState, Verdict
from hidamari.store.db import Store
from hidamari.store.rollup import slots_of_minutes

BUS = ("pv_kw", "gen_kw", "grid_kw", "battery_kw", "ev_kw", "heater_kw", "load_kw", "use_kw")
ONE_WAY = {
    "import_kw": ("grid_kw", 1),
    "export_kw": ("grid_kw", -1),
    "charge_kw": ("battery_kw", 1),
    "discharge_kw": ("battery_kw", -1),
    "ev_charge_kw": ("ev_kw", 1),
    "ev_discharge_kw": ("ev_kw", -1),
}
LEVELS = {"soc_pct": ("battery", "%", 0.1), "ev_soc_pct": ("ev", "%", 0.1)}
OPEN_FOR = timedelta(days=8)  # a slot waits this long for late counters
SMALLEST_STEP_KWH = 0.001
LOOK_BACK_MIN = 10
RETRY_S = 1800  # how often an older slot is looked at again


def home_series() -> list[Series]:
    """The series of the house itself."""
    powers = [*BUS, *ONE_WAY, "other_kw", "balance_gap_kw"]
    out = [Series(HOME, name, "kW", 0.001, Kind.POWER) for name in powers]
    out += [Series(HOME, name, unit, step, Kind.LEVEL) for name, (_, unit, step) in LEVELS.items()]
    return [*out, Series(HOME, "tank_l", "L", 1.0, Kind.LEVEL)]


@dataclass(slots=True)
class Meter:
    """One counter: what is believed of it, and the half-hours it has counted."""

    device: LiveDevice
    state: CounterState = field(default_factory=CounterState)
    slots: dict[datetime, SlotValue] = field(default_factory=dict)

    def feed(self, at: datetime, kwh: float | None, capacity_kw: float) -> Verdict:
        """Take in one reading."""
        wrap_kwh = self.device.device.wrap_kwh()
        step_kwh = self.device.device.as_number("unit") or SMALLEST_STEP_KWH
        rules = CounterRules(capacity_kw, step_kwh, (wrap_kwh,) if wrap_kwh else ())
        fed = self.state.feed(rules, at, kwh)
        self.state = fed.state
        self.slots.update(fed.slots)
        return fed.verdict


@dataclass(slots=True)
class OpenSlot:
    """A half-hour whose values may still get better, with the quality they have."""

    start: datetime
    written: dict[SeriesKey, Quality] = field(default_factory=dict)
    next_try_s: float = 0.0


class Recorder:
    """Keeps what the store needs between two writes; `now_s` is monotonic, `at` is wall time."""

    def __init__(self, house: House, store: Store, capacity_kw: float) -> None:
        self.house = house
        self.samples = Samples()
        self.meters: dict[SeriesKey, Meter] = {}
        self.refilled: dict[datetime, Refill] = {}
        self.open: dict[datetime, OpenSlot] = {}
        self.doubts: list[tuple[SeriesKey, Verdict]] = []
        self._store = store
        self.capacity_kw = capacity_kw
        self._series: dict[SeriesKey, Series] = {}
        self._seen_s: dict[SeriesKey, float] = {}
        counters = [key for key, s in store.series().items() if s.kind is Kind.COUNTER]
        self._stored = last_minutes(store, counters)
        self._follow(home_series())

    def follow(self, live: LiveDevice) -> None:
        """Record a device's quantities from now on."""
        rows = list(recorded(live.binding.id, type(live.device)))
        told = [row for row in rows if row[0].epc in live.readable]
        self._follow([series for _, series, _ in told])
        for prop, series, _ in told:
            self.samples.follow(series.key, series.kind, float(prop.use.every_s or 0))
            if series.kind is Kind.COUNTER:
                self._meter(series.key, live)

    def follow_circuits(self, board: LiveDevice) -> None:
        """Record the circuits that a board has told of."""
        for circuit in self.house.circuits.values():
            if circuit.board != board.binding.id:
                continue
            series = channel_series(circuit.id)[: 3 if circuit.two_way else 2]
            self._follow(series)
            for one in series:
                self.samples.follow(one.key, one.kind, 300.0 if one.kind is Kind.COUNTER else 60.0)
                if one.kind is Kind.COUNTER:
                    self._meter(one.key, board)

    def took(self, live: LiveDevice, at: datetime) -> None:
        """A device has answered: take over what is new."""
        device = live.binding.id
        for prop, series, factor in recorded(device, type(live.device)):
            measured_s = live.at_s.get(prop.epc)
            if measured_s is None or self._seen_s.get(series.key) == measured_s:
                continue
            self._seen_s[series.key] = measured_s
            value = prop.decode(live.device.raw[prop.epc], live.device)
            number = float(value) * factor if isinstance(value, int | float) else None
            self._add(series, number, at, measured_s)
        for circuit in self.house.circuits.values():
            if circuit.board == device:
                self._took_circuit(live, circuit.id, circuit.channel, at)

    def flow(self, now_s: float) -> None:
        """One sample of the house bus."""
        bus, _ = self.house.flow(now_s)
        for name in BUS:
            self.samples.add(SeriesKey(HOME, name), getattr(bus, name), now_s)
        for name, (of, sign) in ONE_WAY.items():
            value = getattr(bus, of)
            part = None if value is None else max(0.0, value * sign)
            self.samples.add(SeriesKey(HOME, name), part, now_s)
        circuits_kw = self.house.circuits_kw(now_s)
        other = None
        if bus.use_kw is not None and circuits_kw is not None:
            other = max(0.0, bus.use_kw - circuits_kw)
        self.samples.add(SeriesKey(HOME, "other_kw"), other, now_s)
        self.samples.add(SeriesKey(HOME, "balance_gap_kw"), bus.balance_gap_kw, now_s)
        for name, (quantity, _, _) in LEVELS.items():
            self.samples.add(SeriesKey(HOME, name), self._level(quantity, now_s), now_s)  # type: ignore[arg-type]
        self.samples.add(SeriesKey(HOME, "tank_l"), self._level("heater", now_s), now_s)

    def end_minute(self, minute: datetime, now_s: float) -> dict[SeriesKey, float | None]:
        """The values of the minute that began at `minute` and ends now."""
        self.open.setdefault(slot_start(minute), OpenSlot(slot_start(minute)))
        return {key: v for key, v in self.samples.end_minute(now_s).items() if v is not None}

    def reopen(self, since: datetime, until: datetime) -> None:
        """After a pause: the half-hours in between may be filled by counters and meter history."""
        start = slot_start(max(since, until - OPEN_FOR))
        while start < until:
            self.open.setdefault(start, OpenSlot(start))
            start += timedelta(seconds=SLOT_S)

    def better_slots(self, at: datetime) -> list[tuple[datetime, dict[SeriesKey, SlotValue]]]:
        """The closed half-hours that can be written, or written better, than before."""
        found = []
        for start in sorted(self.open):
            slot = self.open[start]
            if start + timedelta(seconds=SLOT_S) > at or slot.next_try_s > at.timestamp():
                continue
            slot.next_try_s = at.timestamp() + RETRY_S
            values = self._slot(start)
            better = {
                key: value
                for key, value in values.items()
                if value.quality > slot.written.get(key, Quality.MISSING)
            }
            if better:
                slot.written.update({key: value.quality for key, value in better.items()})
                found.append((start, better))
            if at - start > OPEN_FOR or self._is_final(slot):
                self._forget(start)
        return found

    def _forget(self, start: datetime) -> None:
        """A half-hour is as good as it can get."""
        del self.open[start]
        self.refilled.pop(start, None)
        oldest = min(self.open, default=start)
        for meter in self.meters.values():
            for past in [at for at in meter.slots if at < oldest]:
                del meter.slots[past]

    def try_again(self) -> None:
        """Late readings came: look at every open half-hour at the next turn."""
        for slot in self.open.values():
            slot.next_try_s = 0.0

    def _is_final(self, slot: OpenSlot) -> bool:
        """All counters of the home have spoken for this half-hour."""
        return all(
            slot.written.get(SeriesKey(HOME, name), Quality.MISSING) >= Quality.REFILLED
            for name in ("import_kw", "export_kw", "use_kw")
        ) and all(slot.start in meter.slots for meter in self.meters.values())

    def _slot(self, start: datetime) -> dict[SeriesKey, SlotValue]:
        """All series of a half-hour: by its minutes, and better by counters where there are any."""
        keys = list(self._series)
        end = start + timedelta(seconds=SLOT_S)
        kinds = [self._series[key].kind for key in keys]
        values, quality = slots_of_minutes(self._store.minutes(keys, start, end), kinds)
        by_minutes = {
            key: SlotValue(float(values[0, i]), Quality(int(quality[0, i])))
            for i, key in enumerate(keys)
            if quality[0, i] != Quality.MISSING
        }
        counted = {key: meter.slots.get(start, MISSING) for key, meter in self.meters.items()}
        return compose(self.house, by_minutes, counted, self.refilled.get(start))

    def _level(self, quantity: Quantity, now_s: float) -> float | None:
        """How full the storage of a kind is: the mean in %, the sum in litres."""
        known = []
        for live in self.house.devices.values():
            if live.device.quantity == f"{quantity}_kw" and live.device.level:
                value = live.number(live.device.level, now_s)
                if value is not None:
                    known.append(value)
        if not known:
            return None
        return sum(known) if quantity == "heater" else sum(known) / len(known)

    def _took_circuit(self, live: LiveDevice, circuit: str, channel: str, at: datetime) -> None:
        for series, wire in zip(
            channel_series(circuit), ("power_w", "energy_kwh", "back_kwh"), strict=True
        ):
            value, measured_s = live.channels.get((channel, wire), (None, -1.0))
            if measured_s < 0 or self._seen_s.get(series.key) == measured_s:
                continue
            self._seen_s[series.key] = measured_s
            if value is not None and wire == "power_w":
                value /= 1000.0
            self._add(series, value, at, measured_s)

    def _add(self, series: Series, value: float | None, at: datetime, now_s: float) -> None:
        if series.key not in self._series:
            return
        self.samples.add(series.key, value, now_s)
        meter = self.meters.get(series.key)
        if meter is not None:
            verdict = meter.feed(at, value, self.capacity_kw)
            if verdict in (Verdict.REPLACED, Verdict.QUARANTINED):
                self.doubts.append((series.key, verdict))

    def _meter(self, key: SeriesKey, live: LiveDevice) -> None:
        if key in self.meters:
            return
        meter = Meter(live)
        if key in self._stored:
            meter.feed(*self._stored[key], self.capacity_kw)
        self.meters[key] = meter

    def _follow(self, series: Iterable[Series]) -> None:
        new = [one for one in series if one.key not in self._series]
        self._store.add_series(new)
        for one in new:
            self._series[one.key] = one
            self.samples.follow(one.key, one.kind)


def last_minutes(store: Store, keys: list[SeriesKey]) -> dict[SeriesKey, tuple[datetime, float]]:
    """The last stored reading of each counter, from the last ten minutes or the last 8 days."""
    newest = store.last_minute()
    if newest is None or not keys:
        return {}
    first = newest - timedelta(minutes=LOOK_BACK_MIN - 1)
    values = store.minutes(keys, first, newest + timedelta(minutes=1))
    found: dict[SeriesKey, tuple[datetime, float]] = {}
    for row in range(values.shape[0]):
        for column, key in enumerate(keys):
            if not math.isnan(values[row, column]):
                found[key] = (first + timedelta(minutes=row), float(values[row, column]))
    silent = [key for key in keys if key not in found]
    if silent:
        found.update(_last_slots(store, silent, slot_start(newest)))
    return found


def _last_slots(
    store: Store, keys: list[SeriesKey], newest: datetime
) -> dict[SeriesKey, tuple[datetime, float]]:
    """For counters that were silent when we stopped: their last half-hour with a reading."""
    first = newest - OPEN_FOR
    values, _ = store.slots(keys, first, newest + timedelta(seconds=SLOT_S))
    found: dict[SeriesKey, tuple[datetime, float]] = {}
    for column, key in enumerate(keys):
        rows = np.flatnonzero(~np.isnan(values[:, column]))
        if rows.size:
            at = first + timedelta(seconds=SLOT_S * (int(rows[-1]) + 1))
            found[key] = (at, float(values[rows[-1], column]))
    return found
