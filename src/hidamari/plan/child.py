"""The solver process: reads requests from a pipe, writes answers to another."""

import resource
import sys
from multiprocessing.connection import Connection

from hidamari.core.errors import InputError
from hidamari.plan.lp import NoSolution
from hidamari.plan.planner import HomePlanner
from hidamari.plan.request import Answer, Failed, Fault, PlanRequest, WhyRequest

MEMORY_LIMIT_BYTES = 1 << 30  # a home's program needs some 60 MiB; beyond this something is wrong


def answer(planner: HomePlanner, request: PlanRequest | WhyRequest) -> Answer:
    """Solve one request; failures are answers, too."""
    try:
        if isinstance(request, WhyRequest):
            return tuple(planner.what_if(request.plan, request.bill, f) for f in request.forced)
        planner.exclusive = request.exclusive
        return (planner.plan(request.horizon, request.assets, request.bill, request.last),)
    except InputError as error:
        return Failed(Fault.INPUT, str(error))
    except (NoSolution, ArithmeticError, ValueError, LookupError, MemoryError) as error:
        planner.model = None  # a program that failed once is not trusted again
        return Failed(Fault.NO_SOLUTION, f"{type(error).__name__}: {error}")


def serve(requests: Connection, answers: Connection) -> None:
    """Answer until the other side closes the pipe."""
    planner = HomePlanner()
    while True:
        try:
            request = requests.recv()
        except EOFError:
            return
        answers.send(answer(planner, request))


def main() -> None:
    """Entry of the process: the two pipe ends are named on the command line."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    serve(
        Connection(int(sys.argv[1]), writable=False), Connection(int(sys.argv[2]), readable=False)
    )


if __name__ == "__main__":
    main()
