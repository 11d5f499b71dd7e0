"""How a home is started: the wishes of its command line, and the parent that watches it."""

import os
import socket
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from hidamari.core.errors import InputError
from hidamari.home import guard

BEAT_FD = "HIDAMARI_BEAT_FD"


@dataclass(frozen=True, slots=True)
class HomeWishes:
    """What the command line said; the start-up file fills in what it left out."""

    data: Path | None = None
    port: int | None = None
    config: Path | None = None
    bind: str = "0.0.0.0"  # noqa: S104  devices answer on every interface of the LAN
    probe: tuple[str, ...] = ()
    clock: str = ""
    https_port: int | None = 8643
    is_demo: bool = False
    cloud: str | None = None
    cloud_ca: Path | None = None


def probes(text: str) -> tuple[str, ...]:
    """The addresses of a `--probe`, separated by commas; raises InputError at one that is none."""
    hosts = tuple(filter(None, (part.strip() for part in text.split(","))))
    for host in hosts:
        try:
            IPv4Address(host)
        except ValueError:
            raise InputError(
                f"--probe: IPv4 addresses such as 192.168.1.31 were expected, got {host[:40]!r}"
            ) from None
    return hosts


def guarded(arguments: list[str]) -> None:
    """Become the watching parent of this same command, unless systemd or a parent watches us."""
    if BEAT_FD in os.environ or "NOTIFY_SOCKET" in os.environ:
        return
    child = [sys.executable, "-m", "hidamari", *arguments]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-I", "-S", str(guard.__file__), *child])  # noqa: S606


class Beat:
    """Tells whoever watches that the loop still turns."""

    def __init__(self) -> None:
        given = os.environ.get(BEAT_FD)
        self._pipe = int(given) if given else None
        self._notify = os.environ.get("NOTIFY_SOCKET")

    @property
    def watched(self) -> bool:
        """Whether anybody listens."""
        return self._pipe is not None or self._notify is not None

    def ready(self) -> None:
        """The first reading is stored and the page answers."""
        self._tell(b"READY=1")

    def beat(self) -> None:
        """One turn of the loop; the end of the watching parent ends us too."""
        if self._pipe is not None:
            try:
                os.write(self._pipe, b".")
            except BrokenPipeError:
                raise SystemExit(0) from None
        self._tell(b"WATCHDOG=1")

    def _tell(self, words: bytes) -> None:
        if self._notify is None:
            return
        address = self._notify
        if address.startswith("@"):
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect(address)
            out.send(words)
