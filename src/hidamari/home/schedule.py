"""When to ask a node for what: every property at its own pace, slower where the node is slow."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hidamari.echonet.frame import Eoj

SLOWEST_FACTOR = 8.0
SLOW_ANSWER_S = 2.0  # a node that needs longer for one request is asked less often
QUICK_ANSWER_S = 0.5
BUSY_SHARE, IDLE_SHARE = 0.5, 0.2  # of the time a node is asked something: at most, and calm again
SILENT_PACE_S = 60.0  # what is silent is asked for ever, at this pace (reliability rule 11)
ON_THE_WAY_S = 0.25  # what is due this soon rides along in the same request
ALMOST_DUE = 0.25  # of its pace: what was asked out of turn so shortly before skips its turn
HINTS_APART_S = 2.0  # a device that announces all the time is still not asked more often
USUAL_S = 10.0  # `least_s` of a network that bears what is announced; more is the owner's word
CONFIRM = 0  # among the EPCs: ask a charger to look whether a car is there (027E, 02A1: CD)


def list_read(epc: int) -> int:
    """Stands for the list `epc`, which is read by range, among the EPCs of a schedule."""
    return -epc


@dataclass(frozen=True, slots=True)
class Ask:
    """One object's properties that are due."""

    eoj: Eoj
    epcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """A reason to ask out of turn: when it came last, and when to ask."""

    told_s: float
    ask_s: float


