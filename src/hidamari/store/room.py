"""Room on the disk: the ballast to throw overboard, and what is thinned out, in which order."""

import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hidamari.store.days import ALWAYS_S, HEAD_BYTES, drop_frames, sealed_days
from hidamari.store.pack import MISSING, DayBlob, DaySpan, digest
from hidamari.store.rows import read_slots, slot_span

BALLAST_BYTES = 32 * 2**20
WARN_PCT = 80.0
_FINE_DAYS = 400
_THINNED = "thinned out"
_DAYS_AT_ONCE = 5  # few pages of the log: it must fit where nothing else does


@dataclass(frozen=True, slots=True)
class RoomState:
    """How full the disk is under the data folder."""

    free_bytes: int
    used_pct: float
    has_ballast: bool

    @property
    def is_tight(self) -> bool:
        """Whether the owner should be warned."""
        return self.used_pct >= WARN_PCT or not self.has_ballast


class Room:
    """The ballast file and the figures of the disk it lies on."""

    def __init__(self, folder: Path, ballast_bytes: int) -> None:
        self._folder = folder
        self._path = folder / "ballast"
        self._bytes = ballast_bytes

    def state(self) -> RoomState:
        """Free bytes and share in use, as a program without privileges sees them."""
        disk = shutil.disk_usage(self._folder)
        used_pct = 100 * disk.used / max(1, disk.used + disk.free)
        return RoomState(disk.free, used_pct, self._has_ballast())

    def take_ballast(self) -> bool:
        """Reserve the ballast where twice its size is free; returns whether it lies there."""
        if self._has_ballast():
            return True
        if shutil.disk_usage(self._folder).free < 2 * self._bytes:
            return False
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._bytes)
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        return True

    def drop_ballast(self) -> bool:
        """Give the ballast's room to the store; returns whether there was any."""
        if not self._has_ballast():
            return False
        self._path.unlink()
        return True

    def is_ballast_gone(self) -> bool:
        """Whether there should be a ballast and is none."""
        return self._bytes > 0 and not self._has_ballast()

    def drop_logs(self) -> bool:
        """Delete rotated log files; returns whether there were any."""
        old = list((self._folder / "log").glob("*.log.*"))
        for path in old:
            path.unlink(missing_ok=True)
        return bool(old)

    def _has_ballast(self) -> bool:
        try:
            return self._path.stat().st_size >= self._bytes > 0
        except OSError:
            return False


def drop_sealed_frames(connection: sqlite3.Connection) -> bool:
    """Delete the frames of all sealed days, which hold the same minutes in less room."""
    before = connection.total_changes
    drop_frames(connection, ALWAYS_S[1])
    return connection.total_changes > before


def drop_outbox(connection: sqlite3.Connection) -> bool:
    """Delete power segments (stream 1) that lie in a sealed day, which carries the same data."""
    last = connection.execute(
        "select substr(z, 1, ?) from day order by d desc limit 1", (HEAD_BYTES,)
    ).fetchone()
    if last is None:
        return False
    end_s = DaySpan.of(last[0]).end_s
    gone = connection.execute("delete from outbox where stream = 1 and t < ?", (end_s,))
    return gone.rowcount > 0


def thin_days(connection: sqlite3.Connection) -> bool:
    """Take the minutes out of the oldest days behind the newest 400; half-hours stay.

    The clock is not asked: after a jump of years it would have everything thrown away.
    """
    rows = connection.execute(
        "select d, why from day order by d desc limit -1 offset ?", (_FINE_DAYS,)
    ).fetchall()
    wanted = {number for number, why in rows if why != _THINNED}
    if not wanted:
        return False
    width = connection.execute("select count(*) from series").fetchone()[0]
    old = [day for day in sealed_days(connection, *ALWAYS_S) if day.number in wanted]
    for day in old[:_DAYS_AT_ONCE]:
        slots = read_slots(connection, slot_span(day.span.start_s, day.span.end_s), width)
        filled = np.flatnonzero(slots["quality"].any(axis=0))
        gone = np.full((day.span.minutes, filled.size), MISSING, np.int32)
        ids = (filled + 1).astype(np.uint32)
        thin = DayBlob(day.span.start_s, ids, gone, slots[:, filled]).to_bytes()
        connection.execute(
            "update day set rev = rev + 1, n = 0, z = ?, sha = ?, why = ? where d = ?",
            (thin, digest(thin), _THINNED, day.number),
        )
    return bool(old)
