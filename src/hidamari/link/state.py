"""The home's end of link/v1 without sockets: frames in, frames and facts out.

What lives here: which message may come when, which records are under way, when one is sent again,
how fast. What it may not know: sockets, the store, who asks the relayed requests. A `Link` is one
connection; the `Window` outlives it, because records under way are still not stored for good when
a line breaks. All times are seconds of a count that never jumps.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from hidamari.core.errors import LinkError
from hidamari.link.messages import (
    DAYS,
    EVENTS,
    NONCE_BYTES,
    PROTO,
    REPORTED,
    SEGMENTS,
    SETTINGS,
    STREAMS,
    TOTALS,
    Acked,
    Bye,
    Cancel,
    Nonce,
    Query,
    Record,
    Refused,
    Time,
    Watch,
    Welcome,
    decode_down,
)
from hidamari.link.terms import KEPT_FOR_EVENTS, LIVE_S, Terms

FIRST_RESEND_S = 10.0
LONGEST_RESEND_S = 600.0
FASTEST_LIVE_S = 1.0
DRIFT = 500e-6  # no two clocks run apart faster
LONGEST_WATCH_S = 600.0  # a viewer that stays asks again
# The table of series first: without it the rest cannot be read. Then what people wait for.
ORDER = (REPORTED, EVENTS, SEGMENTS, TOTALS, DAYS, SETTINGS)
# A little below what the service takes of a home (10 records a second, 1 MiB a minute).
RECORDS_PER_S = 8.0
BYTES_PER_S = 13_000.0
BURST_BYTES = 150_000.0

Fact: TypeAlias = Nonce | Welcome | Acked | Refused | Query | Cancel | Watch | Time | Bye
Key: TypeAlias = tuple[int, int]  # stream and number


@dataclass(slots=True)
class _Flight:
    """A record under way: how often it was sent, and when it is to be sent (again)."""

    record: Record
    due_s: float
    tries: int = 0


class Window:
    """The records under way, at most `size`; each stays until it is stored or refused."""

    def __init__(self) -> None:
        self.size = Terms().window
        self._flights: dict[Key, _Flight] = {}
        self._taken: dict[int, int] = {}  # by stream the newest number that came into the window
        self._bytes = BURST_BYTES
        self._records = 1.0
        self._paid_s: float | None = None

    def room(self, stream: int) -> int:
        """How many more records of a stream fit; events find a place whatever else waits."""
        kept = 0 if stream in {EVENTS, REPORTED} else KEPT_FOR_EVENTS
        return max(0, self.size - kept - len(self._flights))

    def taken(self, stream: int) -> int:
        """The number behind which the next records of a stream are to be fetched."""
        return self._taken.get(stream, 0)

    def add(self, records: Iterable[Record], now_s: float) -> None:
        """Records fetched from the outbox, oldest first."""
        for record in records:
            self._flights[record.stream, record.seq] = _Flight(record, now_s)
            self._taken[record.stream] = max(self.taken(record.stream), record.seq)

    def knows(self, stream: int, seq: int) -> bool:
        """Whether this record was sent and is not settled."""
        flight = self._flights.get((stream, seq))
        return flight is not None and flight.tries > 0

    def drop(self, keys: Iterable[Key]) -> None:
        """These are settled."""
        for key in keys:
            self._flights.pop(key, None)

    def settle(self, committed: Mapping[int, int]) -> None:
        """Everything up to these numbers is settled."""
        self.drop([k for k in self._flights if k[1] <= committed.get(k[0], 0)])
        for stream, seq in committed.items():
            self._taken[stream] = max(self.taken(stream), seq)

    def connected(self, now_s: float) -> None:
        """A new connection: what is under way is sent again at once, for no answer will come."""
        for flight in self._flights.values():
            flight.due_s = min(flight.due_s, now_s)

    def due(self, now_s: float) -> list[Record]:
        """The records to be sent now, as many as the pace allows."""
        self._refill(now_s)
        ready = [flight for flight in self._flights.values() if flight.due_s <= now_s]
        ready.sort(key=lambda one: (ORDER.index(one.record.stream), one.record.seq))
        sent: list[Record] = []
        for flight in ready:
            if self._records < 1.0 or self._bytes <= 0.0:
                break
            self._records -= 1.0
            self._bytes -= len(flight.record.payload)
            wait_s = min(LONGEST_RESEND_S, FIRST_RESEND_S * 2.0 ** min(flight.tries, 10))
            flight.due_s, flight.tries = now_s + wait_s, flight.tries + 1
            sent.append(flight.record)
        return sent

    def next_s(self, now_s: float) -> float | None:
        """When there is something to send again; None while nothing is under way."""
        if not self._flights:
            return None
        due_s = min(flight.due_s for flight in self._flights.values())
        paced_s = now_s
        if self._records < 1.0:
            paced_s = now_s + (1.0 - self._records) / RECORDS_PER_S
        if self._bytes <= 0.0:
            paced_s = max(paced_s, now_s + (1.0 - self._bytes) / BYTES_PER_S)
        return max(due_s, paced_s)

    def _refill(self, now_s: float) -> None:
        passed_s = now_s - self._paid_s if self._paid_s is not None else 0.0
        self._paid_s = now_s
        self._records = min(RECORDS_PER_S, self._records + passed_s * RECORDS_PER_S)
        self._bytes = min(BURST_BYTES, self._bytes + passed_s * BYTES_PER_S)


class _Step(Enum):
    NONCE = auto()
    WELCOME = auto()
    OPEN = auto()
    OVER = auto()


@dataclass(slots=True)
class Link:
    """One connection, from the service's challenge to the end."""

    window: Window
    last: Mapping[int, int]  # what hello tells: by stream the newest number of the outbox
    terms: Terms = field(default_factory=Terms)
    offset_s: float | None = None  # the service's unix time minus our count
    _told_s: float = 0.0  # when the service told its time last
    _step: _Step = _Step.NONCE
    _watch_until_s: float = 0.0
    _watch_s: float = LIVE_S
    _next_live_s: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether records and live frames may be sent."""
        return self._step is _Step.OPEN

    def receive(self, frame: bytes, now_s: float) -> Fact | None:
        """What the service says, checked; None where there is nothing to do.

        Raises LinkError for what breaks the protocol: the connection is to be ended.
        """
        message = decode_down(frame)
        if message is None:
            return None
        if isinstance(message, Bye):
            self._step = _Step.OVER
            return message
        if self._step is _Step.NONCE:
            return self._challenged(message, now_s)
        if self._step is _Step.WELCOME:
            return self._welcomed(message, now_s)
        if self._step is _Step.OVER or isinstance(message, Nonce | Welcome):
            raise LinkError(f"no {type(message).__name__} expected here")
        return self._told(message, now_s)

    def went_back(self, welcome: Welcome) -> bool:
        """Whether the service has records of this epoch that this store never made: it is an
        older copy of itself, and must take a new epoch."""
        seen = (*welcome.committed.items(), *welcome.newest.items())
        return any(seq > self.last.get(stream, 0) for stream, seq in seen)

    def live_due(self, now_s: float) -> bool:
        """Whether a live frame is to be sent now; it counts as sent."""
        if not self.is_open or now_s < self._next_live_s:
            return False
        self._next_live_s = now_s + (
            self._watch_s if now_s < self._watch_until_s else self.terms.live_s
        )
        return True

    def next_s(self, now_s: float) -> float:
        """When to look again, if nothing comes before."""
        found = self.window.next_s(now_s)
        return self._next_live_s if found is None else min(found, self._next_live_s)

    def server_s(self, now_s: float) -> float | None:
        """The service's time now, unix seconds."""
        return None if self.offset_s is None else now_s + self.offset_s

    def _challenged(self, message: object, now_s: float) -> Nonce:
        if not isinstance(message, Nonce) or len(message.nonce) != NONCE_BYTES:
            raise LinkError(f"a challenge of {NONCE_BYTES} bytes expected")
        if message.proto != PROTO:
            raise LinkError(f"protocol {PROTO} expected, the service speaks {message.proto}")
        self.offset_s, self._told_s = message.server_time_ms / 1000.0 - now_s, now_s
        self._step = _Step.WELCOME
        return message

    def _welcomed(self, message: object, now_s: float) -> Welcome:
        if not isinstance(message, Welcome):
            raise LinkError("a welcome expected")
        for numbers in (message.committed, message.newest):
            if any(stream not in STREAMS or seq < 0 for stream, seq in numbers.items()):
                raise LinkError(f"streams {STREAMS} expected, got {sorted(numbers)}")
        if not message.digests.keys() <= message.newest.keys():
            raise LinkError("a digest of the newest record of a stream expected")
        self.terms = Terms.of(message.config)
        self.window.size = self.terms.window
        self._step = _Step.OPEN
        self._next_live_s = now_s
        if not self.went_back(message):
            self.window.settle(message.committed)
        self.window.connected(now_s)
        return message

    def _told(self, message: Fact, now_s: float) -> Fact | None:
        if isinstance(message, Acked):
            known = [seq for seq in message.seqs if self.window.knows(message.stream, seq)]
            self.window.drop((message.stream, seq) for seq in known)
            return Acked(message.stream, known) if known else None
        if isinstance(message, Refused):
            if not self.window.knows(message.stream, message.seq):
                return None
            self.window.drop([(message.stream, message.seq)])
        elif isinstance(message, Watch):
            self._watch(message, now_s)
        elif isinstance(message, Time):
            self._follow(message, now_s)
        return message

    def _follow(self, message: Time, now_s: float) -> None:
        """Keep to the service's clock, whatever held its message up on the way."""
        off_s = message.server_time_ms / 1000.0 - now_s - (self.offset_s or 0.0)
        most_s = DRIFT * (now_s - self._told_s)
        self.offset_s = (self.offset_s or 0.0) + min(max(off_s, -most_s), most_s)
        self._told_s = now_s

    def _watch(self, message: Watch, now_s: float) -> None:
        """Somebody looks, until a time of the service."""
        for_s = message.until_ms / 1000.0 - (now_s + (self.offset_s or 0.0))
        self._watch_until_s = now_s + min(max(for_s, 0.0), LONGEST_WATCH_S)
        self._watch_s = float(min(max(message.interval_s, FASTEST_LIVE_S), self.terms.live_s))
        self._next_live_s = min(self._next_live_s, now_s)
