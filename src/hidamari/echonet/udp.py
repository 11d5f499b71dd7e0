"""The UDP sockets of a node: port 3610 and the multicast group, nothing decided here."""

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

from hidamari.core.errors import StartError
from hidamari.echonet.frame import MULTICAST, PORT

logger = logging.getLogger(__name__)

ANY = "0.0.0.0"  # noqa: S104  a node must hear its whole LAN
RECEIVE_BUFFER_BYTES = 1 << 20
LARGEST_DATAGRAM_BYTES = 65535
READ_AT_ONCE = 32  # datagrams taken before other tasks get their turn

ARP_TABLE = Path("/proc/net/arp")

Received = Callable[[bytes, str], None]


class Transport(Protocol):
    """What carries datagrams; tests and simulations plug in another."""

    def send(self, data: bytes, host: str) -> None:
        """Send to port 3610 of a host, or to the multicast group."""
        ...

    def close(self) -> None:
        """Stop; nothing is received afterwards."""
        ...


class Udp:
    """Sockets on one address, or on all addresses of this machine (`ANY`)."""

    def __init__(self, host: str, received: Received) -> None:
        self._host = host
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._joined: set[int] = set()
        self._group: socket.socket | None = None
        self._failing: set[str] = set()

    @classmethod
    def open(cls, host: str, received: Received, *, multicast: bool = True) -> Self:
        """Bind and listen; StartError names the address and port that cannot be had."""
        udp = cls(host, received)
        try:
            udp._bind()
            if multicast:
                udp._join()
        except BaseException:
            udp.close()
            raise
        return udp

    def send(self, data: bytes, host: str) -> None:
        """Send to port 3610; a network that is away is logged once and is not an error."""
        if not self._sockets:
            return
        if host != MULTICAST:
            self._send(data, host)
        elif self._host == ANY:
            for index in self._interfaces():
                self._choose(index)
                self._send(data, host, f"{host} on {socket.if_indextoname(index)}")
        elif self._group is not None:
            self._send(data, host)

    def close(self) -> None:
        """Close all sockets."""
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()

    def _bind(self) -> None:
        sock = self._socket()
        try:
            sock.bind((self._host, PORT))
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE:
                raise StartError(
                    f"UDP port {PORT} of {self._host} is taken: another ECHONET Lite program runs"
                    " here; end it or choose another address"
                ) from None
            raise StartError(f"UDP port {PORT} of {self._host}: {error.strerror}") from None
        self._listen(sock)

    def _join(self) -> None:
        sock = self._sockets[0]
        if self._host == ANY:
            # Our own multicasts need not come back: nobody else on this machine has the port.
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            self._group = sock
            self._interfaces()
            return
        # A socket bound to one address hears no multicasts: a second one is bound to the group.
        group = self._socket()
        group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own = socket.inet_aton(self._host)
        try:
            group.bind((MULTICAST, PORT))
            member = socket.inet_aton(MULTICAST) + own
            group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
        except OSError as error:
            group.close()
            logger.info("no multicast at %s: %s", self._host, error.strerror)
            return
        self._group = group
        self._listen(group)

    def _interfaces(self) -> list[int]:
        """Index of each interface that takes multicasts; new ones are joined on the way."""
        found = []
        for index, name in socket.if_nameindex():
            if name == "lo":
                continue
            if index not in self._joined and not self._join_one(index):
                continue
            self._joined.add(index)
            found.append(index)
        return found

    def _join_one(self, index: int) -> bool:
        member = struct.pack("=4s4si", socket.inet_aton(MULTICAST), bytes(4), index)
        try:
            self._sockets[0].setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        except OSError as error:
            return error.errno == errno.EADDRINUSE  # joined before
        return True

    def _choose(self, index: int) -> None:
        option = struct.pack("=4s4si", bytes(4), bytes(4), index)
        self._sockets[0].setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, option)

    def _socket(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        return sock

    def _listen(self, sock: socket.socket) -> None:
        self._sockets.append(sock)
        self._loop.add_reader(sock, self._readable, sock)

    def _readable(self, sock: socket.socket) -> None:
        for _ in range(READ_AT_ONCE):
            try:
                data, address = sock.recvfrom(LARGEST_DATAGRAM_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                logger.debug("receiving failed: %s", error)
                return
            self._received(data, address[0])
            if not self._sockets:  # closed by what was received
                return

    def _send(self, data: bytes, host: str, way: str = "") -> None:
        way = way or host
        try:
            self._sockets[0].sendto(data, (host, PORT))
        except OSError as error:
            if way not in self._failing:
                self._failing.add(way)
                logger.warning("cannot send to %s: %s", way, error.strerror)
        else:
            if way in self._failing:
                self._failing.discard(way)
                logger.warning("can send to %s again", way)


def mac_of(host: str, table: Path = ARP_TABLE) -> str:
    """The hardware address the kernel knows for a host of this LAN; empty where it knows none."""
    try:
        rows = [line.split() for line in table.read_text("ascii").splitlines()]
    except OSError:
        return ""
    found = next((row[3] for row in rows if len(row) > 3 and row[0] == host), "")
    return "" if found == "00:00:00:00:00:00" else found
