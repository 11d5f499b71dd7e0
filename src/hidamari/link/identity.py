"""Who this home is to the service: an id, a device code for people, and the key that proves it."""

import secrets
from dataclasses import dataclass, field, replace
from typing import Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hidamari.core.errors import InputError
from hidamari.link.device import HOME_BYTES, new_device_code


class _File(msgspec.Struct, frozen=True):
    """The identity as it lies on the disk."""

    home: bytes
    code: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """Made once at the first start; the key never leaves the home."""

    home: bytes
    code: str
    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """A new identity, derived from nothing."""
        return cls(secrets.token_bytes(HOME_BYTES), new_device_code(), Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The identity that `to_bytes` wrote; raises InputError for anything else."""
        try:
            found = msgspec.json.decode(raw, type=_File)
            key = Ed25519PrivateKey.from_private_bytes(found.key)
        except (msgspec.DecodeError, ValueError) as error:
            raise InputError(f"the identity of a home expected: {error}") from None
        return cls(found.home, found.code, key)

    def to_bytes(self) -> bytes:
        """What is kept, private key included."""
        return msgspec.json.encode(_File(self.home, self.code, self.key.private_bytes_raw()))

    def with_new_code(self) -> Self:
        """The same home under another device code."""
        return replace(self, code=new_device_code())

    @property
    def public_key(self) -> bytes:
        """What the service knows of the key."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, text: bytes) -> bytes:
        """The proof that this home says `text`."""
        return self.key.sign(text)
