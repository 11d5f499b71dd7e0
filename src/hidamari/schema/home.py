"""Bodies of set-up and diagnostics."""

from typing import Literal

from hidamari.schema.base import Body


class SetupStep(Body):
    """A step of the first start."""

    id: str
    state: Literal["todo", "running", "done", "skipped"]
    found: int | None
    text: str | None


class Setup(Body):
    """How far the first start has come."""

    needed: bool
    steps: list[SetupStep]


class StepDone(Body):
    """What is said of a step: done, or skipped."""

    skip: bool = False


class StoreState(Body):
    """The history on the disk."""

    size_bytes: int
    days: int
    first_day: str | None
    last_day: str | None
    free_bytes: int
    waiting: int


class Diagnostics(Body):
    """For somebody who looks for a fault; no secrets, no names."""

    version: str
    data_dir: str
    store: StoreState
    door_sha256: str | None  # fingerprint of the secure door's certificate
    home: dict[str, object]
