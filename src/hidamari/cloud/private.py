"""Files and folders that only the service's own user may read, whatever the umask says."""

from pathlib import Path

FILE, FOLDER = 0o600, 0o700
_BESIDE = ("-wal", "-shm", "-journal")  # SQLite makes them with the rights of the file itself


def private_folder(path: Path) -> None:
    """Make a folder where there is none; one that somebody else made keeps its rights."""
    path.mkdir(mode=FOLDER, parents=True, exist_ok=True)


def private_file(path: Path) -> None:
    """Make a file of SQLite where there is none; older ones and those beside become private."""
    path.touch(FILE)
    for one in (path, *(path.with_name(path.name + suffix) for suffix in _BESIDE)):
        if one.exists():
            one.chmod(FILE)
