"""What all parts of the service share, and the small things they all need."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import RowMapping

from hidamari.cloud.database import Database
from hidamari.cloud.mail import Mailbox, Post
from hidamari.cloud.place import Place
from hidamari.cloud.ports import Access, Bus, SegmentStore
from hidamari.cloud.recent import Recent
from hidamari.core.clock import Clock
from hidamari.core.time import from_unix
from hidamari.http.passwords import Hashing
from hidamari.link.device import home_text

SECRET_BYTES = 32
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Service:
    """The shared parts, made once at the start."""

    database: Database
    clock: Clock
    place: Place
    post: Post
    hashing: Hashing
    bus: Bus
    store: SegmentStore
    mailbox: Mailbox | None = None  # the demo's mails, to be looked at
    # What every request asks for: who it is, and what this account is to the home.
    sessions: Recent[str, RowMapping | None] = field(default_factory=Recent)
    accesses: Recent[tuple[int, bytes], Access | None] = field(default_factory=Recent)

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return int(self.clock.now().timestamp() * 1000)


def account_lock(account: int) -> str:
    """Everything that counts what an account has goes one by one."""
    return f"account {account}"


def home_lock(home: bytes) -> str:
    """Everything that changes a home goes one by one."""
    return f"home {home_text(home)}"


def new_secret() -> str:
    """A token of 256 random bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def new_id() -> str:
    """A name for something that is no secret."""
    return secrets.token_hex(8)


def digest(secret: str) -> str:
    """What is kept of a token: 256 random bits cannot be guessed back from a plain hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def instant(at_ms: int) -> datetime:
    """The instant of a column that ends in `_ms`."""
    return from_unix(at_ms / 1000)
