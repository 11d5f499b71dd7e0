"""Whatever bytes come over the link: a message of ours, one of a later version, or a LinkError."""

import random
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cloud import sent

from hidamari.cloud.checks import refusal
from hidamari.core.errors import LinkError
from hidamari.link.messages import (
    Bye,
    Hello,
    LiveFrame,
    Record,
    Reply,
    decode_down,
    decode_up,
    encode,
)

REAL = [
    Hello(bytes(16), 2**62, bytes(64), "0.1.0", {1: 5, 2: 9}, {"name": "x", "revision": 3}),
    sent.event(1, sent.NOW),
    sent.segment(2, sent.NOW),
    sent.reported(1, "grid"),
    sent.day(1, sent.TODAY, series=2),
    sent.totals(1, sent.TODAY),
    LiveFrame(1, [None, 5, -3, 0, 0, 0, 0, 9], 50.5),
    Reply(5, 200, {"content-type": "application/json"}, b"{}", more=True),
    Bye("drain", 5),
]


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=10)
    | st.binary(max_size=20)
)
VALUES = (
    PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=3)
)


@pytest.mark.parametrize("message", REAL, ids=lambda one: type(one).__name__)
def test_every_message_comes_out_as_it_went_in(message: Hello | Record | LiveFrame | Reply | Bye):
    assert decode_up(encode(message)) == message


@pytest.mark.t(13)
@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_link_error(frame: bytes):
    for decode in (decode_up, decode_down):
        with suppress(LinkError):
            decode(frame)


@pytest.mark.t(13)
@settings(max_examples=200, deadline=None)
@given(st.sampled_from("hrlsbqz"), st.lists(VALUES, max_size=8))
def test_any_array_of_a_known_type_is_a_message_or_a_link_error(kind: str, rest: list[object]):
    frame = msgspec.msgpack.encode([kind, *rest])
    for decode in (decode_up, decode_down):
        with suppress(LinkError):
            decode(frame)


@pytest.mark.t(13)
def test_messages_with_changed_bytes_are_taken_refused_or_link_errors():
    """What passes the decoder is looked at as a record: no other exception, no hang."""
    rng = random.Random(4)
    frames = [encode(one) for one in REAL]
    for _ in range(20_000):
        frame = bytearray(rng.choice(frames))
        for _ in range(rng.randint(1, 4)):
            frame[rng.randrange(len(frame))] = rng.randrange(256)
        cut = bytes(frame[: rng.randint(1, len(frame))]) if rng.random() < 0.2 else bytes(frame)
        try:
            message = decode_up(cut)
        except LinkError:
            continue
        if isinstance(message, Record):
            code = refusal(message, sent.NOW)
            assert code is None or code.isidentifier()
