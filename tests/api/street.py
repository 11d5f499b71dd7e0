"""A home with both doors open on loopback, served by a thread of its own."""

import asyncio
import math
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hidamari.api.app import Options
from hidamari.api.certificate import DoorKey, door_key
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.serve import serve

if TYPE_CHECKING:
    from tests.api.conftest import Bench

HOST = "127.0.0.1"


class Street:
    """Both doors of a bench."""

    def __init__(self, bench: "Bench") -> None:
        self.bench = bench
        self.listening = Listening(DoorPlan(HOST, 0, 0))
        self.key: DoorKey = door_key(bench.home.folder, ["localhost", HOST], bench.home.clock.now())
        self.url = f"http://{HOST}:{self.listening.http_port}"
        self.secure_url = f"https://{HOST}:{self.listening.https_port}"
        bench.rebuild(Options(https_port=self.listening.https_port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        app = serve(self.bench.app, self.listening, self.key.context())
        self._task = self._loop.create_task(app)
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    def __enter__(self) -> "Street":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def connect(self, source: str = HOST, buffer_bytes: int = 0) -> socket.socket:
        """A bare connection from a loopback address, with a receive buffer of its own size."""
        found = socket.socket()
        found.settimeout(10)
        if buffer_bytes:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        found.bind((source, 0))
        found.connect((HOST, self.listening.http_port))
        return found

    def is_well(self) -> bool:
        """Whether somebody who asks now gets an answer within a second.

        The best of three tries counts: the machine of the tests has other things to do as well.
        """
        return any(self._answer_s() < 1.0 for _ in range(3))

    def _answer_s(self) -> float:
        before = time.perf_counter()
        with self.connect() as one:
            one.sendall(b"GET /.well-known/hidamari HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            with suppress(ConnectionError):
                if one.recv(65536).startswith(b"HTTP/1.1 200"):
                    return time.perf_counter() - before
        return math.inf

    def soon(self, action: Callable[[], object]) -> None:
        """Do something in the loop of the home."""
        self._loop.call_soon_threadsafe(action)
