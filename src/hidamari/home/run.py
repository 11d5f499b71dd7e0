"""The loops of a running home: flow samples, minutes, half-hours, nights, time and the beat."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from hidamari.core.errors import StoreError, StoreFull
from hidamari.core.reading import SeriesKey
from hidamari.core.time import MINUTE_S, SLOT_S, floor_to, unix
from hidamari.home.app import Home
from hidamari.home.health import Health
from hidamari.home.night import Nights
from hidamari.home.record import SLOT
from hidamari.home.refill import LOOK_EVERY_S, Refiller
from hidamari.home.start import Beat
from hidamari.home.supervise import Part, every, run_parts
from hidamari.home.timekeeper import SMALL_S
from hidamari.home.timing import ASK_S, LOOK_S, Timing

logger = logging.getLogger(__name__)

COUNTERS_IN_S = 30  # half-hours are closed when their counters had this long to answer
BEAT_S = 5.0
FIRST_LOOK_S = 0.2
VERIFY_S = 3600.0


async def run_home(home: Home, others: Mapping[str, Part], beat: Beat) -> None:
    """Run everything for ever; `others` are parts that the caller adds, such as the web."""
    health = Health(home)
    health.began()
    nights, timing = Nights(home), Timing(home, health)
    minutes = Minutes(home, health, nights)
    parts: dict[str, Part] = {
        "devices": home.finder.run,
        "flow": lambda: sample_flows(home),
        "first": minutes.first,
        "minutes": minutes.run,
        "refill": lambda: every(LOOK_EVERY_S, home.clock, Refiller(home, home.client).look),
        "time": lambda: every(LOOK_S, home.clock, timing.look),
        "witness": lambda: every(ASK_S, home.clock, timing.ask),
        "verify": lambda: every(VERIFY_S, home.clock, nights.verify),
        "beat": lambda: beat_on(beat),
        **others,
    }
    await run_parts(parts, home.clock, home.part_failed)


async def beat_on(beat: Beat) -> None:
    """Tell the watching parent that the loop turns; real seconds."""
    while True:
        beat.beat()
        await asyncio.sleep(BEAT_S)


async def sample_flows(home: Home) -> None:
    """Sample the house bus as often as there are new values; the end of a minute does it too."""
    while True:
        every_s = home.settings.network.live_s
        if every_s < MINUTE_S:
            home.recorder.flow(home.clock.monotonic_s())
        await home.clock.sleep(min(every_s, MINUTE_S))


class Minutes:
    """What happens at the end of each minute."""

    def __init__(self, home: Home, health: Health, nights: Nights) -> None:
        self._home = home
        self._health = health
        self._nights = nights

    async def first(self) -> None:
        """Store the first values as soon as they are there, not only when their minute is over."""
        home = self._home
        while not home.first_stored.is_set():
            await asyncio.sleep(FIRST_LOOK_S)
            if home.recorder.samples.has_any():
                home.recorder.flow(home.clock.monotonic_s())
                await self.store(home.clock.now(), home.recorder.samples.so_far())

    async def run(self) -> None:
        """For ever."""
        home = self._home
        while True:
            now, offset_s = home.clock.now(), home.clock.keeper.offset_s
            end = floor_to(now, MINUTE_S) + timedelta(seconds=MINUTE_S)
            await home.clock.sleep((end - now).total_seconds())
            was_set = abs(home.clock.keeper.offset_s - offset_s) > SMALL_S
            if home.clock.now() >= end and not was_set:
                await self.end_minute(end)

    async def end_minute(self, end: datetime) -> None:
        """Store the minute that ended at `end`, then whatever half-hours and days are due."""
        home = self._home
        now_s = home.clock.monotonic_s()
        home.recorder.flow(now_s)
        minute = end - timedelta(seconds=MINUTE_S)
        await self.store(minute, home.recorder.end_minute(minute, now_s))
        self._health.look()
        if home.clock.is_known:
            if unix(end) % SLOT_S == 0:
                home.finder.ask_counters()
            try:
                await self._close_slots(end)
                await self._nights.look(end)
            except StoreError as error:
                logger.error("half-hours and days wait: %s", error)
                self._health.store_failed("store_fails", {"error": str(error)})
        home.tell()

    async def store(self, minute: datetime, values: Mapping[SeriesKey, float | None]) -> None:
        """Write one frame (of the minute that holds `minute`); on a full or failing disk
        measuring goes on.
        """
        home, store = self._home, self._home.store
        try:
            unsaved = home.inventory.unsaved()
            if unsaved is not None:
                await asyncio.to_thread(home.inventory.save, unsaved)
            if not values:
                return
            if home.clock.is_known:
                await asyncio.to_thread(store.write_minute, minute, values)
            else:
                mono_s = round(minute.timestamp() - home.clock.keeper.offset_s)
                await asyncio.to_thread(store.write_undated, home.clock.boot, mono_s, values)
        except StoreFull as error:  # it waits in memory
            self._health.store_failed("disk_full", {"waiting": store.waiting})
            logger.debug("the minute %s waits: %s", minute, error)
        except StoreError as error:
            self._health.store_failed("store_fails", {"error": str(error)})
            logger.error("the minute %s was not stored: %s", minute, error)
            return
        else:
            self._health.store_works()
        home.first_stored.set()

    async def _close_slots(self, end: datetime) -> None:
        home, recorder = self._home, self._home.recorder
        at = end - timedelta(seconds=COUNTERS_IN_S)
        if recorder.counting.is_new:  # before the half-hours: what is counted is counted once
            await asyncio.to_thread(recorder.keep, recorder.counting.to_json())
        for start in recorder.due_slots(at):
            keys = recorder.keys()
            minutes = await asyncio.to_thread(home.store.minutes, keys, start, start + SLOT)
            better = recorder.better(start, minutes, at)
            if better:
                why = recorder.reason(start, at)
                try:
                    await asyncio.to_thread(home.store.write_slots, start, better, why)
                except StoreFull as error:  # it waits in memory
                    logger.debug("the half-hour %s waits: %s", start, error)
            recorder.wrote(start, better, at)
