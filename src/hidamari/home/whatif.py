"""One comparison at a time, reckoned by a process of its own beside the running home.

A year of plans takes a minute or more of a processor: the child is the command `hidamari whatif`,
which reads the folder without taking it and gives way to everything else.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from hidamari.core.errors import InputError
from hidamari.store.journal import JsonValue

LONGEST_S = 3600.0  # real seconds
MOST_LINE_BYTES = 1 << 20
State = Literal["idle", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the owner asked for; None = as it is today."""

    battery_kwh: float | None = None
    battery_kw: float | None = None
    plan: str | None = None

    def words(self) -> list[str]:
        """The same for the command line."""
        options = {
            "--battery-kwh": self.battery_kwh,
            "--battery-kw": self.battery_kw,
            "--tariff": self.plan,
        }
        return [word for name, v in options.items() if v is not None for word in (name, str(v))]


@dataclass(slots=True)
class Comparison:
    """The comparison that runs or ran last."""

    folder: Path
    command: Sequence[str] = (sys.executable, "-m", "hidamari", "whatif")
    state: State = "idle"
    asked: Asked | None = None
    asked_at: datetime | None = None
    progress: float = 0.0
    error: str = ""
    result: JsonValue = None
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def start(self, asked: Asked, at: datetime) -> None:
        """Begin; InputError while another one runs or where nothing is asked for."""
        if self.state == "running":
            raise InputError("one comparison at a time: wait for the running one or end it")
        if not asked.words():
            raise InputError("another battery or another tariff to compare with expected")
        self.state, self.asked, self.asked_at = "running", asked, at
        self.progress, self.error, self.result = 0.0, "", None
        self._task = asyncio.create_task(self._run(asked), name="whatif")

    async def stop(self) -> None:
        """End the running one; nothing is asked for then."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self.state == "running":
            self.state = "idle"

    async def _run(self, asked: Asked) -> None:
        words = [*self.command, "--data", str(self.folder), "--json", "--progress", *asked.words()]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *words, stdout=pipe, stderr=pipe, limit=MOST_LINE_BYTES
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                _, complaint = await asyncio.gather(
                    self._listen(process.stdout), _all_of(process.stderr)
                )
                await process.wait()
        except TimeoutError:
            complaint = f"no answer within {LONGEST_S:.0f} s"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        is_done = process.returncode == 0 and self.result is not None
        self.state = "done" if is_done else "failed"
        self.error = "" if is_done else _last_words(complaint)

    async def _listen(self, stream: asyncio.StreamReader | None) -> None:
        """Shares that are done, then the answer."""
        while stream is not None and (line := await stream.readline()):
            found = json.loads(line)
            if "progress" in found:
                self.progress = float(found["progress"])
            else:
                self.result = found


async def _all_of(stream: asyncio.StreamReader | None) -> str:
    return "" if stream is None else (await stream.read()).decode(errors="replace")


def _last_words(complaint: str) -> str:
    lines = [line for line in complaint.splitlines() if line.strip()]
    return lines[-1].removeprefix("hidamari: ")[:300] if lines else "it ended without an answer"
