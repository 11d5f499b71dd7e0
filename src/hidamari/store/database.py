"""One database file and who may use it: one writer, readers on the side, what to do when it fails.

Opening is recovering: SQLite replays its log, a file that cannot be read is moved aside and a
fresh one begins. A write that finds no room throws the ballast overboard, thins out, and
at last waits in memory for better times.
"""

import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from hidamari.core.errors import StoreDamaged, StoreError, StoreFull
from hidamari.core.time import from_unix
from hidamari.store.faults import faults, is_damaged_file
from hidamari.store.files import sync_folder
from hidamari.store.lock import FolderLock
from hidamari.store.room import Room, drop_outbox, drop_sealed_frames, thin_days
from hidamari.store.schema import open_reader, open_writer, transaction

logger = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

_WAITING = 3 * 1440 + 3 * 48  # three days of minutes and half-hours, about 3 MB
_IDLE_READERS = 2
_RESERVE_PAGES = 64  # 256 KiB: half an hour of minutes and one step of thinning out
_THINNING: tuple[tuple[str, Job[bool]], ...] = (
    ("frames", drop_sealed_frames),
    ("outbox", drop_outbox),
    ("days", thin_days),
)


class Database:
    """The file `store.db` of a folder, held by this process alone."""

    def __init__(self, folder: Path, begin: Job[None], ballast_bytes: int) -> None:
        """`begin` runs in a transaction after each opening: it fills a new file, reads an old one.

        Raises StoreBusy, StoreFull, or StoreError for a file of a newer release.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "store.db"
        self._begin = begin
        self._mutex = threading.RLock()
        self._idle: deque[sqlite3.Connection] = deque()
        self._waiting: deque[Job[object]] = deque(maxlen=_WAITING)
        self._generation = 0
        self.damaged: Path | None = None  # where a broken file was moved
        self._lock = FolderLock(folder)
        try:
            self.room = Room(folder, ballast_bytes)
            self._writer = self._open()
            self.room.take_ballast()
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Give the file and the folder free; nothing depends on this being called."""
        with self._mutex:
            self._generation += 1  # readers still out are closed when they come back
            self._forget_readers()
            self._writer.close()
            self._lock.release()

    @property
    def waiting(self) -> int:
        """How many writes wait in memory for room on the disk."""
        return len(self._waiting)

    def write(self, job: Job[T], *, keep: bool = False) -> T:
        """Run `job` in one transaction and return after it is on the disk.

        Raises StoreFull when there is no room; with `keep` the job then waits in memory and is
        done by the next write that succeeds.
        """
        with self._mutex:
            try:
                result = self._write(job)
            except StoreFull as error:
                if keep:
                    if not self._waiting:
                        logger.warning("%s; what is measured waits in memory", error)
                    self._waiting.append(job)
                raise
            if self._waiting:
                self._catch_up()
            if self.room.is_ballast_gone():
                self._keep_reserve()
            return result

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one unchanging state; any thread, one thread at a time."""
        generation = self._generation
        with faults("reading the history"):
            connection = self._idle_reader() or open_reader(self._path)
            try:
                connection.execute("begin")
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("rollback")
                if generation == self._generation and len(self._idle) < _IDLE_READERS:
                    self._idle.append(connection)
                else:
                    connection.close()

    def free_space_step(self) -> str | None:
        """One step of making room, in the order that hurts least; its name, None = none is left."""
        with self._mutex:
            if self.room.drop_ballast():
                return self._after_step("ballast")
            if self.room.drop_logs():
                return self._after_step("logs")
            for name, job in _THINNING:
                with suppress(StoreFull):
                    if self._commit(job):
                        return self._after_step(name)
            return None

    def checkpoint(self) -> bool:
        """Move the log into the file, so that it begins again; returns whether all of it went.

        The log keeps its length on the disk: room that nobody else can take.
        """
        with self._mutex, faults("tidying the store"):
            row = self._writer.execute("pragma wal_checkpoint(restart)").fetchone()
            return bool(row[0] == 0)

    def _write(self, job: Job[T]) -> T:
        try:
            return self._commit(job)
        except StoreDamaged as error:
            if not is_damaged_file(error):
                raise
            self._begin_anew(error)
            return self._commit(job)
        except StoreFull as error:
            first = error
        for _ in self._room_steps():
            with suppress(StoreFull):
                return self._commit(job)
        raise first

    def _room_steps(self) -> Iterator[str]:
        """Everything that may help, the harmless first; a write is tried after each."""
        with suppress(StoreFull):
            self.checkpoint()
        yield "checkpoint"
        yield from iter(self.free_space_step, None)

    def _commit(self, job: Job[T]) -> T:
        with faults("writing the history"), transaction(self._writer):
            return job(self._writer)

    def _catch_up(self) -> None:
        """There is room again: do what waited, all of it in one transaction."""

        def all_kept(connection: sqlite3.Connection) -> None:
            for job in self._waiting:
                _try_kept(job, connection)

        with suppress(StoreFull):
            self._commit(all_kept)
            logger.warning("there is room again: %d waiting writes are done", len(self._waiting))
            self._waiting.clear()

    def _keep_reserve(self) -> None:
        """Without ballast: free pages in the file, or it could neither grow nor be thinned out."""
        free_pages = self._writer.execute("pragma freelist_count").fetchone()[0]
        if free_pages < _RESERVE_PAGES:
            self.free_space_step()

    def _after_step(self, name: str) -> str:
        logger.warning("the disk is full: room was made (%s)", name)
        with suppress(StoreFull):
            self.checkpoint()
        return name

    def _open(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except StoreDamaged as error:
            self._move_aside(error)
            return self._open()
        except StoreFull:
            if not self.room.drop_ballast():
                raise
            return self._open()

    def _opened(self) -> sqlite3.Connection:
        with faults(f"opening {self._path}"):
            connection = open_writer(self._path)
            try:
                with transaction(connection):
                    self._begin(connection)
            except BaseException:
                connection.close()
                raise
        sync_folder(self._path.parent)
        return connection

    def _begin_anew(self, error: StoreError) -> None:
        self._generation += 1
        self._forget_readers()
        self._writer.close()
        self._move_aside(error)
        self._writer = self._open()

    def _move_aside(self, error: StoreError) -> None:
        day = from_unix(self._path.stat().st_mtime).date().isoformat()
        names = (f"store.damaged-{day}{n}.db" for n in ("", *(f"-{i}" for i in range(2, 1000))))
        target = next(p for name in names if not (p := self._path.with_name(name)).exists())
        logger.error("%s: moved to %s, a fresh store begins", error, target.name)
        for suffix in ("-wal", ""):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                os.replace(part, target.with_name(target.name + suffix))
        self._path.with_name(self._path.name + "-shm").unlink(missing_ok=True)
        sync_folder(self._path.parent)
        self.damaged = target

    def _idle_reader(self) -> sqlite3.Connection | None:
        """A reader that nobody else takes at this moment; None when all are out."""
        try:
            return self._idle.popleft()
        except IndexError:
            return None

    def _forget_readers(self) -> None:
        while reader := self._idle_reader():
            reader.close()


def _try_kept(job: Job[object], connection: sqlite3.Connection) -> None:
    try:
        job(connection)
    except StoreDamaged as error:  # a broken row in the way must not block all later ones
        logger.warning("a write that waited for room is dropped: %s", error)
