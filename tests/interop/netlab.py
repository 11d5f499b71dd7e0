"""Two programs on an isolated network: a namespace each, one cable between them.

Programs of others bind 0.0.0.0:3610 and skip loopback, so two of them cannot share a machine's
network. Here each has a real interface with multicast, and nothing leaves the machine.
`python netlab.py DEVICE_JSON CONTROLLER_JSON`: both are commands as JSON lists. The device runs at
10.83.0.1 until it says "ready"; then the controller runs at 10.83.0.2, and its output is ours.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

NETWORK = "10.83.0."
DEVICE, CONTROLLER = NETWORK + "1", NETWORK + "2"
READY_S = 20
CONTROLLER_S = 50


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def place(number: int) -> Iterator[list[str]]:
    """A namespace with the address 10.83.0.<number>; gives what to put before a command."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    try:
        inside = ["nsenter", "--target", str(holder.pid), "--net", "--"]
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{holder.pid}/ns/net") == own:
            time.sleep(0.01)
        ip("link", "set", f"end{number}", "netns", str(holder.pid))
        for words in (
            ("link", "set", "lo", "up"),
            ("link", "set", f"end{number}", "name", "eth0"),
            ("address", "add", f"{NETWORK}{number}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("route", "add", "224.0.0.0/4", "dev", "eth0"),
        ):
            subprocess.run([*inside, "ip", *words], check=True)
        yield inside
    finally:
        holder.kill()
        holder.wait()


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[None]:
    """A program that has said "ready"."""
    program = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        os.set_blocking(program.stdout.fileno(), False)  # type: ignore[union-attr]
        said, end_s = b"", time.perf_counter() + READY_S
        while b"ready" not in said:
            said += program.stdout.read() or b""  # type: ignore[union-attr]
            if program.poll() is not None or time.perf_counter() > end_s:
                sys.exit(f"the device program did not get ready: {said.decode()}")
            time.sleep(0.02)
        yield
    finally:
        program.kill()
        program.wait()


def main(device: list[str], controller: list[str]) -> int:
    ip("link", "add", "end1", "type", "veth", "peer", "name", "end2")
    with place(1) as at_device, place(2) as at_controller, running([*at_device, *device]):
        command = [*at_controller, *controller, DEVICE]
        return subprocess.run(command, check=False, timeout=CONTROLLER_S).returncode


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), json.loads(sys.argv[2])))
