"""Asks every device for what it is due, and turns answers and silence into readings once."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from hidamari.core.clock import Clock
from hidamari.core.errors import DeviceSilent
from hidamari.core.reading import Kind
from hidamari.devices.board import energy_factor
from hidamari.devices.channels import ListRead
from hidamari.devices.unknown import Unknown
from hidamari.echonet.exchange import ALONE_BYTES
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import Answer
from hidamari.home.live import LiveDevice
from hidamari.home.schedule import CONFIRM, Ask, Schedule, list_read

logger = logging.getLogger(__name__)

IDLE_S = 1.0  # how long to wait when nothing at all is due on a node
CONFIRM_S = 120  # how often a charger is asked to look for the car
# How often a device says who it is: addresses change hands, and then another one answers.
WHO_S = 60
UNKNOWN_S = 600  # how often a device of an unknown class is asked for what only its class has
LOOK_AGAIN_S = 60.0  # what is read because somebody looks is not read again sooner
MAPS = frozenset({0x9D, 0x9E, 0x9F})


class Wire(Protocol):
    """What polling needs of the ECHONET Lite client."""

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        """Read properties; DeviceSilent when no answer came."""
        ...

    async def set(self, host: str, eoj: Eoj, values: Mapping[int, bytes]) -> Answer:
        """Write properties and wait for the answer."""
        ...


class Hearer(Protocol):
    """Who is told what came of asking."""

    def took(self, live: LiveDevice, at: datetime) -> None:
        """A device has answered."""
        ...

    def went(self, live: LiveDevice, silent: bool) -> None:
        """A device stopped or began to answer."""
        ...

    def met_stranger(self, live: LiveDevice) -> None:
        """Another device answers at the address of this one; it is not asked any more."""
        ...


class NodePoller:
    """All that is asked of one node, one request at a time."""

    def __init__(
        self, host: str, wire: Wire, clock: Clock, hearer: Hearer, least_s: float = 0.0
    ) -> None:
        self.host = host
        self.devices: dict[Eoj, LiveDevice] = {}
        self.schedule = Schedule(least_s)
        self._wire = wire
        self._clock = clock
        self._hearer = hearer
        self._nap: asyncio.Future[None] | None = None
        self._requests = 0

    def add(self, live: LiveDevice) -> None:
        """Poll a device at the pace its kind asks for, within what it can tell."""
        eoj = live.binding.object
        if self.devices.get(eoj) is not live:
            self.schedule.forget(eoj)  # another unit: nothing of it is known yet
        self.devices[eoj] = live
        pace_s: dict[int, int | None] = {
            prop.epc: prop.use.every_s
            for prop in live.device.props.values()
            if prop.use.every_s is not None and prop.epc in live.readable and prop.gettable
        }
        pace_s |= self._unpaced(live)
        who = live.who
        if who is not None:
            pace_s[who] = WHO_S
        for one in self.lists(live):
            for epc in one.replaces:
                pace_s.pop(epc, None)
            pace_s[list_read(one.list_epc)] = one.every_s
        confirm = live.device.confirm
        if confirm is not None and confirm.epc in live.writable:
            pace_s[CONFIRM] = CONFIRM_S
        self.schedule.want(eoj, pace_s, self._clock.monotonic_s())
        self._wake()

    def remove(self, eoj: Eoj) -> None:
        """Stop asking an object that moved away."""
        self.devices.pop(eoj, None)
        self.schedule.forget(eoj)

    def hint(self, eoj: Eoj, epcs: tuple[int, ...]) -> None:
        """An announcement came: ask the device itself at once."""
        self.schedule.hint(eoj, epcs, self._clock.monotonic_s())
        self._wake()

    def look(self, eoj: Eoj) -> None:
        """Somebody looks at a device: read what is not asked by itself."""
        live, now_s = self.devices.get(eoj), self._clock.monotonic_s()
        if live is not None and now_s - live.looked_s >= LOOK_AGAIN_S:
            live.looked_s = now_s
            self.hint(eoj, tuple(self._unpaced(live)))

    @staticmethod
    def _unpaced(live: LiveDevice) -> dict[int, int | None]:
        """What it can tell beside what has a pace, with how often it is asked: None = on hints.

        Long data are left out: such a list answers for a day or a range that is written first.
        """
        found: dict[int, int | None] = {}
        for epc in sorted(live.readable - MAPS):
            prop = live.device.props.get(epc)
            if prop is None:
                found[epc] = UNKNOWN_S if isinstance(live.device, Unknown) else None
                continue
            is_long = max(prop.sizes or (0,)) > ALONE_BYTES
            if prop.use.every_s is None and prop.gettable and not is_long:
                found[epc] = None
        return found

    def ask_counters(self) -> None:
        """Ask every counter at once."""
        for eoj, live in self.devices.items():
            epcs = [p.epc for p in live.device.props.values() if p.use.record is Kind.COUNTER]
            epcs += [list_read(x.list_epc) for x in self.lists(live) if "energy_kwh" in x.names]
            self.schedule.ask_at_once(eoj, epcs, self._clock.monotonic_s())
        self._wake()

    @staticmethod
    def lists(live: LiveDevice) -> tuple[ListRead, ...]:
        """The channel lists that this device has."""
        return tuple(one for one in live.device.lists if one.list_epc in live.readable)

    async def run(self) -> None:
        """Ask what is due, for ever."""
        while True:
            if not await self.round():
                await self._rest()

    async def round(self) -> bool:
        """Ask everything that is due; whether there was anything."""
        began_s = self._clock.monotonic_s()
        self._requests = 0
        asks = self.schedule.due(began_s)
        for ask in asks:
            live = self.devices.get(ask.eoj)
            if live is not None:  # it may have moved away while others were asked
                await self._ask(live, ask)
            if self.schedule.silent:
                break
        self.schedule.went_round(self._clock.monotonic_s() - began_s, self._requests)
        return bool(asks)

    async def _rest(self) -> None:
        due_s = self.schedule.next_due_s()
        wait_s = IDLE_S if due_s is None else due_s - self._clock.monotonic_s()
        self._nap = asyncio.ensure_future(self._clock.sleep(max(0.01, wait_s)))
        try:
            await asyncio.wait((self._nap,))
        finally:
            self._nap.cancel()
            self._nap = None

    def _wake(self) -> None:
        if self._nap is not None:
            self._nap.cancel()

    async def _ask(self, live: LiveDevice, ask: Ask) -> None:
        began_s, before = self._clock.monotonic_s(), self._requests
        try:
            confirm = live.device.confirm
            if CONFIRM in ask.epcs and confirm is not None:
                await self._set(ask.eoj, {confirm.epc: confirm.edt})
            if not await self._read(live, tuple(epc for epc in ask.epcs if epc > 0)):
                return
            for one in self.lists(live):
                if list_read(one.list_epc) in ask.epcs:
                    await self._read_list(live, one)
        except DeviceSilent:
            if not self._is_here(live):
                return
            node_is_silent = self.schedule.went_silent(ask.eoj, self._clock.monotonic_s())
            for one_live in self.devices.values() if node_is_silent else (live,):
                self._contact(one_live, silent=True)
            return
        now_s = self._clock.monotonic_s()
        self.schedule.answered(ask, now_s - began_s, now_s, max(1, self._requests - before))
        live.factor, live.least_s = self.schedule.factor, self.schedule.least_s
        self._contact(live, silent=False)
        self._hearer.took(live, self._clock.now())

    async def _read(self, live: LiveDevice, epcs: tuple[int, ...]) -> bool:
        """Read properties into the device; False when somebody else answered."""
        if not epcs:
            return True
        eoj = live.binding.object
        answer = await self._get(eoj, epcs)
        if not self._is_here(live):
            return False
        now_s = self._clock.monotonic_s()
        changed = live.changed(answer.values)
        who = live.who
        if who is not None and who in changed:
            del live.device.raw[who]
            self.remove(eoj)
            self._contact(live, silent=True)
            self._hearer.met_stranger(live)
            return False
        live.took(answer.values, answer.refused, now_s)
        again = [epc for cause, epc in live.device.read_after.items() if cause in changed]
        self.schedule.hint(eoj, again, now_s)
        channels = live.device.channel_values()
        if channels:
            live.took_channels(channels, now_s)
        return True

    async def _read_list(self, live: LiveDevice, one: ListRead) -> None:
        """Write each range and read its list; a range that is refused is left out this time."""
        eoj, factor = live.binding.object, energy_factor(live.device)
        for edt in one.requests(live.device):
            done = await self._set(eoj, {one.range_epc: edt})
            if one.range_epc in done.refused:
                continue
            answer = await self._get(eoj, (one.list_epc,))
            found = one.read(answer.values.get(one.list_epc, b""), factor)
            live.took_channels(found, self._clock.monotonic_s())

    async def _get(self, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        self._requests += 1
        return await self._wire.get(self.host, eoj, epcs)

    async def _set(self, eoj: Eoj, values: Mapping[int, bytes]) -> Answer:
        self._requests += 1
        return await self._wire.set(self.host, eoj, values)

    def _is_here(self, live: LiveDevice) -> bool:
        """False for a device that was found at another address while it was asked here."""
        return any(one is live for one in self.devices.values())

    def _contact(self, live: LiveDevice, *, silent: bool) -> None:
        if not silent:
            live.last_contact = self._clock.now()
            live.contact_s = self._clock.monotonic_s()
        if live.silent != silent:
            live.silent = silent
            self._hearer.went(live, silent)
