"""A disk that loses power: what was synced is there, of the rest any 512-byte sectors.

Names and contents are apart, as on a disk: syncing a file makes its content certain, syncing the
folder makes its names certain. Of the names not yet synced any first few are found.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
# ("write", path, offset, bytes), ("truncate", path, size), ("sync", path), ("delete", path),
# ("rename", old, new), ("sync folder", ""), and ("done", number) for what was acknowledged.
Note = tuple[object, ...]


@dataclass
class _Content:
    """What one file holds: what is safe, and what was asked for since."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[Note] = field(default_factory=list)

    def sync(self) -> None:
        self.safe = self._with(random.Random(0), 1.0)
        self.pending = []

    def after_cut(self, rng: random.Random) -> bytes:
        """What is found when power is back: each pending sector with a chance of this cut."""
        return bytes(self._with(rng, rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])))

    def _with(self, rng: random.Random, chance: float) -> bytearray:
        content = bytearray(self.safe)
        for kind, _, *rest in self.pending:
            if kind == "write":
                _write(content, rest, rng, chance)
            elif rng.random() < chance:
                size = rest[0]
                assert isinstance(size, int)
                del content[size:]
        return content


def _write(content: bytearray, rest: Sequence[object], rng: random.Random, chance: float) -> None:
    offset, data = rest
    assert isinstance(offset, int)
    assert isinstance(data, bytes)
    at = 0
    while at < len(data):
        size = SECTOR - (offset + at) % SECTOR
        piece = data[at : at + size]
        if rng.random() < chance:
            start = offset + at
            if len(content) < start:
                content.extend(bytes(start - len(content)))
            content[start : start + len(piece)] = piece
        at += size


Names = dict[str, _Content]


class _Folder:
    def __init__(self) -> None:
        self.names: Names = {}
        self.safe: Names = {}
        self.pending: list[tuple[str, str, _Content]] = []

    def take(self, note: Note) -> None:
        kind, path = str(note[0]), str(note[1])
        if kind in ("write", "truncate"):
            if path not in self.names:
                self._name(path, _Content())
            self.names[path].pending.append(note)
        elif kind == "sync":
            if path in self.names:
                self.names[path].sync()
            if path.endswith(("-wal", "-journal")):  # SQLite syncs the folder along with these
                self.sync()
        elif kind == "rename":
            content = self.names.pop(path)
            self.pending.append(("delete", path, content))
            self._name(str(note[2]), content)
        elif kind == "delete" and path in self.names:
            self.pending.append(("delete", path, self.names.pop(path)))
        elif kind == "sync folder":
            self.sync()

    def sync(self) -> None:
        self.safe, self.pending = dict(self.names), []

    def after_cut(self, rng: random.Random) -> dict[str, bytes]:
        found = dict(self.safe)
        for kind, path, content in self.pending[: rng.randint(0, len(self.pending))]:
            if kind == "delete":
                found.pop(path, None)
            else:
                found[path] = content
        return {path: content.after_cut(rng) for path, content in found.items()}

    def _name(self, path: str, content: _Content) -> None:
        self.names[path] = content
        self.pending.append(("name", path, content))


@dataclass(frozen=True)
class Cut:
    """The moment, how much had been acknowledged, and the files found afterwards."""

    index: int
    done: int
    files: dict[str, bytes]

    def lay_out(self, folder: Path) -> None:
        """Write these files into an empty folder."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


def cuts(notes: Sequence[Note], points: Iterable[int], rng: random.Random) -> Iterator[Cut]:
    """What the disk holds when power fails before the note of each point."""
    folder = _Folder()
    done = 0
    wanted = sorted(points)
    for index, note in enumerate(notes):
        while wanted and wanted[0] == index:
            wanted.pop(0)
            yield Cut(index, done, folder.after_cut(rng))
        if note[0] == "done":
            assert isinstance(note[1], int)
            done = note[1]
        else:
            folder.take(note)
