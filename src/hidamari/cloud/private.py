"""Files and folders that only the service's own user may read, whatever the umask says."""

import logging
import os
import stat
from pathlib import Path

logger = logging.getLogger(__name__)

FILE, FOLDER = 0o600, 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BESIDE = ("-wal", "-shm", "-journal")  # SQLite makes them with the rights of the file itself


def private_folder(path: Path) -> None:
    """Make a folder, or take one of ours from others; what somebody else made, or is shared by
    all as /tmp is, keeps its rights.
    """
    path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    found = path.stat()
    is_ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
    if is_ours and found.st_mode & _OTHERS:
        logger.warning("%s: only the user of this service may look into it from now on", path)
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def private_file(path: Path) -> None:
    """Make a file of SQLite where there is none; older ones and those beside become private."""
    path.touch(FILE)
    for one in (path, *(path.with_name(path.name + suffix) for suffix in _BESIDE)):
        if one.exists():
            one.chmod(FILE)
