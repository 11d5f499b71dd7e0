"""What is done with closed days: sealed at 00:10, verified by chance, their sources compared."""

import asyncio
import logging
from datetime import date, datetime, timedelta
from random import Random

from hidamari.core.errors import StoreError
from hidamari.core.time import day_bounds, local_day
from hidamari.home.app import Home
from hidamari.home.compare import compare, keys, pairs
from hidamari.home.notices import Cause

logger = logging.getLogger(__name__)

NIGHT = timedelta(minutes=10)  # days are sealed at 00:10 local time
DAYS_AT_ONCE = 3  # days that wait (after an import) must not hold up the minutes


class Nights:
    """Looks at the end of each minute whether a day has closed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._sealed_until: date | None = None
        self._die = Random()  # noqa: S311  which day is verified is no secret

    async def look(self, end: datetime) -> None:
        """Seal what is due; StoreError leaves it for the next minute."""
        home = self._home
        zone = home.settings.zone
        today = local_day(end - NIGHT, zone)
        if self._sealed_until == today:
            return
        waiting = await asyncio.to_thread(home.store.unsealed_days, today, zone)
        for day in waiting[::-1][:DAYS_AT_ONCE]:  # yesterday first
            await asyncio.to_thread(home.store.seal_day, day, zone)
        if len(waiting) > DAYS_AT_ONCE:
            return
        self._sealed_until = today
        await asyncio.to_thread(home.store.tidy)
        await self._compare(today - timedelta(days=1))

    async def verify(self) -> None:
        """Once an hour: is one day, picked by chance, still what was written? (rule 2.5)"""
        home = self._home
        days = await asyncio.to_thread(home.store.sealed)
        if not days:
            return
        day = self._die.choice(days)
        try:
            is_whole = await asyncio.to_thread(home.store.verify_day, day)
        except StoreError as error:
            logger.warning("the day %s cannot be verified: %s", day, error)
            return
        if not is_whole:
            text = day.isoformat()
            home.notices.begin("error", Cause("day_damaged", what=text, data={"day": text}))

    async def _compare(self, day: date) -> None:
        """Tell of sources that were too far apart yesterday."""
        home = self._home
        found = pairs(home.house)
        known = home.store.series()
        found = [pair for pair in found if all(key in known for key in keys([pair]))]
        wanted = keys(found)
        start, end = day_bounds(day, home.settings.zone)
        values, _ = await asyncio.to_thread(home.store.slots, wanted, start, end)
        columns = {key: values[:, i] for i, key in enumerate(wanted)}
        home.differences.clear()
        for pair in found:
            difference = compare(pair, columns)
            data: dict[str, object] = {
                "quantity": pair.quantity,
                "used": list(difference.used),
                "other": list(difference.other),
                "used_kwh": round(difference.used_kwh, 2),
                "other_kwh": round(difference.other_kwh, 2),
                "day": day.isoformat(),
            }
            names = "+".join((*difference.used, *difference.other))
            cause = Cause("sources_differ", what=names, data=data)
            if difference.is_large:
                home.differences[pair.quantity] = difference
                home.notices.begin("notice", cause)
            else:
                home.notices.end(cause, "sources_agree")
