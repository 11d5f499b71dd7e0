"""Bodies of the link to the server service."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from hidamari.schema.base import Body


class CloudMember(Body):
    """Somebody who may enter from outside."""

    nickname: str
    role: str


class CloudLink(Body):
    """How the link stands; `off`: no service was named. The code is told to whoever may make one.

    `trouble`: why there is no link now: own_line, unreachable, or the service's word.
    """

    state: Literal["off", "unlinked", "code", "linked", "away"]
    url: str | None = None
    device_code: str | None = None
    code: str | None = None
    code_until: datetime | None = None
    code_left_s: float | None = None
    last_contact: datetime | None = None
    waiting: int = 0
    members: list[CloudMember] = Field(default=[])
    trouble: str | None = None
