"""Which door a request came through, and whether its addresses and names are ours."""

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

# RFC 1918, RFC 3927, RFC 4193, RFC 4291. Not 100.64/10 (RFC 6598): that is the provider's side.
NEAR = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "::1/128",
        "fe80::/10",
        "fc00::/7",
    )
)
HTTP_PORT = 80
HTTPS_PORT = 443


class Door(StrEnum):
    """How a request reached us."""

    PLAIN = "plain"  # HTTP on the LAN: anyone beside us can read along
    TLS = "tls"
    LOOPBACK = "loopback"
    RELAY = "relay"  # through the home's own link to the cloud

    @property
    def is_secure(self) -> bool:
        """Whether passwords, users, tokens and class C3 may pass."""
        return self is not Door.PLAIN


def parse_address(text: str | None) -> Address | None:
    """The address in `text` (zone cut off, mapped IPv4 unwrapped), or None."""
    if text is None:
        return None
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def is_near(client: Address, own: Address | None, prefixes: Iterable[str] = ()) -> bool:
    """Whether `client` may be served: private, link-local, loopback or on our own prefix.

    `own` is the address the connection came in on: the same /64 (RFC 4291) is the same link.
    `prefixes` are further networks on the link, for homes with public IPv4 addresses.
    """
    if any(client in net for net in NEAR if net.version == client.version):
        return True
    if isinstance(client, IPv6Address) and isinstance(own, IPv6Address):
        return client in IPv6Network((own, 64), strict=False)
    return any(client in ip_network(text, strict=False) for text in prefixes)


def split_host(header: str) -> tuple[str, int | None] | None:
    """Name and port of a Host header; None when it is not one host."""
    if not header or any(c in header for c in "/@\\?# \t,"):
        return None
    try:
        parts = urlsplit(f"//{header}")
        port = parts.port
    except ValueError:
        return None
    return (parts.hostname.rstrip("."), port) if parts.hostname else None


def is_own_host(name: str, own: Address | None, names: frozenset[str]) -> bool:
    """Whether a Host name is ours: the address connected to, localhost, a name of this home."""
    address = parse_address(name)
    if address is not None:
        return address.is_loopback or address == own
    return name == "localhost" or name in names


def is_own_origin(origin: str, scheme: str, host: tuple[str, int | None]) -> bool:
    """Whether an Origin header names the very place the request was sent to."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return False
    usual = HTTPS_PORT if scheme == "https" else HTTP_PORT
    same_port = (port or usual) == (host[1] or usual)
    bare = not (parts.path or parts.query or parts.fragment or parts.username)
    name = (parts.hostname or "").rstrip(".")
    return bare and parts.scheme == scheme and name == host[0] and same_port
