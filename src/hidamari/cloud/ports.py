"""The seams of the service: what its parts need of each other, each a small protocol.

The hub ends the links of homes, the stores keep what came, the directory knows who may what, the
bus brings a request to the hub that holds the home. One process has one of each.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from hidamari.core.access import Role
from hidamari.link.messages import LiveFrame, Query, Record, Reply
from hidamari.link.records import Day, DayTotals, EventRecord, Reported, Segment


@dataclass(frozen=True, slots=True)
class Arrived:
    """A record as a home sent it."""

    home: bytes
    epoch: int
    record: Record


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A record with the epoch it came from: its series are numbered by the table of that epoch."""

    epoch: int
    record: T


@dataclass(frozen=True, slots=True)
class Newest:
    """The record with the highest number of a stream; no digest where an older release kept it."""

    seq: int
    digest: bytes | None


class SegmentStore(Protocol):
    """What homes sent, kept for good; every read names its home, and sees nothing of others."""

    async def open(self) -> None:
        """Make or migrate the tables."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...

    async def write(self, batch: Sequence[Arrived]) -> None:
        """Commit records, each once by (home, epoch, stream, seq); the caller has checked them."""
        ...

    async def committed(self, home: bytes, epoch: int) -> dict[int, int]:
        """By stream the number up to which every record is committed or refused."""
        ...

    async def newest(self, home: bytes, epoch: int) -> dict[int, Newest]:
        """By stream what is committed or refused last, behind whatever gaps."""
        ...

    async def refuse(self, one: Arrived) -> None:
        """Remember that a record was refused for good, so that `committed` passes over it."""
        ...

    async def reported(self, home: bytes) -> list[Kept[Reported]]:
        """The newest table of series of each epoch, newest epoch last."""
        ...

    async def days(self, home: bytes, first: date, last: date) -> list[Kept[Day]]:
        """Sealed days first..last, newest epoch last: of each epoch the highest rev that has
        minutes, and before it the highest that has none (imported, or thinned out at home).
        """
        ...

    async def segments(self, home: bytes, start_s: int, end_s: int) -> list[Kept[Segment]]:
        """Segments that touch [start_s, end_s), oldest first, newest epoch last."""
        ...

    async def totals(self, home: bytes, first: date, last: date) -> list[Kept[DayTotals]]:
        """Totals of the days first..last, newest epoch last."""
        ...

    async def events(self, home: bytes, before_ms: int | None, limit: int) -> list[EventRecord]:
        """The newest events first."""
        ...

    async def bounds(self, home: bytes) -> tuple[datetime, datetime] | None:
        """Oldest and newest instant of which something is stored."""
        ...

    async def erase(self, home: bytes) -> None:
        """Everything of a home is gone."""
        ...

    async def tidy(self, today: date) -> None:
        """Let go of segments of more than 8 days ago whose sealed days are here."""
        ...


class HomeAway(Exception):
    """The home is not linked now; nothing was queued."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What the hub knows of a home at this moment."""

    linked: bool
    last_seen: datetime | None = None
    live: LiveFrame | None = None
    caps: dict[str, str | int | bool] | None = None
    skew_s: float | None = None  # the home's clock against ours


class Bus(Protocol):
    """Brings requests to the homes, wherever their links end."""

    async def presence(self, home: bytes) -> Presence:
        """Whether the home is there, and what it said last."""
        ...

    def request(self, home: bytes, query: Query) -> AsyncGenerator[Reply, None]:
        """Relay a request: its pieces as they come. HomeAway when the home is or goes away;
        TimeoutError when no answer began within its time to live. Closing the generator cancels
        the request at home.
        The hub replaces `query.id` by one of its own."""
        ...

    async def watch(self, home: bytes, until_ms: int, interval_s: int) -> None:
        """Somebody looks: live frames come faster until then."""
        ...

    async def drop(self, home: bytes, reason: str) -> None:
        """End the link of a home (unlinked, replaced)."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What an account is to a home."""

    account: int
    home: bytes
    role: Role
    until: datetime | None = None
    nickname: str = ""  # what the members of the home call the account's owner


class Directory(Protocol):
    """Which homes there are, by what key they prove themselves, and who may enter."""

    async def device_key(self, home: bytes) -> bytes | None:
        """The public Ed25519 key of a home that is bound to an account; None for any other."""
        ...

    async def access(self, account: int, home: bytes) -> Access | None:
        """What the account is to the home; None where it is nothing."""
        ...
