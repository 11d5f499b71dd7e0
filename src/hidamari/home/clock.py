"""The home's clock: the machine's monotonic count, dated by what the timekeeper believes."""

import ctypes
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from hidamari.core.clock import Clock, RealClock
from hidamari.core.reading import Moment
from hidamari.core.time import from_unix
from hidamari.home.timekeeper import (
    Look,
    Outcome,
    Past,
    Timekeeper,
    Trust,
    Witness,
    begin,
    hear,
    look_again,
)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STA_UNSYNC = 0x0040  # linux/timex.h: the kernel's clock follows nobody
TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2) up to `status`, with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 48),
    )


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the kernel tells of its clock: whether it follows a time server, and which run it is."""

    is_synchronised: Callable[[], bool]
    boot: int

    @classmethod
    def of(cls, clock: Clock) -> Self:
        """What is behind a clock: the machine's kernel; a demo's clock is right by definition."""
        if isinstance(clock, RealClock):
            return cls(is_synchronised, boot_number())
        return cls(lambda: True, 0)


def is_synchronised() -> bool:
    """Whether the kernel says that its clock follows a time server (read only, modes = 0)."""
    told = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    except (AttributeError, OSError):
        return False
    return state >= 0 and state != TIME_ERROR and not told.status & STA_UNSYNC


def boot_number(path: Path = BOOT_ID) -> int:
    """A number of this run of the kernel; one of this process where the kernel has none."""
    try:
        return int(path.read_text("ascii").replace("-", "")[:15], 16)
    except (OSError, ValueError):
        return secrets.randbits(60)


class HomeClock:
    """Implements `Clock` with the time that we believe; moves only when the timekeeper says so."""

    def __init__(self, machine: Clock, kernel: Kernel, past: Past) -> None:
        self.boot = kernel.boot
        self._machine = machine
        self._is_synchronised = kernel.is_synchronised
        self.keeper: Timekeeper = begin(self._look(), past)

    @property
    def is_known(self) -> bool:
        """Whether what is measured can be dated."""
        return self.keeper.trust is not Trust.UNKNOWN

    def now(self) -> datetime:
        """The present instant as we believe, UTC."""
        return from_unix(self.keeper.now_s(self._machine.monotonic_s()))

    def stamp(self) -> datetime | Moment:
        """The present instant, or what will be dated as soon as the time is known."""
        return self.now() if self.is_known else Moment(self.boot, self.monotonic_s())

    def dated(self, at: datetime | Moment) -> datetime | Moment:
        """The time of a moment of this run of the kernel, once it is known."""
        if isinstance(at, Moment) and self.is_known and at.boot == self.boot:
            return from_unix(self.keeper.now_s(at.mono_s))
        return at

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return self._machine.monotonic_s()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await self._machine.sleep(seconds)

    def look(self) -> Outcome:
        """Look at the machine's clocks and follow what may be believed."""
        return self._follow(look_again(self.keeper, self._look()))

    def hear(self, witness: Witness) -> Outcome:
        """The smart meter told the time."""
        return self._follow(hear(self.keeper, self._look(), witness))

    def needs_witness(self) -> bool:
        """Whether asking the meter for the time would help."""
        return not self._is_synchronised()

    def _follow(self, outcome: Outcome) -> Outcome:
        self.keeper = outcome.keeper
        return outcome

    def _look(self) -> Look:
        mono_s = self._machine.monotonic_s()
        return Look(self._machine.now().timestamp(), mono_s, self._is_synchronised())
