"""Homes before they have a link: each registers its key and signs what it asks."""

import base64
from binascii import Error as NotBase64
from collections import OrderedDict
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from hidamari.cloud.service import Service, home_lock
from hidamari.cloud.tables import device
from hidamari.http.errors import ApiError
from hidamari.link.device import AT_MOST_S, proof_text

KEY_BYTES = 32
PROOF_BYTES = 64
MAX_SEEN = 100_000


@dataclass(frozen=True, slots=True)
class Device:
    """A home that registered; bound once an account holds it."""

    home: bytes
    device_code: str
    public_key: bytes
    bound_ms: int | None


@dataclass(frozen=True, slots=True)
class Signed:
    """A request of a home as it came, with its proof."""

    home: bytes
    at_ms: int
    proof: bytes
    method: str
    path: str
    body: bytes


class Proofs:
    """Which signed requests came lately: each counts once, also across a restart."""

    def __init__(self, now_ms: int) -> None:
        self._since_ms = now_ms  # what was signed before, an earlier process may have seen
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def check(self, signed: Signed, key: bytes, now_ms: int) -> None:
        """Raise 401 unless this is signed by the key, now, and for the first time."""
        try:
            text = proof_text(signed.method, signed.path, signed.at_ms, signed.body)
            Ed25519PublicKey.from_public_bytes(key).verify(signed.proof, text)
        except (InvalidSignature, ValueError):
            raise ApiError(401, "the proof is wrong", "a signature by the device key") from None
        is_late = abs(now_ms - signed.at_ms) > AT_MOST_S * 1000 or signed.at_ms < self._since_ms
        if is_late or signed.proof in self._seen or len(self._seen) >= MAX_SEEN:
            error = ApiError(401, "the request is old or came before", "a new stamp", "stale_proof")
            error.extra = {"server_time_ms": now_ms}
            raise error
        self._seen[signed.proof] = signed.at_ms
        while self._seen and next(iter(self._seen.values())) < now_ms - 2 * AT_MOST_S * 1000:
            self._seen.popitem(last=False)


async def find(service: Service, home: bytes) -> Device | None:
    """A registered home."""
    columns = (device.c.home, device.c.device_code, device.c.public_key, device.c.bound_ms)
    async with service.database.reading() as connection:
        row = (await connection.execute(select(*columns).where(device.c.home == home))).first()
    return None if row is None else Device(*row)


async def register(service: Service, new: Device, version: str) -> Device:
    """Remember a home, or that it came again; nothing that is known of it is deleted.

    Raises 409 device_code_taken, and 403 for another key than the first time.
    """
    taken = ApiError(409, "this device code is taken", "another one", code="device_code_taken")
    async with service.database.writing(home_lock(new.home)) as connection:
        known = await find(service, new.home)
        if known is not None and known.public_key != new.public_key:
            raise ApiError(403, "this home has another key", "the key of its first registration")
        values: dict[str, str | bytes | int] = {"device_code": new.device_code, "version": version}
        try:
            if known is not None:
                again = update(device).where(device.c.home == new.home)
                await connection.execute(again.values(values))
                return known
            values |= {"home": new.home, "public_key": new.public_key}
            values["registered_ms"] = service.now_ms()
            await connection.execute(insert(device).values(values))
        except IntegrityError:
            raise taken from None
    return new


def public_key(text: str) -> bytes:
    """A public key as it stands in a body; raises 422."""
    key = _unpacked(text)
    if len(key) != KEY_BYTES:
        raise ApiError(422, "the public key is none", f"base64url of {KEY_BYTES} bytes")
    return key


def proof(text: str) -> bytes:
    """A signature as it stands in a header; raises 401."""
    found = _unpacked(text)
    if len(found) != PROOF_BYTES:
        raise ApiError(401, "the proof is none", f"base64url of {PROOF_BYTES} bytes")
    return found


def _unpacked(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        return b""
