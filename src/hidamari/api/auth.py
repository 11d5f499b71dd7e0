"""Signing in: users, sessions and tokens of this home, kept in one checked file."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from hidamari.api.accounts import (
    Accounts,
    Session,
    Token,
    User,
    from_bytes,
    to_bytes,
)
from hidamari.core.access import Action, Role, Scope
from hidamari.core.clock import Clock
from hidamari.core.errors import InputError, StoreDamaged, StoreFull
from hidamari.http.doors import Door
from hidamari.http.passwords import (
    Hashing,
    TooManyTries,
    WeakPassword,
    check_password,
    first_letters,
    hash_now,
)
from hidamari.http.tries import Tries
from hidamari.store.files import load_file, save_file

FILE = "accounts.json"
VERSION = 1
OWNER = "owner"
DAY_S = 86400
STAY = (30 * DAY_S, 180 * DAY_S)  # idle and absolute life on a phone of the house
VISIT = (12 * 3600, 7 * DAY_S)  # a browser that should not stay signed in
SEEN_EVERY_S = 3600.0  # how often the last use is written down
ONBOARDING_S = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request; `way` is the session's or token's id."""

    name: str
    role: Role
    way: str
    scope: Scope | None = None  # of a token
    must_change: bool = False
    until: datetime | None = None  # a dealer's consent, through the relay
    ticked: frozenset[Action] = frozenset()
    is_fresh: bool = False  # through the relay: gave the password within five minutes


@dataclass(frozen=True, slots=True)
class Screen:
    """Where somebody signs in."""

    door: Door
    address: str
    label: str = ""
    stay: bool = True
    replaces: str = ""  # the session of this screen until now


