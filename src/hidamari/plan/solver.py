"""Who solves in a running home: a child process with limits."""

import os
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Protocol

from hidamari.plan.request import Answer, Failed, Fault, PlanRequest, WhyRequest

PLAN_LIMIT_S = 20.0  # for a whole plan (planner section 2.11)
START_LIMIT_S = 10.0  # on top for the first answer of a new process


class Solver(Protocol):
    """Answers plan and why requests; a failure is an answer."""

    def ask(self, request: PlanRequest | WhyRequest) -> Answer:
        """Solve, within the limits."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


@dataclass(slots=True)
class ProcessSolver:
    """Solves in a child process; one that is late, dead or mad is ended and replaced.

    `ask` blocks for up to its limit: call it from a thread.
    """

    limit_s: float = PLAN_LIMIT_S
    start_limit_s: float = START_LIMIT_S
    command: tuple[str, ...] = (sys.executable, "-m", "hidamari.plan.child")
    process: subprocess.Popen[bytes] | None = None
    to_child: Connection | None = None
    from_child: Connection | None = None

    def ask(self, request: PlanRequest | WhyRequest) -> Answer:
        """Send, wait within the limit, receive; the process is replaced after a failure."""
        limit_s = self.limit_s
        if self.process is None or self.process.poll() is not None:
            self.close()
            self._start()
            limit_s += self.start_limit_s
        if self.to_child is None or self.from_child is None:
            return Failed(Fault.GONE, "the solver could not be started")
        try:
            self.to_child.send(request)
            if not self.from_child.poll(limit_s):
                self.close()
                return Failed(Fault.TIME, f"no plan within {limit_s:.0f} s")
            reply: Answer = self.from_child.recv()
        except (EOFError, OSError) as error:
            self.close()
            return Failed(Fault.GONE, f"the solver ended: {type(error).__name__}")
        return reply

    def close(self) -> None:
        """Close the pipes and end the process."""
        for pipe in (self.to_child, self.from_child):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self.to_child = self.from_child = None
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            self.process = None

    def _start(self) -> None:
        request_read, request_write = os.pipe()
        answer_read, answer_write = os.pipe()
        single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*self.command, str(request_read), str(answer_write)],
            pass_fds=(request_read, answer_write),
            env={**os.environ, **single},
        )
        os.close(request_read)
        os.close(answer_write)
        self.to_child = Connection(request_write, readable=False)
        self.from_child = Connection(answer_read, writable=False)
