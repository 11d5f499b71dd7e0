"""The server service of one home in virtual time: the real hub and store, and all their troubles.

It can be away, slow, out of space, or die between its commit and its answer; the line to it can be
cut at any moment. What it has committed stays, as on a disk.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
from tests.cloud.lab import Keys
from tests.link.bare import no_answer, through
from tests.link.service import NAME, Exchange, PaperDesk, Service
from tests.whole.street import Parts, Street, TrueClock

from hidamari.answers.ranges import Span
from hidamari.cloud import hub
from hidamari.cloud.bus import LocalBus
from hidamari.cloud.history import past_of
from hidamari.cloud.ports import Arrived
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.errors import StoreError
from hidamari.core.reading import SeriesKey
from hidamari.core.time import SLOT_S, day_bounds
from hidamari.home.app import Home
from hidamari.home.device_key import own_identity
from hidamari.home.uplink import Uplink, Way
from hidamari.link.identity import Identity
from hidamari.link.records import EventRecord, unpack
from hidamari.link.relay import Relay
from hidamari.store.pack import FloatArray as Values


class Disk(SqliteSegments):
    """The service's store, slow or failing when told to."""

    slow_s = 0.0
    is_full = False
    after_commit: Callable[[], None] = staticmethod(lambda: None)

    async def write(self, batch: Sequence[Arrived]) -> None:
        """Commit, and tell so before anybody else hears of it."""
        await asyncio.sleep(self.slow_s)
        if self.is_full:
            raise StoreError("keeping records of homes: no space")
        await super().write(batch)
        self.after_commit()


@dataclass
class Outside:
    """A street's home seen from its service."""

    street: Street
    folder: Path
    seed: int
    uplink: Uplink | None = None
    emptied_s: float = 0.0  # when nothing waited any more
    keys: Keys = field(default_factory=Keys)
    _hub: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.clock = TrueClock(self.street.clock)
        self.identity: Identity = own_identity(self.street.folder)
        self.keys.known[self.identity.home] = self.identity.public_key
        service = Service(self.identity.public_key, lambda: self.clock.now().timestamp())
        self.exchange = Exchange(service)
        self.desk = PaperDesk(service, self.identity)
        self.disk = Disk(self.folder / "cloud.db", self.clock)

    @property
    def is_there(self) -> bool:
        """Whether a home finds the service."""
        return self._hub is not None

    async def come(self) -> None:
        """The service starts on its disk."""
        if self._hub is not None:
            return
        await self.disk.open()
        one = hub.Hub(hub.Parts(self.disk, self.keys, LocalBus(self.clock), self.clock))
        self.exchange.serve = through(one)
        self._hub = asyncio.create_task(_running(one), name="hub")
        self.exchange.is_there = self.desk.is_there = True

    async def go(self) -> None:
        """The service ends from one moment to the next: what was not committed is gone."""
        if self._hub is None:
            return
        self.desk.is_there = False
        self.exchange.go()
        self._hub.cancel()
        with suppress(asyncio.CancelledError):
            await self._hub
        await self.disk.close()
        self._hub = None

    def parts(self, home: Home) -> Parts:
        """What the home runs to be linked."""
        way = Way(
            "https://cloud.test", NAME, "1", 1, self.desk, self.exchange.dial, die=Random(self.seed)
        )
        relay = Relay(no_answer, lambda actor: {}, home.store.answers)
        self.uplink = Uplink(home, self.identity, way, relay)
        return {"link": self.uplink.run, "upload": self.uplink.upload}

    # -- what must hold ------------------------------------------------------------------------

    def look(self) -> None:
        """The home never waits for it, and everything comes to an end once it is back (B7)."""
        home, now_s = self.street.home, asyncio.get_running_loop().time()
        if home is None or self.uplink is None:
            return
        if self.uplink.waiting() == 0:
            self.emptied_s = now_s

    async def check(self, first: datetime, calm_s: float) -> list[str]:
        """All that is missing, doubled or other at the service, if it was back for so long."""
        broken, home = [], self.street.home
        if asyncio.get_running_loop().time() - self.emptied_s > calm_s:
            broken.append(f"{self.uplink.waiting()} records and days still wait")
        # What got its value late comes with its day, which is sealed when it is over.
        keys, zone = sorted(home.store.series()), home.settings.zone
        last, _ = day_bounds(home.store.sealed()[-1] + timedelta(days=1), zone)
        past = await past_of(self.disk, self.identity.home, [Span(first, last)], "1m", zone)
        ours, theirs = (one.minutes(keys, first, last) for one in (home.store, past))
        broken += _unlike("minutes", keys, first, 60, ours, theirs)
        ours, theirs = (one.slots(keys, first, last)[0] for one in (home.store, past))
        broken += _unlike("half-hours", keys, first, SLOT_S, ours, theirs)
        with closing(sqlite3.connect(self.folder / "cloud.db")) as file:
            for what, by in (("seg", "epoch, t0"), ("day", "epoch, d, rev")):
                query = f"select {by}, count(*) from {what} group by {by} having count(*) > 1"
                broken += [f"{what} twice: {row}"[:200] for row in file.execute(query)]
            theirs = [unpack(z, EventRecord).code for (z,) in file.execute("select z from event")]
        told = Counter(theirs)
        made = Counter(one.code for one in home.store.events(limit=100_000))
        if told != made:
            broken.append(f"events: ours more {made - told}, theirs more {told - made}")
        return broken


def _unlike(
    what: str, keys: list[SeriesKey], first: datetime, step_s: int, ours: Values, theirs: Values
) -> list[str]:
    """One line for each series that the two have otherwise."""
    found = []
    for i, key in enumerate(keys):
        other = np.flatnonzero(
            ~(
                (ours[:, i] == theirs[:, i])
                | np.isnan(ours + theirs)[:, i] & (np.isnan(ours) == np.isnan(theirs))[:, i]
            )
        )
        if other.size:
            at = first + timedelta(seconds=step_s * int(other[0]))
            pair = ours[other[0], i], theirs[other[0], i]
            found.append(f"{what} of {key}: {other.size} differ, first {at:%d %H:%M} {pair}")
    return found


async def _running(one: hub.Hub) -> None:
    async with one.running():
        await asyncio.Event().wait()
