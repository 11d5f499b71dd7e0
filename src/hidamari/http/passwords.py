"""Passwords: which are refused, how they are hashed, and the first one."""

import asyncio
import secrets
from functools import cached_property, lru_cache
from importlib import resources
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hidamari.core.errors import InputError

MIN_LENGTH = 8
MAX_LENGTH = 128
FIRST_LENGTH = 14
# Without 0 O 1 l I: the first password is copied from a screen or a label by hand.
FIRST_LETTERS = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
AT_ONCE = 2  # more hashes at a time would themselves be the flood

# OWASP password storage: argon2id with 19 MiB, 2 passes, 1 lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class WeakPassword(InputError):
    """A new password is refused; the message says what was expected of it."""


class TooManyTries(InputError):
    """Wrong passwords came too fast; wait `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("a pause was expected after several wrong passwords")
        self.seconds = seconds


def first_letters() -> str:
    """A random first password: 14 letters and digits that cannot be mistaken for each other."""
    return "".join(secrets.choice(FIRST_LETTERS) for _ in range(FIRST_LENGTH))


def check_password(password: str, user: str) -> None:
    """Raise WeakPassword when a new password is too short, too long or easily guessed."""
    if len(password) < MIN_LENGTH:
        raise WeakPassword(f"a password of at least {MIN_LENGTH} characters was expected")
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"a password of at most {MAX_LENGTH} characters was expected")
    plain = password.strip().lower()
    if plain == user.lower() or plain == user.lower() * 2:
        raise WeakPassword("a password other than the user name was expected")
    if plain in _common() or len(set(plain)) <= 2 or _is_run(plain):
        raise WeakPassword("a password that is not among the common ones was expected")


def hash_now(password: str) -> str:
    """The argon2id hash of a password; takes tens of milliseconds, so not inside the loop."""
    return _HASHER.hash(password)


class Hashing:
    """Computes argon2id hashes in threads, at most two at a time."""

    def __init__(self, hasher: PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        self._room = asyncio.Semaphore(AT_ONCE)

    async def hash_of(self, password: str) -> str:
        """The argon2id hash of a password, with its own salt."""
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password belongs to the hash; takes as long when there is no hash."""
        async with self._room:
            return await asyncio.to_thread(self._matches, password, hashed)

    def _matches(self, password: str, hashed: str | None) -> bool:
        try:
            self._hasher.verify(hashed or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None

    @cached_property
    def _nobody(self) -> str:
        """A hash nobody knows the password of: unknown users must take as long as known ones."""
        return self._hasher.hash(secrets.token_hex(16))


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    text = resources.files("hidamari.http").joinpath("common-passwords.txt").read_text("utf-8")
    return frozenset(text.split())


def _is_run(plain: str) -> bool:
    """Whether it only counts up or down: 34567890, hgfedcba."""
    around = 10 if plain.isdecimal() else 0x110000  # after 9 comes 0
    steps = {(ord(b) - ord(a)) % around for a, b in pairwise(plain)}
    return steps in ({1}, {around - 1})
