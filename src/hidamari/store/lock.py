"""One process per data folder: a lock that the kernel drops when its holder dies."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from hidamari.core.errors import StoreBusy


class FolderLock:
    """Holds `store.lock` of a folder until released; the file names the process."""

    def __init__(self, folder: Path) -> None:
        self._fd = os.open(folder / "store.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreBusy(
                f"the data folder {folder} is in use by process {holder}: "
                "end that one or choose another folder"
            ) from error
        with suppress(OSError):  # a full disk: the lock holds without a name
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process have the folder; once is enough, twice does no harm."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
