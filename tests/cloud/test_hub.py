"""Homes link themselves to the hub through real sockets, and what they send is kept once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.cloud import sent
from tests.cloud.lab import Home, Lab, hub_on
from websockets.exceptions import ConnectionClosed

from hidamari.cloud.hub import CONFIG, PATIENT, Patience
from hidamari.cloud.ports import SegmentStore
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.clock import VirtualClock
from hidamari.core.time import unix
from hidamari.link import messages
from hidamari.link.messages import Acked, Bye, LiveFrame, Record, Refused, Welcome, encode
from hidamari.link.records import FORMAT, Day, EventRecord, Segment, pack

Job = Callable[[Lab, SegmentStore], Awaitable[None]]


def on_hub(folder: Path, job: Job, patience: Patience = PATIENT) -> VirtualClock:
    """Run a test against a hub on SQLite at noon of a day in April."""
    clock = VirtualClock(sent.NOW)

    async def run() -> None:
        store = SqliteSegments(folder / "cloud.db", clock)
        async with hub_on(store, clock, patience) as lab:
            await job(lab, store)

    asyncio.run(run())
    return clock


async def goodbye(home: Home) -> Bye:
    """The goodbye that must come now, and the end behind it."""
    while not isinstance(found := await home.hear(), Bye):
        pass
    with pytest.raises(ConnectionClosed):
        await home.hear()
    return found


def test_records_are_acknowledged_after_they_are_in_the_store(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME, 7) as home:
            assert await home.enter() == Welcome({}, CONFIG)
            await home.say(sent.event(1, sent.NOW))
            assert await home.hear() == Acked(2, [1])
            assert [one.t_ms for one in await store.events(sent.HOME, None, 10)] == [
                int(sent.NOW.timestamp() * 1000)
            ]
            assert await store.events(sent.OTHER, None, 10) == []
            await home.hang_up()
            answer = await home.enter()
            assert isinstance(answer, Welcome)
            assert answer.committed == {2: 1}

    on_hub(tmp_path, job)


# who comes in


@pytest.mark.parametrize("wrong", ["home", "key", "name", "nonce", "epoch"])
def test_who_does_not_prove_to_be_a_bound_home_is_not_told_why(wrong: str, tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            nonce = (await home.dial()).nonce
            hello = home.hello(nonce)
            if wrong == "home":
                del lab.keys.known[sent.HOME]
            elif wrong == "key":
                lab.keys.known[sent.HOME] = lab.home(sent.OTHER).public
            elif wrong == "name":
                hello = home.hello(nonce, "elsewhere.example")
            elif wrong == "nonce":
                hello = home.hello(bytes(32))
            else:
                hello = msgspec.structs.replace(hello, home=sent.OTHER)
            await home.say(hello)
            assert await goodbye(home) == Bye("unknown_home", 30)

    on_hub(tmp_path, job)


def test_who_says_nothing_is_not_waited_for(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.dial()
            with pytest.raises(ConnectionClosed):
                await home.hear()

    on_hub(tmp_path, job, Patience(hello_s=0.1))


def test_the_newest_link_of_a_home_counts(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME, 3) as first, lab.home(sent.HOME, 3) as second:
            await first.enter()
            await second.enter()
            assert (await goodbye(first)).reason == "replaced"
            await second.say(sent.event(1, sent.NOW))
            assert await second.hear() == Acked(2, [1])
            assert (await lab.bus.presence(sent.HOME)).linked

    on_hub(tmp_path, job)


def test_of_two_controllers_the_one_that_is_there_stays(tmp_path: Path):
    """A copy of a live home is sent away; once the old one is gone, the new one is let in."""

    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME, 3) as old, lab.home(sent.HOME, 4) as new:
            await old.enter()
            answer = await new.enter()
            assert answer == Bye("two_controllers", 180)
            await old.say(sent.event(1, sent.NOW))
            assert await old.hear() == Acked(2, [1])
            await old.hang_up()
            while len(lab.bus):
                await asyncio.sleep(0.01)
            assert await new.enter() == Welcome({}, CONFIG)
            await new.say(sent.event(1, sent.NOW, "restored"))
            assert await new.hear() == Acked(2, [1])
            codes = {one.code for one in await store.events(sent.HOME, None, 9)}
            assert codes == {"changed", "restored"}

    on_hub(tmp_path, job)


def test_a_home_that_says_hello_again_and_again_has_to_wait(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home, lab.home(sent.OTHER) as other:
            for _ in range(3):
                assert isinstance(await home.enter(), Welcome)
                await home.hang_up()
            answer = await home.enter()
            assert isinstance(answer, Bye)
            assert (answer.reason, 1 <= answer.retry_after_s <= 10) == ("slow_down", True)
            assert isinstance(await other.enter(), Welcome)

    on_hub(tmp_path, job)


def test_wrong_hellos_cannot_keep_a_home_out(tmp_path: Path):
    """Somebody knows its id, not its key: only hellos that prove themselves are counted."""

    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            for _ in range(8):
                async with Home(sent.HOME, 1, lab.url) as wrong:
                    nonce = (await wrong.dial()).nonce
                    await wrong.say(wrong.hello(nonce, "elsewhere.example"))
                    assert (await goodbye(wrong)).reason == "unknown_home"
            assert isinstance(await home.enter(), Welcome)

    on_hub(tmp_path, job)


# what is not understood


MALFORMED: dict[str, bytes | str] = {
    "text": "hello",
    "no bytes": b"",
    "no array": msgspec.msgpack.encode({"type": "r"}),
    "no type": msgspec.msgpack.encode([]),
    "a type that is a number": msgspec.msgpack.encode([1, 2]),
    "half a frame": encode(sent.event(1, sent.NOW))[:-1],
    "more than a frame": encode(sent.event(1, sent.NOW)) + b"\0",
    "too few fields": msgspec.msgpack.encode(["r", 1, 1]),
    "a field of another kind": msgspec.msgpack.encode(["r", "1", 1, 1, 1, b""]),
    "no number of a record": msgspec.msgpack.encode(["r", 2, 0, 1, 1, b""]),
    "a number below zero": msgspec.msgpack.encode(["r", 2, -5, 1, 1, b""]),
    "a number without end": msgspec.msgpack.encode(["r", 2, 2**63, 1, 1, b""]),
    "a stream that is none": msgspec.msgpack.encode(["r", 70000, 1, 1, 1, b""]),
    "a live frame without values": msgspec.msgpack.encode(["l", 1, []]),
    "a live frame of 10,000 values": msgspec.msgpack.encode(["l", 1, [1] * 10000]),
    "a live frame at no time": msgspec.msgpack.encode(["l", 2**63, [1] * 8]),
    "text that is no UTF-8": b"\x93\xa1b\xa2\xff\xfe\x05",
    "nested without end": b"\x91" * 5000,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_message_ends_the_link_and_nothing_else(what: str, tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home, lab.home(sent.OTHER) as other:
            await other.enter()
            await home.enter()
            await home.raw(MALFORMED[what])
            assert await goodbye(home) == Bye("bad_message", 30)
            await other.say(sent.event(1, sent.NOW))
            assert await other.hear() == Acked(2, [1])
            assert await store.events(sent.HOME, None, 9) == []
            assert lab.hub.counters.bad_messages == 1

    on_hub(tmp_path, job)


@pytest.mark.parametrize("what", [name for name in MALFORMED if "live" not in name])
def test_a_malformed_hello_is_none(what: str, tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.dial()
            await home.raw(MALFORMED[what])
            assert await goodbye(home) == Bye("bad_message", 30)

    on_hub(tmp_path, job)


def test_a_message_above_the_limit_ends_the_connection(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            await home.raw(bytes(messages.MAX_MESSAGE_BYTES + 1))
            with pytest.raises(ConnectionClosed):
                await home.hear()

    on_hub(tmp_path, job)


def test_what_a_later_version_says_is_passed_over(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            await home.raw(msgspec.msgpack.encode(["z", 1, 2]))
            longer = [*msgspec.msgpack.decode(encode(sent.event(1, sent.NOW))), "more", 5]
            await home.raw(msgspec.msgpack.encode(longer))
            assert await home.hear() == Acked(2, [1])

    on_hub(tmp_path, job)


# records that are refused


def _odd(stream: int, payload: bytes, t0_min: int = 0, count: int = 1) -> Record:
    return Record(stream, 1, t0_min, count, payload)


def _day_with(**changes: object) -> bytes:
    made = msgspec.msgpack.decode(sent.day(1, sent.TODAY).payload, type=Day)
    return pack(msgspec.structs.replace(made, **changes))


AT_MIN = unix(sent.NOW) // 60
REFUSED: dict[str, tuple[Record, str]] = {
    "no record at all": (_odd(1, b"\xff\x00"), "unreadable"),
    "of a later format": (_odd(2, pack(EventRecord(9, 0, "", "", ""))), "unreadable"),
    "a segment without a head": (_odd(1, pack(Segment(FORMAT, 60, b"HDAY"))), "unreadable"),
    "a segment cut short": (
        _odd(1, pack(Segment(FORMAT, 60, sent.minutes(sent.NOW, 15).to_bytes()[:-3])), AT_MIN, 15),
        "unreadable",
    ),
    "a segment of other minutes": (
        msgspec.structs.replace(sent.segment(1, sent.NOW), count=99),
        "bad_span",
    ),
    "a segment of another time": (
        msgspec.structs.replace(sent.segment(1, sent.NOW), t0_min=5),
        "bad_span",
    ),
    "a segment of next week": (sent.segment(1, sent.NOW + timedelta(days=7)), "in_the_future"),
    "a segment of last year": (sent.segment(1, sent.NOW - timedelta(days=365)), "too_old"),
    "an event of 2106": (sent.event(1, sent.NOW.replace(year=2106)), "in_the_future"),
    "an event of 1970": (sent.event(1, sent.NOW.replace(year=1970)), "too_old"),
    "an event of 5,000 bytes": (sent.event(1, sent.NOW, "x" * 5000), "too_large"),
    "a day that is not what its hash says": (_odd(4, _day_with(sha=bytes(32))), "bad_digest"),
    "a day that is another": (_odd(4, _day_with(day=1)), "bad_span"),
    "totals that end inside a row": (_odd(5, pack(sent.half_totals())), "unreadable"),
    "a stream we do not know": (_odd(77, b""), "unknown_stream"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_record_that_cannot_be_kept_is_refused_once_and_for_good(what: str, tmp_path: Path):
    """The others go on, and it is passed over: no record comes again for ever."""
    record, code = REFUSED[what]

    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            good = sent.event(2 if record.stream == messages.EVENTS else 1, sent.NOW)
            refused = await home.deliver([record, good])
            assert refused == [Refused(record.stream, 1, code)]
            await home.hang_up()
            answer = await home.enter()
            assert isinstance(answer, Welcome)
            assert answer.committed == {record.stream: 1, good.stream: good.seq}

    on_hub(tmp_path, job)


# too much


def test_a_home_with_too_much_in_flight_is_sent_away_and_others_go_on(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as noisy, lab.home(sent.OTHER) as other:
            await noisy.enter()
            await other.enter()
            burst = [sent.event(seq, sent.NOW) for seq in range(1, 200)]
            await asyncio.gather(*(noisy.say(one) for one in burst))
            assert await goodbye(noisy) == Bye("slow_down", 10)
            await other.deliver([sent.event(1, sent.NOW)])
            assert lab.hub.counters.sent_away == 1

    on_hub(tmp_path, job)


def test_a_home_that_floods_with_live_frames_is_slowed_and_sent_away(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        frame = encode(LiveFrame(int(sent.NOW.timestamp() * 1000), [1] * 8))
        padded = msgspec.msgpack.encode([*msgspec.msgpack.decode(frame), bytes(1_040_000)])
        async with lab.home(sent.HOME) as noisy, lab.home(sent.OTHER) as other:
            await noisy.enter()
            await other.enter()
            for _ in range(5):  # 5.2 MB: more than the burst of 4 MiB and 30 s of 1 MiB a minute
                await noisy.raw(padded)
            assert (await goodbye(noisy)).reason == "slow_down"
            await other.deliver([sent.event(1, sent.NOW)])

    on_hub(tmp_path, job)


def test_a_record_that_is_sent_twice_before_its_answer_is_answered_once(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            for _ in range(3):
                await home.say(sent.event(1, sent.NOW))
            await home.say(sent.event(2, sent.NOW))
            answers = []
            while not any(2 in one.seqs for one in answers):
                answers.append(await home.hear())
            assert [one.t_ms for one in await store.events(sent.HOME, None, 9)] == [
                unix(sent.NOW) * 1000
            ] * 2

    on_hub(tmp_path, job)


# while it lasts


def test_live_frames_are_in_memory_with_the_skew_of_the_home_clock(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            assert not (await lab.bus.presence(sent.HOME)).linked
            await home.enter()
            await home.live((unix(sent.NOW) - 3600) * 1000)  # an hour slow
            await home.deliver([sent.event(1, sent.NOW)])
            presence = await lab.bus.presence(sent.HOME)
            assert presence.live is not None
            assert presence.live.watts == [1] * 8
            assert presence.skew_s == -3600.0
            assert presence.caps == {"name": "test"}
            await home.hang_up()
            while len(lab.bus):
                await asyncio.sleep(0.01)
            presence = await lab.bus.presence(sent.HOME)
            assert not presence.linked
            assert presence.last_seen == sent.NOW

    on_hub(tmp_path, job)


def test_a_home_whose_clock_is_wrong_keeps_what_it_measured(tmp_path: Path):
    """Stamps are never rewritten: what is two days off at most is kept as it came."""

    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            off = [sent.event(1, sent.NOW + timedelta(hours=9))]
            off += [sent.segment(1, sent.NOW - timedelta(days=30))]
            assert await home.deliver(off) == []
            (event,) = await store.events(sent.HOME, None, 9)
            assert event.t_ms == unix(sent.NOW + timedelta(hours=9)) * 1000

    on_hub(tmp_path, job)


def test_a_silent_home_is_gone_after_a_while(tmp_path: Path):
    async def job(lab: Lab, store: SegmentStore) -> None:
        async with lab.home(sent.HOME) as home:
            await home.enter()
            assert (await goodbye(home)).reason == "silent"
            assert not (await lab.bus.presence(sent.HOME)).linked

    on_hub(tmp_path, job, Patience(silent_s=0.2))


def test_when_the_service_ends_homes_are_told_to_come_back_one_after_the_other(tmp_path: Path):
    clock = VirtualClock(sent.NOW)

    async def run() -> list[Bye]:
        async with hub_on(SqliteSegments(tmp_path / "cloud.db", clock), clock) as lab:
            homes = [lab.home(bytes([i]) * 16) for i in range(20)]
            for one in homes:
                await one.enter()
            last_words = [asyncio.create_task(goodbye(one)) for one in homes]
        byes = await asyncio.gather(*last_words)
        for one in homes:
            await one.hang_up()
        return byes

    byes = asyncio.run(run())
    assert {bye.reason for bye in byes} == {"drain"}
    waits = [bye.retry_after_s for bye in byes]
    assert all(1 <= wait <= 120 for wait in waits)
    assert len(set(waits)) > 5
