"""What the node tells its owner."""

from dataclasses import dataclass

from hidamari.echonet.discovery import NodeRecord
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import Answer, Request


@dataclass(frozen=True, slots=True)
class Answered:
    """A request has ended; `answer` is None when the device kept silent."""

    ticket: int
    request: Request
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Announced:
    """A bound node said something by itself: a hint to read it, not yet a reading."""

    host: str
    eoj: Eoj
    values: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class NodeFound:
    """A node was examined; `known` when the same one was bound here before."""

    record: NodeRecord
    known: bool


@dataclass(frozen=True, slots=True)
class NodeMoved:
    """A node known from another address answers here now."""

    record: NodeRecord
    old_host: str


@dataclass(frozen=True, slots=True)
class NodeDoubled:
    """Two addresses give one identity: a maker's mistake, or an impostor.

    Both records carry the weaker identities that are left; `first` was bound before.
    """

    identity: str
    first: NodeRecord
    second: NodeRecord


@dataclass(frozen=True, slots=True)
class NodeDoubted:
    """Somebody sends answers in this host's name; its answers are cross-checked for a while."""

    host: str


Event = Answered | Announced | NodeFound | NodeMoved | NodeDoubled | NodeDoubted
