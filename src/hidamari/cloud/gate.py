"""How many homes may come in, and how much each may send: token buckets, no input or output.

A home that catches up after 30 days without the service sends some 30 days of at most 40 kB, 30
totals, two days of segments (46 kB) and its events: 1.3 MB, or 3.7 MB after 90 days. That fits in
the burst of bytes, so nobody who behaves ever waits for bytes; 1,500 events and more pass at 10
a second within three minutes.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, field

from hidamari.http.limits import Buckets, Rate

RECORDS = Rate(10.0, 300.0)
BYTES = Rate(2**20 / 60, 4.0 * 2**20)
IN_FLIGHT = 64
PATIENCE_S = 30.0  # a home that is further ahead of its bucket is sent away
HELLOS_OF_HOME = Rate(0.1, 3.0)
STRANGERS = Rate(1.0, 60.0)  # wrong hellos of one address; many homes may share it (RFC 6598)
# Reliability T9: at most 150 in any second, over all homes.
CONNECTS = Rate(120.0, 30.0)
_HOMES = 100_000


@dataclass(slots=True)
class Bucket:
    """What one home may send of one kind; it may go below zero and then has to wait."""

    rate: Rate
    left: float
    at_s: float

    @classmethod
    def full(cls, rate: Rate, now_s: float) -> "Bucket":
        """A bucket nobody has taken from."""
        return cls(rate, rate.burst, now_s)

    def take(self, amount: float, now_s: float) -> float:
        """Take out what has come already; the seconds until the bucket is even again."""
        self.left = min(self.rate.burst, self.left + (now_s - self.at_s) * self.rate.per_s)
        self.left -= amount
        self.at_s = now_s
        return max(0.0, -self.left / self.rate.per_s)


@dataclass(slots=True)
class Allowance:
    """The buckets of one home; they outlive its links."""

    records: Bucket
    bytes: Bucket

    @classmethod
    def full(cls, now_s: float) -> "Allowance":
        """That of a home nobody has heard of for long."""
        return cls(Bucket.full(RECORDS, now_s), Bucket.full(BYTES, now_s))

    def record(self, size: int, now_s: float) -> float:
        """Count a record; the seconds to wait before the next is read."""
        return max(self.records.take(1.0, now_s), self.bytes.take(size, now_s))

    def other(self, size: int, now_s: float) -> float:
        """Count any other message that nobody asked for."""
        return self.bytes.take(size, now_s)


@dataclass(slots=True)
class Gate:
    """Who may come in now."""

    _buckets: Buckets = field(default_factory=Buckets)
    _allowances: OrderedDict[bytes, Allowance] = field(default_factory=OrderedDict)
    _hellos: OrderedDict[bytes, Bucket] = field(default_factory=OrderedDict)
    _connects: Bucket = field(default_factory=lambda: Bucket.full(CONNECTS, 0.0))

    def connect_wait_s(self, now_s: float) -> float:
        """0 for a connection that may say hello; else the seconds after which there is room."""
        wait_s = self._connects.take(1.0, now_s)
        if wait_s > 0.0:
            self._connects.left += 1.0  # it did not come in
        return wait_s

    def stranger_wait_s(self, address: str, now_s: float) -> float:
        """Count a wrong hello; above 0 when the address has had too many of them."""
        return self._buckets.take(STRANGERS, address, now_s)

    def hello_wait_s(self, home: bytes, now_s: float) -> float:
        """Count the hello of a home that proved itself; above 0 when it comes too often."""
        bucket = self._hellos.pop(home, None) or Bucket.full(HELLOS_OF_HOME, now_s)
        self._hellos[home] = bucket
        if len(self._hellos) > _HOMES:
            self._hellos.popitem(last=False)
        wait_s = bucket.take(1.0, now_s)
        if wait_s > 0.0:
            bucket.left += 1.0
        return wait_s

    def allowance(self, home: bytes, now_s: float) -> Allowance:
        """What a home may send."""
        found = self._allowances.pop(home, None) or Allowance.full(now_s)
        self._allowances[home] = found
        if len(self._allowances) > _HOMES:
            self._allowances.popitem(last=False)
        return found


def whole_s(wait_s: float) -> int:
    """Seconds for a message: rounded up, at least one."""
    return max(1, math.ceil(wait_s))
