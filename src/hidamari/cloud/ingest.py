"""The way of records into the store: a bounded queue, one writer, answers only after commit.

While the store is slow the queue is full, and whoever puts a record waits: the hub does not read
that socket. While the store is down a batch is tried again until it is committed; homes keep
what was not acknowledged.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from hidamari.cloud.link import Link
from hidamari.cloud.ports import Arrived, SegmentStore
from hidamari.core.errors import InputError, StoreError
from hidamari.link.messages import Record, Refused

logger = logging.getLogger(__name__)

BATCH = 500
BATCH_S = 0.02
QUEUE_BYTES = 32 * 2**20
QUEUE_RECORDS = 10_000
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


@dataclass(slots=True)
class Counters:
    """What came in since the start."""

    records: int = 0  # read from links
    committed: int = 0
    refused: int = 0
    batches: int = 0
    failures: int = 0  # of the store
    live_frames: int = 0
    hellos: int = 0
    turned_away: int = 0
    bad_messages: int = 0
    sent_away: int = 0  # for sending too much


@dataclass(frozen=True, slots=True)
class _Waiting:
    link: Link
    record: Record

    @property
    def arrived(self) -> Arrived:
        return Arrived(self.link.home, self.link.epoch, self.record)


class Ingest:
    """Takes records that were checked and answers the homes that sent them."""

    def __init__(self, store: SegmentStore, counters: Counters) -> None:
        self._store = store
        self._counters = counters
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, link: Link, record: Record) -> None:
        """Take a record, as soon as there is room."""
        while not self._room.is_set():
            await self._room.wait()
        self._queue.append(_Waiting(link, record))
        self._queued_bytes += len(record.payload)
        self._some.set()
        self._look()

    async def refuse(self, link: Link, record: Record, code: str) -> None:
        """Refuse a record for good; unless the store cannot remember it: then it comes again."""
        try:
            await self._store.refuse(Arrived(link.home, link.epoch, record))
        except StoreError as error:
            logger.warning("a refused record will come again: %s", error)
            return
        finally:
            link.in_flight.discard((record.stream, record.seq))
        self._counters.refused += 1
        link.send(Refused(record.stream, record.seq, code))

    async def run(self) -> None:
        """Write batch after batch, for ever."""
        while True:
            await self._some.wait()
            if len(self._queue) < BATCH:
                await self._gather()
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            await self._commit(batch)
            self._queued_bytes -= sum(len(one.record.payload) for one in batch)
            if not self._queue:
                self._some.clear()
            self._look()

    async def _gather(self) -> None:
        """Give others a moment to join the batch."""
        try:
            async with asyncio.timeout(BATCH_S):
                await self._enough.wait()
        except TimeoutError:
            return

    def _look(self) -> None:
        """Whether there is room for more, and enough for a batch."""
        is_full = self._queued_bytes >= QUEUE_BYTES or len(self._queue) >= QUEUE_RECORDS
        for event, is_set in ((self._room, not is_full), (self._enough, len(self._queue) >= BATCH)):
            if is_set:
                event.set()
            else:
                event.clear()

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        """Commit a batch and answer; one that the store cannot take is refused alone."""
        try:
            await self._write(batch)
        except InputError as error:
            if len(batch) > 1:
                for one in batch:
                    await self._commit([one])
                return
            logger.warning("a record is refused by the store: %s", error)
            await self.refuse(batch[0].link, batch[0].record, "unreadable")
            return
        self._counters.batches += 1
        self._counters.committed += len(batch)
        by_link: dict[Link, list[Record]] = {}
        for one in batch:
            by_link.setdefault(one.link, []).append(one.record)
        for link, records in by_link.items():
            link.ack(records)

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        """Return when the batch is on the disk, however long that takes."""
        arrived = [one.arrived for one in batch]
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._store.write(arrived)
            except StoreError as error:
                if pause_s == _FIRST_PAUSE_S:
                    logger.warning("nothing can be kept now, homes wait: %s", error)
                self._counters.failures += 1
                await asyncio.sleep(pause_s)
                pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)
                continue
            if pause_s > _FIRST_PAUSE_S:
                logger.warning("records are kept again")
            return
