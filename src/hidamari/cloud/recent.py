"""What was read lately: true until this service writes something, and for two seconds at most.

One service works with a store at a time, so nothing changes behind its back but by hand.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

KEPT_S = 2.0  # a right that was taken away by hand in the store ends within five seconds
MOST = 10_000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    value: V
    writes: int
    until_s: float


class Recent(Generic[K, V]):
    """Answers of a store by what was asked."""

    def __init__(self) -> None:
        self._kept: dict[K, _Kept[V]] = {}

    async def get(self, key: K, writes: int, read: Callable[[], Awaitable[V]]) -> V:
        """The answer as it was read last, or read now; `writes` counts those of the store."""
        now_s = asyncio.get_running_loop().time()
        kept = self._kept.get(key)
        if kept is not None and kept.writes == writes and now_s < kept.until_s:
            return kept.value
        value = await read()
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = _Kept(value, writes, now_s + KEPT_S)
        return value
