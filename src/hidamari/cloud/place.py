"""Where the service is seen from outside: its public address."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from hidamari.core.errors import InputError
from hidamari.http.doors import parse_address

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
PLAIN_COOKIE = "hidamari_cloud"
SECURE_COOKIE = "__Host-hidamari"  # browsers drop this prefix over plain HTTP


@dataclass(frozen=True, slots=True)
class Place:
    """The public address, taken apart."""

    url: str  # without a slash at the end
    is_secure: bool
    names: frozenset[str]  # host names a request may be sent to

    @property
    def scheme(self) -> str:
        """What pages of ours are opened with."""
        return "https" if self.is_secure else "http"

    @property
    def is_loopback(self) -> bool:
        """Whether this is a demo or a test on this very machine."""
        return self.names == LOOPBACK_NAMES

    def cookie(self, what: str) -> str:
        """The name of a cookie."""
        stem = SECURE_COOKIE if self.is_secure else PLAIN_COOKIE
        return f"{stem}-{what}"

    def link(self, path: str, token: str) -> str:
        """A link for a mail; what follows # never leaves the reader's browser by itself."""
        return f"{self.url}{path}#token={token}"


def place_of(url: str) -> Place:
    """The place of an address; plain HTTP only on this machine, InputError otherwise."""
    expected = "a public address such as https://cloud.example.jp, or http on this machine"
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise InputError(f"{expected} expected") from None
    if parts.scheme not in {"http", "https"} or not name or parts.path.strip("/") or parts.query:
        raise InputError(f"{expected} expected")
    address = parse_address(name)
    is_local = name == "localhost" or (address is not None and address.is_loopback)
    if parts.scheme == "http" and not is_local:
        raise InputError(f"{expected} expected: passwords do not travel over plain HTTP")
    names = LOOPBACK_NAMES if is_local else frozenset({name})
    return Place(f"{parts.scheme}://{parts.netloc}", parts.scheme == "https", names)
