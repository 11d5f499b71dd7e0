"""Which sequence numbers of a stream are done, as ranges: mostly one, one more for every gap.

A home may leave numbers out for ever (what its outbox had to drop), so the highest number says
nothing about those below it.
"""

from collections.abc import Iterable

MOST, LEFT = 1000, 500  # more gaps than that are no outages: the oldest are given up
Spans = tuple[tuple[int, int], ...]  # (first, last) of each run, ascending, with gaps between


def joined(spans: Spans, seqs: Iterable[int]) -> Spans:
    """The spans with these numbers added."""
    runs: list[tuple[int, int]] = []
    for first, last in sorted([*spans, *((seq, seq) for seq in seqs)]):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], last))
        else:
            runs.append((first, last))
    if len(runs) > MOST:
        runs = [(runs[0][0], runs[-LEFT][1]), *runs[1 - LEFT :]]
    return tuple(runs)


def holds(spans: Spans, seq: int) -> bool:
    """Whether a number is among them."""
    return any(first <= seq <= last for first, last in spans)


def end_of_first(spans: Spans) -> int:
    """The number up to which all from 1 on are done."""
    return spans[0][1] if spans and spans[0][0] == 1 else 0
