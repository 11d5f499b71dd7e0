"""What foreign frames may cost us: rate limits, and counts of what was dropped."""

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TypeVar

from hidamari.core.errors import FrameError

T = TypeVar("T")

logger = logging.getLogger(__name__)

# One log line per source in ten minutes.
LOG_EVERY_S = 600.0
LOG_LINES = 60  # in ten minutes, whatever number of sources somebody invents
SOURCES_KEPT = 512


@dataclass(frozen=True, slots=True)
class Limits:
    """Frames per second that are looked at. Answers we wait for do not count."""

    source_per_s: float
    all_per_s: float


CONTROLLER_LIMITS = Limits(source_per_s=50.0, all_per_s=500.0)
DEVICE_LIMITS = Limits(source_per_s=5000.0, all_per_s=20000.0)  # a controller reads in bursts


@dataclass(slots=True)
class Counters:
    """What happened on the network since the start, for the diagnostics page."""

    received: int = 0
    sent: int = 0
    bad: int = 0  # not a frame of the standard
    maker_format: int = 0  # EHD 1082, not for us
    over_rate: int = 0
    foreign: int = 0  # answers nobody waited for
    conflicts: int = 0  # two different answers to one question
    unbound: int = 0  # announcements of nodes we do not know
    bad_by_source: dict[str, int] = field(default_factory=dict)


class Bucket:
    """Lets `rate` frames a second through, and one second's worth at once."""

    __slots__ = ("at_s", "level", "rate")

    def __init__(self, rate: float, now_s: float) -> None:
        self.rate = rate
        self.level = rate
        self.at_s = now_s

    def take(self, now_s: float) -> bool:
        """True when one more frame is within the rate."""
        self.level = min(self.rate, self.level + (now_s - self.at_s) * self.rate)
        self.at_s = now_s
        if self.level < 1.0:
            return False
        self.level -= 1.0
        return True


class Guard:
    """Decides which frames are looked at, and keeps count of the others."""

    def __init__(self, counters: Counters, limits: Limits) -> None:
        self.counters = counters
        self._limits = limits
        self._all: Bucket | None = None
        self._sources: dict[str, Bucket] = {}
        self._logged_s: dict[str, float] = {}
        self._lines: deque[float] = deque(maxlen=LOG_LINES)

    def admits(self, host: str, now_s: float) -> bool:
        """True unless this source, or all together, send more than they may."""
        bucket = self._sources.get(host)
        if bucket is None:
            _make_room(self._sources)
            bucket = self._sources[host] = Bucket(self._limits.source_per_s, now_s)
        if self._all is None:
            self._all = Bucket(self._limits.all_per_s, now_s)
        # The source's own limit comes first: one flooder must not use up what all share.
        if bucket.take(now_s) and self._all.take(now_s):
            return True
        self.counters.over_rate += 1
        return False

    def bad(self, data: bytes, host: str, error: FrameError, now_s: float) -> None:
        """Count a frame that is none, and say so once in ten minutes for each source."""
        self.counters.bad += 1
        if host not in self.counters.bad_by_source:
            _make_room(self.counters.bad_by_source)
        self.counters.bad_by_source[host] = self.counters.bad_by_source.get(host, 0) + 1
        last_s = self._logged_s.get(host)
        full = len(self._lines) == LOG_LINES and now_s - self._lines[0] < LOG_EVERY_S
        if not full and (last_s is None or now_s - last_s >= LOG_EVERY_S):
            _make_room(self._logged_s)
            self._lines.append(now_s)
            self._logged_s[host] = now_s
            logger.warning("dropped a bad frame from %s: %s", host, error)
        logger.debug("bad frame from %s: %s", host, data[:64].hex())


def _make_room(table: dict[str, T]) -> None:
    """Forget the source that was met first when too many are kept."""
    if len(table) >= SOURCES_KEPT:
        del table[next(iter(table))]
