"""A simulated house and its controller as processes of their own, for the benchmarks."""

import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from hidamari.home.guard import MEMORY

PASSWORD = "himawari no niwa 7"
USER = "owner"
READY_S = 60.0
MEGA = 1e6
LOG = os.memfd_create(
    "complaints"
)  # what all children complain about, shown when one does not start


def free_port() -> int:
    """A TCP port that nobody has now, outside the range that connections of others are given."""
    while True:
        port = random.randint(18_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port


def free_net() -> str:
    """The first three numbers of a loopback block that is probably ours alone."""
    return f"127.{random.randint(64, 250)}.{random.randint(1, 250)}"


@dataclass(frozen=True, slots=True)
class Ready:
    """A process that said it is ready: its line, and the seconds from its start until then."""

    process: subprocess.Popen[bytes]
    line: dict[str, object]
    ready_s: float


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """One of our own commands, with its byte code kept as an installed program has it."""
    command = [sys.executable, "-m", "hidamari", *arguments]
    # An unguarded home gives its memory back as one does that a parent or systemd watches.
    env = {**MEMORY, **os.environ}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=LOG, env=env)


def wait_ready(process: subprocess.Popen[bytes], begun_s: float) -> Ready:
    """Read the ready line; RuntimeError when the process ends or stays silent."""
    if process.stdout is None:
        raise RuntimeError("a process with an output expected")
    readable, _, _ = select.select([process.stdout], [], [], READY_S)
    line = process.stdout.readline() if readable else b""
    if not line:
        said = os.pread(LOG, 2000, max(0, os.fstat(LOG).st_size - 2000)).decode(errors="replace")
        raise RuntimeError(
            f"a ready line expected within {READY_S:.0f} s: {process.args!r}\n{said}"
        )
    return Ready(process, json.loads(line), time.perf_counter() - begun_s)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process as a person would."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def house(net: str, folder: Path, clock: str = "") -> Iterator[None]:
    """The simulated devices on `net`.2 and up."""
    state = str(folder / "house.json")
    arguments = ["sim", "--net", f"{net}.0/24", "--state", state, "--clock", clock, "--json"]
    ready = wait_ready(start(*arguments), time.perf_counter())
    try:
        yield
    finally:
        stop(ready.process)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a home runs: its network, data folder and port."""

    net: str
    folder: Path
    port: int
    hosts: int = 10  # addresses from .2 on that are asked

    @property
    def url(self) -> str:
        """The page."""
        return f"http://127.0.0.1:{self.port}"

    def arguments(self, clock: str = "") -> list[str]:
        """The command line of the home."""
        probe = ",".join(f"{self.net}.{host}" for host in range(2, 2 + self.hosts))
        words = ["home", "--data", str(self.folder), "--port", str(self.port)]
        words += ["--bind", f"{self.net}.1", "--probe", probe, "--https-port", "0"]
        return [*words, "--ready-json", *(["--clock", clock] if clock else [])]


@contextmanager
def home(place: Place, clock: str = "", *extra: str) -> Iterator[Ready]:
    """The controller, ready: its page answers and its first reading is stored."""
    begun_s = time.perf_counter()
    process = start(*place.arguments(clock), *extra)
    try:
        yield wait_ready(process, begun_s)
    finally:
        stop(process)


@contextmanager
def signed_in(url: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    """A client with a session."""
    with httpx.Client(base_url=url, timeout=30.0) as client:
        body = {"user": USER, "password": password}
        client.post("/api/v1/session", json=body).raise_for_status()
        yield client


def family(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]


def rss_mb(pid: int) -> tuple[float, float]:
    """Memory [MB] of the home process, and of all processes together (guard, home, solver).

    Pages that they share count for each.
    """
    sizes = {one.pid: one.memory_info().rss / MEGA for one in family(pid)}
    return max(sizes.values()), sum(sizes.values())


def cpu_s(pid: int) -> float:
    """Processor time so far [s], children too."""
    times = [one.cpu_times() for one in family(pid)]
    return float(sum(one.user + one.system for one in times))


def written_bytes(pid: int) -> int:
    """What a process and its children dirtied for the disk so far."""
    return sum(int(one.io_counters().write_bytes) for one in family(pid))
