"""The link's state machine: every record arrives once, whatever is dropped, doubled, reordered."""

import random
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.core.errors import LinkError
from hidamari.link.messages import (
    DAYS,
    EVENTS,
    SEGMENTS,
    Acked,
    Bye,
    Cancel,
    Nonce,
    Record,
    Refused,
    Time,
    Watch,
    Welcome,
    encode,
)
from hidamari.link.pace import Ended, Pace
from hidamari.link.state import Link, Window
from hidamari.link.terms import IN_FLIGHT, Terms

NONCE = encode(Nonce(bytes(32), 1_800_000_000_000))


def record(stream: int, seq: int, size: int = 10) -> Record:
    return Record(stream, seq, 0, 1, bytes(size))


def opened(window: Window, last: dict[int, int], committed: dict[int, int], now_s: float) -> Link:
    link = Link(window, last)
    link.receive(NONCE, now_s)
    link.receive(encode(Welcome(committed)), now_s)
    return link


class World:
    """An outbox, a service and the line between them, with a die for what goes wrong."""

    def __init__(self, die: random.Random) -> None:
        self.die = die
        self.now_s = 0.0
        self.made: dict[int, int] = {SEGMENTS: 0, EVENTS: 0}
        self.outbox: dict[tuple[int, int], Record] = {}
        self.stored: dict[tuple[int, int], int] = {}
        self.up: list[Record] = []
        self.down: list[bytes] = []
        self.window = Window()
        self.link: Link | None = None

    def make(self) -> None:
        stream = self.die.choice((SEGMENTS, EVENTS))
        self.made[stream] += 1
        one = record(stream, self.made[stream])
        self.outbox[stream, one.seq] = one

    def connect(self) -> None:
        committed = {}
        for stream in self.made:
            seq = 0
            while (stream, seq + 1) in self.stored:
                seq += 1
            committed[stream] = seq
        self.up, self.down = [], []
        self.link = opened(self.window, dict(self.made), committed, self.now_s)
        for key in [k for k in self.outbox if k[1] <= committed[k[0]]]:
            del self.outbox[key]

    def restart(self) -> None:
        self.window, self.link = Window(), None

    def send(self) -> None:
        if self.link is None:
            return
        for stream in self.made:
            room = self.window.room(stream)
            behind = self.window.taken(stream)
            found = [r for k, r in sorted(self.outbox.items()) if k[0] == stream and k[1] > behind]
            self.window.add(found[:room], self.now_s)
        self.up += self.window.due(self.now_s)

    def carry(self, *, faults: bool) -> None:
        """Take what is under way to the service, and its answers back."""
        under_way, self.up = self.up, []
        if faults:
            self.die.shuffle(under_way)
            under_way = [r for r in under_way if self.die.random() > 0.3]
            under_way += [r for r in under_way if self.die.random() < 0.3]
        for one in under_way:
            key = (one.stream, one.seq)
            self.stored[key] = self.stored.get(key, 0) + (key not in self.stored)
            self.down.append(encode(Acked(one.stream, [one.seq])))
        answers, self.down = self.down, []
        if faults:
            self.die.shuffle(answers)
            answers = [a for a in answers if self.die.random() > 0.3]
            answers += [a for a in answers if self.die.random() < 0.3]
        for answer in answers:
            fact = self.link.receive(answer, self.now_s) if self.link else None
            if isinstance(fact, Acked):
                for seq in fact.seqs:
                    self.outbox.pop((fact.stream, seq), None)


@pytest.mark.t(9)
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.lists(st.integers(0, 5), max_size=60))
def test_any_interleaving_ends_with_every_record_stored_once(seed: int, steps: list[int]) -> None:
    world = World(random.Random(seed))
    for step in steps:
        world.now_s += world.die.random() * 20.0
        (
            world.make,
            world.connect,
            world.restart,
            world.send,
            lambda: world.carry(faults=True),
            lambda: world.carry(faults=False),
        )[step]()
        # What left the outbox is stored: nothing is ever forgotten before.
        gone = {(s, n) for s, top in world.made.items() for n in range(1, top + 1)}
        assert gone - world.outbox.keys() <= world.stored.keys()
    world.connect()
    for _ in range(60):
        world.send()
        world.carry(faults=False)
        world.now_s += 15.0
    assert world.outbox == {}
    assert len(world.stored) == sum(world.made.values())


def test_events_go_before_segments_and_days() -> None:
    window = Window()
    window.add([record(DAYS, 1), record(SEGMENTS, 1), record(EVENTS, 1)], 0.0)
    sent = [one.stream for second in range(5) for one in window.due(float(second))]
    assert sent == [EVENTS, SEGMENTS, DAYS]


