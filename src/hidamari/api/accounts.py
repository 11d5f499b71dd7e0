"""Who may sign in, with which sessions and tokens: values and how they are written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from hidamari.core.access import Role, Scope
from hidamari.core.errors import InputError
from hidamari.http.doors import Door
from hidamari.http.tries import Misses

MAX_USERS = 4  # accounts a home
MAX_SESSIONS = 20  # of one user; the one not used for longest goes first
MAX_TOKENS = 32


@dataclass(frozen=True, slots=True)
class User:
    """A person with a password."""

    name: str
    role: Role
    password_hash: str
    must_change: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; `secret_hash` is the SHA-256 of the random token in its cookie."""

    id: str
    secret_hash: str
    user: str
    door: Door  # a token that went over plain HTTP is worth nothing at the secure door
    label: str
    started_at: datetime
    seen_at: datetime
    idle_s: int
    ends_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether it was not used for too long or is too old."""
        return now >= self.ends_at or now >= self.seen_at + timedelta(seconds=self.idle_s)


@dataclass(frozen=True, slots=True)
class Token:
    """A named way in for a program; `scope` is read or control."""

    id: str
    secret_hash: str
    name: str
    scope: Scope
    created_by: str
    created_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everything about access that must survive a restart."""

    users: Mapping[str, User] = field(default_factory=dict)
    sessions: Mapping[str, Session] = field(default_factory=dict)
    tokens: Mapping[str, Token] = field(default_factory=dict)
    misses: Mapping[str, Misses] = field(default_factory=dict)

    def with_user(self, user: User) -> "Accounts":
        """With this user added or replaced; raises InputError when there are too many."""
        if user.name not in self.users and len(self.users) >= MAX_USERS:
            raise InputError(f"at most {MAX_USERS} users were expected")
        return replace(self, users={**self.users, user.name: user})

    def without_user(self, name: str) -> "Accounts":
        """Without this user, the user's sessions and the tokens made by the user."""
        return replace(
            self,
            users={k: u for k, u in self.users.items() if k != name},
            sessions={k: s for k, s in self.sessions.items() if s.user != name},
            tokens={k: t for k, t in self.tokens.items() if t.created_by != name},
        )

    def with_session(self, session: Session) -> "Accounts":
        """With this session; the user's longest unused one goes when there are too many."""
        mine = [s for s in self.sessions.values() if s.user == session.user and s.id != session.id]
        mine.sort(key=lambda s: s.seen_at, reverse=True)
        gone = {s.id for s in mine[MAX_SESSIONS - 1 :]}
        kept = {k: s for k, s in self.sessions.items() if k not in gone}
        return replace(self, sessions={**kept, session.id: session})

    def without_sessions(self, ids: set[str]) -> "Accounts":
        """Without these sessions."""
        return replace(self, sessions={k: s for k, s in self.sessions.items() if k not in ids})

    def with_token(self, token: Token) -> "Accounts":
        """With this token; raises InputError when there are too many."""
        if token.id not in self.tokens and len(self.tokens) >= MAX_TOKENS:
            raise InputError(f"at most {MAX_TOKENS} tokens were expected")
        return replace(self, tokens={**self.tokens, token.id: token})

    def without_token(self, token_id: str) -> "Accounts":
        """Without this token."""
        return replace(self, tokens={k: t for k, t in self.tokens.items() if k != token_id})


def to_bytes(accounts: Accounts) -> bytes:
    """What is written to the file."""
    return _form().dump_json(accounts)


def from_bytes(content: bytes) -> Accounts:
    """The accounts of a file that was written by `to_bytes`; raises InputError when it is not."""
    try:
        return _form().validate_json(content)
    except ValidationError as error:
        raise InputError("a file of accounts of this or an earlier release was expected") from error


@lru_cache(maxsize=1)
def _form() -> TypeAdapter[Accounts]:
    return TypeAdapter(Accounts)
