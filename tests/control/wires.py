"""A scripted wire: requests and answers get lost as told, and it remembers what really ran."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from hidamari.core.errors import DeviceSilent
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import WAITS_S, Answer


@dataclass
class ScriptedWire:
    """One device behind a bad line, cut off for good when its power goes."""

    die: Random
    lost_request: float = 0.0
    lost_answer: float = 0.0
    refuses: frozenset[int] = frozenset()
    disobeys: frozenset[int] = frozenset()  # answers "done" and does nothing
    dies_at_s: float = float("inf")
    state: dict[int, bytes] = field(default_factory=dict)
    ran: list[dict[int, bytes]] = field(default_factory=list)
    sent: int = 0

    async def set(
        self, host: str, eoj: Eoj, values: Mapping[int, bytes], waits_s: tuple[float, ...] = WAITS_S
    ) -> Answer:
        for wait_s in waits_s:
            self.sent += 1
            if self._request_arrives():
                taken = {e: v for e, v in values.items() if e not in self.refuses}
                self.ran.append(dict(taken))
                self.state |= {e: v for e, v in taken.items() if e not in self.disobeys}
                if self._answer_arrives():
                    await asyncio.sleep(0.05)
                    return Answer({}, self.refuses & values.keys())
            await asyncio.sleep(wait_s)
        raise DeviceSilent(host)

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        for wait_s in WAITS_S:
            if self._request_arrives() and self._answer_arrives():
                await asyncio.sleep(0.05)
                return Answer({e: self.state[e] for e in epcs if e in self.state})
            await asyncio.sleep(wait_s)
        raise DeviceSilent(host)

    def _is_dead(self) -> bool:
        return asyncio.get_running_loop().time() >= self.dies_at_s

    def _request_arrives(self) -> bool:
        return not self._is_dead() and self.die.random() >= self.lost_request

    def _answer_arrives(self) -> bool:
        return not self._is_dead() and self.die.random() >= self.lost_answer
