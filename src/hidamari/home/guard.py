"""Watches the home process and has it back: a small parent that imports nothing of ours.

The child writes one byte to a pipe with every beat. No beat for 30 s is a hang: it is killed and
started again. It also comes back when it crashed; an exit with status 0, 2 (cannot start) or by
our own stop signal is final. Run as a plain script so that it costs only the interpreter.
"""

import os
import select
import signal
import sys
import time

BEAT_FD = "HIDAMARI_BEAT_FD"  # what the child finds in its environment
HANG_S = 30.0
FIRST_BEAT_S = 120.0  # a first start migrates and repairs before it beats
PAUSE_S = 1.0
FINAL = (0, 2)
# glibc gives back what a long read of the history needed for a moment: 7 MB less in the end.
MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
STILLBORN_AT_MOST = 3  # starts in a row that ended before the first beat: it will not come up


def guarded(arguments: list[str]) -> None:
    """Become the watching parent of this same command, unless systemd or a parent watches us."""
    if BEAT_FD in os.environ or "NOTIFY_SOCKET" in os.environ:
        return
    child = [sys.executable, "-m", "hidamari", *arguments]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, *child])  # noqa: S606


def main(argv: list[str]) -> int:
    """Run `argv` as the child until it ends for good; the exit status of the last child."""
    stopping: list[int] = []
    child = stillborn = 0

    def stop(number: int, _: object) -> None:
        stopping.append(number)
        if child:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while True:
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        environment = {**MEMORY, **os.environ, BEAT_FD: str(write_end)}
        child = os.posix_spawn(argv[0], argv, environment)
        os.close(write_end)
        status, has_beaten = watch(child, read_end)
        os.close(read_end)
        stillborn = 0 if has_beaten else stillborn + 1
        if stopping:
            return 0
        if status in FINAL or stillborn >= STILLBORN_AT_MOST:
            return status
        print(f"hidamari: the home ended with status {status}, starting it again", file=sys.stderr)
        time.sleep(PAUSE_S)


def watch(child: int, read_end: int) -> tuple[int, bool]:
    """Wait for the end of the child, killing it when its beat stops.

    Returns its exit status and whether it ever beat.
    """
    limit_s, has_beaten = FIRST_BEAT_S, False
    while True:
        ready, _, _ = select.select([read_end], [], [], limit_s)
        if not ready:
            os.kill(child, signal.SIGKILL)
        elif os.read(read_end, 4096):
            limit_s, has_beaten = HANG_S, True
            continue
        _, code = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(code), has_beaten


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
