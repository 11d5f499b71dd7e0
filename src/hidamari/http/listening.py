"""Ports that are ours from the first moment of a start, before any server runs on them."""

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass

from hidamari.core.errors import StartError

HTTP_PORT = 8600
HTTPS_PORT = 8643
BACKLOG = 128


@dataclass(frozen=True, slots=True)
class DoorPlan:
    """Which doors to open where; port 0 takes any free one, None leaves the secure door out."""

    host: str = ""  # all interfaces
    http_port: int = HTTP_PORT
    https_port: int | None = HTTPS_PORT


class Listening:
    """Sockets that are bound, so that ports are ours before anything else starts."""

    def __init__(self, plan: DoorPlan) -> None:
        self.http = _bind(plan.host, plan.http_port)
        self.https: socket.socket | None = None
        self.waiting: list[socket.socket] = []  # connections that came before the server
        if plan.https_port is not None:
            try:
                self.https = _bind(plan.host, plan.https_port)
            except StartError:
                self.http.close()
                raise

    @property
    def http_port(self) -> int:
        """The port of the HTTP door."""
        return _port(self.http)

    @property
    def https_port(self) -> int | None:
        """The port of the secure door."""
        return None if self.https is None else _port(self.https)

    def close(self) -> None:
        """Give the ports back."""
        for one in (self.http, self.https, *self.waiting):
            if one is not None:
                one.close()


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises StartError that names the port."""
    try:
        if host in {"", "::"} and socket.has_dualstack_ipv6():
            with suppress(OSError):  # IPv6 may be switched off in this machine
                return _prompt(
                    socket.create_server(
                        ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
                    )
                )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return _prompt(socket.create_server((host, port), family=family, backlog=BACKLOG))
    except OSError as error:
        raise StartError(_why_not(error, host, port)) from error


def _prompt(listening: socket.socket) -> socket.socket:
    """Let every connection send at once what it has; accepted sockets inherit it.

    asyncio does so only for sockets made with an explicit protocol number. Without it head and
    body of an answer leave 40 ms apart, when the client's delayed acknowledgement has come.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by another program: end it or choose another port"
    if error.errno == errno.EACCES:
        return f"port {port} may not be opened by this user: choose one above 1023"
    return f"port {port} on {host or 'all addresses'} cannot be opened: {error.strerror}"


def _port(one: socket.socket) -> int:
    port: int = one.getsockname()[1]
    return port
