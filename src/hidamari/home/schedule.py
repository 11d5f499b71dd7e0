"""When to ask a node for what: every property at its own pace, slower where the node is slow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hidamari.echonet.frame import Eoj

SLOWEST_FACTOR = 8.0
SLOW_ANSWER_S = 2.0  # a node that needs longer is asked less often
QUICK_ANSWER_S = 0.5
SILENT_PACE_S = 60.0  # a silent node is asked for ever, at this pace (reliability rule 11)
ON_THE_WAY_S = 0.25  # what is due this soon rides along in the same request
CONFIRM = 0  # among the EPCs: ask a charger to look whether a car is there (027E, 02A1: CD)


def list_read(epc: int) -> int:
    """Stands for the list `epc`, which is read by range, among the EPCs of a schedule."""
    return -epc


@dataclass(frozen=True, slots=True)
class Ask:
    """One object's properties that are due."""

    eoj: Eoj
    epcs: tuple[int, ...]


class Schedule:
    """The due times of one node's properties on the monotonic clock [s]."""

    def __init__(self) -> None:
        self._every_s: dict[tuple[Eoj, int], float] = {}
        self._due_s: dict[tuple[Eoj, int], float] = {}
        self.factor = 1.0
        self.silent = False

    def want(self, eoj: Eoj, pace_s: Mapping[int, int], now_s: float) -> None:
        """Ask `eoj` for each EPC every so many seconds; 0 = once, now."""
        for epc, every_s in pace_s.items():
            self._every_s[(eoj, epc)] = every_s
            self._due_s.setdefault((eoj, epc), now_s)

    def forget(self, eoj: Eoj) -> None:
        """Ask nothing more of an object."""
        for key in [key for key in self._every_s if key[0] == eoj]:
            del self._every_s[key]
            self._due_s.pop(key, None)

    def due(self, now_s: float) -> list[Ask]:
        """What to ask now, object by object."""
        by_object: dict[Eoj, list[int]] = {}
        for (eoj, epc), due_s in self._due_s.items():
            if due_s <= now_s + ON_THE_WAY_S:
                by_object.setdefault(eoj, []).append(epc)
        return [Ask(eoj, tuple(epcs)) for eoj, epcs in by_object.items()]

    def hint(self, eoj: Eoj, epcs: Iterable[int], now_s: float) -> None:
        """The node announced a change: ask for it at once, if it is asked for at all."""
        for epc in epcs:
            if (eoj, epc) in self._every_s:
                self._due_s[(eoj, epc)] = now_s

    def answered(self, ask: Ask, took_s: float, now_s: float) -> None:
        """Set the next turn; the pace follows how quick the node is."""
        if self.silent:
            self.silent = False
            self._again(now_s)
        if took_s > SLOW_ANSWER_S:
            self.factor = min(SLOWEST_FACTOR, self.factor * 1.5)
        elif took_s < QUICK_ANSWER_S:
            self.factor = max(1.0, self.factor / 1.1)
        for epc in ask.epcs:
            key = (ask.eoj, epc)
            every_s = self._every_s.get(key, 0)
            if every_s > 0:
                self._due_s[key] = now_s + every_s * self.factor
            else:
                self._due_s.pop(key, None)

    def went_silent(self, now_s: float) -> None:
        """No answer after all tries: everything waits for the slow pace."""
        self.silent = True
        for key in self._due_s:
            self._due_s[key] = max(self._due_s[key], now_s + SILENT_PACE_S)

    def next_due_s(self) -> float | None:
        """When something will be due."""
        return min(self._due_s.values(), default=None)

    def _again(self, now_s: float) -> None:
        for key in self._due_s:
            self._due_s[key] = now_s