def test_what_is_not_answered_is_sent_again_after_10_20_40_seconds_and_at_last_every_600() -> None:
    window = Window()
    window.add([record(SEGMENTS, 1)], 0.0)
    sent = [second for second in range(4000) if window.due(float(second))]
    waits = [b - a for a, b in pairwise(sent)]
    assert waits[:8] == [10, 20, 40, 80, 160, 320, 600, 600]


def test_at_most_64_records_are_under_way_and_events_still_find_a_place() -> None:
    window = Window()
    window.add([record(SEGMENTS, n) for n in range(1, window.room(SEGMENTS) + 1)], 0.0)
    assert window.room(SEGMENTS) == 0
    assert window.room(EVENTS) == 16
    window.add([record(EVENTS, n) for n in range(1, 17)], 0.0)
    assert window.room(EVENTS) == 0
    assert sum(len(window.due(0.1 * tick)) for tick in range(95)) == IN_FLIGHT


def test_the_pace_stays_below_what_the_service_takes() -> None:
    window = Window()
    window.add([record(DAYS, n, 40_000) for n in range(1, 40)], 0.0)
    sent = [r for tick in range(600) for r in window.due(tick / 10)]
    assert sum(len(r.payload) for r in sent) <= 1 << 20  # in this first minute
    assert all(len(window.due(60.0 + tick)) <= 10 for tick in range(60))


@pytest.mark.parametrize(
    "frames",
    [
        [encode(Welcome({}))],
        [encode(Nonce(b"short", 0))],
        [encode(Nonce(bytes(32), 0, 2))],
        [NONCE, NONCE],
        [NONCE, encode(Acked(1, [1]))],
        [NONCE, encode(Welcome({9: 1}))],
        [NONCE, encode(Welcome({1: -1}))],
        [NONCE, encode(Welcome({}, {}, {9: 1}))],
        [NONCE, encode(Welcome({}, {}, {1: 1}, {2: b""}))],
        [NONCE, encode(Welcome({})), encode(Welcome({}))],
        [b""],
        [b"\x00" * 10],
        [b"\x93\xa1n\x01\x02"],
        [b"\xdd\xff\xff\xff\xff"],
        [bytes((1 << 20) + 1)],
    ],
)
def test_what_breaks_the_protocol_ends_the_connection(frames: list[bytes]) -> None:
    link = Link(Window(), {})

    def all_of_them() -> None:
        for frame in frames:
            link.receive(frame, 0.0)

    with pytest.raises(LinkError):
        all_of_them()


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_of_a_stranger_cause_anything_but_a_link_error(frame: bytes) -> None:
    link = opened(Window(), {}, {}, 0.0)
    with suppress(LinkError):
        link.receive(frame, 1.0)


def test_answers_to_what_is_not_under_way_are_nothing() -> None:
    window = Window()
    link = opened(window, {SEGMENTS: 1}, {}, 0.0)
    window.add([record(SEGMENTS, 1)], 0.0)
    assert link.receive(encode(Acked(SEGMENTS, [1])), 0.0) is None  # waits, was not sent yet
    assert len(window.due(0.0)) == 1
    assert link.receive(encode(Acked(SEGMENTS, [2, 3, 2**62])), 0.0) is None
    assert link.receive(encode(Refused(EVENTS, 1, "bad")), 0.0) is None
    assert link.receive(encode(Acked(SEGMENTS, [1, 1])), 0.0) == Acked(SEGMENTS, [1, 1])
    assert link.receive(encode(Acked(SEGMENTS, [1])), 0.0) is None
    assert isinstance(link.receive(encode(Cancel(4)), 0.0), Cancel)
    assert link.receive(b"\x92\xa1Z\x01", 0.0) is None  # a type of a later version


def test_a_service_that_knows_more_than_we_made_tells_that_our_store_went_back() -> None:
    link = Link(Window(), {SEGMENTS: 5})
    link.receive(NONCE, 0.0)
    welcome = link.receive(encode(Welcome({SEGMENTS: 6})), 0.0)
    assert isinstance(welcome, Welcome)
    assert link.went_back(welcome)


def test_a_gap_that_never_closes_does_not_hide_that_our_store_went_back() -> None:
    """A full disk drops segments out of the outbox: nothing is committed beyond them for ever."""
    for newest, went_back in ((5, False), (6, True)):
        link = Link(Window(), {SEGMENTS: 5})
        link.receive(NONCE, 0.0)
        welcome = link.receive(encode(Welcome({SEGMENTS: 2}, {}, {SEGMENTS: newest})), 0.0)
        assert isinstance(welcome, Welcome)
        assert link.went_back(welcome) is went_back


