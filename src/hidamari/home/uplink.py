"""The home's side of the server service: found by its owner, linked, connected, unlinked.

The home never needs it: whatever happens here, measuring and control go on. All waiting is in
real seconds, since the service counts them too.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random, SystemRandom
from typing import Protocol

from hidamari.core.errors import HidamariError, InputError, StoreError
from hidamari.home.app import Home
from hidamari.home.device_key import save_identity
from hidamari.home.notices import Cause
from hidamari.home.upload import Upload
from hidamari.home.view import LinkState, Standing
from hidamari.link.client import Client, Means
from hidamari.link.dial import Closed, Dial, LineLost, finds_no_internet
from hidamari.link.enrol import LinkCode, Member, Refused, Status
from hidamari.link.identity import Identity
from hidamari.link.messages import BUS, Bye, LiveFrame
from hidamari.link.pace import Ended, Pace
from hidamari.link.relay import Relay
from hidamari.link.terms import Terms

logger = logging.getLogger(__name__)

LEAVING = "up:leaving"  # the owner unlinked while the service could not be told
UPLOAD_S = 30.0
AWAY_S = 900.0  # as long as a segment: between two looks while nobody takes what is made
SKEW_S = 30.0
ASK_OPEN_S = (3.0, 7.0)  # while a code is open the owner waits for the next screen
ASK_S = (300.0, 900.0)
FRESH_S = 60.0  # a status is told again for so long
FRESH_WITH_CODE_S = 5.0  # while somebody may be typing it


class Desk(Protocol):
    """The endpoints of the service for a home without a link; see `link.enrol.Enrolment`."""

    @property
    def offset_s(self) -> float:
        """The service's unix time minus the loop's count, as last told."""
        ...

    async def register(self, version: str) -> tuple[Identity, bool]:
        """Make the home known; who we are, and whether an owner has us."""
        ...

    async def link_code(self) -> LinkCode:
        """A new link code."""
        ...

    async def status(self) -> Status:
        """Whether an owner has us, and who may enter."""
        ...

    async def unlink(self) -> None:
        """End the bond."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How the service is reached, and what is told of this home."""

    url: str
    server_name: str
    version: str
    revision: int
    desk: Desk
    dial: Dial
    lan_url: str = ""
    die: Random = field(default_factory=SystemRandom)  # spreads the homes that come back


