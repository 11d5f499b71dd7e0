"""How much one client may ask for: token buckets, sizes, depth."""

import re
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

MAX_BODY_BYTES = 1_000_000
MAX_HEADER_BYTES = 16 * 1024
MAX_JSON_DEPTH = 20
READ_TIMEOUT_S = 10.0
MAX_CLIENTS = 4096
FLOOD_S = 60.0
FLOOD_PAUSE_S = 10.0
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second in the long run, and how many may come at once."""

    per_s: float
    burst: float


STRANGER = Rate(10.0, 20.0)  # before sign-in
SIGN_IN = Rate(10.0, 10.0)
KNOWN = Rate(100.0, 200.0)  # one page loads some 20 files at once


class Buckets:
    """One bucket of requests per client, filled again with time."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[Rate, str], tuple[float, float]] = OrderedDict()

    def take(self, rate: Rate, client: str, now_s: float) -> float:
        """Take one request out; returns 0, or the seconds until there is one again."""
        key = (rate, client)
        left, since_s = self._left.pop(key, (rate.burst, now_s))
        left = min(rate.burst, left + (now_s - since_s) * rate.per_s)
        wait_s = 0.0 if left >= 1.0 else (1.0 - left) / rate.per_s
        self._left[key] = (left - 1.0 if left >= 1.0 else left, now_s)
        if len(self._left) > MAX_CLIENTS:
            self._left.popitem(last=False)  # the client not heard of for longest
        return wait_s


class Floods:
    """Notices clients that go on asking too much for a minute."""

    def __init__(self) -> None:
        self._since: OrderedDict[str, tuple[float, float, bool]] = OrderedDict()

    def refused(self, client: str, now_s: float) -> bool:
        """Count a refusal; True once when they have gone on for a minute without a pause."""
        first_s, last_s, is_told = self._since.pop(client, (now_s, now_s, False))
        if now_s - last_s > FLOOD_PAUSE_S:
            first_s, is_told = now_s, False
        is_flood = now_s - first_s >= FLOOD_S and not is_told
        self._since[client] = (first_s, now_s, is_told or is_flood)
        if len(self._since) > MAX_CLIENTS:
            self._since.popitem(last=False)
        return is_flood


def json_depth(body: bytes) -> int:
    """How deep lists and objects nest in a JSON text, counted without building anything."""
    signs = np.frombuffer(_STRINGS.sub(b"", body), dtype=np.uint8)
    opens = (signs == ord("[")) | (signs == ord("{"))
    closes = (signs == ord("]")) | (signs == ord("}"))
    steps = opens.astype(np.int32) - closes.astype(np.int32)
    return int(np.cumsum(steps).max(initial=0))
