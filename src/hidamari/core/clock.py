"""What time it is: the only place that reads the machine's clock."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from hidamari.core.time import from_unix


class Clock(Protocol):
    """Wall time and a monotonic count of seconds that run together."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never jump, on this clock's own pace."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        ...


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        return from_unix(time.time())

    def monotonic_s(self) -> float:
        """Seconds since some start, never jumping."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(max(0.0, seconds))


class FastClock:
    """A clock that runs `speed` times as fast as the machine's, from a given instant.

    `anchor` is a pair (machine's unix seconds, instant shown then): two processes with the same
    pair and speed show the same time.
    """

    def __init__(self, anchor_unix_s: float, start: datetime, speed: float) -> None:
        self.anchor_unix_s = anchor_unix_s
        self.start = start
        self.speed = speed

    def now(self) -> datetime:
        """The present instant of this clock, UTC."""
        return self.start + timedelta(seconds=(time.time() - self.anchor_unix_s) * self.speed)

    def monotonic_s(self) -> float:
        """Seconds of this clock, never jumping."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)


def clock_from(text: str) -> Clock:
    """The clock written by `clock_text`; the machine's own for an empty text."""
    if not text:
        return RealClock()
    anchor_unix_s, start_unix_s, speed = (float(part) for part in text.split(":"))
    return FastClock(anchor_unix_s, from_unix(start_unix_s), speed)


def fast_clock_from_now(start: datetime, speed: float) -> FastClock:
    """A clock that shows `start` now and runs `speed` times as fast as the machine's."""
    return FastClock(time.time(), start, speed)


def clock_text(clock: FastClock) -> str:
    """The clock as one word for another process on this machine."""
    return f"{clock.anchor_unix_s}:{clock.start.timestamp()}:{clock.speed}"


class VirtualClock:
    """A clock that moves only when told or slept on: for backtests and tests."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("start must be an aware datetime")
        self._at = start.astimezone(UTC)
        self._mono_s = 0.0
        self.on_advance: Callable[[float], None] | None = None

    def now(self) -> datetime:
        """The present instant, UTC."""
        return self._at

    def monotonic_s(self) -> float:
        """Seconds this clock has moved."""
        return self._mono_s

    def advance(self, seconds: float) -> None:
        """Move wall and monotonic time forward together."""
        self._at += timedelta(seconds=seconds)
        self._mono_s += seconds
        if self.on_advance is not None:
            self.on_advance(seconds)

    def set_wall(self, at: datetime) -> None:
        """Let the wall clock jump; monotonic time stays."""
        self._at = at.astimezone(UTC)

    async def sleep(self, seconds: float) -> None:
        """Move on by `seconds` at once, letting other tasks run."""
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)
