"""T2: the writing process is killed at any time; what it acknowledged is there."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.store.kill_writer import KEYS, MARK, START, STREAM

from hidamari.store.db import Store

KILLS = 200
ROOT = Path(__file__).parents[2]


@pytest.fixture
def writer(memory: Path) -> Iterator["subprocess.Popen[str]"]:
    """The process that forks writers; one thread, so that forking is safe."""
    command = [sys.executable, "-m", "tests.store.kill_writer", str(memory / "data")]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=ROOT, text=True, env=environment, **pipes)
    yield process
    process.stdin.close()
    process.kill()
    process.wait()
    process.stdout.close()


def killed_after(writer: "subprocess.Popen[str]", number: int, acks: int, wait_s: float) -> int:
    """Let a writer begin with `number`, kill it `wait_s` after it acknowledged `acks` more.

    Returns the last number that was acknowledged.
    """
    writer.stdin.write(f"{number}\n")
    writer.stdin.flush()
    last, pid = number - 1, 0
    for line in writer.stdout:
        if line == "dead\n":
            return last
        if line.startswith("pid"):
            pid = int(line.split()[1])
        else:
            last = int(line)
        if last == number - 1 + acks:
            threading.Timer(wait_s, os.kill, (pid, signal.SIGKILL)).start()
            acks = -1
    raise AssertionError("the writer ended by itself")


def numbers_in(store: Store, first: int, until: int) -> set[int]:
    """The numbers from `first` (a whole hour) on that can be read, each checked for its content."""
    if not store.series():
        return set()
    start = START + timedelta(minutes=first)
    end = START + timedelta(minutes=until + 100)
    minutes = store.minutes(KEYS, start, end)
    rows = np.flatnonzero(~np.isnan(minutes).any(axis=1))
    np.testing.assert_allclose(minutes[rows], (rows + first).repeat(20).reshape(-1, 20) / 1000)
    slots, _ = store.slots(KEYS, start, end)
    halves = slots[~np.isnan(slots).any(axis=1)]
    assert (halves == halves[:, :1]).all()
    settings = store.settings()
    assert settings.get("a") == settings.get("b")
    events = [event.data["n"] for event in store.events(limit=until - first + 100)]
    found = {*(rows + first).tolist(), *np.rint(halves[:, 0] * 1000).astype(int).tolist(), *events}
    found |= set(range(7, int(settings.get("a", 0)) + 1, 10)) | numbers_sent(store, until)
    return {number for number in found if number >= first}


def numbers_sent(store: Store, until: int) -> set[int]:
    """The numbers of records that were put into the outbox or taken out of it: each was numbered
    once, its mark moved with it, and only the oldest are gone.
    """
    last = store.outbox.last().get(STREAM, 0)
    waiting = store.outbox.after(STREAM, 0, 1_000_000)
    assert int(store.get_kv(MARK) or -5) == 10 * last - 5
    assert [one.seq for one in waiting] == list(range(last - len(waiting) + 1, last + 1))
    assert all(one.payload == b"%d" % (10 * one.seq - 5) for one in waiting)
    before = {number for number in (8, 18, 28) if number <= until}  # nothing to forget yet
    gone = {10 * (seq + 2) + 8 for seq in range(1, last - len(waiting) + 1)}
    return before | gone | {10 * seq - 5 for seq in range(1, last + 1)}


@pytest.mark.t(2)
@pytest.mark.timeout(180)
@pytest.mark.req("PWR-01", "PWR-02", "SRV-09")
def test_nothing_acknowledged_is_lost_in_200_kills(
    writer: "subprocess.Popen[str]", memory: Path
) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.randrange(2**32)
    print(f"SEED={seed}")
    rng = random.Random(seed)
    last, opened_s = -1, []
    for round_ in range(KILLS):
        last = killed_after(writer, last + 1, rng.randrange(12), rng.uniform(0.0, 0.02))
        began = time.perf_counter()
        store = Store.open(memory / "data", START, ballast_bytes=0)
        opened_s.append(time.perf_counter() - began)
        first = 0 if last < 120 or round_ == KILLS - 1 else (last - 60) // 60 * 60
        found = numbers_in(store, first, last)
        store.close()
        assert store.damaged is None
        assert found >= set(range(first, last + 1))
        assert found <= set(range(first, last + 2))  # one more may have been under way
        last = max(found, default=-1)
    assert last > KILLS  # it did write between the kills
    assert sorted(opened_s)[int(KILLS * 0.99)] < 5.0
