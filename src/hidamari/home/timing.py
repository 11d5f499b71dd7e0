"""Keeps the home's clock right: looks every few seconds, asks the smart meter when in doubt."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from hidamari.core.errors import DeviceSilent, StoreError
from hidamari.core.time import from_unix
from hidamari.devices.common import Common
from hidamari.home.app import Home
from hidamari.home.health import Health
from hidamari.home.timekeeper import SMALL_S, Outcome, Witness

logger = logging.getLogger(__name__)

LOOK_S = 8.0  # a jump is noticed within 10 s (reliability F10)
ASK_S = 60.0
TIME, DATE = Common.clock_min, Common.date  # EPC 97 and 98: hours and minutes, date
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What the meter's clock showed, and when that was on the monotonic clock."""

    witness: Witness
    mono_s: float

    def now(self, now_s: float) -> Witness:
        """What it shows by now."""
        passed_s = now_s - self.mono_s
        return Witness(self.witness.from_s + passed_s, self.witness.to_s + passed_s)


class Timing:
    """Applies what the timekeeper decides to everything that counts by the clock."""

    def __init__(self, home: Home, health: Health) -> None:
        self._home = home
        self._health = health
        self._heard: Heard | None = None
        self._kept_s: float | None = None
        self._is_kept = False

    async def look(self) -> None:
        """One look at the clocks."""
        clock = self._home.clock
        await self._apply(clock.look())
        now_s = clock.monotonic_s()
        told, self._home.told_time = self._home.told_time, None
        if told is not None and not clock.is_known:
            at_s = told[0] + now_s - told[1]
            await self._apply(clock.hear(Witness(at_s, at_s)))
        heard, self._heard = self._heard, None
        if heard is not None:
            await self._apply(clock.hear(heard.now(now_s)))
        await self._keep()

    async def ask(self) -> None:
        """Once a minute, beside the looks: a meter that falls silent must not hold them up."""
        clock = self._home.clock
        if clock.needs_witness():
            witness = await self._ask()
            if witness is not None:
                self._heard = Heard(witness, clock.monotonic_s())

    async def _keep(self) -> None:
        """Note what is believed, so that a restart in this run of the kernel goes on with it."""
        clock = self._home.clock
        offset_s = clock.keeper.offset_s if clock.is_known else None
        if self._is_kept and _is_near(offset_s, self._kept_s):
            return
        try:
            await asyncio.to_thread(self._home.keep_clock)
        except StoreError as error:
            logger.debug("the time was not noted: %s", error)
            return
        self._is_kept, self._kept_s = True, offset_s

    async def _apply(self, outcome: Outcome) -> None:
        home = self._home
        if outcome.found:
            await self._found()
        elif outcome.moved_s:
            home.recorder.moved(timedelta(seconds=outcome.moved_s), home.clock.now())
        self._health.time_moved(outcome)

    async def _found(self) -> None:
        """The time is known at last: date what was measured, and count it."""
        home = self._home
        offset_s = home.clock.keeper.offset_s
        again = max(home.last_stored or from_unix(0), from_unix(offset_s))
        await asyncio.to_thread(home.date_what_waits)
        home.recorder.is_dated = True
        home.resume(again)

    async def _ask(self) -> Witness | None:
        """What the smart meter's clock shows, if there is one and it answers."""
        home = self._home
        used = home.house.used("energy")
        live = home.house.devices.get(used[0].device) if used else None
        if live is None or live.silent or not {TIME.epc, DATE.epc} <= live.readable:
            return None
        try:
            host, eoj = live.binding.host, live.binding.object
            answer = await home.client.get(host, eoj, (DATE.epc, TIME.epc))
        except DeviceSilent:
            return None
        date = DATE.decode(answer.values.get(DATE.epc, b""), live.device)
        minutes = TIME.decode(answer.values.get(TIME.epc, b""), live.device)
        if date is None or minutes is None:
            return None
        zone = home.settings.zone
        try:
            shown = datetime(date.year, date.month, date.day, *divmod(minutes, 60), tzinfo=zone)
        except ValueError:
            return None
        at_s = shown.timestamp()
        return Witness(at_s, at_s + MINUTE_S)


def _is_near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SMALL_S
