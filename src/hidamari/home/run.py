"""The loops of a running home: flow samples, minutes, half-hours, nights and the beat."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from hidamari.core.errors import StoreError
from hidamari.core.reading import SeriesKey
from hidamari.core.time import MINUTE_S, SLOT_S, floor_to, local_day, unix
from hidamari.home.app import Home
from hidamari.home.refill import LOOK_EVERY_S, Refiller
from hidamari.home.start import Beat
from hidamari.home.supervise import Part, every, run_parts

logger = logging.getLogger(__name__)

FLOW_S = 10.0
COUNTERS_IN_S = 30  # half-hours are closed when their counters had this long to answer
NIGHT = timedelta(minutes=10)  # days are sealed at 00:10 local time
BEAT_S = 5.0
FIRST_LOOK_S = 0.2


async def run_home(home: Home, others: Mapping[str, Part], beat: Beat) -> None:
    """Run everything for ever; `others` are parts that the caller adds, such as the web."""
    parts: dict[str, Part] = {
        "devices": home.finder.run,
        "flow": lambda: every(FLOW_S, home.clock, lambda: sample_flow(home)),
        "first": lambda: first_reading(home),
        "minutes": lambda: Minutes(home).run(),
        "refill": lambda: every(LOOK_EVERY_S, home.clock, Refiller(home, home.client).look),
        "beat": lambda: beat_on(beat),
        **others,
    }
    await run_parts(parts, home.clock, home.part_failed)


async def beat_on(beat: Beat) -> None:
    """Tell the watching parent that the loop turns; real seconds."""
    while True:
        beat.beat()
        await asyncio.sleep(BEAT_S)


async def sample_flow(home: Home) -> None:
    """One sample of the house bus."""
    home.recorder.flow(home.clock.monotonic_s())


async def first_reading(home: Home) -> None:
    """Store the first values as soon as they are there, not only when their minute is over."""
    while not home.first_stored.is_set():
        await asyncio.sleep(FIRST_LOOK_S)
        if not home.recorder.samples.has_any():
            continue
        home.recorder.flow(home.clock.monotonic_s())
        minute = floor_to(home.clock.now(), MINUTE_S)
        await store_minute(home, minute, home.recorder.samples.so_far())


async def store_minute(
    home: Home, minute: datetime, values: Mapping[SeriesKey, float | None]
) -> None:
    """Write one frame; on a full or failing disk measuring goes on."""
    if not values:
        return
    try:
        await asyncio.to_thread(home.store.write_minute, minute, values)
    except StoreError as error:
        logger.error("the minute %s was not stored: %s", minute, error)
        return
    home.first_stored.set()


class Minutes:
    """What happens at the end of each minute."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._sealed_until: date | None = None

    async def run(self) -> None:
        """For ever."""
        home = self._home
        while True:
            now = home.clock.now()
            end = floor_to(now, MINUTE_S) + timedelta(seconds=MINUTE_S)
            await home.clock.sleep((end - now).total_seconds())
            if home.clock.now() < end:
                continue
            await self.end_minute(end)

    async def end_minute(self, end: datetime) -> None:
        """Store the minute that ended at `end`, then whatever half-hours and days are due."""
        home = self._home
        home.recorder.flow(home.clock.monotonic_s())
        minute = end - timedelta(seconds=MINUTE_S)
        values = home.recorder.end_minute(minute, home.clock.monotonic_s())
        await store_minute(home, minute, values)
        if unix(end) % SLOT_S == 0:
            home.finder.ask_counters()
        await self._close_slots(end)
        await self._seal_days(end)
        home.tell()

    async def _close_slots(self, end: datetime) -> None:
        home = self._home
        due = end - timedelta(seconds=COUNTERS_IN_S)
        for start, values in await asyncio.to_thread(home.recorder.better_slots, due):
            try:
                await asyncio.to_thread(home.store.write_slots, start, values)
            except StoreError as error:
                logger.error("the half-hour %s was not stored: %s", start, error)

    async def _seal_days(self, end: datetime) -> None:
        home = self._home
        zone = home.settings.zone
        today = local_day(end - NIGHT, zone)
        if self._sealed_until == today:
            return
        for day in await asyncio.to_thread(home.store.unsealed_days, today, zone):
            await asyncio.to_thread(home.store.seal_day, day, zone)
        self._sealed_until = today
