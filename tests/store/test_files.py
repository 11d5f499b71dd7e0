"""T3: small files (settings, keys, plans) survive power cuts and flipped bytes."""

import os
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.store.disk import Note, cuts

from hidamari.core.errors import StoreDamaged
from hidamari.store import files
from hidamari.store.files import load_file, save_file

CUTS = 500


def test_what_is_saved_is_loaded_with_its_version(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    assert load_file(path) is None
    save_file(path, b"first", 1)
    save_file(path, b"second\nline \x00\xff", 7)
    loaded = load_file(path)
    assert loaded is not None
    assert (loaded.content, loaded.version, loaded.is_previous) == (
        b"second\nline \x00\xff",
        7,
        False,
    )
    assert {p.name for p in tmp_path.iterdir()} == {"keys", "keys.previous"}


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    save_file(path, b"secret", 1)
    save_file(path, b"secret 2", 1)
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o600}


@pytest.mark.t(3)
@pytest.mark.req("PWR-04")
def test_every_flipped_byte_falls_back_to_the_previous_copy(tmp_path: Path) -> None:
    path, copy = tmp_path / "settings", tmp_path / "settings.previous"
    save_file(path, b'{"a": 1}', 1)
    save_file(path, b'{"a": 2}', 1)
    good, good_copy = path.read_bytes(), copy.read_bytes()
    for at in range(len(good)):
        for bit in (1, 128):
            flipped = bytearray(good)
            flipped[at] ^= bit
            path.write_bytes(flipped)
            loaded = load_file(path)
            assert loaded is not None
            assert (loaded.content, loaded.is_previous) == (b'{"a": 1}', True)
    for at in range(len(good_copy)):
        flipped = bytearray(good_copy)
        flipped[at] ^= 1
        copy.write_bytes(flipped)
        with pytest.raises(StoreDamaged, match=r"settings and its previous copy are damaged"):
            load_file(path)
    path.write_bytes(good)
    assert load_file(path) is not None  # a damaged copy harms nothing while the file is whole


def test_a_damaged_file_never_becomes_the_previous_copy(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    save_file(path, b"one", 1)
    save_file(path, b"two", 1)
    path.write_bytes(b"rubbish")
    save_file(path, b"three", 1)
    path.write_bytes(b"rubbish")
    loaded = load_file(path)
    assert loaded is not None
    assert loaded.content == b"one"


@pytest.mark.parametrize("keep", [0, 1, 10, 60])
def test_a_cut_file_is_not_believed(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "plan"
    save_file(path, b"x" * 100, 1)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreDamaged):
        load_file(path)


def recording_os(notes: list[Note]) -> SimpleNamespace:
    """The functions of `os` that files.py uses, each noted before it is done."""
    names: dict[int, str] = {}

    def opened(path: Path, flags: int, mode: int = 0o777) -> int:
        fd = os.open(path, flags, mode)
        names[fd] = "" if flags & os.O_DIRECTORY else Path(path).name
        if flags & os.O_TRUNC:
            notes.append(("truncate", names[fd], 0))
        return fd

    def write(fd: int, data: bytes) -> int:
        notes.append(("write", names[fd], os.lseek(fd, 0, os.SEEK_CUR), bytes(data)))
        return os.write(fd, data)

    def fsync(fd: int) -> None:
        notes.append(("sync", names[fd]) if names[fd] else ("sync folder", ""))
        os.fsync(fd)

    def replace(old: Path, new: Path) -> None:
        notes.append(("rename", Path(old).name, Path(new).name))
        os.replace(old, new)

    flags = {name: getattr(os, name) for name in dir(os) if name.startswith("O_")}
    done = {"open": opened, "write": write, "fsync": fsync, "replace": replace}
    return SimpleNamespace(**flags, **done, close=os.close)


@pytest.mark.t(1, 3)
@pytest.mark.req("PWR-04")
def test_a_power_cut_leaves_the_old_content_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.randrange(2**32)
    print(f"SEED={seed}")
    rng = random.Random(seed)
    contents = [bytes([65 + i]) * rng.randrange(1, 3000) for i in range(20)]
    notes: list[Note] = []
    monkeypatch.setattr(files, "os", recording_os(notes))
    (tmp_path / "work").mkdir()
    for number, content in enumerate(contents, 1):
        save_file(tmp_path / "work" / "settings", content, 1)
        notes.append(("done", number))
    monkeypatch.undo()
    points = [rng.randrange(len(notes)) for _ in range(CUTS)]
    for number, cut in enumerate(cuts(notes, points, rng)):
        folder = tmp_path / str(number)
        folder.mkdir()
        cut.lay_out(folder)
        try:
            found = load_file(folder / "settings")
        except StoreDamaged:
            found = None
            assert cut.done == 0
        allowed = [None, *contents][cut.done : cut.done + 2]
        assert (found.content if found else None) in allowed
