"""Fills half-hours that we missed from what the meter itself remembers (99 days)."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

import numpy as np

from hidamari.core.errors import DeviceSilent, InputError, StoreError
from hidamari.core.reading import Quality, SeriesKey, SlotValue
from hidamari.core.time import SLOT_S, day_bounds, from_unix, local_day, slot_start, unix
from hidamari.devices.forms import DayHistory
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import Answer
from hidamari.home.app import Home
from hidamari.home.balance import MISSING, signed_sum
from hidamari.home.halfhour import HOME, Refill
from hidamari.home.live import LiveDevice
from hidamari.store.counters import CounterRules, refilled

logger = logging.getLogger(__name__)

SINCE = "measuring_since"  # where the store keeps when this home began to measure
LOOK_EVERY_S = 60.0
SETTLED = timedelta(minutes=10)  # half-hours that ended later may still get their counters
FIRST_AGAIN, LAST_AGAIN = timedelta(minutes=30), timedelta(hours=24)
NEAR_MIDNIGHT = timedelta(minutes=5)  # the meter's today and ours may differ
SCAN_EVERY_S = 6 * 3600.0
DAYS_BACK = 99
DAYS_AT_ONCE = 10
HALF_HOURS = 48
BOUGHT, SOLD = SeriesKey(HOME, "import_kw"), SeriesKey(HOME, "export_kw")
GRID = SeriesKey(HOME, "grid_kw")
HISTORIES = ("import_history", "export_history")
Lists = Mapping[str, tuple[float | None, ...]]  # the 48 readings of a day by property


class Wire(Protocol):
    """What reading a meter's history needs of the ECHONET Lite client."""

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        """Read properties."""
        ...

    async def set(self, host: str, eoj: Eoj, values: Mapping[int, bytes]) -> Answer:
        """Write properties."""
        ...


@dataclass(slots=True)
class _Tried:
    """What was missing of a day when the meter was asked last, and when to ask again."""

    missing: frozenset[datetime]
    next: datetime
    wait: timedelta


