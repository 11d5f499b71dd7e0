"""Tells the LAN by mDNS that a home is here: name, model, API version, nothing else."""

import asyncio
import logging
import socket
from dataclasses import dataclass

from zeroconf import NonUniqueNameException
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

logger = logging.getLogger(__name__)

SERVICE = "_http._tcp.local."
HOST = "hidamari.local."
AGAIN_S = 300.0  # addresses of this machine may change: the network came up later, a new lease


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is told: the home's name, the port of its page, the version of its API."""

    name: str
    port: int
    version: str
    api: str = "v1"

    def service(self, addresses: list[bytes]) -> AsyncServiceInfo:
        """As an mDNS service (RFC 6763)."""
        return AsyncServiceInfo(
            SERVICE,
            f"{self.name or 'Hidamari'}.{SERVICE}",
            addresses=addresses,
            port=self.port,
            server=HOST,
            properties={"model": "hidamari", "version": self.version, "api": self.api},
        )


async def announce(what: Announcement) -> None:
    """Announce until cancelled, again whenever the addresses of this machine changed."""
    while True:
        addresses = own_addresses()
        if addresses:
            await _announce_at(what, addresses)
        else:
            await asyncio.sleep(AGAIN_S)


async def _announce_at(what: Announcement, addresses: list[bytes]) -> None:
    try:
        zeroconf = AsyncZeroconf()
    except OSError as error:
        logger.info("no mDNS on this network: %s", error.strerror)
        await asyncio.sleep(AGAIN_S)
        return
    try:
        await zeroconf.async_register_service(what.service(addresses), allow_name_change=True)
        while own_addresses() == addresses:
            await asyncio.sleep(AGAIN_S)
    except NonUniqueNameException:
        logger.warning("another device on this network has our mDNS name %s", what.name)
        await asyncio.sleep(AGAIN_S)
    finally:
        await zeroconf.async_close()


def own_addresses() -> list[bytes]:
    """The IPv4 address by which this machine reaches others; no packet is sent for that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address that is nobody's
        except OSError:
            return []
        return [socket.inet_aton(probe.getsockname()[0])]
