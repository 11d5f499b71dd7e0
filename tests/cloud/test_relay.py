"""A home from outside: the same API, the same rights, and the truth when it is not there."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update
from tests.api.conftest import Bench, filled, owner_only, six_weeks
from tests.api.openapi import faults
from tests.api.test_contract import MATRIX, V1, Call, ask
from tests.cloud import sent
from tests.cloud.running import Line, NewHome, Person, Running, service_on
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hidamari.cloud.ports import Arrived
from hidamari.cloud.tables import access
from hidamari.core.access import RIGHTS, STEP_UP, Role
from hidamari.core.clock import RealClock
from hidamari.core.time import unix
from hidamari.link.device import home_text
from hidamari.link.messages import EVENTS, Record
from hidamari.link.records import FORMAT, EventRecord, pack

__all__ = ["filled", "owner_only", "six_weeks"]


@dataclass
class Town:
    """A service, its only person, and the home of this person."""

    running: Running
    person: Person
    home: NewHome

    @property
    def base(self) -> str:
        """Where the home is from outside."""
        return f"/homes/{self.home.id}"

    @property
    def client(self) -> httpx.AsyncClient:
        """The person's browser."""
        return self.person.browser

    async def give(self, role: Role) -> None:
        """Make everybody this in the home."""
        async with self.running.service.database.writing() as connection:
            await connection.execute(update(access).values(role=role))


Walk = Callable[[Town, Line], Awaitable[None]]


def walk(bench: Bench, url: str, folder: Path, steps: Walk) -> None:
    """Link the home and take these steps."""

    async def run() -> None:
        async with service_on(url, folder, RealClock()) as running:
            person = await running.person("hanako@example.jp")
            home = await running.linked(person, "はなこ")
            line = await home.line(bench.app, bench.home.store)
            await steps(Town(running, person, home), line)

    asyncio.run(run())


def outside(call: Call, base: str) -> Call:
    """The same call with the base URL of the service."""
    return replace(call, url=base + call.target)


HISTORY = "history?series=board1.use_kw&from=2026-04-07&to=2026-04-08&step=30m"
RELAYED = [call for call in MATRIX if call.action is not None]


@pytest.mark.contract
@pytest.mark.t(15)
@pytest.mark.timeout(120)
def test_every_endpoint_answers_the_same_from_outside(
    filled: Bench, store: str, tmp_path: Path
) -> None:
    document = filled.app.openapi()

    async def steps(town: Town, _: Line) -> None:
        for call in RELAYED:
            sent = outside(call, town.base)
            answer = await ask(town.client, sent)
            if call.action in STEP_UP:
                continue
            assert answer.status_code == call.status, (call, answer.text)
            assert answer.headers["x-hidamari-via"] == "cloud"
            promised = document["paths"][call.path][call.method.lower()]["responses"]
            schema = promised[str(call.status)].get("content", {}).get("application/json", {})
            if "schema" in schema:
                assert faults(answer.json(), schema["schema"], document) == [], call

    walk(filled, store, tmp_path, steps)


@pytest.mark.contract
@pytest.mark.t(17)
@pytest.mark.timeout(120)
@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_each_role_gets_outside_what_it_may_and_nothing_else(
    filled: Bench, role: Role, tmp_path: Path
) -> None:
    async def steps(town: Town, _: Line) -> None:
        await town.give(role)
        for call in RELAYED:
            answer = await ask(town.client, outside(call, town.base))
            may = call.action in RIGHTS[role]
            assert (answer.status_code == 403) is not may, (role, call, answer.text)

    walk(filled, "sqlite:///cloud.db", tmp_path / "cloud", steps)


@pytest.mark.t(17)
@pytest.mark.req("APP-12")
def test_a_strangers_home_is_unknown_on_every_route(filled: Bench, tmp_path: Path) -> None:
    async def steps(town: Town, _: Line) -> None:
        stranger = (await town.running.person("taro@example.jp")).browser
        nobody = town.running.browser()
        missing = home_text(bytes(16))
        for home in (town.home.id, missing, "x", "A" * 26):
            for call in RELAYED[:: 6 if home != town.home.id else 1]:
                answer = await ask(stranger, outside(call, f"/homes/{home}"))
                assert answer.status_code == 404, (call, answer.text)
        answer = await nobody.get(f"{town.base}{V1}/now")
        assert answer.status_code == 401
        known = f"{town.base}/.well-known/hidamari"
        assert (await stranger.get(known)).status_code == 404
        with pytest.raises(InvalidStatus):
            async with connect(socket_url(town), additional_headers=cookies(stranger)):
                pass

    walk(filled, "sqlite:///cloud.db", tmp_path / "cloud", steps)


def socket_url(town: Town) -> str:
    return f"ws{town.running.url.removeprefix('http')}{town.base}{V1}/live"


def cookies(client: httpx.AsyncClient) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)}


@pytest.mark.t(18)
@pytest.mark.req("APP-20")
def test_a_command_of_the_same_key_is_carried_out_once_and_the_owner_sees_who_did_it(
    filled: Bench, tmp_path: Path
) -> None:
    async def steps(town: Town, _: Line) -> None:
        key = {"Idempotency-Key": "one"}
        for _turn in range(3):
            url = f"{town.base}{V1}/circuits/circuit:1"
            answer = await town.client.patch(url, json={"room": "1階"}, headers=key)
            assert answer.status_code == 200, answer.text
        assert len(filled.home.edits) == 1
        lines = (await town.client.get(f"/cloud/v1{town.base}/audit")).json()
        assert {"はなこ"} == {line["actor"] for line in lines}
        asked = [line for line in lines if line["code"] == "asked"]
        assert {line["data"]["method"] for line in asked} == {"PATCH"}

    walk(filled, "sqlite:///cloud.db", tmp_path / "cloud", steps)


