"""The messages of link/v1: one MessagePack array in one binary WebSocket frame.

The first element of an array says its type; unknown types and further elements behind the known
ones are ignored, so that either side may be older than the other. A malformed message raises
`LinkError`; nothing in it is believed.
"""

import hashlib
from typing import TypeAlias

import msgspec

from hidamari.core.errors import LinkError

PATH = "/link/v1"
PROTO = 1
NONCE_BYTES = 32
HOME_BYTES = 16  # the id of a home; shown as base32
MAX_MESSAGE_BYTES = 1 << 20
_DIGEST_BYTES = 16
SERVER_NAME_IN_PROOF = b"hidamari link/v1\0"  # what the proof is for: no other text is signed

# The values of a live frame.
BUS = ("pv_kw", "gen_kw", "grid_kw", "battery_kw", "ev_kw", "heater_kw", "load_kw", "use_kw")
# What the decoder raises for foreign bytes: text that is no UTF-8 and arrays in arrays without end
# have errors of their own.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Streams of durable records.
SEGMENTS, EVENTS, REPORTED, DAYS, TOTALS, SETTINGS = 1, 2, 3, 4, 5, 6
STREAMS = (SEGMENTS, EVENTS, REPORTED, DAYS, TOTALS, SETTINGS)


class _Array(msgspec.Struct, frozen=True, array_like=True, tag_field="type"):
    """A message as an array."""


class Nonce(_Array, frozen=True, tag="n"):
    """Down, first: a challenge; `server_time_ms` is Unix time."""

    nonce: bytes
    server_time_ms: int
    proto: int = PROTO


class Hello(_Array, frozen=True, tag="h"):
    """Up: who this is. `proof` signs the nonce and the server's name with the device key."""

    home: bytes
    epoch: int
    proof: bytes
    version: str
    last: dict[int, int]  # stream -> newest sequence number of the outbox, sent or not
    caps: dict[str, str | int | bool] = {}  # revision, lan_url, name and what else it can


class Welcome(_Array, frozen=True, tag="w"):
    """Down: every record up to `committed` of its stream is committed or refused.

    `newest` is the highest number that is, which may lie behind a gap: a home may leave numbers
    out for ever. `digests` tells what the newest record was (see `digest_of`).
    """

    committed: dict[int, int]
    config: dict[str, int] = {}  # see link.terms
    newest: dict[int, int] = {}
    digests: dict[int, bytes] = {}


class Record(_Array, frozen=True, tag="r"):
    """Up: one durable record; `t0_min` is minutes since 1970 UTC, `count` what it holds."""

    stream: int
    seq: int
    t0_min: int
    count: int
    payload: bytes


class Acked(_Array, frozen=True, tag="a"):
    """Down, only after commit: these are stored for good; the home forgets them."""

    stream: int
    seqs: list[int]


class Refused(_Array, frozen=True, tag="x"):
    """Down: this record will never be taken; the home parks it."""

    stream: int
    seq: int
    code: str


class LiveFrame(_Array, frozen=True, tag="l"):
    """Up, kept in memory only: the house bus now, in W (None = missing), in the order of BUS.

    It is the heartbeat too: once a minute, and every few seconds while somebody looks.
    """

    at_ms: int
    watts: list[int | None]
    soc_pct: float | None = None
    flags: int = 0


class Query(_Array, frozen=True, tag="q"):
    """Down: a relayed request. The home refuses it `ttl_ms` after it was sent (`sent_ms`, the
    service's time in Unix milliseconds; 0 = when it came).

    With the method WS it opens the WebSocket of the path: each text message comes up as a `Reply`
    with `more`, until `Cancel` or the last reply (status = close code).
    """

    id: int
    ttl_ms: int
    actor: dict[str, str]  # name, role, until (ISO), account: who asks
    method: str
    path: str  # with the query, from /api/v1 on
    headers: dict[str, str]
    body: bytes = b""
    sent_ms: int = 0


class Reply(_Array, frozen=True, tag="s"):
    """Up: an answer, in pieces while `more`; status and headers count in the first piece."""

    id: int
    status: int
    headers: dict[str, str]
    body: bytes = b""
    more: bool = False


class Cancel(_Array, frozen=True, tag="c"):
    """Down: nobody waits for this answer any more."""

    id: int


class Watch(_Array, frozen=True, tag="m"):
    """Down: somebody looks until then; send a live frame every `interval_s`."""

    until_ms: int
    interval_s: int


class Time(_Array, frozen=True, tag="t"):
    """Down, once an hour: the service's time, by which requests grow too old."""

    server_time_ms: int


class Bye(_Array, frozen=True, tag="b"):
    """Both ways: the end of this link; come again after `retry_after_s`.

    Reasons: drain, slow_down, unlinked, unknown_home (or a wrong proof), replaced,
    two_controllers, bad_message, silent.
    """

    reason: str
    retry_after_s: int = 0


Down: TypeAlias = Nonce | Welcome | Acked | Refused | Query | Cancel | Watch | Time | Bye
Up: TypeAlias = Hello | Record | LiveFrame | Reply | Bye

_ENCODER = msgspec.msgpack.Encoder()
_DOWN: msgspec.msgpack.Decoder[Down] = msgspec.msgpack.Decoder(Down)
_UP: msgspec.msgpack.Decoder[Up] = msgspec.msgpack.Decoder(Up)
_UP_TYPES = frozenset("hrlsb")
_DOWN_TYPES = frozenset("nwaxqcmtb")


def encode(message: Down | Up) -> bytes:
    """The bytes of one WebSocket frame."""
    return _ENCODER.encode(message)


def decode_up(frame: bytes) -> Up | None:
    """What a home says; None for a type of a later version. Raises LinkError."""
    if not _is_known(frame, _UP_TYPES):
        return None
    try:
        return _UP.decode(frame)
    except UNREADABLE as error:
        raise LinkError(f"a message of a home expected: {error}") from None


def decode_down(frame: bytes) -> Down | None:
    """What the service says; None for a type of a later version. Raises LinkError."""
    if not _is_known(frame, _DOWN_TYPES):
        return None
    try:
        return _DOWN.decode(frame)
    except UNREADABLE as error:
        raise LinkError(f"a message of the service expected: {error}") from None


def proof_text(server_name: str, nonce: bytes) -> bytes:
    """What a home signs: bound to this protocol, this server and this connection."""
    return SERVER_NAME_IN_PROOF + server_name.encode() + b"\0" + nonce


def digest_of(payload: bytes) -> bytes:
    """By what a home tells whether a record here is the one that it has under the same number."""
    return hashlib.sha256(payload).digest()[:_DIGEST_BYTES]


def _is_known(frame: bytes, types: frozenset[str]) -> bool:
    """Whether the first element is one of the types; LinkError where it is no array of ours."""
    if not frame or len(frame) > MAX_MESSAGE_BYTES:
        raise LinkError(f"1 to {MAX_MESSAGE_BYTES} bytes expected, got {len(frame)}")
    try:
        parts = msgspec.msgpack.decode(frame, type=list[msgspec.Raw])
        kind = msgspec.msgpack.decode(parts[0], type=str)
    except (*UNREADABLE, IndexError) as error:
        raise LinkError(f"an array with its type first expected: {error}") from None
    return kind in types