def test_a_service_asks_for_intervals_and_limits_and_absurd_ones_are_cut() -> None:
    assert Terms.of({}) == Terms(60, 900, 64, 120)
    asked = {"live_s": 30, "segment_s": 300, "window": 32, "spread_s": 600, "later": 1}
    assert Terms.of(asked) == Terms(30, 300, 32, 600)
    least = dict.fromkeys(("live_s", "segment_s", "window", "spread_s"), -(2**60))
    assert Terms.of(least) == Terms(1, 300, 17, 0)
    most = dict.fromkeys(least, 2**60)
    assert Terms.of(most) == Terms(60, 900, 64, 3600)


def test_the_window_is_as_wide_as_the_service_asks_and_live_frames_come_as_often() -> None:
    link = Link(Window(), {})
    link.receive(NONCE, 0.0)
    link.receive(encode(Welcome({}, {"live_s": 20, "window": 20})), 0.0)
    assert (link.window.room(SEGMENTS), link.window.room(EVENTS)) == (4, 20)
    assert sum(link.live_due(float(second)) for second in range(600)) == 30


def test_homes_spread_over_as_long_as_the_service_asked() -> None:
    pace = Pace(random.Random(1), spread_s=1000.0)
    pace.began(0.0)
    waits = []
    for _ in range(200):
        pace.welcomed()
        waits.append(pace.wait_s(Ended.THEIRS, 50.0))
    assert 900.0 < max(waits) <= 1000.0


def test_live_frames_come_each_minute_and_faster_while_somebody_looks() -> None:
    link = opened(Window(), {}, {}, 0.0)

    def sent(first: int, last: int) -> int:
        return sum(link.live_due(float(second)) for second in range(first, last))

    assert sent(0, 600) == 10
    until_ms = 1_800_000_000_000 + 700_000  # the service's time; ours is 600 s into the link
    link.receive(encode(Watch(until_ms, 5)), 600.0)
    assert sent(600, 700) == 20
    assert sent(700, 1300) in (9, 10)
    link.receive(encode(Watch(2**62, 0)), 1300.0)  # for ever and at once: neither is believed
    assert sent(1300, 1900) == 600
    assert sent(1901, 2501) in (9, 10)


@pytest.mark.t(19)
def test_the_time_of_the_service_is_kept_to_over_a_month_and_no_late_word_moves_it_far() -> None:
    """Our count runs 100 ppm fast; a request would seem four minutes old after a month."""
    link, start_s = opened(Window(), {}, {}, 0.0), 1_800_000_000.0
    die = random.Random(4)
    for hour in range(1, 30 * 24):
        now_s = 3600.0 * hour * 1.0001
        link.receive(encode(Time(round((start_s + 3600.0 * hour - die.random()) * 1000))), now_s)
        assert abs(link.server_s(now_s) - (start_s + 3600.0 * hour)) < 1.5
    before_s = link.offset_s
    link.receive(encode(Time(0)), now_s + 3600.0)
    link.receive(encode(Time(2**60)), now_s + 3601.0)
    assert abs(link.offset_s - before_s) <= 1.81


def test_the_end_is_the_end() -> None:
    link = opened(Window(), {}, {}, 0.0)
    assert link.receive(encode(Bye("drain", 40)), 0.0) == Bye("drain", 40)
    assert not link.is_open
    with pytest.raises(LinkError):
        link.receive(encode(Acked(1, [1])), 0.0)


@pytest.mark.t(9)
def test_homes_come_back_spread_and_never_twice_in_ten_seconds() -> None:
    first = {ended: [] for ended in Ended}  # type: ignore[var-annotated]
    for seed in range(1000):
        for ended, found in first.items():
            pace = Pace(random.Random(seed))
            pace.began(0.0)
            found.append(pace.wait_s(ended, 1000.0))
            again = [pace.wait_s(ended, 1000.0) for _ in range(12)]
            assert all(0.0 <= wait_s <= 300.0 for wait_s in again)
    assert max(first[Ended.OWN_LINE]) <= 5.0
    assert 115.0 < max(first[Ended.THEIRS]) <= 120.0
    late = sorted(first[Ended.THEIRS])
    assert late[100] > 9.0
    assert late[900] < 111.0  # spread evenly, so that no second has more than its share
    pace = Pace(random.Random(1))
    pace.began(50.0)
    assert pace.wait_s(Ended.OWN_LINE, 51.0) >= 9.0
    assert 400.0 <= pace.wait_s(Ended.THEIRS, 52.0, 400.0) <= 500.0
