"""Requests under way: one at a time per host, repeated, matched, and cut to what a device bears.

Theory: a caller's job names properties of one object. It is sent in batches, one frame at a time
to a host. A batch is repeated with a new transaction id when its answer does not come; the answer
to any of its tries counts, because slow bridges answer the first try after the second was sent.
An answer is believed when host, transaction id and object match; the source port means nothing,
some devices answer from another one. While somebody guesses transaction ids in a device's name,
each answer waits a moment for a contradicting one. This file may not know sockets or clocks.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from hidamari.echonet.batch import BATCH_START, Batch
from hidamari.echonet.frame import CONTROLLER, NODE_PROFILE, Eoj, Esv, Frame, Property
from hidamari.echonet.request import (
    WAITS_S,
    Answer,
    Datagram,
    Done,
    Request,
    accepted,
    given,
    is_answer,
    same_object,
)

LONGEST_WAIT_S = 20.0
ALONE_BYTES = 60  # data longer than this is asked for alone: lists of circuits, half-hours
DOUBT_S = 60.0  # how long answers of a host are cross-checked after foreign ones came
DOUBT_AFTER = 5  # foreign answers that raise the doubt
HOLD_S = 0.5  # how long a doubted answer waits for a contradicting one
STRANGERS_KEPT = 64  # addresses where no node was found, of which is still known how slow they are


@dataclass(slots=True)
class _Job:
    number: int
    request: Request
    todo: list[int]
    values: dict[int, bytes] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    tries: dict[int, tuple[int, ...]] = field(default_factory=dict)  # tid -> EPCs asked
    sent_s: dict[int, float] = field(default_factory=dict)
    attempt: int = 0
    most: int = BATCH_START  # batch limit within this job
    unanswered: int = 0  # smallest batch that stayed without an answer
    barren: int = 0  # smallest batch of which everything was refused
    deadline_s: float = 0.0
    held: Frame | None = None


@dataclass(slots=True)
class _Peer:
    host: str
    # A bridge answers for its own profile, and passes on what is asked of the objects behind it.
    batches: dict[bool, Batch] = field(default_factory=lambda: {True: Batch(), False: Batch()})
    queue: deque[_Job] = field(default_factory=deque)
    current: _Job | None = None
    patience: float = 1.0  # multiplies the waits; grows with a slow bridge
    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    late: dict[int, float] = field(default_factory=dict)  # tids given up, when they were sent
    foreign: int = 0
    foreign_since_s: float = -math.inf

    def batch(self, eoj: Eoj) -> Batch:
        """What was learned about frames to this object."""
        return self.batches[eoj.group == NODE_PROFILE.group]


class Exchange:
    """All requests to all hosts; drain `outgoing` and `done` after each call."""

    def __init__(self, new_tid: Callable[[], int], seoj: Eoj = CONTROLLER) -> None:
        self.outgoing: list[Datagram] = []
        self.done: list[Done] = []
        self.foreign = 0
        self.conflicts = 0
        self._new_tid = new_tid
        self._seoj = seoj
        self._peers: dict[str, _Peer] = {}
        self._strangers: dict[str, None] = {}  # of the peers, the last one met at the end
        self._doubted_until_s: dict[str, float] = {}
        self._active: dict[str, _Job] = {}
        self._count = 0

    def ask(self, request: Request, now_s: float) -> int:
        """Queue a request; its number comes back in a `Done`."""
        self._count += 1
        wanted = request.epcs or tuple(prop.epc for prop in request.sets)
        job = _Job(self._count, request, list(dict.fromkeys(wanted)))
        peer = self._peers.get(request.host)
        if peer is None:
            peer = self._peers[request.host] = _Peer(request.host)
        self._strangers.pop(request.host, None)
        peer.queue.append(job)
        if peer.current is None:
            self._next_job(peer, now_s)
        return job.number

    def withdraw(self, number: int, now_s: float) -> None:
        """Nobody waits any more: what was not sent is not sent, what was sent is not repeated."""
        for peer in self._peers.values():
            if peer.current is not None and peer.current.number == number:
                self._remember_late(peer, peer.current)
                self._next_job(peer, now_s)
                return
            for job in peer.queue:
                if job.number == number:
                    peer.queue.remove(job)
                    return

    def found_nobody(self, host: str) -> None:
        """No node is known there: what was learned of it is kept while there are few such.

        A slow bridge is met at the second try, and somebody who invents addresses fills no memory.
        """
        self._strangers[host] = None
        if len(self._strangers) > STRANGERS_KEPT:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            if self._peers[oldest].current is None:
                del self._peers[oldest]

    def expects(self, data: bytes, host: str) -> bool:
        """True for bytes that look like the answer under way: these pass the rate limit."""
        job = self._active.get(host)
        return (
            job is not None
            and len(data) > 10
            and (data[2] << 8 | data[3]) in job.tries
            and same_object(job.request.eoj, Eoj(data[4], data[5], data[6]))
        )

    def accept(self, frame: Frame, host: str, now_s: float) -> bool:
        """Take an answer; False when nobody waits for it."""
        peer = self._peers.get(host)
        job = None if peer is None else peer.current
        if peer is None or job is None or frame.tid not in job.tries:
            return False
        if not is_answer(job.request, frame):
            return False
        if job.held is not None:
            if frame != job.held:
                # Two answers to one question: believe neither, ask again.
                self.conflicts += 1
                self._retry(peer, job, now_s)
            return True
        if now_s < self._doubted_until_s.get(host, now_s):
            job.held = frame
            job.deadline_s = now_s + HOLD_S
            return True
        self._take(peer, job, frame, now_s)
        return True

    def unasked(self, frame: Frame, host: str, now_s: float) -> None:
        """Count an answer that nobody waits for: late, doubled, or somebody else's."""
        peer = self._peers.get(host)
        if peer is not None and frame.tid in peer.late:
            self._learn_pace(peer, now_s - peer.late.pop(frame.tid))
            return
        self.foreign += 1
        if peer is None:
            return
        if now_s > peer.foreign_since_s + DOUBT_S:
            peer.foreign, peer.foreign_since_s = 0, now_s
        peer.foreign += 1
        if peer.foreign > DOUBT_AFTER:
            self._doubted_until_s[host] = now_s + DOUBT_S

    def broken(self, data: bytes, host: str, now_s: float) -> None:
        """What `expects` said yes to came, but cut: ask for less at once."""
        peer, job = self._peers[host], self._active[host]
        asked = job.tries[data[2] << 8 | data[3]]
        if len(asked) > 1:
            peer.batch(job.request.eoj).failed(len(asked))
            job.most = min(job.most, len(asked) // 2)
            self._send_batch(peer, job, now_s)

    def advance(self, now_s: float) -> None:
        """Handle what is due: repeat, give up, believe held answers."""
        for host, job in list(self._active.items()):
            if job.deadline_s > now_s:
                continue
            peer = self._peers[host]
            if job.held is not None:
                frame, job.held = job.held, None
                self._take(peer, job, frame, now_s)
            else:
                self._retry(peer, job, now_s)

    def next_timeout(self) -> float | None:
        """When `advance` must be called next, on the caller's clock."""
        return min((job.deadline_s for job in self._active.values()), default=None)

    def batch_size(self, host: str) -> int:
        """How many properties a frame to this host may name."""
        peer = self._peers.get(host)
        return BATCH_START if peer is None else peer.batches[False].size

    def doubted(self, now_s: float) -> list[str]:
        """Hosts in whose name somebody else sends."""
        still = {host: end_s for host, end_s in self._doubted_until_s.items() if now_s < end_s}
        self._doubted_until_s = still
        return list(still)

    # -- sending ---------------------------------------------------------------------------------

    def _next_job(self, peer: _Peer, now_s: float) -> None:
        self._active.pop(peer.host, None)
        peer.current = None
        while peer.queue:
            job = peer.queue.popleft()
            if not job.todo:  # a request for nothing must not become a frame with OPC 0
                self.done.append(Done(job.number, job.request, Answer({})))
                continue
            peer.current = self._active[peer.host] = job
            self._send_batch(peer, job, now_s)
            return

    def _send_batch(self, peer: _Peer, job: _Job, now_s: float) -> None:
        epcs = self._pick(peer, job)
        tid = self._new_tid()
        while tid in job.tries:
            tid = self._new_tid()
        job.tries[tid] = epcs
        job.sent_s[tid] = now_s
        wait_s = job.request.waits_s[job.attempt] * peer.patience
        job.deadline_s = now_s + min(wait_s, LONGEST_WAIT_S)
        if job.request.sets:
            wanted = dict(job.request.sets)
            props = tuple(Property(epc, wanted[epc]) for epc in epcs)
        else:
            props = tuple(Property(epc) for epc in epcs)
        esv = Esv.SET_C if job.request.sets else Esv.GET
        if job.request.announce:
            esv = Esv.INF_REQ
        frame = Frame(tid, self._seoj, job.request.eoj, esv, props)
        self.outgoing.append(Datagram(frame.to_bytes(), peer.host))

    def _pick(self, peer: _Peer, job: _Job) -> tuple[int, ...]:
        most = min(peer.batch(job.request.eoj).size, job.most)
        code = job.request.eoj.class_code
        picked: list[int] = []
        for epc in job.todo:
            if peer.sizes.get((code, epc), 0) > ALONE_BYTES:
                if not picked:
                    return (epc,)
                continue
            picked.append(epc)
            if len(picked) == most:
                break
        return tuple(picked)

    def _retry(self, peer: _Peer, job: _Job, now_s: float) -> None:
        job.held = None
        asked = min(len(epcs) for epcs in job.tries.values())
        job.unanswered = min(job.unanswered or asked, asked)
        job.attempt += 1
        if job.attempt >= len(job.request.waits_s):
            self._remember_late(peer, job)
            self.done.append(Done(job.number, job.request, None))
            self._next_job(peer, now_s)
            return
        final = job.attempt == len(job.request.waits_s) - 1
        job.most = 1 if final else peer.batch(job.request.eoj).smaller(asked)
        self._send_batch(peer, job, now_s)

    # -- receiving -------------------------------------------------------------------------------

    def _take(self, peer: _Peer, job: _Job, frame: Frame, now_s: float) -> None:
        asked = job.tries[frame.tid]
        self._learn_pace(peer, now_s - job.sent_s[frame.tid])
        if job.request.sets:
            done = accepted(frame, asked)
            job.values.update(dict.fromkeys(done, b""))
            job.refused |= set(asked) - done
        else:
            self._take_get(peer, job, frame, asked)
        settled = job.values.keys() | job.refused
        job.todo = [epc for epc in job.todo if epc not in settled]
        self._remember_late(peer, job)
        job.tries.clear()
        job.sent_s.clear()
        job.attempt = 0
        if job.todo:
            self._send_batch(peer, job, now_s)
            return
        if job.barren and not job.refused:
            peer.batch(job.request.eoj).failed(job.barren)  # "cannot" meant "not so many"
        answer = Answer(job.values, frozenset(job.refused))
        self.done.append(Done(job.number, job.request, answer))
        self._next_job(peer, now_s)

    def _take_get(self, peer: _Peer, job: _Job, frame: Frame, asked: tuple[int, ...]) -> None:
        got, refused = given(frame, asked)
        code = job.request.eoj.class_code
        for epc, edt in got.items():
            peer.sizes[code, epc] = len(edt)
        job.values.update(got)
        if not got and len(asked) > 1:
            # Nothing at all: one property may poison the frame, or it was too long. Halve it.
            job.barren = len(asked)
            job.most = len(asked) // 2
            return
        missing = len(asked) - len(got) - len(refused)
        if missing and len(asked) > 1:
            peer.batch(job.request.eoj).worked(len(asked) - missing)
            peer.batch(job.request.eoj).failed(len(asked))
            job.most = max(1, len(asked) - missing)
            job.refused |= refused
            return
        job.refused |= set(asked) - got.keys()
        peer.batch(job.request.eoj).worked(len(asked))
        if job.unanswered > len(asked):
            peer.batch(job.request.eoj).silent(job.unanswered)
            job.unanswered = 0
            job.most = BATCH_START

    def _learn_pace(self, peer: _Peer, took_s: float) -> None:
        if took_s > 0.7 * peer.patience * WAITS_S[0]:
            peer.patience = min(LONGEST_WAIT_S, max(1.0, 1.5 * took_s / WAITS_S[0]))
        else:
            peer.patience = max(1.0, 0.95 * peer.patience)

    def _remember_late(self, peer: _Peer, job: _Job) -> None:
        peer.late = dict(list((peer.late | job.sent_s).items())[-16:])