class Schedule:
    """The due times of one node's properties on the monotonic clock [s].

    `silent`: nothing on the node answers. An object that keeps silent while its node speaks (the
    dead lamp behind a bridge) waits alone; the others keep their pace. `least_s`: nothing has its
    turn more often than that, whatever its line says, nor, where it is more than usual, is asked
    out of turn more often.
    """

    def __init__(self, least_s: float = 0.0) -> None:
        self._every_s: dict[tuple[Eoj, int], float] = {}
        self._due_s: dict[tuple[Eoj, int], float] = {}
        self._hints: dict[tuple[Eoj, int], Hint] = {}
        self._hinted_s: dict[tuple[Eoj, int], float] = {}  # when one was last asked for
        self._quiet: set[Eoj] = set()
        self._heard_s = -math.inf
        self.least_s = least_s
        self.factor = 1.0
        self.silent = False

    def want(self, eoj: Eoj, pace_s: Mapping[int, int | None], now_s: float) -> None:
        """Ask `eoj` for exactly these EPCs: every so many seconds, 0 = once, None = on hints."""
        for key in [k for k in self._every_s if k[0] == eoj and k[1] not in pace_s]:
            self._drop(key)
        for epc, every_s in pace_s.items():
            self._every_s[(eoj, epc)] = every_s or 0.0
            if every_s is not None:
                self._due_s.setdefault((eoj, epc), now_s)

    def forget(self, eoj: Eoj) -> None:
        """Ask nothing more of an object."""
        for key in [key for key in self._every_s if key[0] == eoj]:
            self._drop(key)
        self._quiet.discard(eoj)

    def due(self, now_s: float) -> list[Ask]:
        """What to ask now, object by object."""
        until_s = now_s + ON_THE_WAY_S
        keys = [key for key, due_s in self._due_s.items() if due_s <= until_s]
        keys += [
            key
            for key, hint in self._hints.items()
            if hint.ask_s <= until_s < self._due_s.get(key, math.inf)
        ]
        by_object: dict[Eoj, list[int]] = {}
        for eoj, epc in keys:
            by_object.setdefault(eoj, []).append(epc)
        return [Ask(eoj, tuple(epcs)) for eoj, epcs in by_object.items()]

    def hint(self, eoj: Eoj, epcs: Iterable[int], now_s: float) -> None:
        """The node announced a change, or somebody looks: ask at once, if it is asked at all."""
        for epc in epcs:
            soonest_s = self._hinted_s.get((eoj, epc), -math.inf) + self._apart_s
            self._hint((eoj, epc), Hint(now_s, max(now_s, soonest_s)))

    def ask_at_once(self, eoj: Eoj, epcs: Iterable[int], now_s: float) -> None:
        """Ask out of turn whatever was asked before: a half-hour ends for all at one moment."""
        for epc in epcs:
            self._hint((eoj, epc), Hint(now_s, now_s))

    def answered(self, ask: Ask, took_s: float, now_s: float, requests: int = 1) -> None:
        """Set the next turn; all requests of this ask took `took_s`.

        What was announced meanwhile may not be in the answer: it is asked for once more.
        """
        self._heard_s = now_s
        if self.silent:
            self.silent = False
            self._quiet.clear()
            self._again(None, now_s)
        elif ask.eoj in self._quiet:
            self._quiet.discard(ask.eoj)
            self._again(ask.eoj, now_s)
        if took_s > SLOW_ANSWER_S * requests:
            self._slower()
        for key in [(ask.eoj, epc) for epc in ask.epcs]:
            pace_s = max(self._every_s.get(key, 0.0) * self.factor, self.least_s)
            left_s = 0.0
            if self._has_answered_hint(key, now_s - took_s, now_s):
                left_s = min(pace_s, max(0.0, self._due_s.get(key, now_s) - now_s))
            if self._every_s.get(key, 0.0) > 0.0:
                # Asked out of turn it keeps its turns, or it would go alone from then on.
                is_near = left_s <= ALMOST_DUE * pace_s
                self._due_s[key] = now_s + left_s + (pace_s if is_near else 0.0)
            else:
                self._due_s.pop(key, None)

    def went_round(self, took_s: float, requests: int) -> None:
        """All that was due was asked: follow how long it took, so that a node is left in peace."""
        fastest_s = min((every_s for every_s in self._every_s.values() if every_s > 0), default=0)
        if not fastest_s or not requests or self.silent:
            return
        share = took_s / max(fastest_s * self.factor, self.least_s)
        if share > BUSY_SHARE:
            self._slower()
        elif share < IDLE_SHARE and took_s / requests < QUICK_ANSWER_S:
            self.factor = max(1.0, self.factor / 1.1)

    def went_silent(self, eoj: Eoj, now_s: float) -> bool:
        """No answer after all tries: it waits for the slow pace.

        When nothing on the node was heard for that long, the whole node waits; returns that.
        """
        self._quiet.add(eoj)
        self.silent = now_s - self._heard_s >= SILENT_PACE_S
        later_s = now_s + SILENT_PACE_S
        waiting = [key for key in self._every_s if self.silent or key[0] == eoj]
        for key in waiting:
            if key in self._due_s:
                self._due_s[key] = max(self._due_s[key], later_s)
            hint = self._hints.get(key)
            if hint is not None:
                self._hints[key] = replace(hint, ask_s=max(hint.ask_s, later_s))
        return self.silent

    def next_due_s(self) -> float | None:
        """When something will be due."""
        hinted_s = (hint.ask_s for hint in self._hints.values())
        return min((*self._due_s.values(), *hinted_s), default=None)

    @property
    def _apart_s(self) -> float:
        """How far apart a property is asked for because of announcements."""
        return self.least_s if self.least_s > USUAL_S else HINTS_APART_S

    def _hint(self, key: tuple[Eoj, int], hint: Hint) -> None:
        """Note a hint; one that waits already is never put off by it."""
        if key in self._every_s:
            before = self._hints.get(key, hint)
            self._hints[key] = replace(hint, ask_s=min(before.ask_s, hint.ask_s))

    def _has_answered_hint(self, key: tuple[Eoj, int], began_s: float, now_s: float) -> bool:
        """Whether this was asked for because of a hint; a newer one than the question stays."""
        hint = self._hints.get(key)
        if hint is None or began_s < min(hint.told_s, hint.ask_s):
            return False
        self._hinted_s[key] = now_s
        if hint.told_s <= began_s:
            del self._hints[key]
        else:
            self._hints[key] = replace(hint, ask_s=now_s + self._apart_s)
        return True

    def _again(self, eoj: Eoj | None, now_s: float) -> None:
        for key in self._due_s:
            if eoj is None or key[0] == eoj:
                self._due_s[key] = now_s

    def _slower(self) -> None:
        self.factor = min(SLOWEST_FACTOR, self.factor * 1.5)

    def _drop(self, key: tuple[Eoj, int]) -> None:
        del self._every_s[key]
        self._due_s.pop(key, None)
        self._hints.pop(key, None)
        self._hinted_s.pop(key, None)
