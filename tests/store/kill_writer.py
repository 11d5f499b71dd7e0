"""The process that is killed: writes numbered things and says each number once it is on the disk.

`python -m tests.store.kill_writer FOLDER`: for each line on stdin it forks a writer that goes on
where the one before ended; it prints the writer's process number, each number, and "dead".
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hidamari.core.reading import Event, Kind, Quality, Series, SlotValue
from hidamari.store.db import Store
from hidamari.store.outbox import Draft

START = datetime(2026, 3, 1, tzinfo=UTC)
SERIES = [Series(f"circuit:{i}", "power_kw", "kW", 0.001, Kind.POWER) for i in range(20)]
KEYS = [series.key for series in SERIES]
STREAM, MARK = 2, "up:event"


def write(store: Store, number: int) -> None:
    """The thing with this number; each is readable on its own."""
    at = START + timedelta(minutes=number)
    if number % 10 == 3:
        store.add_event(Event(at, "log", "home", "n", {"n": number}))
    elif number % 10 == 7:
        store.put_settings({"a": number, "b": number}, at)
    elif number % 10 == 5:
        payload = b"%d" % number
        store.outbox.put([Draft(STREAM, number, 1, payload)], {MARK: payload})
    elif number % 10 == 8:
        store.outbox.forget([(STREAM, number // 10 - 2)])
    elif number % 30 == 29:
        store.write_slots(at, {key: SlotValue(number / 1000, Quality.POWER) for key in KEYS})
    else:
        store.write_minute(at, dict.fromkeys(KEYS, number / 1000))


def _write_until_killed(folder: Path, number: int) -> None:
    store = Store.open(folder, START, ballast_bytes=0)
    store.add_series(SERIES)
    while True:
        write(store, number)
        os.write(1, b"%d\n" % number)
        number += 1


def main() -> None:
    """Fork a writer for each line, which holds the number to begin with."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _write_until_killed(Path(sys.argv[1]), int(line))
        os.write(1, b"pid %d\n" % pid)
        os.waitpid(pid, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
