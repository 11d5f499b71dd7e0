"""Bodies of events: what happened, as a code with numbers."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from hidamari.core.errors import InputError
from hidamari.core.reading import Event
from hidamari.schema.base import Body

KINDS = ("command", "reason", "notice", "error", "log")
AUDIT = "log"  # who did what: not for everybody who may look


class EventEntry(Body):
    """One event; the reader puts code and data into words.

    `at` is null where the time was not known: then its place in the list tells about when.
    """

    seq: int
    at: datetime | None
    kind: str
    device: str
    code: str
    data: dict[str, object]

    @classmethod
    def of(cls, event: Event) -> Self:
        """From the stored event."""
        return cls(
            seq=event.seq,
            at=event.at if isinstance(event.at, datetime) else None,
            kind=event.kind,
            device=event.device,
            code=event.code,
            data=event.data,
        )


class EventList(Body):
    """Newest first; `next_before` is the `before` of the next page, null at the end."""

    events: list[EventEntry]
    next_before: int | None


class EventsAsk(BaseModel):
    """Which events: kinds separated by commas (none = all), older than `before`."""

    kind: str = Field(default="", max_length=100)
    before: int | None = Field(default=None, ge=1, le=2**62)
    limit: int = Field(default=100, ge=1, le=1000)

    def kinds(self, *, audit: bool) -> list[str]:
        """The kinds that are wanted and may be seen; InputError for an unknown one."""
        wanted = [word.strip() for word in self.kind.split(",") if word.strip()] or list(KINDS)
        if unknown := [kind for kind in wanted if kind not in KINDS]:
            raise InputError(f"a kind of {', '.join(KINDS)} was expected, got {unknown[0][:40]!r}")
        return [kind for kind in wanted if audit or kind != AUDIT]
