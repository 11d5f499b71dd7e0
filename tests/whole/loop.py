"""An event loop whose time jumps to the next timer: a virtual day takes seconds, and replays."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: it only tells its loop how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits, and nothing will ever come")
        if timeout > 0:
            self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time is what its timers make of it; work for threads is done in line."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        self._aside_s = 0.0
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def spend(self, seconds: float) -> None:
        """Work that takes long: everybody else finds that it has become later."""
        self._jumping.now_s += seconds

    def take(self, seconds: float) -> None:
        """Work in a thread that takes long: who waits for it waits, everybody else goes on."""
        self._aside_s += seconds

    def run_in_executor(
        self, executor: object, func: Callable[..., T], *args: object
    ) -> "asyncio.Future[T]":
        done: asyncio.Future[T] = self.create_future()
        try:
            found = func(*args)
        except Exception as error:
            done.set_exception(error)
            return done
        took_s, self._aside_s = self._aside_s, 0.0
        if took_s:
            self.call_later(took_s, lambda: done.cancelled() or done.set_result(found))
        else:
            done.set_result(found)
        return done


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class LoopClock:
    """A machine's clock in virtual time; its wall clock can be set wrong."""

    def __init__(self, start: datetime) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = start - timedelta(seconds=self._loop.time())
        self.wrong_s = 0.0
        self._booted_s = 0.0

    def reboot(self) -> None:
        """The machine starts again: its count of seconds begins at zero."""
        self._booted_s = self._loop.time()

    def true(self) -> datetime:
        """The instant that it really is."""
        return self._start + timedelta(seconds=self._loop.time())

    def now(self) -> datetime:
        return self.true() + timedelta(seconds=self.wrong_s)

    def monotonic_s(self) -> float:
        return self._loop.time() - self._booted_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
