"""Sends a command and says what is known of it: only what was read back is done."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from hidamari.core.clock import Clock
from hidamari.core.errors import DeviceSilent
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import WAITS_S, Answer

CONFIRM_WITHIN_S = 15.0  # reliability B10
SET_WITHIN_S = 10.0  # an order that has to wait its turn for longer is not sent any more
LOOK_AGAIN_S = 1.5
ONCE_WAIT_S = 5.0  # how long the one try of a command of class C3 waits for its answer


class Outcome(StrEnum):
    """What is known of a command."""

    CONFIRMED = "confirmed"  # the device was read and shows what it was told
    NOT_CONFIRMED = "not_confirmed"  # it may or may not have run
    REFUSED = "refused"  # the device said that it cannot
    EXPIRED = "expired"  # too late to be sent


class Wire(Protocol):
    """What sending needs of the ECHONET Lite client."""

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        """Read properties; DeviceSilent when no answer came."""
        ...

    async def set(
        self, host: str, eoj: Eoj, values: Mapping[int, bytes], waits_s: tuple[float, ...] = WAITS_S
    ) -> Answer:
        """Write properties and wait for the answer; one try for each entry of `waits_s`."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """Properties to set, in this order; not sent any more after `not_after`.

    `shown` are the EPCs whose read-back proves it: amounts count down and prove nothing. `once`:
    class C3 (locks, shutters, bath), which is never sent a second time by itself.
    """

    host: str
    eoj: Eoj
    values: Mapping[int, bytes]
    shown: frozenset[int]
    not_after: datetime
    once: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome, and what the device showed when it was read."""

    outcome: Outcome
    read: Mapping[int, bytes]
    refused: frozenset[int] = frozenset()


async def send(wire: Wire, command: Command, clock: Clock) -> Sent:
    """Send, read back within 15 s of the network's time, and never call unread things done."""
    if clock.now() > command.not_after:
        return Sent(Outcome.EXPIRED, {})
    refused: frozenset[int] = frozenset()
    begun_s = asyncio.get_running_loop().time()
    waits_s = (ONCE_WAIT_S,) if command.once else WAITS_S
    try:
        async with asyncio.timeout(SET_WITHIN_S):
            answer = await wire.set(command.host, command.eoj, command.values, waits_s)
        refused = answer.refused
    except (DeviceSilent, TimeoutError):
        pass  # it may have run all the same: the reading decides
    found = await _read_back(wire, command, begun_s + CONFIRM_WITHIN_S)
    if all(found.get(epc) == command.values[epc] for epc in command.shown):
        return Sent(Outcome.CONFIRMED, found, refused)
    if refused & command.shown:
        return Sent(Outcome.REFUSED, found, refused)
    return Sent(Outcome.NOT_CONFIRMED, found, refused)


async def _read_back(wire: Wire, command: Command, until_s: float) -> dict[int, bytes]:
    """The newest reading of what was set, asked again until it shows or the time is over."""
    loop = asyncio.get_running_loop()
    found: dict[int, bytes] = {}
    while (left_s := until_s - loop.time()) > 0:
        try:
            async with asyncio.timeout(left_s):
                answer = await wire.get(command.host, command.eoj, tuple(command.values))
        except (DeviceSilent, TimeoutError):
            found = {}  # an older reading does not prove anything
            continue
        found = dict(answer.values)
        if all(found.get(epc) == command.values[epc] for epc in command.shown):
            return found
        await asyncio.sleep(min(LOOK_AGAIN_S, max(0.0, until_s - loop.time())))
    return found
