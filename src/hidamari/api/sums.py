"""The sums behind the live screen, computed in a thread and kept for a minute."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from hidamari.api.figures import Bundle, bundle
from hidamari.api.money import DayPrices, contract_now, day_prices
from hidamari.core.errors import StoreError
from hidamari.core.time import MINUTE_S, floor_to
from hidamari.home.view import HomeView


@dataclass(frozen=True, slots=True)
class Kept:
    """Sums and prices as of a minute."""

    minute: datetime
    sums: Bundle
    prices: DayPrices | None


class LiveSums:
    """Today, yesterday, the month and today's prices; computed only when somebody looks."""

    def __init__(self, home: HomeView) -> None:
        self._home = home
        self._lock = asyncio.Lock()
        self._kept: Kept | None = None
        self._coming: asyncio.Task[Kept] | None = None

    async def get(self) -> Kept:
        """The sums of this minute."""
        minute = self._minute()
        async with self._lock:  # many lookers cost one computation
            if self._kept is None or self._kept.minute != minute:
                self._kept = await asyncio.to_thread(self._compute, minute)
            return self._kept

    async def at_hand(self) -> Kept:
        """The newest sums there are; those of a new minute are made meanwhile.

        A value that has just changed does not wait for the sum of a month.
        """
        if self._coming is not None and self._coming.done():
            done, self._coming = self._coming, None
            done.result()  # what went wrong is told here
        if self._kept is None:
            return await self.get()
        if self._kept.minute != self._minute() and self._coming is None:
            self._coming = asyncio.create_task(self.get(), name="live sums")
        return self._kept

    def _minute(self) -> datetime:
        return floor_to(self._home.clock.now(), MINUTE_S)

    def forget(self) -> None:
        """Settings or history changed: compute anew at the next look."""
        self._kept = None

    def _compute(self, minute: datetime) -> Kept:
        home = self._home
        now, settings = home.clock.now(), home.settings
        contract = contract_now(home, now)
        try:
            sums = bundle(home.store, now, settings.zone, contract, settings.target.month_kwh)
            prices = day_prices(home, contract, now) if contract is not None else None
        except StoreError:  # live values go on while the history is repaired
            return Kept(minute, Bundle(None, None, None, []), None)
        return Kept(minute, sums, prices)
