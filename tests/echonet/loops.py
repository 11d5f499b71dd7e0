"""Real UDP on loopback in shortened time: one second of the protocol lasts a tenth."""

import asyncio
import errno
import random
import selectors
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

from hidamari.echonet.frame import PORT

T = TypeVar("T")
SPEED = 10


class _FastSelector(selectors.DefaultSelector):  # type: ignore[valid-type, misc]
    def select(self, timeout: float | None = None) -> Any:
        return super().select(None if timeout is None else timeout / SPEED)


class _FastLoop(asyncio.SelectorEventLoop):
    def time(self) -> float:
        return super().time() * SPEED


def run(main: Coroutine[Any, Any, T], *, fast: bool = True) -> T:
    """Run a test's coroutine; `fast` makes its seconds ten times shorter."""
    factory = (lambda: _FastLoop(_FastSelector())) if fast else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(asyncio.wait_for(main, 600))


def block() -> str:
    """The first three numbers of a loopback network whose port 3610 nobody uses."""
    for _ in range(100):
        prefix = f"127.{random.randint(64, 250)}.{random.randint(1, 250)}."
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind((prefix + "250", PORT))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise
        return prefix
    raise RuntimeError("no free loopback network found")
