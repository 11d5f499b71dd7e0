"""One die for one home: random faults, one after the other, while somebody judges."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from tests.whole.air import Weather
from tests.whole.brain import Brain
from tests.whole.judge import Judge
from tests.whole.outside import Outside
from tests.whole.street import Street

Ending = Callable[[], Awaitable[None]]


class Storm:
    """What is thrown at a street, and what is away because of it."""

    def __init__(self, street: Street, seed: int) -> None:
        self.street = street
        self.judge = Judge(street)
        self.die = Random(seed)
        self.log: list[str] = []
        self.gone: dict[str, float] = {}  # device -> when it went
        self.brain: Brain | None = None
        self.outside: Outside | None = None
        self._hosts = 100
        self._later: list[tuple[float, Ending]] = []

    async def blow(self, until: datetime, kinds: Sequence["Fault"]) -> None:
        """One fault after the other, then calm."""
        while self.street.clock.true() < until:
            await self.rest(30)
            kind = self.die.choice(kinds)
            self.log.append(f"{self.street.clock.true():%d %H:%M:%S} {kind.__name__}")
            await kind(self)
        self.street.air.weather = Weather()
        while self.gone:
            self.back(next(iter(self.gone)))
        await self._end(float("inf"))

    async def rest(self, most_min: float) -> None:
        """Some minutes pass; the house is looked at as often as there is something new."""
        left_s = 60.0 * (1 + int(self.die.random() * most_min))
        while left_s > 0.0:
            nap_s = min(left_s, max(60.0, self.street.live_s))
            await self.sleep(nap_s)
            left_s -= nap_s

    async def sleep(self, seconds: float) -> None:
        """Let time pass, and look."""
        await self.street.until(self.street.clock.true() + timedelta(seconds=seconds))
        await self._end(asyncio.get_running_loop().time())
        self.judge.look(self.gone)
        for one in (self.brain, self.outside):
            if one is not None:
                one.look()

    def later(self, after_s: float, end: Ending) -> None:
        """What ends a fault that goes on while others begin."""
        self._later.append((asyncio.get_running_loop().time() + after_s, end))

    async def _end(self, now_s: float) -> None:
        due = [one for one in self._later if one[0] <= now_s]
        self._later = [one for one in self._later if one[0] > now_s]
        for _, end in due:
            await end()

    def vanish(self, key: str) -> None:
        """The node of a device is unplugged."""
        self.street.house.vanish(key)
        for other in self._with(key):
            self.gone[other] = self.street.clock.monotonic_s()

    def back(self, key: str, *, moved: bool = False, host: str | None = None) -> None:
        """It is plugged in again, where it was or elsewhere."""
        if moved:
            self._hosts += 1
            host = f"10.0.0.{self._hosts}"
        self.street.house.come_back(key, host)
        for other in self._with(key):
            self.gone.pop(other, None)

    def _with(self, key: str) -> list[str]:
        node = self.street.house._node(key)
        return [d.key for d in self.street.devices if self.street.house._node(d.key) is node]


Fault = Callable[[Storm], Awaitable[None]]
