"""Fills half-hours that we missed from what the meter itself remembers (99 days)."""

import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Protocol

from hidamari.core.errors import DeviceSilent, InputError
from hidamari.core.reading import Quality, SeriesKey, SlotValue
from hidamari.core.time import SLOT_S, day_bounds, local_day
from hidamari.devices.forms import DayHistory
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import Answer
from hidamari.home.app import Home
from hidamari.home.balance import MISSING
from hidamari.home.halfhour import HOME, Refill
from hidamari.home.live import LiveDevice
from hidamari.store.counters import CounterRules, refilled

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
SETTLED = timedelta(minutes=40)  # younger half-hours may still get their counters
AGAIN = timedelta(minutes=30)
DAYS_BACK = 99
HALF_HOURS = 48


class Wire(Protocol):
    """What reading a meter's history needs of the ECHONET Lite client."""

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        """Read properties."""
        ...

    async def set(self, host: str, eoj: Eoj, values: Mapping[int, bytes]) -> Answer:
        """Write properties."""
        ...


class Refiller:
    """Looks for half-hours with holes and asks the meter for them."""

    def __init__(self, home: Home, wire: Wire) -> None:
        self._home = home
        self._wire = wire
        self._tried: dict[datetime, datetime] = {}

    async def look(self) -> None:
        """One round: every missed half-hour whose day the meter still has."""
        now = self._home.clock.now()
        missed = self._missed(now)
        meter = self._meter()
        if not missed or meter is None:
            return
        zone = self._home.settings.zone
        for start in missed:
            self._tried[start] = now
        try:
            for day in sorted({local_day(start, zone) for start in missed}):
                await self._refill_day(meter, day)
        except DeviceSilent:
            logger.info("the meter's history was not read: it does not answer")
            return
        self._home.recorder.try_again()

    def _missed(self, now: datetime) -> list[datetime]:
        """Open half-hours whose bought or sold energy is not certain."""
        self._tried = {s: at for s, at in self._tried.items() if now - s <= timedelta(DAYS_BACK)}
        found = []
        for start, slot in self._home.recorder.open.items():
            sure = min(
                slot.written.get(SeriesKey(HOME, name), Quality.MISSING)
                for name in ("import_kw", "export_kw")
            )
            waited = now - self._tried.get(start, now - 2 * AGAIN) >= AGAIN
            if sure < Quality.REFILLED and now - start >= SETTLED and waited:
                found.append(start)
        return found

    def _meter(self) -> LiveDevice | None:
        """The meter whose counters are the true source of bought and sold energy."""
        used = self._home.house.used("energy")
        live = self._home.house.devices.get(used[0].device) if used else None
        if live is None or live.silent or "import_history" not in live.device.by_name:
            return None
        needed = (live.device.by_name["import_history"], live.device.by_name["history_day"])
        readable, writable = needed[0].epc in live.readable, needed[1].epc in live.writable
        return live if readable and writable else None

    async def _refill_day(self, meter: LiveDevice, day: date) -> None:
        zone = self._home.settings.zone
        today = local_day(self._home.clock.now(), zone)
        back = (today - day).days
        if not 0 <= back <= DAYS_BACK:
            return
        start, _ = day_bounds(day, zone)
        bought = await self._readings(meter, "import_history", back)
        sold = await self._readings(meter, "export_history", back)
        ins, outs = self._slots(meter, start, bought), self._slots(meter, start, sold)
        for i in range(HALF_HOURS):
            at = start + timedelta(seconds=SLOT_S * i)
            if at in ins and at in self._home.recorder.open:
                self._home.recorder.refilled[at] = Refill(ins[at], outs.get(at, MISSING))

    async def _readings(self, meter: LiveDevice, name: str, back: int) -> list[float | None]:
        """The 48 readings of a day and the first of the day after it."""
        prop = meter.device.by_name[name]
        if prop.epc not in meter.readable:
            return []
        found = await self._day(meter, name, back)
        after = await self._day(meter, name, back - 1) if back > 0 else []
        return [*found, after[0] if after else None]

    async def _day(self, meter: LiveDevice, name: str, back: int) -> list[float | None]:
        choose, lists = meter.device.by_name["history_day"], meter.device.by_name[name]
        host, eoj = meter.binding.host, meter.binding.object
        try:
            edt = choose.encode(float(back), meter.device)
        except InputError:
            return []
        done = await self._wire.set(host, eoj, {choose.epc: edt})
        if choose.epc in done.refused:
            return []
        answer = await self._wire.get(host, eoj, (lists.epc,))
        value = lists.decode(answer.values.get(lists.epc, b""), meter.device)
        if not isinstance(value, DayHistory) or value.days_back not in (back, None):
            return []
        return list(value.kwh)

    def _slots(
        self, meter: LiveDevice, start: datetime, readings: list[float | None]
    ) -> dict[datetime, SlotValue]:
        wrap_kwh = meter.device.wrap_kwh()
        step_kwh = meter.device.as_number("unit") or 0.1
        wraps = (wrap_kwh,) if wrap_kwh else ()
        rules = CounterRules(self._home.recorder.capacity_kw, step_kwh, wraps)
        return {
            at: value
            for at, value in refilled(rules, start, readings).items()
            if value.quality is Quality.REFILLED
        }
