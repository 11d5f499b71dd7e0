"""How a home is started: what its command line and start-up file wish, and its beat."""

import json
import os
import socket
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from hidamari.core.errors import InputError
from hidamari.core.startup import Startup, read_startup
from hidamari.home.guard import BEAT_FD
from hidamari.store.settings import SETTINGS_COPY, load_copy

ANY = "0.0.0.0"  # noqa: S104  devices answer on every interface of the LAN


@dataclass(frozen=True, slots=True)
class HomeWishes:
    """What the command line said; the start-up file fills in what it left out."""

    data: Path | None = None
    port: int | None = None
    config: Path | None = None
    bind: str = ANY
    probe: tuple[str, ...] = ()
    clock: str = ""
    https_port: int | None = 8643
    is_demo: bool = False
    cloud: str | None = None
    cloud_ca: Path | None = None
    log_level: str = "info"


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


def settled(wishes: HomeWishes) -> tuple[HomeWishes, list[str]]:
    """The wishes with what the start-up file says beside them, and what is wrong in that file."""
    startup, problems = read_startup(wishes.config) if wishes.config else (Startup(), [])
    whole = replace(
        wishes,
        data=wishes.data or startup.data_folder,
        port=startup.port if wishes.port is None else wishes.port,
        bind=startup.interface or wishes.bind if wishes.bind == ANY else wishes.bind,
        cloud=wishes.cloud or startup.cloud_url,
        cloud_ca=wishes.cloud_ca or startup.cloud_ca,
        log_level=startup.log_level,
    )
    return whole, problems


def is_http_closed(folder: Path) -> bool:
    """Whether the owner has closed the plain door, from the copy of the settings."""
    rows = load_copy(folder / SETTINGS_COPY) or {}
    network = json.loads(rows.get("network", "{}"))
    return isinstance(network, dict) and network.get("http_door") is False


def own_names() -> tuple[str, ...]:
    """The host names that this home is reached by."""
    name = socket.gethostname().lower()
    return (name, f"{name}.local", "hidamari.local")


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
