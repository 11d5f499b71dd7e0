"""Dependencies of endpoints that only look something up."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends
from starlette.requests import HTTPConnection

T = TypeVar("T")


def at_once(find: Callable[[HTTPConnection], T]) -> Callable[[HTTPConnection], Awaitable[T]]:
    """The same as a coroutine: a plain function is sent through a thread at every request."""

    async def found(connection: HTTPConnection) -> T:
        return find(connection)

    return found


def lang_of(connection: HTTPConnection) -> str:
    """The reader's language: en if preferred, else ja."""
    wanted = connection.headers.get("accept-language", "")
    return "en" if wanted.strip().lower().startswith("en") else "ja"


LangDep = Annotated[str, Depends(at_once(lang_of))]
