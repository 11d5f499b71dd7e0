"""How fast passwords may be tried: pauses that grow with every wrong one."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

FREE_TRIES = 5  # typing errors of one person at one screen
LONGEST_PAUSE_S = 300.0
FREE_TRIES_NAME = 20  # all screens together
LONGEST_PAUSE_NAME_S = 30.0  # so that a guest can slow the owner's sign-in but never shut it
MAX_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Misses:
    """Wrong passwords in a row for one name, and the last of them."""

    count: int
    last_at: datetime


def pause_s(misses: Misses, free: int, longest_s: float, now: datetime) -> float:
    """Seconds until the next try may be made, 0 when at once."""
    if misses.count < free:
        return 0.0
    pause = min(longest_s, 2.0 ** min(misses.count - free, 30))
    passed_s = (now - misses.last_at).total_seconds()
    # A clock that was set back must not lock anybody out.
    return 0.0 if passed_s < 0 else max(0.0, pause - passed_s)


def name_key(user: str) -> str:
    """What stands for a user name: people type passwords into the wrong field."""
    return hashlib.sha256(user.strip().lower().encode()).hexdigest()[:16]


class Tries:
    """Counts tries before they are judged, so that many at once are no way around."""

    def __init__(self, by_name: dict[str, Misses]) -> None:
        self._by_name: OrderedDict[str, Misses] = OrderedDict(by_name)
        self._by_place: OrderedDict[tuple[str, str], Misses] = OrderedDict()

    def take(self, user: str, place: str, now: datetime) -> float:
        """Count one try at this name from this address; returns the pause if it may not be made."""
        key = name_key(user)
        here = self._by_place.get((key, place), Misses(0, now))
        anywhere = self._by_name.get(key, Misses(0, now))
        wait_s = max(
            pause_s(here, FREE_TRIES, LONGEST_PAUSE_S, now),
            pause_s(anywhere, FREE_TRIES_NAME, LONGEST_PAUSE_NAME_S, now),
        )
        if wait_s > 0.0:
            return wait_s
        self._by_place[key, place] = Misses(here.count + 1, now)
        self._by_name[key] = Misses(anywhere.count + 1, now)
        for table in (self._by_place, self._by_name):
            if len(table) > MAX_REMEMBERED:
                table.popitem(last=False)
        return 0.0

    def forget(self, user: str, place: str) -> None:
        """The password was right: this screen starts anew."""
        key = name_key(user)
        here = self._by_place.pop((key, place), None)
        anywhere = self._by_name.get(key)
        if here is None or anywhere is None or anywhere.count <= here.count:
            self._by_name.pop(key, None)
        else:
            self._by_name[key] = Misses(anywhere.count - here.count, anywhere.last_at)

    def to_keep(self) -> dict[str, Misses]:
        """What must survive a restart: names with more wrong tries than typing explains."""
        return {k: m for k, m in self._by_name.items() if m.count >= FREE_TRIES}
