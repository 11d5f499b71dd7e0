"""What is done with closed days: sealed at 00:10, verified, their sources compared."""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Sequence
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
VERIFIED = "verified_day"  # where the store keeps the last day of the walk
HOURS_OF_WALK = 28 * 24  # the shortest month


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
        """Once an hour: are some days still what was written? (rule 2.5)

        One is picked by chance; the others walk through all of them within a month.
        """
        store = self._home.store
        days = await asyncio.to_thread(store.sealed)
        if not days:
            return
        raw = await asyncio.to_thread(store.get_kv, VERIFIED)
        turn = next_days(days, date.fromisoformat(raw.decode()) if raw else None)
        for day in (self._die.choice(days), *turn):
            await self._verify_day(day)
        try:
            await asyncio.to_thread(store.put_kv, VERIFIED, turn[-1].isoformat().encode())
        except StoreError as error:
            logger.debug("how far days were verified was not noted: %s", error)

    async def _verify_day(self, day: date) -> None:
        home = self._home
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


def next_days(days: Sequence[date], last: date | None) -> list[date]:
    """The sealed days after `last` that are verified in this hour; after the newest the oldest."""
    at = 0 if last is None else bisect_right(days, last)
    count = -(-len(days) // HOURS_OF_WALK)
    return [days[(at + i) % len(days)] for i in range(count)]
