"""The files of the built web app: packed beforehand, screens by their path."""

import mimetypes
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

LONG = "public, max-age=31536000, immutable"  # the name holds a hash of the content
# What a screen's path is made of; anything else is a missing file or a trick.
SCREEN = re.compile(r"(/[A-Za-z0-9_:~-]+)*/?")
SHORT = "no-cache"  # ask each time, answered by 304
# The table of the machine may be empty or wrong.
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of the web app, and its packed twin if there is one."""

    path: Path
    packed: Path | None
    media_type: str
    cache: str
    etag: str

    def headers(self, *, packed: bool) -> dict[str, str]:
        """What is said of it; `packed`: gzip may be used."""
        found = {"cache-control": self.cache, "etag": self.etag, "vary": "accept-encoding"}
        found["content-type"] = self.media_type
        if packed and self.packed is not None:
            found["content-encoding"] = "gzip"
        return found

    def content(self, *, packed: bool) -> bytes:
        """Its bytes."""
        return (self.packed if packed and self.packed is not None else self.path).read_bytes()


def web_folder() -> Path | None:
    """Where the built web app lies in the package; None when it was not built."""
    folder = Path(str(files("hidamari"))) / "web"
    return folder if (folder / "index.html").is_file() else None


class WebFiles:
    """All files of the built web app; what is not among them cannot be asked for."""

    def __init__(self, folder: Path | None) -> None:
        found = sorted(folder.rglob("*")) if folder is not None else []
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": _web_file(path, folder)
            for path in found
            if folder is not None and path.is_file() and _is_served(path)
        }

    def find(self, path: str) -> WebFile | None:
        """The file of a path, or the one page that holds all screens."""
        found = self._files.get(path)
        if found is None and SCREEN.fullmatch(path):
            found = self._files.get("/index.html")  # the app reads the path itself
        return found


def _web_file(path: Path, folder: Path) -> WebFile:
    packed = path.with_name(path.name + ".gz")
    name = path.relative_to(folder).as_posix()
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    stat = path.stat()
    return WebFile(
        path=path,
        packed=packed if packed.is_file() else None,
        media_type=kind,
        cache=LONG if name.startswith("assets/") else SHORT,
        etag=f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"',
    )


def _is_served(path: Path) -> bool:
    return path.suffix != ".gz" and not path.name.startswith(".")
