"""Hubs in processes of their own, and homes that come back until everything is acknowledged."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.cloud.lab import Home
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from hidamari.link.messages import Acked, Bye, Record, Welcome

ROOT = Path(__file__).parents[2]


class HubProcess:
    """One after the other on the same port and store."""

    def __init__(self, store: str, folder: Path, homes: Iterable[Home]) -> None:
        self._store = store
        self._keys = folder / "keys.json"
        self._keys.write_text(json.dumps({h.home.hex(): h.public.hex() for h in homes}))
        self._log = folder / "hub.log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Run the next one; returns when it serves."""
        command = [sys.executable, "-m", "tests.cloud.hub_process", self._store, str(self.port)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self._keys)], cwd=ROOT, stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        line = await asyncio.to_thread(self.process.stdout.readline)
        assert line, self._log.read_text()[-3000:]
        self.port = json.loads(line)["port"]

    def kill(self) -> None:
        """End it without a word."""
        if self.process is not None:
            assert self.process.stdout is not None
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


class Sender:
    """A home with an outbox: it forgets a record when it is acknowledged, and not before."""

    def __init__(self, home: Home, rng: random.Random) -> None:
        self.home = home
        self._rng = rng
        self.made: list[Record] = []
        self._outbox: dict[tuple[int, int], Record] = {}
        self.acked = 0

    def make(self, records: Iterable[Record]) -> None:
        """New records to be sent."""
        for record in records:
            self.made.append(record)
            self._outbox[record.stream, record.seq] = record

    @property
    def is_done(self) -> bool:
        """Whether all is acknowledged."""
        return not self._outbox

    async def run(self) -> None:
        """Send for ever, whatever happens to the service."""
        while True:
            with suppress(
                OSError, TimeoutError, ConnectionClosed, InvalidHandshake, InvalidMessage
            ):
                await self._linked()
            await self.home.hang_up()
            await asyncio.sleep(self._rng.uniform(0.05, 0.3))

    async def _linked(self) -> None:
        answer = await self.home.enter()
        if isinstance(answer, Bye):
            return
        self._forget(answer)
        sent: set[tuple[int, int]] = set()
        while True:
            for key, record in list(self._outbox.items()):
                if key not in sent and len(sent & self._outbox.keys()) < 64:
                    sent.add(key)
                    await self.home.say(record)
            with suppress(TimeoutError):
                message = await self.home.hear(0.05)
                assert isinstance(message, Acked | Bye), message
                if isinstance(message, Bye):
                    return
                for seq in message.seqs:
                    self.acked += self._outbox.pop((message.stream, seq), None) is not None

    def _forget(self, welcome: Welcome) -> None:
        for stream, seq in list(self._outbox):
            if seq <= welcome.committed.get(stream, 0):
                del self._outbox[stream, seq]
