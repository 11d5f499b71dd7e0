"""The bus inside one process: requests go straight to the link that the hub holds."""

import asyncio
import secrets
from collections.abc import AsyncGenerator

from hidamari.cloud.link import Link
from hidamari.cloud.ports import HomeAway, Presence
from hidamari.core.clock import Clock
from hidamari.link.messages import Bye, Query, Reply, Watch

PIECE_S = 60.0  # between two pieces of one answer
SOCKET = "WS"  # the method that opens a WebSocket at home: it may be silent for long
COME_BACK_S = 60
TWO_CONTROLLERS_S = 180  # longer than the 150 s after which a dead link is noticed
_DRAIN_S = 120  # homes that are sent away together come back spread over this


def come_back_s() -> int:
    """When a home that was sent away with all others may come back."""
    return 1 + secrets.randbelow(_DRAIN_S)


class LocalBus:
    """All linked homes of this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: dict[bytes, Link] = {}
        self._last: dict[bytes, Presence] = {}  # of homes that are away
        self._watches: dict[bytes, Watch] = {}

    # for the hub

    def attach(self, link: Link) -> bool:
        """Let a home in: the newest link of a store generation counts, another one waits."""
        present = self._links.get(link.home)
        if present is not None and present.epoch != link.epoch:
            return False
        if present is not None:
            present.send(Bye("replaced", COME_BACK_S))
            present.end()
        self._links[link.home] = link
        watch = self._watches.get(link.home)
        if watch is not None and watch.until_ms > self._now_ms():
            link.send(watch)
        return True

    def detach(self, link: Link) -> None:
        """The link is over."""
        link.end()
        if self._links.get(link.home) is link:
            del self._links[link.home]
            self._last[link.home] = link.presence

    def say_goodbye(self) -> None:
        """Send every home away, to come back one after the other."""
        for link in self._links.values():
            link.send(Bye("drain", come_back_s()))

    def __len__(self) -> int:
        return len(self._links)

    # for everybody else

    async def presence(self, home: bytes) -> Presence:
        """Whether the home is there, and what it said last."""
        link = self._links.get(home)
        return link.presence if link else self._last.get(home, Presence(linked=False))

    async def request(self, home: bytes, query: Query) -> AsyncGenerator[Reply, None]:
        """Relay a request: its pieces as they come; ending the iteration cancels it at home."""
        link = self._links.get(home)
        if link is None:
            raise HomeAway
        question = link.ask(query)
        wait_s: float | None = query.ttl_ms / 1000
        try:
            is_more = True
            while is_more:
                async with asyncio.timeout(wait_s):
                    reply = await question.next()
                if reply is None:
                    raise HomeAway
                yield reply
                is_more = reply.more
                wait_s = None if query.method == SOCKET else PIECE_S
        finally:
            link.forget(question)

    async def watch(self, home: bytes, until_ms: int, interval_s: int) -> None:
        """Somebody looks; also a home that comes back meanwhile is told."""
        watch = Watch(until_ms, interval_s)
        now_ms = self._now_ms()
        self._watches = {h: w for h, w in self._watches.items() if w.until_ms > now_ms}
        self._watches[home] = watch
        link = self._links.get(home)
        if link is not None:
            link.send(watch)

    async def drop(self, home: bytes, reason: str) -> None:
        """End the link of a home."""
        link = self._links.get(home)
        if link is not None:
            link.send(Bye(reason, COME_BACK_S))
            self.detach(link)

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)
