"""How a home proves itself over HTTP before it has a link: its name, its code, its signature."""

import base64
import hashlib
import secrets

from hidamari.core.errors import InputError

HOME_BYTES = 16
CODE_DIGITS = 10
PREFIX = "/device/v1"
HOME_HEADER = "x-hidamari-home"
AT_HEADER = "x-hidamari-at"  # Unix milliseconds in the service's time (see /.well-known/hidamari)
PROOF_HEADER = "x-hidamari-proof"  # base64url of the Ed25519 signature over `proof_text`
AT_MOST_S = 60.0  # a signed request older or newer than this is refused
_WORDS = b"hidamari device/v1\0"


def home_text(home: bytes) -> str:
    """The id of a home as people and paths have it: 26 letters and digits, lower case."""
    return base64.b32encode(home).decode().rstrip("=").lower()


def home_bytes(text: str) -> bytes:
    """The id that `home_text` wrote; raises InputError for anything else."""
    try:
        home = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        home = b""
    if len(home) != HOME_BYTES or home_text(home) != text:
        raise InputError("the id of a home expected: 26 letters a-z and digits 2-7")
    return home


def new_device_code() -> str:
    """A random device code: ten digits, an identifier and no secret."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def proof_text(method: str, path: str, at_ms: int, body: bytes) -> bytes:
    """What a home signs for one request."""
    digest = hashlib.sha256(body).hexdigest()
    return _WORDS + f"{method} {path} {at_ms} {digest}".encode()
