"""A home and the server service: linked, cut off for long, back, renewed; and without it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from tests.link.service import NAME, Exchange, PaperDesk, Service
from tests.whole.loop import run
from tests.whole.street import Street, a_street

from hidamari.home.device_key import own_identity
from hidamari.home.uplink import Uplink, Way
from hidamari.link.messages import DAYS, EVENTS, REPORTED, SEGMENTS, TOTALS
from hidamari.link.records import Day, unpack
from hidamari.link.relay import Relay
from hidamari.store.pack import DayBlob, digest


class Outside:
    """A street's home with a service in memory."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.identity = own_identity(street.folder)
        self.service = Service(
            self.identity.public_key, lambda: street.clock.true().timestamp(), bound=False
        )
        self.exchange = Exchange(self.service)
        self.desk = PaperDesk(self.service, self.identity)
        self.uplink: Uplink | None = None

    async def switch_on(self) -> Uplink:
        way = Way("https://cloud.test", NAME, "1", 1, self.desk, self.exchange.dial)

        async def nothing(scope: object, receive: object, send: object) -> None:
            raise NotImplementedError

        def parts(home):  # type: ignore[no-untyped-def]
            relay = Relay(nothing, lambda actor: {}, home.store.answers)
            self.uplink = Uplink(home, self.identity, way, relay)
            return {"link": self.uplink.run, "upload": self.uplink.upload}

        await self.street.switch_on(parts=parts)
        assert self.uplink is not None
        return self.uplink

    async def for_(self, **span: float) -> None:
        await self.street.until(self.street.clock.true() + timedelta(**span))


@asynccontextmanager
async def outside(*devices: str) -> AsyncIterator[Outside]:
    async with a_street(past=True) as street:
        if devices:
            street.keep_only(*devices)
        yield Outside(street)


@pytest.mark.req("SRV-01")
def test_nothing_leaves_an_unlinked_home_and_all_of_it_after() -> None:
    async def story() -> None:
        async with outside("smart_meter", "solar") as out:
            uplink = await out.switch_on()
            await out.for_(minutes=4)
            store = out.street.home.store
            assert store.outbox.last() == {}
            assert uplink.standing().state == "unlinked"
            await uplink.issue_code()
            assert uplink.standing().code == "123456"
            out.service.bound = True
            await out.for_(minutes=1)
            assert uplink.standing().state == "linked"
            await out.for_(minutes=30)
            for stream in (SEGMENTS, EVENTS, REPORTED, DAYS, TOTALS):
                assert out.service.of(stream), stream
            assert store.outbox.counts() == {}
            assert len(out.service.live) in range(29, 33)
            # The day ended on the way: what came is what lies in the store, byte for byte.
            newest = [unpack(one.payload, Day) for one in out.service.of(DAYS)][-1]
            assert digest(newest.blob) == newest.sha
            assert DayBlob.from_bytes(newest.blob).minutes.shape[0] == 1440

    run(story())
