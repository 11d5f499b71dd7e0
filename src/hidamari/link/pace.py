"""How long to wait before the next try, so that homes do not come back all at once."""

from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from hidamari.link.terms import SPREAD_S

OWN_LINE_S = 5.0
FIRST_S = 10.0
LONGEST_S = 300.0
BETWEEN_HELLOS_S = 10.0
LONGEST_ORDER_S = 86_400.0  # a service that sends us away for longer is not believed


class Ended(Enum):
    """How a connection, or the try for one, ended."""

    OWN_LINE = auto()  # our own network: nobody else comes back with us
    THEIRS = auto()  # the service closed, or is away: every home knows at this moment


@dataclass(slots=True)
class Pace:
    """The tries of one home."""

    die: Random
    spread_s: float = SPREAD_S  # what the service asked for last
    _tries: int = 0
    _began_s: float | None = None

    def began(self, now_s: float) -> None:
        """A try begins."""
        self._began_s = now_s

    def welcomed(self) -> None:
        """The service took us in, or answered."""
        self._tries = 0

    def wait_s(self, ended: Ended, now_s: float, ordered_s: float = 0.0) -> float:
        """The pause before the next try; `ordered_s` is what the service asked for."""
        self._tries += 1
        if ordered_s > 0.0:
            wait_s = min(ordered_s, LONGEST_ORDER_S) * (1.0 + self.die.random() / 4.0)
        elif self._tries > 1:
            wait_s = self.die.random() * min(LONGEST_S, FIRST_S * 2.0 ** min(self._tries, 10))
        else:
            wait_s = self.die.random() * (OWN_LINE_S if ended is Ended.OWN_LINE else self.spread_s)
        began_s = now_s if self._began_s is None else self._began_s
        return max(wait_s, began_s + BETWEEN_HELLOS_S - now_s)
