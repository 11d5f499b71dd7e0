"""Dependencies of endpoints that only look something up."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import HTTPConnection

T = TypeVar("T")


def at_once(find: Callable[[HTTPConnection], T]) -> Callable[[HTTPConnection], Awaitable[T]]:
    """The same as a coroutine: a plain function is sent through a thread at every request."""

    async def found(connection: HTTPConnection) -> T:
        return find(connection)

    return found
