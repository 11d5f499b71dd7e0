"""What all bodies of the API have in common."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class Body(BaseModel):
    """A body: nothing unknown in it, not changed after it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ErrorEntry(Body):
    """What went wrong; `code` is for programs, `message` and `expected` for people."""

    model_config = ConfigDict(extra="allow", frozen=True)

    code: str
    message: str
    expected: str


class ErrorBody(Body):
    """Every answer that is not a success."""

    error: ErrorEntry


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


# A name people give: one line, as long as fits on a card.
Name = Annotated[
    str,
    BeforeValidator(_stripped),
    StringConstraints(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$"),
]
Text = Annotated[str, Field(max_length=200)]
