"""Bodies of the plan's modes and their conditions."""

from hidamari.schema.base import Body
from hidamari.schema.plan import PlanMode


class ConditionBody(Body):
    """One condition: its number, the original words, our reading, and whether it is met."""

    id: str
    kind: str  # need, wish, promise
    text: str
    reading: str
    met: bool | None
    mend: str
    link: str


class ModeBody(Body):
    """A mode; `allowed` is false while one of its needs is unmet."""

    id: PlanMode
    allowed: bool
    all_met: bool
    conditions: list[ConditionBody]
    disclaimers: list[str]


class ModesBody(Body):
    """All modes and the one that is chosen."""

    mode: PlanMode
    modes: list[ModeBody]


class ModeAsk(Body):
    """The mode to choose."""

    mode: PlanMode
