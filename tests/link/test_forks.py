"""Any story of a store that is copied and put back: nothing that was made is lost by it."""

import asyncio
import random
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cloud import sent
from tests.link.bare import World, no_answer, world_of
from tests.link.service import NAME, Exchange
from tests.whole.loop import LoopClock, run
from tests.whole.street import memory_folder

from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.home.device_key import own_identity
from hidamari.link.client import Client, Means
from hidamari.link.messages import EVENTS, LiveFrame
from hidamari.link.records import pack
from hidamari.link.relay import Relay
from hidamari.link.terms import Terms
from hidamari.store.db import Store
from hidamari.store.outbox import Draft

NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)


class Quiet:
    """A home that only has an outbox."""

    def live(self) -> LiveFrame | None:
        return None

    def caps(self) -> dict[str, str | int | bool]:
        return {}

    def time_told(self, offset_s: float) -> None: ...
    def welcomed(self, terms: Terms) -> None: ...
    def heard(self) -> None: ...
    def refused(self, stream: int, seq: int, code: str) -> None: ...
    def settled(self) -> None: ...


class Story:
    """One home: what it made, what its copy had, what the service has."""

    def __init__(self, world: World, folder: Path, seed: int) -> None:
        self.world, self.folder, self.copy = world, folder / "home", folder / "copy"
        self.die = random.Random(seed)
        self.exchange: Exchange = world.bare(self.folder).exchange
        self.id = own_identity(self.folder).home
        self.made: set[bytes] = set()  # by the store as it stands now
        self.at_copy: set[bytes] = set()
        self.number = 0
        self.was_put_back = False
        self.switch_on()

    def switch_on(self) -> None:
        self.store = Store.open(self.folder, NOON, ballast_bytes=0)
        identity = own_identity(self.folder)
        relay = Relay(no_answer, lambda actor: {}, self.store.answers)
        means = (identity, NAME, "1", self.exchange.dial, self.store.outbox, Quiet(), relay)
        self.client = Client(Means(*means))

    async def make(self) -> None:
        for _ in range(self.die.randrange(1, 5)):
            self.number += 1
            payload = sent.event(self.number, NOON).payload
            self.store.outbox.put([Draft(EVENTS, int(NOON.timestamp()), 1, payload)], {})
            self.made.add(payload)

    async def talk(self) -> None:
        """A connection that may break in the middle of everything."""
        await asyncio.sleep(11)  # a home may say hello every ten seconds
        talking = asyncio.create_task(self.client.connect())
        await asyncio.wait({talking}, timeout=self.die.choice((0.0, 0.03, 0.5, 2.0)))
        self.exchange.cut()
        with suppress(Exception):
            await talking

    async def restart(self) -> None:
        self.store.close()
        self.switch_on()

    async def keep_copy(self) -> None:
        self.store.close()
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.folder, self.copy)
        self.at_copy = set(self.made)
        self.switch_on()

    async def put_back(self) -> None:
        if self.copy.exists():
            self.store.close()
            shutil.rmtree(self.folder)
            shutil.copytree(self.copy, self.folder)
            self.made, self.was_put_back = set(self.at_copy), True
            self.switch_on()

    async def kept(self) -> list[bytes]:
        rows = await self.world.store.events(self.id, None, 10_000)
        return [pack(one) for one in rows]


async def lived(world: World, folder: Path, seed: int) -> None:
    one = Story(world, folder, seed)
    usual = (one.make, one.make, one.talk, one.restart)
    turns = [one.keep_copy, one.put_back] * one.die.randrange(3) or [one.restart]
    epoch, before = one.store.outbox.epoch(), set[bytes]()
    for turn in turns:
        for step in (*one.die.choices(usual, k=one.die.randrange(6)), turn):
            await step()
        kept = await one.kept()
        assert before <= set(kept), "what is stored stays"
        before = set(kept)
    one.die.seed(0)
    for _ in range(20):
        await one.talk()
        if not one.store.outbox.counts():
            break
    kept = await one.kept()
    assert one.made | before <= set(kept), f"seed {seed}"
    if not one.was_put_back:
        assert one.store.outbox.epoch() == epoch
        assert len(kept) == len(set(kept))
    one.store.close()


@pytest.mark.t(9)
@pytest.mark.req("SRV-08", "SRV-09")
def test_whenever_a_store_is_put_back_all_that_was_made_arrives(tmp_path: Path) -> None:
    async def story() -> None:
        clock = LoopClock(NOON)
        async with world_of(SqliteSegments(tmp_path / "cloud.db", clock), clock) as world:
            for seed in range(40):
                with memory_folder() as folder:
                    await lived(world, folder, seed)

    run(story())
