"""Keeps the parts of a process running: a part that fails is started again after a pause."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from hidamari.core.clock import Clock

logger = logging.getLogger(__name__)

Part = Callable[[], Awaitable[None]]
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
CALM_S = 600.0  # a part that ran this long starts again with the first pause


@dataclass(frozen=True, slots=True)
class Failure:
    """A part ended with an exception; `count` is how often within the calm time."""

    part: str
    error: str
    count: int


async def keep_running(
    name: str, part: Part, clock: Clock, on_failure: Callable[[Failure], None]
) -> None:
    """Run one part for ever; failures are reported, paused with growing length, and tried again."""
    count = 0
    while True:
        began_s = clock.monotonic_s()
        try:
            await part()
        except Exception as error:  # the one place that may catch everything
            ran_s = clock.monotonic_s() - began_s
            count = 1 if ran_s > CALM_S else count + 1
            logger.exception("part %s failed (%d)", name, count)
            on_failure(Failure(name, f"{type(error).__name__}: {error}", count))
        else:
            return
        await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (count - 1)))


async def run_parts(
    parts: Mapping[str, Part], clock: Clock, on_failure: Callable[[Failure], None]
) -> None:
    """Run all parts together until cancelled; one failing part never stops the others."""
    async with asyncio.TaskGroup() as group:
        for name, part in parts.items():
            group.create_task(keep_running(name, part, clock, on_failure), name=name)


async def every(seconds: float, clock: Clock, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` at a steady pace of the clock; a late turn does not shift the next ones."""
    due_s = clock.monotonic_s()
    while True:
        await work()
        due_s = max(due_s + seconds, clock.monotonic_s())
        await clock.sleep(due_s - clock.monotonic_s())
