"""A disk of a few megabytes that a test can fill, seen only by what is started inside."""

import os
import subprocess
from pathlib import Path


class SmallDisk:
    """A tmpfs in a mount namespace of its own: it goes with the process that holds it."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        self.folder = folder
        folder.mkdir(mode=0o777)
        is_root = os.geteuid() == 0
        apart = ["unshare", "-m"] if is_root else ["unshare", "-c", "--keep-caps", "-m"]
        script = f'mount -t tmpfs -o size={size_mb}m,mode=0777 none "$0" && echo && exec sleep 900'
        self._holder = subprocess.Popen([*apart, "sh", "-c", script, folder], stdout=-1)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline(), "a mount namespace is needed: root, or unshare -c"
        who = [] if is_root else ["-U", "--preserve-credentials"]
        self.enter = ["nsenter", "-t", str(self._holder.pid), "-m", *who]

    def fill(self) -> None:
        """Until not one byte has room."""
        dd = ["dd", "if=/dev/zero", f"of={self.folder}/ballast", "bs=4k"]
        done = subprocess.run([*self.enter, *dd], capture_output=True, text=True)
        assert "No space left on device" in done.stderr, done.stderr

    def free(self) -> None:
        """Give the room back."""
        subprocess.run([*self.enter, "rm", f"{self.folder}/ballast"], check=True)

    def remove(self) -> None:
        """The disk and all on it is gone."""
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout is not None
        self._holder.stdout.close()