class Auth:
    """The users of one home and everything they are signed in with."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / FILE
        self._clock = clock
        self.accounts, self.was_damaged = _read(self._path)
        self._hashing = Hashing()
        self._tries = Tries(dict(self.accounts.misses))
        self._lock = asyncio.Lock()
        self._seen: dict[str, datetime] = {}
        self._by_secret: dict[str, str] = {}
        self._index()
        self._onboarding_until_s = clock.monotonic_s() + ONBOARDING_S

    @property
    def is_onboarding(self) -> bool:
        """Whether the first password may be set by whoever comes: no account, first 15 minutes."""
        return not self.accounts.users and self._clock.monotonic_s() < self._onboarding_until_s

    def first_password(self) -> tuple[str, str] | None:
        """User and a new random password to show at first boot; None once it was changed.

        Made anew at each start until somebody has changed it: only its hash is kept.
        """
        users = self.accounts.users
        if any(not user.must_change for user in users.values()):
            return None
        password = first_letters()
        self._put_user_now(OWNER, password, Role.OWNER, must_change=True)
        return OWNER, password

    def ensure_user(self, name: str, password: str, role: Role = Role.OWNER) -> None:
        """Create the user, or leave the user as is (the demo signs in with a fixed one)."""
        if name not in self.accounts.users:
            self._put_user_now(name, password, role, must_change=False)

    def caller(self, secret: str, door: Door) -> Caller | None:
        """Who holds this session cookie, used at this door."""
        session = self.accounts.sessions.get(self._by_secret.get(_digest(secret), ""))
        now = self._clock.now()
        if session is None or session.door != door or self._with_use(session).is_over(now):
            return None
        user = self.accounts.users.get(session.user)
        if user is None:
            return None
        self._seen[session.id] = now
        return Caller(user.name, user.role, session.id, must_change=user.must_change)

    def token_caller(self, secret: str) -> Caller | None:
        """Who holds this bearer token."""
        token = self.accounts.tokens.get(self._by_secret.get(_digest(secret), ""))
        maker = self.accounts.users.get(token.created_by) if token is not None else None
        if token is None or maker is None:
            return None
        self._seen[token.id] = self._clock.now()
        return Caller(token.name, maker.role, token.id, scope=token.scope)

    async def sign_in(self, user: str, password: str, screen: Screen) -> tuple[str, Session] | None:
        """A new session and its secret, or None for a wrong name or password.

        Raises TooManyTries.
        """
        wait_s = self._tries.take(user, screen.address, self._clock.now())
        if wait_s > 0.0:
            raise TooManyTries(wait_s)
        known = self.accounts.users.get(user)
        if not await self._hashing.matches(password, known.password_hash if known else None):
            if self._tries.to_keep() != dict(self.accounts.misses):
                await self._change(lambda accounts: accounts)
            return None
        self._tries.forget(user, screen.address)
        return await self._open_session(user, screen)

    async def begin(self, name: str, password: str) -> None:
        """Create the first user; raises InputError when somebody was faster."""
        check_password(password, name)
        hashed = await self._hashing.hash_of(password)
        user = User(name, Role.OWNER, hashed, must_change=False, created_at=self._clock.now())

        def edit(accounts: Accounts) -> Accounts:
            if accounts.users:
                raise InputError("a home without users was expected")
            return accounts.with_user(user)

        await self._change(edit)

    async def change_password(self, caller: Caller, current: str, new: str, address: str) -> bool:
        """Set a new password and end the user's other sessions; False if `current` is wrong.

        Raises TooManyTries, InputError.
        """
        user = self.accounts.users[caller.name]
        wait_s = self._tries.take(caller.name, address, self._clock.now())
        if wait_s > 0.0:
            raise TooManyTries(wait_s)
        if not await self._hashing.matches(current, user.password_hash):
            return False
        self._tries.forget(caller.name, address)
        if new == current:
            raise WeakPassword("a password other than the present one was expected")
        await self.put_user(replace(user, must_change=False), new, keep=caller.way)
        return True

    async def put_user(self, user: User, password: str | None, keep: str = "") -> None:
        """Add or change a user; a new password ends all sessions of the user but `keep`."""
        fresh = user
        if password is not None:
            check_password(password, user.name)
            fresh = replace(user, password_hash=await self._hashing.hash_of(password))

        def edit(accounts: Accounts) -> Accounts:
            theirs = {s.id for s in accounts.sessions.values() if s.user == user.name}
            gone = theirs - {keep} if password is not None else set()
            return accounts.with_user(fresh).without_sessions(gone)

        await self._change(edit)

    async def drop_user(self, name: str) -> None:
        """Remove a user with all sessions and tokens; the last owner stays (InputError)."""

        def edit(accounts: Accounts) -> Accounts:
            rest = accounts.without_user(name)
            if not any(u.role is Role.OWNER for u in rest.users.values()):
                raise InputError("another owner was expected before the last one goes")
            return rest

        await self._change(edit)

    async def end_sessions(self, ids: set[str]) -> None:
        """Revoke sessions."""
        await self._change(lambda accounts: accounts.without_sessions(ids))

    async def add_token(self, name: str, scope: Scope, maker: str) -> tuple[str, Token]:
        """A new bearer token; its secret is shown once and never again."""
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        token = Token(_new_id(), _digest(secret), name, scope, maker, now, None)
        await self._change(lambda accounts: accounts.with_token(token))
        return secret, token

    async def drop_token(self, token_id: str) -> None:
        """Revoke a token."""
        await self._change(lambda accounts: accounts.without_token(token_id))

    async def note_use(self, way: str) -> None:
        """Write down the last use of a session or token, at most once an hour."""
        entry = self.accounts.sessions.get(way) or self.accounts.tokens.get(way)
        seen = self._seen.get(way)
        if entry is None or seen is None:
            return
        written = entry.seen_at
        if written is None or (seen - written).total_seconds() >= SEEN_EVERY_S:
            await self._change(lambda accounts: accounts)

    async def _open_session(self, user: str, screen: Screen) -> tuple[str, Session]:
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        idle_s, life_s = STAY if screen.stay else VISIT
        session = Session(
            id=_new_id(),
            secret_hash=_digest(secret),
            user=user,
            door=screen.door,
            label=screen.label,
            started_at=now,
            seen_at=now,
            idle_s=idle_s,
            ends_at=now + timedelta(seconds=life_s),
        )
        gone = {screen.replaces}
        await self._change(lambda accounts: accounts.without_sessions(gone).with_session(session))
        return secret, session

    async def _change(self, edit: Callable[[Accounts], Accounts]) -> None:
        """Edit the accounts; the new ones hold only once they are on the disk."""
        async with self._lock:
            fresh = self._to_write(edit(self.accounts))
            try:
                await asyncio.to_thread(save_file, self._path, to_bytes(fresh), VERSION)
            except OSError as error:
                raise StoreFull(f"{FILE} could not be written: {error.strerror}") from error
            self.accounts = fresh
            self._index()

    def _put_user_now(self, name: str, password: str, role: Role, *, must_change: bool) -> None:
        """Before the web is served: the same without the loop."""
        user = User(name, role, hash_now(password), must_change, self._clock.now())
        fresh = self._to_write(self.accounts.with_user(user))
        save_file(self._path, to_bytes(fresh), VERSION)
        self.accounts = fresh
        self._index()

    def _to_write(self, accounts: Accounts) -> Accounts:
        now = self._clock.now()
        used = {k: self._with_use(s) for k, s in accounts.sessions.items()}
        tokens = {
            k: replace(t, seen_at=self._seen.get(k, t.seen_at)) for k, t in accounts.tokens.items()
        }
        return replace(
            accounts,
            sessions={k: s for k, s in used.items() if not s.is_over(now)},
            tokens=tokens,
            misses=self._tries.to_keep(),
        )

    def _with_use(self, session: Session) -> Session:
        return replace(session, seen_at=self._seen.get(session.id, session.seen_at))

    def _index(self) -> None:
        ways: list[Session | Token] = [
            *self.accounts.sessions.values(),
            *self.accounts.tokens.values(),
        ]
        self._by_secret = {way.secret_hash: way.id for way in ways}
        self._seen = {way.id: self._seen[way.id] for way in ways if way.id in self._seen}


def _read(path: Path) -> tuple[Accounts, bool]:
    """The accounts on the disk, and whether some of them may be lost."""
    try:
        loaded = load_file(path)
        return (
            (Accounts(), False)
            if loaded is None
            else (from_bytes(loaded.content), loaded.is_previous)
        )
    except (StoreDamaged, InputError):
        return Accounts(), True


def _digest(secret: str) -> str:
    """Tokens are 256 random bits: a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _new_id() -> str:
    return secrets.token_hex(8)
