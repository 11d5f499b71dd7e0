"""Asks every device for what it is due, and turns answers and silence into readings once."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from hidamari.core.clock import Clock
from hidamari.core.errors import DeviceSilent
from hidamari.core.reading import Kind
from hidamari.devices.board import energy_factor
from hidamari.devices.channels import ListRead
from hidamari.echonet.frame import Eoj
from hidamari.echonet.request import Answer
from hidamari.home.live import LiveDevice
from hidamari.home.schedule import CONFIRM, Ask, Schedule, list_read

logger = logging.getLogger(__name__)

IDLE_S = 1.0  # how long to wait when nothing at all is due on a node
CONFIRM_S = 120  # how often a charger is asked to look for the car


class Wire(Protocol):
    """What polling needs of the ECHONET Lite client."""

    async def get(self, host: str, eoj: Eoj, epcs: tuple[int, ...]) -> Answer:
        """Read properties; DeviceSilent when no answer came."""
        ...

    async def set(self, host: str, eoj: Eoj, values: Mapping[int, bytes]) -> Answer:
        """Write properties and wait for the answer."""
        ...


class NodePoller:
    """All that is asked of one node, one request at a time."""

    def __init__(
        self,
        host: str,
        wire: Wire,
        clock: Clock,
        on_reading: Callable[[LiveDevice, datetime], None],
        on_state: Callable[[LiveDevice, bool], None],
    ) -> None:
        self.host = host
        self.devices: dict[Eoj, LiveDevice] = {}
        self.schedule = Schedule()
        self._wire = wire
        self._clock = clock
        self._on_reading = on_reading
        self._on_state = on_state
        self._woken = asyncio.Event()

    def add(self, live: LiveDevice) -> None:
        """Poll a device at the pace its kind asks for, within what it can tell."""
        eoj = live.binding.object
        self.devices[eoj] = live
        pace_s = {
            prop.epc: prop.use.every_s
            for prop in live.device.props.values()
            if prop.use.every_s is not None and prop.epc in live.readable and prop.gettable
        }
        for one in self.lists(live):
            for epc in one.replaces:
                pace_s.pop(epc, None)
            pace_s[list_read(one.list_epc)] = one.every_s
        confirm = live.device.confirm
        if confirm is not None and confirm.epc in live.writable:
            pace_s[CONFIRM] = CONFIRM_S
        self.schedule.want(eoj, pace_s, self._clock.monotonic_s())
        self._woken.set()

    def remove(self, eoj: Eoj) -> None:
        """Stop asking an object that moved away."""
        self.devices.pop(eoj, None)
        self.schedule.forget(eoj)

    def hint(self, eoj: Eoj, epcs: tuple[int, ...]) -> None:
        """An announcement came: ask the device itself at once."""
        self.schedule.hint(eoj, epcs, self._clock.monotonic_s())
        self._woken.set()

    def ask_counters(self) -> None:
        """Ask every counter at once."""
        for eoj, live in self.devices.items():
            epcs = [p.epc for p in live.device.props.values() if p.use.record is Kind.COUNTER]
            epcs += [list_read(x.list_epc) for x in self.lists(live) if "energy_kwh" in x.names]
            self.hint(eoj, tuple(epcs))

    @staticmethod
    def lists(live: LiveDevice) -> tuple[ListRead, ...]:
        """The channel lists that this device has."""
        return tuple(one for one in live.device.lists if one.list_epc in live.readable)

    async def run(self) -> None:
        """Ask what is due, for ever."""
        while True:
            asks = self.schedule.due(self._clock.monotonic_s())
            for ask in asks:
                if ask.eoj in self.devices:
                    await self._ask(self.devices[ask.eoj], ask)
                else:
                    self.schedule.forget(ask.eoj)
            if not asks:
                await self._rest()

    async def _rest(self) -> None:
        due_s = self.schedule.next_due_s()
        wait_s = IDLE_S if due_s is None else due_s - self._clock.monotonic_s()
        self._woken.clear()
        nap = asyncio.ensure_future(self._clock.sleep(max(0.01, wait_s)))
        call = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((nap, call), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            call.cancel()

    async def _ask(self, live: LiveDevice, ask: Ask) -> None:
        began_s = self._clock.monotonic_s()
        try:
            confirm = live.device.confirm
            if CONFIRM in ask.epcs and confirm is not None:
                await self._wire.set(self.host, ask.eoj, {confirm.epc: confirm.edt})
            epcs = tuple(epc for epc in ask.epcs if epc > 0)
            if epcs:
                answer = await self._wire.get(self.host, ask.eoj, epcs)
                live.took(answer.values, answer.refused, self._clock.monotonic_s())
                live.took_channels(live.device.channel_values(), self._clock.monotonic_s())
            for one in self.lists(live):
                if list_read(one.list_epc) in ask.epcs:
                    await self._read_list(live, one)
        except DeviceSilent:
            self.schedule.went_silent(self._clock.monotonic_s())
            self._contact(live, silent=True)
            return
        now_s = self._clock.monotonic_s()
        self.schedule.answered(ask, now_s - began_s, now_s)
        self._contact(live, silent=False)
        self._on_reading(live, self._clock.now())

    async def _read_list(self, live: LiveDevice, one: ListRead) -> None:
        """Write each range and read its list; a range that is refused is left out this time."""
        eoj, factor = live.binding.object, energy_factor(live.device)
        for edt in one.requests(live.device):
            done = await self._wire.set(self.host, eoj, {one.range_epc: edt})
            if one.range_epc in done.refused:
                continue
            answer = await self._wire.get(self.host, eoj, (one.list_epc,))
            found = one.read(answer.values.get(one.list_epc, b""), factor)
            live.took_channels(found, self._clock.monotonic_s())

    def _contact(self, live: LiveDevice, *, silent: bool) -> None:
        if not silent:
            live.last_contact = self._clock.now()
        if live.silent != silent:
            live.silent = silent
            self._on_state(live, silent)