@pytest.mark.t(18)
def test_a_home_that_is_away_refuses_commands_at_once_and_queues_nothing(
    filled: Bench, tmp_path: Path
) -> None:
    async def steps(town: Town, linked: Line) -> None:
        await linked.leave()
        url = f"{town.base}{V1}/circuits/circuit:1"
        answer = await town.client.patch(url, json={"room": "1階"})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "home_offline"
        assert answer.json()["error"]["last_seen"]
        known = (await town.client.get(f"{town.base}/.well-known/hidamari")).json()
        assert (known["linked"], known["kind"], known["via"]) == (False, "home", "cloud")
        assert (await town.client.get(f"{town.base}{V1}/plan")).status_code == 503
        await linked.connect()
        assert (await town.client.get(f"{town.base}{V1}/circuits")).status_code == 200
        assert filled.home.edits == []

    walk(filled, "sqlite:///cloud.db", tmp_path / "cloud", steps)


@pytest.mark.req("APP-20", "PWR-05")
def test_what_a_home_sent_is_read_while_it_is_away_in_the_bodies_of_its_own_api(
    filled: Bench, tmp_path: Path
) -> None:
    """What happened at an unknown time is told without one, before the next that has one."""
    document = filled.app.openapi()
    events = [
        EventRecord(FORMAT, unix(sent.NOW) * 1000, "log", "home", code, {}, is_dated=is_dated)
        for code, is_dated in (("lost", False), ("found", True))
    ]
    records = [Record(EVENTS, seq, 0, 1, pack(event)) for seq, event in enumerate(events, 1)]
    records += [sent.reported(1, "use_kw"), *sent.segments(4)]

    async def steps(town: Town, linked: Line) -> None:
        store, home = town.running.service.store, town.home.identity.home
        await store.write([Arrived(home, 7, record) for record in records])
        await linked.leave()
        bodies = {}
        for path in ("session", "series", "now", HISTORY, "events"):
            answer = await town.client.get(f"{town.base}{V1}/{path}")
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-hidamari-via"] == "cloud-store"
            assert int(answer.headers["age"]) > 0
            bodies[path] = answer.json()
            promised = document["paths"][f"{V1}/{path.partition('?')[0]}"]["get"]["responses"]
            schema = promised["200"]["content"]["application/json"]["schema"]
            assert faults(answer.json(), schema, document) == [], path
        told = [(one["code"], one["at"]) for one in bodies["events"]["events"]]
        assert told == [("found", "2026-04-10T03:00:00Z"), ("lost", None)]

    walk(filled, "sqlite:///cloud.db", tmp_path / "cloud", steps)


@pytest.mark.req("APP-20")
def test_live_values_come_from_home_and_say_when_it_is_away_and_back(
    filled: Bench, tmp_path: Path
) -> None:
    async def steps(town: Town, linked: Line) -> None:
        async with connect(socket_url(town), additional_headers=cookies(town.client)) as socket:
            first = json.loads(await asyncio.wait_for(socket.recv(), 20))
            assert (first["type"], first["now"]["pv_kw"]) == ("now", 3.2)
            await linked.leave()
            while (message := json.loads(await asyncio.wait_for(socket.recv(), 20)))[
                "type"
            ] == "now":
                pass
            assert message["type"] == "away"
            assert message["last_seen"]
            await linked.connect()
            again = json.loads(await asyncio.wait_for(socket.recv(), 20))
            assert again["type"] == "now"

    walk(filled, "sqlite:///cloud.db", tmp_path / "cloud", steps)


async def drained(socket: ClientConnection) -> None:
    """Read until the end."""
    while True:
        await socket.recv()


REVOKED_WITHIN_S = 5.0  # reliability T17


@pytest.mark.t(17)
def test_who_was_removed_or_signed_out_loses_the_open_stream_within_five_seconds(
    filled: Bench, tmp_path: Path
) -> None:
    async def steps(town: Town, _: Line) -> None:
        guest = await town.running.person("taro@example.jp")
        code = (await town.home.link_code()).code
        assert (await guest.claim(town.home, code, "たろう")).status_code == 201
        path = f"{town.base}/members"
        members = (await town.person.get(path)).json()
        (taro,) = (one["id"] for one in members if one["nickname"] == "たろう")
        async with AsyncExitStack() as open_screens:
            theirs, mine = [
                await open_screens.enter_async_context(
                    connect(socket_url(town), additional_headers=cookies(who.browser))
                )
                for who in (guest, town.person)
            ]
            for socket in (theirs, mine):
                await asyncio.wait_for(socket.recv(), 20)
            assert (await town.person.delete(f"{path}/{taro}")).status_code == 204
            await cut_off(theirs)
            assert (await guest.browser.get(f"{town.base}{V1}/now")).status_code == 404
            assert mine.close_code is None  # the others go on
            assert (await town.person.delete("/session")).status_code == 204
            await cut_off(mine)

    walk(filled, "sqlite:///cloud.db", tmp_path / "cloud", steps)


async def cut_off(socket: ClientConnection) -> None:
    """The service ends this stream in time, and says why."""
    async with asyncio.timeout(REVOKED_WITHIN_S):
        with pytest.raises(ConnectionClosed):
            await drained(socket)
    assert socket.close_code == 4401
