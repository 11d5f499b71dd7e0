"""Relayed requests: late ones are refused, repeated ones are answered and not carried out again."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.whole.loop import VirtualLoop, run
from tests.whole.street import memory_folder

from hidamari.link.asgi import PIECE_BYTES
from hidamari.link.messages import Query, Reply
from hidamari.link.relay import AT_ONCE, Relay
from hidamari.store.db import Store

OFFSET_S = 1_800_000_000.0  # the service's unix time minus the loop's count
ACTOR = {"name": "hana", "role": "owner", "account": "7"}
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory_folder() as path:
        yield path


@dataclass
class Api:
    """An application that takes its time and counts what it carried out."""

    acts: list[tuple[float, str]] = field(default_factory=list)
    takes_s: float = 0.5
    answer: bytes = b'{"ok":true}'
    scopes: list[dict] = field(default_factory=list)  # type: ignore[type-arg]

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            for n in range(3):
                await send({"type": "websocket.send", "text": f"news {n}"})
            await receive()
            return
        message = await receive()
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(self.takes_s)
        if scope["method"] != "GET":
            self.acts.append((began_s, message["body"].decode()))
        headers = [(b"content-type", b"application/json"), (b"set-cookie", b"secret")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.answer})


class Bench:
    """A relay over a store, and the replies that came."""

    def __init__(self, folder: Path, api: Api) -> None:
        self.folder, self.api = folder, api
        self.replies: dict[int, list[Reply]] = {}
        self.start()

    def start(self) -> None:
        self.store = Store.open(self.folder, NOW, ballast_bytes=0)
        self.relay = Relay(self.api, lambda actor: {"who": actor["name"]}, self.store.answers)

    def restart(self) -> None:
        self.store.close()
        self.start()

    async def send(self, reply: Reply) -> None:
        self.replies.setdefault(reply.id, []).append(reply)

    def ask(self, query: Query) -> None:
        self.relay.ask(query, OFFSET_S, self.send)

    def status(self, number: int) -> int:
        return self.replies[number][0].status

    def code(self, number: int) -> str:
        return str(msgspec.json.decode(self.replies[number][0].body)["error"]["code"])


def now_ms() -> int:
    return round((asyncio.get_running_loop().time() + OFFSET_S) * 1000)


def post(number: int, key: str, body: str = "on", ttl_ms: int = 10_000, sent_ms: int = 0) -> Query:
    headers = {"Idempotency-Key": key} if key else {}
    path = "/api/v1/plan/override"
    return Query(number, ttl_ms, ACTOR, "POST", path, headers, body.encode(), sent_ms)


def get(number: int, path: str = "/api/v1/now", ttl_ms: int = 10_000) -> Query:
    return Query(number, ttl_ms, ACTOR, "GET", path, {"Cookie": "x", "Accept-Language": "en"})


def test_a_request_reaches_the_app_as_its_caller_and_without_what_is_not_its_own(
    folder: Path,
) -> None:
    api = Api(answer=bytes(PIECE_BYTES + 1))

    async def story() -> None:
        bench = Bench(folder, api)
        bench.ask(get(1, "/api/v1/history?series=a%20b&x=%2F"))
        await asyncio.sleep(1)
        first, second = bench.replies[1]
        assert (first.status, first.more, second.more) == (200, True, False)
        assert len(first.body) + len(second.body) == PIECE_BYTES + 1
        assert first.headers == {"content-type": "application/json"}
        scope = api.scopes[0]
        assert scope["who"] == "hana"
        assert scope["query_string"] == b"series=a%20b&x=%2F"
        assert scope["headers"] == [(b"host", b"home"), (b"accept-language", b"en")]
        bench.store.close()

    run(story())


@pytest.mark.parametrize(
    "query",
    [
        get(1, "/api/v2/now"),
        get(1, "/api/v1"),
        get(1, "/api/v1/" + "x" * 9000),
        get(1, "/api/v1/\u3042"),
        Query(1, 1000, ACTOR, "TRACE", "/api/v1/now", {}),
        Query(1, 1000, ACTOR, "GET", "/api/v1/now", {"accept": "a\r\nb: c"}),
        Query(1, 1000, ACTOR, "GET", "/api/v1/now", {"accept": "\u3042"}),
        post(1, ""),
        post(1, "k" * 101),
    ],
)
def test_what_is_no_request_of_the_api_is_refused(folder: Path, query: Query) -> None:
    async def story() -> None:
        api = Api()
        bench = Bench(folder, api)
        bench.ask(query)
        await asyncio.sleep(1)
        assert bench.status(1) == 400
        assert api.acts == []
        bench.store.close()

    run(story())


def test_a_stream_goes_up_message_by_message_until_it_is_cancelled(folder: Path) -> None:
    async def story() -> None:
        bench = Bench(folder, Api())
        bench.ask(Query(5, 10_000, ACTOR, "WS", "/api/v1/live", {}))
        await asyncio.sleep(600)
        assert [r.body for r in bench.replies[5]] == [b"news 0", b"news 1", b"news 2"]
        assert all(r.more for r in bench.replies[5])
        bench.relay.cancel(5)
        await asyncio.sleep(0.1)
        assert bench.relay._tasks == {}
        bench.store.close()

    run(story())


@pytest.mark.t(19)
def test_two_at_once_are_carried_out_once_and_both_are_answered(folder: Path) -> None:
    async def story() -> None:
        api = Api()
        bench = Bench(folder, api)
        bench.ask(post(1, "key"))
        bench.ask(post(2, "key"))
        bench.ask(post(3, "key", body="off"))
        await asyncio.sleep(2)
        assert len(api.acts) == 1
        assert bench.status(1) == bench.status(2) == 200
        assert (bench.status(3), bench.code(3)) == (422, "idempotency_key_reused")
        bench.store.close()

    run(story())


@pytest.mark.t(19)
def test_a_power_cut_in_the_middle_leaves_the_outcome_unknown_and_repeats_nothing(
    folder: Path,
) -> None:
    async def story() -> None:
        api = Api(takes_s=5.0)
        bench = Bench(folder, api)
        bench.ask(post(1, "key"))
        await asyncio.sleep(1)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.1)
        bench.restart()
        bench.ask(post(2, "key"))
        await asyncio.sleep(10)
        assert (bench.status(2), bench.code(2)) == (409, "outcome_unknown")
        assert api.acts == []
        bench.store.close()

    run(story())


@pytest.mark.t(19)
def test_what_has_begun_goes_on_when_the_line_breaks_and_is_answered_to_the_next_try(
    folder: Path,
) -> None:
    async def story() -> None:
        api = Api(takes_s=5.0)
        bench = Bench(folder, api)
        bench.ask(post(1, "key"))
        await asyncio.sleep(1)
        bench.relay.left()
        bench.ask(post(2, "key"))
        await asyncio.sleep(10)
        assert len(api.acts) == 1
        assert 1 not in bench.replies
        assert bench.status(2) == 200
        bench.store.close()

    run(story())


def test_a_hostile_service_gets_no_more_than_so_many_requests_at_once(folder: Path) -> None:
    async def story() -> None:
        bench = Bench(folder, Api(takes_s=9.0))
        for number in range(200):
            bench.ask(get(number))
        await asyncio.sleep(20)
        statuses = [bench.status(number) for number in range(200)]
        assert statuses.count(200) == AT_ONCE
        assert statuses.count(503) == 200 - AT_ONCE
        bench.ask(get(999, ttl_ms=3000))
        await asyncio.sleep(5)
        assert (bench.status(999), bench.code(999)) == (504, "expired")
        bench.store.close()

    run(story())


@pytest.mark.t(19)
def test_of_1000_requests_none_is_carried_out_twice_or_late(folder: Path) -> None:
    """Repeated, reordered, delayed, over restarts, with a service's clock that is off by 60 s."""

    async def story() -> None:
        die = random.Random(19)
        api = Api(takes_s=0.01)
        bench = Bench(folder, api)
        late: set[int] = set()
        full: set[int] = set()  # came while all places were taken
        pile: list[Query] = []
        number = 0
        for case in range(1000):
            key, skew_ms = f"key {case}", die.randint(-60_000, 60_000)
            number += 1
            sent_ms = now_ms() + (skew_ms if die.random() < 0.2 else 0)
            pile.append(post(number, key, body=key, ttl_ms=5000, sent_ms=sent_ms))
            for _ in range(die.choice((0, 1, 2) if die.random() < 0.98 else (60,))):
                number += 1
                pile.append(msgspec.structs.replace(pile[-1], id=number))
            if die.random() < 0.4:
                die.shuffle(pile)
                for query in pile[: die.randrange(1, len(pile) + 1)]:
                    pile.remove(query)
                    if query.sent_ms + 5002 <= now_ms():
                        late.add(query.id)
                    elif len(bench.relay._tasks) >= AT_ONCE:
                        full.add(query.id)
                    bench.ask(query)
            await asyncio.sleep(die.choice((0.0, 0.05, 0.3, 1.5)))
            if die.random() < 0.02:
                await asyncio.sleep(1.0)
                bench.restart()
        await asyncio.sleep(5)
        done = [body for _, body in api.acts]
        assert len(done) == len(set(done))
        assert len(done) > 300
        assert all(bench.code(one) == "expired" for one in late)
        assert len(late) > 100
        busy = {one for one in bench.replies if bench.status(one) == 503}
        assert busy == full
        assert len(busy) > 50
        bench.store.close()

    run(story())


