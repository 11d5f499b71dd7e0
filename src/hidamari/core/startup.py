"""The start-up file `hidamari.toml`: only what the process needs before it can open its store."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from hidamari.core.checked import Table, refusal
from hidamari.core.errors import InputError

LOG_LEVELS = ("debug", "info", "warning", "error")
DEFAULT_PORT = 8600
DATA_FOLDER = Path("data")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Startup:
    """Where the data lie, which doors are opened, whom to talk to."""

    data_folder: Path = DATA_FOLDER
    port: int = DEFAULT_PORT
    interface: str | None = None  # address or name of the network interface; None: all
    serial_port: str | None = None  # of the route-B radio
    cloud_url: str | None = None
    cloud_ca: Path | None = None  # certificates the service's is checked by; None: the system's
    log_level: str = "info"


def read_startup(path: Path) -> tuple[Startup, list[str]]:
    """The start-up values of a file, and a message for each that was wrong and got its default.

    Without a file the defaults hold, and it is said. `InputError` only where going on would hide
    the owner's history: the file cannot be read as TOML, or its data folder is wrong. A relative
    data folder is relative to the file.
    """
    if not path.exists():
        return Startup(), [f"{path}: there is no such file, its defaults hold"]
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path.name}: a TOML file expected: {error}") from None
    return startup_from(raw, path)


def startup_from(raw: dict[str, object], path: Path) -> tuple[Startup, list[str]]:
    """As `read_startup`, from the file's table."""
    table = Table(raw, path.name)
    default = Startup()
    problems: list[str] = []
    startup = Startup(
        data_folder=path.parent / table.text("data_folder", str(default.data_folder)),
        port=_or_default(lambda: _port(table), default.port, problems),
        interface=_or_default(lambda: table.text("interface", "") or None, None, problems),
        serial_port=_or_default(lambda: table.text("serial_port", "") or None, None, problems),
        cloud_url=_or_default(lambda: _url(table), None, problems),
        cloud_ca=_or_default(lambda: _file(table, path), None, problems),
        log_level=_or_default(
            lambda: table.word("log_level", LOG_LEVELS, default.log_level),
            default.log_level,
            problems,
        ),
    )
    _or_default(table.end, None, problems)
    return startup, problems


def _or_default(read: Callable[[], _T], default: _T, problems: list[str]) -> _T:
    try:
        return read()
    except InputError as error:
        problems.append(str(error))
        return default


def _port(table: Table) -> int:
    port = table.number("port", DEFAULT_PORT)
    if port != int(port) or not 0 <= port <= 65535:
        raise refusal(table.at("port"), "a port from 1 to 65535, or 0 for any", port)
    return int(port)


def _file(table: Table, path: Path) -> Path | None:
    text = table.text("cloud_ca", "")
    return path.parent / text if text else None


def _url(table: Table) -> str | None:
    text = table.text("cloud_url", "")
    return cloud_url(text, table.at("cloud_url")) if text else None


def cloud_url(text: str, place: str) -> str:
    """The address of a server service; InputError where it is none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"https", "http"} or not parts.netloc:
        raise refusal(place, "an address such as https://cloud.example.jp", text)
    return text
