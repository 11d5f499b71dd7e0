"""A PostgreSQL server of our own for the tests: its files, its port, gone at the end."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from tests.cloud.small_disk import SmallDisk

FREE_FROM_FSYNC = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def program(name: str) -> str:
    """A program of the server; Debian keeps them outside of PATH."""
    found = shutil.which(name)
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if found is None and not newest:
        raise FileNotFoundError(f"{name} of the Debian package postgresql expected")
    return found or str(newest[-1])


class Server:
    """One cluster on a socket in a folder of its own; the server refuses to run as root."""

    def __init__(self, *, durable: bool = False, disk_mb: int | None = None) -> None:
        """With `disk_mb` all its files lie on a disk of that size."""
        self.folder = Path(tempfile.mkdtemp(prefix="hdm-pg-", dir="/tmp"))
        self._settings = () if durable else FREE_FROM_FSYNC
        user = _other_user()
        self._made = 0
        self._process: subprocess.Popen[bytes] | None = None
        if user:
            account = pwd.getpwnam(user[-2])
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self.disk = None if disk_mb is None else SmallDisk(self.folder / "disk", disk_mb)
        self._as = user if self.disk is None else [*self.disk.enter, *user]
        self.data = (self.folder if self.disk is None else self.disk.folder) / "data"
        self._run("initdb", "-D", str(self.data), "-U", "owner", "-A", "trust", "-N")

    def url(self, database: str = "postgres", user: str = "owner") -> str:
        """How to reach a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Run the server until `stop` or `kill`; returns when it answers."""
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", *self._settings]
        flags = [word for setting in settings for word in ("-c", setting)]
        command = [*self._as, program("postgres"), "-D", str(self.data), *flags]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        for _ in range(300):
            ready = [*self._as, program("pg_isready"), "-q", "-h", str(self.folder)]
            if subprocess.run(ready, cwd=self.folder).returncode == 0:
                return
            time.sleep(0.1)
        raise TimeoutError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End all of it at once, as a power cut does."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """End it and delete its files."""
        self.kill()
        if self.disk is not None:
            self.disk.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def psql(self, sql: str, database: str = "postgres") -> str:
        """What a statement of the owner answers."""
        words = ("-h", str(self.folder), "-U", "owner", "-d", database, "-v", "ON_ERROR_STOP=1")
        return self._run("psql", *words, "-Atc", sql)

    def new_database(self, template: str = "template1") -> str:
        """The address of a new database, a copy of another one."""
        self._made += 1
        self.psql(f"create database d{self._made} template {template}")
        return self.url(f"d{self._made}")

    def named(self, url: str) -> str:
        """The name of a database of this server."""
        return url.partition("@/")[2].partition("?")[0]

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        known = [*self._as, "cat", str(self.data / "postmaster.pid")]
        postmaster = int(subprocess.run(known, stdout=-1, check=True).stdout.split()[0])
        family = [psutil.Process(postmaster)]
        if number == signal.SIGKILL:
            family += family[0].children(recursive=True)
        for one in family:
            one.send_signal(number)
        self._process.wait(30)
        psutil.wait_procs(family, 30)
        self._process = None

    def _run(self, name: str, *words: str) -> str:
        command = [*self._as, program(name), *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _other_user() -> list[str]:
    """How to run a program as somebody who may run the server."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return ["runuser", "-u", name, "--"]
    raise LookupError("a user other than root expected: the server refuses to run as root")