class Refiller:
    """Looks for half-hours with holes and asks the meter for them."""

    def __init__(self, home: Home, wire: Wire) -> None:
        self._home = home
        self._wire = wire
        self._tried: dict[date, _Tried] = {}
        self._holes: dict[date, set[datetime]] = {}
        self._scanned_s = -1e9
        self._told: dict[int, Lists] = {}

    async def look(self) -> None:
        """One round: the newest days with something missing that the meter still has."""
        home = self._home
        now = home.clock.now()
        meter = self._meter()
        if meter is None or not home.clock.is_known or _near_midnight(now, home):
            return
        await self._find_missing(now)
        self._told.clear()
        due = [day for day, missing in self._holes.items() if self._is_due(day, missing, now)]
        for day in sorted(due, reverse=True)[:DAYS_AT_ONCE]:
            missing = frozenset(self._holes[day])
            try:
                await self._refill_day(meter, day, missing)
            except DeviceSilent:
                logger.info("the meter's history was not read: it does not answer")
                return
            self._note_try(day, missing, now)

    # -- what is missing -----------------------------------------------------------------------

    async def _find_missing(self, now: datetime) -> None:
        """Half-hours whose bought or sold energy is not certain: in the store, and still open."""
        recorder, keys = self._home.recorder, self._keys()
        now_s = self._home.clock.monotonic_s()
        if now_s - self._scanned_s >= SCAN_EVERY_S:
            self._scanned_s = now_s
            self._holes.clear()
            for start in await asyncio.to_thread(self._scan, keys, now):
                self._hole(start).add(start)
        ended = slot_start(now - SETTLED)
        for start, slot in recorder.open.items():
            if all(slot.written.get(key, Quality.MISSING) >= Quality.REFILLED for key in keys):
                self._hole(start).discard(start)
            elif start < ended and now - start <= timedelta(DAYS_BACK):
                self._hole(start).add(start)

    def _scan(self, keys: list[SeriesKey], now: datetime) -> list[datetime]:
        """What the store lacks, as far back as the meter reaches; any thread."""
        first, ended = slot_start(now - timedelta(DAYS_BACK)), slot_start(now - SETTLED)
        _, quality = self._home.store.slots(keys, first, ended)
        rows = np.flatnonzero((quality < Quality.REFILLED).any(axis=1))
        return [first + timedelta(seconds=SLOT_S * int(row)) for row in rows]

    def _hole(self, start: datetime) -> set[datetime]:
        return self._holes.setdefault(local_day(start, self._home.settings.zone), set())

    def _keys(self) -> list[SeriesKey]:
        """What the meter can tell of: without sold energy it tells of bought energy alone."""
        meter = self._meter()
        sells = meter is not None and self._can(meter, "export_history")
        return [BOUGHT, SOLD] if sells else [BOUGHT]

    def _is_due(self, day: date, missing: set[datetime], now: datetime) -> bool:
        tried = self._tried.get(day)
        is_new = tried is None or now >= tried.next or not missing <= tried.missing
        return bool(missing) and is_new

    def _note_try(self, day: date, missing: frozenset[datetime], now: datetime) -> None:
        """Ask for the same again later and later: the meter may not have it either."""
        tried = self._tried.get(day)
        wait = FIRST_AGAIN
        if tried is not None and missing <= tried.missing:
            wait = min(LAST_AGAIN, 2 * tried.wait)
        self._tried[day] = _Tried(missing, now + wait, wait)

    # -- what the meter tells ------------------------------------------------------------------

    def _meter(self) -> LiveDevice | None:
        """The meter whose counters are the true source of bought and sold energy."""
        used = self._home.house.used("energy")
        live = self._home.house.devices.get(used[0].device) if used else None
        if live is None or live.silent or live.contact_s is None:
            return None
        choose = live.device.by_name.get("history_day")
        if choose is None or choose.epc not in live.writable:
            return None
        return live if self._can(live, "import_history") else None

    @staticmethod
    def _can(live: LiveDevice, name: str) -> bool:
        prop = live.device.by_name.get(name)
        return prop is not None and prop.epc in live.readable

    async def _refill_day(self, meter: LiveDevice, day: date, missing: frozenset[datetime]) -> None:
        home = self._home
        zone = home.settings.zone
        back = (local_day(home.clock.now(), zone) - day).days
        if not 0 <= back <= DAYS_BACK:
            del self._holes[day]
            return
        start, _ = day_bounds(day, zone)
        limits = home.recorder.counting.limits
        readings = await self._readings(meter, "import_history", back)
        bought = _slots(meter, start, readings, limits.bought_kw)
        readings = await self._readings(meter, "export_history", back)
        sold = _slots(meter, start, readings, limits.other_kw)
        found = {
            at: Refill(bought[at], sold.get(at, MISSING)) for at in sorted(missing) if at in bought
        }
        since = await asyncio.to_thread(self._since)
        for at in [at for at in found if at >= since]:
            home.recorder.refill(at, found.pop(at))
        if found:
            await asyncio.to_thread(self._write_before, found)
        if sold or not self._can(meter, "export_history"):
            self._holes[day] -= bought.keys()

    def _since(self) -> datetime:
        """When this home began to measure; noted at the first call."""
        store = self._home.store
        raw = store.get_kv(SINCE)
        if raw is not None:
            return from_unix(int(raw))
        bounds = store.slot_bounds()
        since = bounds[0] if bounds else slot_start(self._home.clock.now())
        try:
            store.put_kv(SINCE, str(unix(since)).encode())
        except StoreError as error:
            logger.warning("%s", error)
        return since

    def _write_before(self, found: Mapping[datetime, Refill]) -> None:
        """Half-hours of before we were here: only what crossed the meter is known of them."""
        rows = [
            (
                at,
                {
                    BOUGHT: one.import_kwh,
                    SOLD: one.export_kwh,
                    GRID: signed_sum((one.import_kwh, 1), (one.export_kwh, -1)),
                },
            )
            for at, one in found.items()
        ]
        try:
            self._home.store.write_history(rows, self._home.settings.zone)
        except StoreError as error:
            logger.error("the meter's history was not stored: %s", error)

    async def _readings(self, meter: LiveDevice, name: str, back: int) -> list[float | None]:
        """The 48 readings of a day and the first of the day after it."""
        found = (await self._day(meter, back)).get(name, ())
        after = (await self._day(meter, back - 1)).get(name, ()) if back > 0 else ()
        return [*found, after[0] if after else None]

    async def _day(self, meter: LiveDevice, back: int) -> Lists:
        """The lists of a day, asked for once in a round."""
        if back not in self._told:
            self._told[back] = await self._ask_day(meter, back)
        return self._told[back]

    async def _ask_day(self, meter: LiveDevice, back: int) -> Lists:
        choose = meter.device.by_name["history_day"]
        host, eoj = meter.binding.host, meter.binding.object
        try:
            edt = choose.encode(float(back), meter.device)
        except InputError:
            return {}
        done = await self._wire.set(host, eoj, {choose.epc: edt})
        if choose.epc in done.refused:
            return {}
        told: dict[str, tuple[float | None, ...]] = {}
        for name in [one for one in HISTORIES if self._can(meter, one)]:
            lists = meter.device.by_name[name]
            answer = await self._wire.get(host, eoj, (lists.epc,))
            value = lists.decode(answer.values.get(lists.epc, b""), meter.device)
            # A list that does not say its day (00FF), or another one, was not asked for by us.
            if isinstance(value, DayHistory) and value.days_back == back:
                told[name] = value.kwh
        return told


def _slots(
    meter: LiveDevice, start: datetime, readings: list[float | None], most_kw: float
) -> dict[datetime, SlotValue]:
    """The half-hours of a day that lie between two neighbouring readings."""
    wrap_kwh = meter.device.wrap_kwh()
    step_kwh = meter.device.as_number("unit") or 0.1
    rules = CounterRules(most_kw, step_kwh, (wrap_kwh,) if wrap_kwh else ())
    return {
        at: value
        for at, value in refilled(rules, start, readings).items()
        if value.quality is Quality.REFILLED
    }


def _near_midnight(now: datetime, home: Home) -> bool:
    zone = home.settings.zone
    return local_day(now - NEAR_MIDNIGHT, zone) != local_day(now + NEAR_MIDNIGHT, zone)
