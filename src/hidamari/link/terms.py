"""What the service asks of its homes in its welcome, within what a home agrees to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

LIVE_S = 60  # also the longest: live frames are the heartbeat
SEGMENT_S = 900
SMALL_SEGMENT_S = 300
IN_FLIGHT = 64
KEPT_FOR_EVENTS = 16
SPREAD_S = 120
LONGEST_SPREAD_S = 3600


@dataclass(frozen=True, slots=True)
class Terms:
    """Intervals and limits of one service; what it does not say stays as it is by itself."""

    live_s: int = LIVE_S  # between two live frames while nobody looks
    segment_s: int = SEGMENT_S
    window: int = IN_FLIGHT  # records under way
    spread_s: int = SPREAD_S  # over which homes come back that were left all at once

    @classmethod
    def of(cls, config: Mapping[str, int]) -> Self:
        """The terms of a welcome; an absurd wish is cut to the nearest that is none."""
        return cls(
            live_s=_within(1, config.get("live_s", LIVE_S), LIVE_S),
            segment_s=SMALL_SEGMENT_S
            if config.get("segment_s", SEGMENT_S) <= SMALL_SEGMENT_S
            else SEGMENT_S,
            window=_within(KEPT_FOR_EVENTS + 1, config.get("window", IN_FLIGHT), IN_FLIGHT),
            spread_s=_within(0, config.get("spread_s", SPREAD_S), LONGEST_SPREAD_S),
        )


def _within(low: int, value: int, high: int) -> int:
    return min(max(value, low), high)