class Uplink:
    """One home and one service."""

    def __init__(self, home: Home, identity: Identity, way: Way, relay: Relay) -> None:
        self._home = home
        self._way = way
        self._relay = relay
        self._identity = identity
        self._upload = Upload(home.store, lambda: home.settings.zone, home.clock.boot)
        self._pace = Pace(way.die)
        self._client: Client | None = None
        self._is_linked = self._upload.is_linked
        self._is_registered = False
        self._is_up = False
        self._code: LinkCode | None = None
        self._members: tuple[Member, ...] = ()
        self._asked_s = -1e9
        self._last_contact: datetime | None = None
        self._trouble: str | None = None
        self._has_internet: bool | None = None
        self._changed = asyncio.Event()  # the owner wants something: no waiting now
        self._news = asyncio.Event()  # there is something to make records of
        self._refreshing: asyncio.Task[None] | None = None
        home.on_event = self._noted
        home.cloud = self

    # -- what screens see and owners do --------------------------------------------------------

    def standing(self) -> Standing:
        """How the link stands."""
        left_s = self._code_left_s()
        code = self._code if left_s is not None else None
        state: LinkState = "code" if code is not None else "unlinked"
        if self._is_linked:
            state = "linked" if self._is_up else "away"
        fresh_s = FRESH_S if code is None else FRESH_WITH_CODE_S
        if self._is_linked and _now_s() - self._asked_s > fresh_s and self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh(), name="members")
        return Standing(
            state=state,
            url=self._way.url,
            device_code=self._identity.code,
            code=None if code is None else code.code,
            code_until=None if code is None else code.expires_at,
            code_left_s=left_s,
            last_contact=self._last_contact,
            members=self._members,
            trouble=self._trouble,
        )

    def internet(self) -> bool | None:
        """Whether the internet is reached, as the last try told; None where it told nothing."""
        return self._has_internet

    def waiting(self) -> int:
        """How many records and days the service does not have; any thread."""
        return self._upload.waiting() if self._is_linked else 0

    async def issue_code(self) -> None:
        """Ask for a link code, also for another person of a linked home; LinkError, OSError."""
        if not self._is_linked:
            await self._register()
        self._code = await self._way.desk.link_code()
        self._trouble = None
        self._changed.set()

    async def unlink(self) -> None:
        """End the link at once; the service is told as soon as it can be reached."""
        if not self._is_linked:
            raise InputError("a linked home expected")
        await asyncio.to_thread(self._home.store.put_kv, LEAVING, b"1")
        await self._lost_owner()
        self._changed.set()

    # -- parts of the home ---------------------------------------------------------------------

    async def run(self) -> None:
        """Wait for an owner, hold the link, for ever."""
        while True:
            self._changed.clear()
            if self._is_linked:
                pause_s = await self._hold()
            else:
                pause_s = await self._ask_for_owner()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()

    async def upload(self) -> None:
        """Make records of what is new, for ever."""
        while True:
            self._news.clear()
            if self._is_linked and self._home.clock.is_known:
                await self._derive()
            with suppress(TimeoutError):
                async with asyncio.timeout(UPLOAD_S if self._is_up else AWAY_S):
                    await self._news.wait()

    async def _derive(self) -> None:
        try:
            if await asyncio.to_thread(self._upload.derive, self._home.clock.now()):
                self._has_news()
        except StoreError as error:  # the marks stay where they are
            logger.debug("records wait: %s", error)

    # -- the connection's view of the home (link.client.Home) ----------------------------------

    def live(self) -> LiveFrame | None:
        """The house bus now, in watts."""
        home = self._home
        if not home.clock.is_known:
            return None
        found = home.snapshot()
        values = {name: live.value for name, live in found.values.items()}
        watts = [None if (kw := values.get(name)) is None else round(kw * 1000) for name in BUS]
        return LiveFrame(round(found.at.timestamp() * 1000), watts, values.get("soc_pct"))

    def caps(self) -> dict[str, str | int | bool]:
        """What the service is told of this home."""
        way, home = self._way, self._home
        return {
            "revision": way.revision,
            "lan_url": way.lan_url,
            "name": home.settings.home.name,
            "demo": home.is_demo,
        }

    def time_told(self, offset_s: float) -> None:
        """The service's clock: makes an unknown time known, and shows how far ours is off."""
        home = self._home
        server_s = _now_s() + offset_s
        if home.is_demo:
            return  # its clock may run as it likes
        if not home.clock.is_known:
            home.told_time = (server_s, home.clock.monotonic_s())
            return
        skew_s = home.clock.now().timestamp() - server_s
        cause = Cause("cloud_clock_skew", data={"skew_s": round(skew_s)})
        if abs(skew_s) > SKEW_S:
            home.notices.begin("notice", cause)
        else:
            home.notices.end(cause, "cloud_clock_agrees")

    def welcomed(self, terms: Terms) -> None:
        """The service took us in, and asks this of us."""
        self._is_up, self._trouble, self._has_internet = True, None, True
        self._pace.welcomed()
        self._pace.spread_s = terms.spread_s
        self._upload.segment_s = terms.segment_s
        self._news.set()

    def heard(self) -> None:
        """The service said something."""
        self._last_contact = self._home.clock.now()

    def refused(self, stream: int, seq: int, code: str) -> None:
        """A record will never be taken: one notice for each reason."""
        data = {"stream": stream, "seq": seq, "reason": code}
        self._home.notices.begin("notice", Cause("cloud_record_refused", what=code, data=data))

    def settled(self) -> None:
        """There is room in the outbox again."""
        self._news.set()

    # -- how it goes on ------------------------------------------------------------------------

    async def _hold(self) -> float:
        """One connection, or the try for one; how long to wait after it."""
        self._pace.began(_now_s())
        client = self._client = self._client or Client(self._means())
        talking = asyncio.create_task(client.connect(), name="link")
        wanting = asyncio.create_task(self._changed.wait(), name="link wanted otherwise")
        try:
            await asyncio.wait({talking, wanting}, return_when=asyncio.FIRST_COMPLETED)
            if not talking.done():
                return 0.0
            return await self._after(talking)
        finally:
            self._is_up = False
            for task in (talking, wanting):
                task.cancel()
            await asyncio.wait({talking, wanting})
            if not talking.cancelled():
                talking.exception()  # where the owner was faster, it is of no interest

    async def _after(self, talked: asyncio.Task[Bye | None]) -> float:
        """What a connection's end means, and how long to wait now."""
        try:
            bye = talked.result()
        except LineLost as error:
            return self._failed(Ended.OWN_LINE, error)
        except (Closed, HidamariError, TimeoutError) as error:
            return self._failed(Ended.THEIRS, error)
        if bye is None:  # a new epoch has begun
            await asyncio.to_thread(self._upload.renew)
            return self._pace.wait_s(Ended.OWN_LINE, _now_s())
        logger.info("the service said goodbye: %s", bye.reason[:40])
        self._trouble = bye.reason[:40]
        if bye.reason in {"unlinked", "unknown_home"}:
            await self._ask_whether_linked()
        return self._pace.wait_s(Ended.THEIRS, _now_s(), float(bye.retry_after_s))

    def _failed(self, ended: Ended, error: Exception) -> float:
        logger.info("no link to the service: %s", error)
        self._has_internet = False if finds_no_internet(error) else None
        self._trouble = "own_line" if ended is Ended.OWN_LINE else "unreachable"
        return self._pace.wait_s(ended, _now_s())

    async def _ask_whether_linked(self) -> None:
        """The service says that nobody has us any more: its signed word on it counts."""
        try:
            status = await self._way.desk.status()
        except (HidamariError, OSError, TimeoutError) as error:
            logger.info("the service does not tell whether we are linked: %s", error)
            if not (isinstance(error, Refused) and error.status == 404):
                return
            self._is_registered = False  # it does not know us at all
            await self._lost_owner()
            return
        self._learn(status)
        if not status.bound:
            await self._lost_owner()

    async def _ask_for_owner(self) -> float:
        """Whether somebody has linked us by now; how long to wait before the next question."""
        try:
            await self._register()
            status = await self._way.desk.status()
        except (HidamariError, OSError, TimeoutError) as error:
            logger.info("the service was not reached: %s", error)
            self._has_internet = False if finds_no_internet(error) else None
            self._is_registered = False
            self._trouble = "unreachable"
            return self._pace.wait_s(Ended.THEIRS, _now_s())
        self._pace.welcomed()
        self._trouble, self._has_internet = None, True
        self._learn(status)
        if status.bound:
            await self._found_owner()
            return 0.0
        if status.code is None:
            self._code = None  # used up, or void after wrong tries
        low_s, high_s = ASK_OPEN_S if self._code_left_s() is not None else ASK_S
        return low_s + self._way.die.random() * (high_s - low_s)

    async def _register(self) -> None:
        """Be known to the service, without what a former owner left."""
        desk = self._way.desk
        if not self._is_registered:
            identity, _ = await desk.register(self._way.version)
            if identity.code != self._identity.code:
                await asyncio.to_thread(save_identity, self._home.folder, identity)
                self._identity, self._client = identity, None
            self._is_registered = True
        if await asyncio.to_thread(self._home.store.get_kv, LEAVING) is not None:
            await desk.unlink()
            await asyncio.to_thread(self._home.store.outbox.put, [], {LEAVING: None})

    async def _found_owner(self) -> None:
        home = self._home
        await asyncio.to_thread(self._upload.link, home.clock.now())
        self._is_linked, self._code = True, None
        home.note("log", "cloud_linked", {})
        self._news.set()

    async def _lost_owner(self) -> None:
        await asyncio.to_thread(self._upload.unlink)
        self._is_linked, self._members, self._client = False, (), None
        self._home.note("log", "cloud_unlinked", {})

    async def _refresh(self) -> None:
        self._asked_s = _now_s()
        try:
            self._learn(await self._way.desk.status())
        except (HidamariError, OSError, TimeoutError) as error:
            logger.debug("the members were not told: %s", error)
        self._refreshing = None

    def _learn(self, status: Status) -> None:
        self._asked_s = _now_s()
        if self._is_linked and status.code is None:
            self._code = None  # used, or void
        self._members = tuple(status.members)
        self.heard()

    def _code_left_s(self) -> float | None:
        """How long the open code may be used; None where there is none."""
        if self._code is None:
            return None
        server_s = _now_s() + self._way.desk.offset_s
        left_s = self._code.expires_at.timestamp() - server_s
        return left_s if left_s > 0.0 else None

    def _noted(self) -> None:
        """An event was stored; while nobody takes it, it is in no hurry."""
        if self._is_up:
            self._news.set()

    def _has_news(self) -> None:
        if self._client is not None:
            self._client.has_news()

    def _means(self) -> Means:
        way = self._way
        outbox = self._home.store.outbox
        return Means(
            self._identity, way.server_name, way.version, way.dial, outbox, self, self._relay
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