@pytest.mark.t(19)
def test_what_grew_late_while_the_disk_was_slow_is_not_carried_out(folder: Path) -> None:
    """Nor when it comes again: the answer is kept like any other."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        api = Api()
        bench = Bench(folder, api)

        class SlowDisk:
            finish = bench.store.answers.finish

            def begin(self, name: str, at_s: int) -> bytes | None:
                loop.spend(3.0)
                return bench.store.answers.begin(name, at_s)

        bench.relay = Relay(api, lambda actor: {}, SlowDisk())
        bench.ask(post(1, "key", ttl_ms=2000, sent_ms=now_ms()))
        bench.ask(post(2, "other", ttl_ms=20_000, sent_ms=now_ms()))
        await asyncio.sleep(10)
        bench.ask(post(3, "key", ttl_ms=20_000, sent_ms=now_ms()))
        await asyncio.sleep(10)
        assert len(api.acts) == 1
        assert (bench.status(1), bench.code(1)) == (409, "expired")
        assert bench.status(2) == 200
        assert (bench.status(3), bench.code(3)) == (409, "expired")
        bench.store.close()

    run(story())


def test_keys_are_remembered_for_a_day_and_a_flood_of_them_forgets_none(folder: Path) -> None:
    async def story() -> None:
        bench = Bench(folder, Api())
        answers = bench.store.answers
        assert answers.begin("a", 1_000_000) is None
        answers.finish("a", b"done")
        assert answers.begin("a", 1_000_000 + 86_000) == b"done"
        assert answers.begin("a", 1_000_000 + 86_401 + 100) is None
        bench.store.close()

    run(story())
