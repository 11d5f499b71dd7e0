"""Small files that survive a power cut: checksum, version, previous good copy beside.

First the copy beside it is brought up to date, then the new content replaces the file; each is
written to a new name, synced and renamed. At any instant one of the two is whole.
"""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from hidamari.core.errors import StoreDamaged

logger = logging.getLogger(__name__)

_MAGIC = "hidamari"
_HEAD_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Loaded:
    """The content of a small file and where it came from."""

    content: bytes
    version: int
    is_previous: bool  # the file itself was damaged or missing, this is the copy before it


def save_file(path: Path, content: bytes, version: int, mode: int = 0o600) -> None:
    """Replace `path` so that a power cut leaves the old content or the new, never a mixture.

    Returns after it is on the disk; raises OSError when it cannot be written.
    """
    old = _read(path)
    if old is not None:
        _write(_previous(path), _envelope(old.content, old.version), mode)
    _write(path, _envelope(content, version), mode)


def save_plain(path: Path, content: bytes, mode: int = 0o600) -> None:
    """The same for a file that people and other programs write, too: without our head and copy."""
    _write(path, content, mode)


def load_file(path: Path) -> Loaded | None:
    """The content, else that of the previous copy, else None when neither was ever written.

    Raises StoreDamaged when there are files but none is whole: the caller takes the default.
    """
    current = _read(path)
    if current is not None:
        return current
    previous = _read(_previous(path))
    if previous is not None:
        logger.warning("%s is damaged or missing: the previous copy is used", path.name)
        return Loaded(previous.content, previous.version, is_previous=True)
    if path.exists() or _previous(path).exists():
        raise StoreDamaged(f"{path.name} and its previous copy are damaged: the default is used")
    return None


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _previous(path: Path) -> Path:
    return path.with_name(path.name + ".previous")


def _envelope(content: bytes, version: int) -> bytes:
    return f"{_MAGIC} {version} {_checksum(content, version)}\n".encode() + content


def _checksum(content: bytes, version: int) -> str:
    return hashlib.sha256(b"%d\n" % version + content).hexdigest()


def _read(path: Path) -> Loaded | None:
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    head, newline, content = raw.partition(b"\n")
    words = head[:_HEAD_LIMIT].split(b" ")
    if not newline or len(words) != 3 or words[0] != _MAGIC.encode() or not words[1].isdigit():
        return None
    version = int(words[1])
    if words[2] != _checksum(content, version).encode():
        return None
    return Loaded(content, version, is_previous=False)


def _write(path: Path, raw: bytes, mode: int) -> None:
    new = path.with_name(path.name + ".new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        view = memoryview(raw)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(new, path)
    sync_folder(path.parent)
