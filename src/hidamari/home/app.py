"""The running home: joins wire, house, history and those who look at it."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from hidamari.core.clock import Clock
from hidamari.core.config import Settings
from hidamari.core.errors import HidamariError, InputError, StoreError, StoreFull
from hidamari.core.pace import Pace
from hidamari.core.reading import Event
from hidamari.core.settings_store import dump_settings, patch_settings, read_rows, rows_for
from hidamari.echonet.client import Client
from hidamari.home import showing
from hidamari.home.clock import HomeClock, Kernel
from hidamari.home.compare import Difference
from hidamari.home.counting import Limits, Stop
from hidamari.home.finding import Finder
from hidamari.home.house import House
from hidamari.home.inventory import Inventory
from hidamari.home.live import LiveDevice
from hidamari.home.notices import Cause, Notices
from hidamari.home.record import Recorder
from hidamari.home.sources import Quantity
from hidamari.home.supervise import Failure
from hidamari.home.timekeeper import Past
from hidamari.home.view import (
    Change,
    CloudView,
    DeviceInfo,
    Edit,
    Listener,
    Search,
    Snapshot,
    SourceChoice,
)
from hidamari.store.db import Store
from hidamari.store.journal import JsonValue

logger = logging.getLogger(__name__)

CLOCK = "clock"  # where the store keeps what time was believed in which run of the kernel
TOLD_EVERY_S, TOLD_AT_ONCE = 1.0, 3  # screens: once a second on the whole
PART_FAILS = "part_fails"
EVENTS_WAITING = 500  # on a full disk events wait in memory
WORTH_A_NOTICE = 3  # failures of a part within the calm time (reliability F22)
CHANGE_KW = 0.3  # a circuit's change that is worth a line on the screen
_SPOKE = {True: "does not answer", False: "answers again"}


@dataclass(frozen=True, slots=True)
class Means:
    """What a home is made of; tests and the demo give their own."""

    folder: Path
    store: Store
    client: Client
    clock: Clock
    probe: tuple[str, ...] = ()
    is_demo: bool = False
    kernel: Kernel | None = None  # None: that of the machine whose clock this is


class Home:
    """The controller of one home; implements `HomeView` for the API."""

    def __init__(self, means: Means) -> None:
        self.store = means.store
        self.folder = means.folder
        self.is_demo = means.is_demo
        self.client = means.client
        self.last_stored = means.store.last_minute()
        kernel = means.kernel or Kernel.of(means.clock)
        self.clock = HomeClock(means.clock, kernel, self._past(kernel))
        self._settings, problems = read_rows(means.store.settings())
        self._waiting_events: deque[Event] = deque(maxlen=EVENTS_WAITING)
        self._listeners: list[Listener] = []
        self._changed: Change | None = None
        self._circuit_kw: dict[str, float] = {}
        self._channels_s: dict[str, float] = {}
        self._pace = Pace(TOLD_EVERY_S, TOLD_AT_ONCE)
        self._tell_later: asyncio.TimerHandle | None = None
        self.first_stored = asyncio.Event()
        self.cloud: CloudView | None = None
        self.on_event: Callable[[], None] | None = None
        self.told_time: tuple[float, float] | None = None  # somebody's unix time, our count then
        self.started_s = means.clock.monotonic_s()
        self.differences: dict[Quantity, Difference] = {}
        self.notices = Notices(means.store, self.note)
        self.house = House()
        self.inventory = Inventory(means.store, means.folder)
        self.recorder = Recorder(self.house, means.store, Limits.of(self._settings.meters))
        self.finder = Finder(self, means.client, means.probe)
        self.recorder.is_dated = self.clock.is_known
        if self.clock.is_known:
            self.date_what_waits()
            self.resume()
        self.finder.remember()
        for problem in problems:
            self.note("error", "settings_section_fell_back", {"path": problem.path})

    def _past(self, kernel: Kernel) -> Past:
        """What the store knows of the time before this start."""
        last, raw = self.last_stored, self.store.get_kv(CLOCK)
        last_s = None if last is None else last.timestamp()
        if raw is None:
            return Past(last_s)
        told = json.loads(raw)
        same = told["boot"] == kernel.boot
        return Past(last_s, same, told["offset_s"] if same else None)

    def date_what_waits(self) -> None:
        """The time is known: what was noted without it in this run of the kernel gets it, also
        by an earlier start; any thread.
        """
        try:
            count = self.store.redate(self.clock.boot, self.clock.keeper.offset_s)
            logger.debug("%d minutes have got their time", count)
        except StoreError as error:
            logger.error("what was measured without a time waits: %s", error)

    def keep_clock(self) -> None:
        """Note what time is believed in this run of the kernel; any thread."""
        offset_s = self.clock.keeper.offset_s if self.clock.is_known else None
        told: dict[str, float | None] = {"boot": self.clock.boot, "offset_s": offset_s}
        self.store.put_kv(CLOCK, json.dumps(told).encode())

    def resume(self, again: datetime | None = None) -> None:
        """Go on counting where the store ends; `again`: from when on there are minutes again."""
        last = self.last_stored
        self.recorder.resume(Stop(last, again) if last else None, self.clock.now())

    # -- settings ------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    def put_settings(self, patch: JsonValue) -> Settings:
        """Check, store and use settings changed by a JSON merge patch; all or nothing."""
        new = patch_settings(self._settings, patch)
        self._use_settings(new)
        return new

    def _use_settings(self, new: Settings) -> None:
        rows = rows_for(new, self._settings)
        if rows:
            self.store.put_settings(rows, self.clock.now())
        self._settings = new
        self.recorder.counting.limits = Limits.of(new.meters)
        self.finder.name_circuits()
        self.finder.keep_pace()
        self.choose_sources()
        self.tell()

    def settings_tree(self) -> dict[str, JsonValue]:
        """All settings as JSON."""
        return dump_settings(self._settings)

    # -- devices -------------------------------------------------------------------------------

    def choose_sources(self) -> None:
        """Decide again which source of each quantity is true."""
        wanted = {
            quantity.removesuffix("_kw"): source.rsplit(".", 1)[0]
            for quantity, source in self._settings.sources.items()
        }
        hidden = {device for device, own in self._settings.devices.items() if own.hidden}
        roles = {meter.device: meter.role for meter in self._settings.meters if meter.device}
        self.house.choose_sources(wanted, hidden, roles)

    def took(self, live: LiveDevice, at: datetime) -> None:
        """A device has answered: record it, and let those who look know."""
        self.finder.learn_circuits(live)
        self.recorder.took(live, at, self.clock.monotonic_s())
        self._note_changes(live, at)
        self.tell()

    def went(self, live: LiveDevice, silent: bool) -> None:
        """A device stopped or began to answer; people are told when it lasts (see `health`)."""
        logger.info("%s at %s %s", live.binding.kind, live.binding.host, _SPOKE[silent])

    def met_stranger(self, live: LiveDevice) -> None:
        """Another device answers at the address of this one: find out who is where."""
        logger.info("%s: another device answers at %s", live.binding.kind, live.binding.host)
        self.finder.search()

    def doubted(self, host: str) -> None:
        """Somebody else sends in the name of this host."""
        live = next((x for x in self.house.devices.values() if x.binding.host == host), None)
        device = live.binding.id if live else "home"
        self.notices.begin("notice", Cause("device_imitated", device, data={"host": host}))

    def _note_changes(self, live: LiveDevice, at: datetime) -> None:
        now_s = self.clock.monotonic_s()
        if self._channels_s.get(live.binding.id) == live.channels_s:
            return
        self._channels_s[live.binding.id] = live.channels_s
        for circuit in self.house.wired():
            if circuit.board != live.binding.id:
                continue
            now_kw = self.house.circuit_now(circuit, now_s).power_kw
            before_kw = self._circuit_kw.get(circuit.id)
            if now_kw is None:
                continue
            power_kw = max(0.0, now_kw)  # what the sun or a car gives is not something switched on
            self._circuit_kw[circuit.id] = power_kw
            if before_kw is not None and abs(power_kw - before_kw) >= CHANGE_KW:
                self._changed = Change(circuit.id, round(power_kw - before_kw, 3), at)

    def part_failed(self, failure: Failure) -> None:
        """A supervised part has failed and will be started again."""
        if failure.count >= WORTH_A_NOTICE:
            data = {"part": failure.part, "error": failure.error, "count": failure.count}
            self.notices.begin("error", Cause(PART_FAILS, what=failure.part, data=data))

    # -- what screens see ----------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The newest values."""
        now_s = self.clock.monotonic_s()
        return showing.snapshot(self.house, self._settings, self.clock.now(), now_s, self._changed)

    def devices(self, lang: str) -> list[DeviceInfo]:
        """All devices, hidden ones too, without their properties."""
        now_s = self.clock.monotonic_s()
        return [
            showing.device_info(live, self._settings, lang, now_s)
            for live in self.house.devices.values()
        ]

    def device(self, device: str, lang: str) -> DeviceInfo:
        """One device with its properties; those nobody asks by themselves come a moment later."""
        live = self._must(device)
        self.finder.look(live)
        at, now_s = self.clock.now(), self.clock.monotonic_s()
        info = showing.device_info(live, self._settings, lang, now_s)
        return replace(info, properties=showing.properties(live, lang, at, now_s))

    def sources(self, lang: str) -> list[SourceChoice]:
        """Which source is true for each quantity."""
        at, now_s = self.clock.now(), self.clock.monotonic_s()
        found = showing.source_choices(self.house, self._settings, lang, at, now_s)
        return [self._with_difference(choice) for choice in found]

    def _with_difference(self, choice: SourceChoice) -> SourceChoice:
        """How far its sources were apart yesterday, where that was too far."""
        differing = next((d for q, d in self.differences.items() if q == choice.quantity), None)
        if differing is None:
            return choice
        kwh, pct = round(differing.kwh, 2), round(differing.pct, 1)
        return replace(choice, differs_kwh=kwh, differs_pct=pct)

    def edit_device(self, device: str, edit: Edit) -> None:
        """Change name, room or hidden."""
        self._must(device)
        self._edit("devices", device, edit)

    def edit_circuit(self, circuit: str, edit: Edit) -> None:
        """Change name, room or device of a circuit."""
        if circuit not in self.house.circuits:
            raise InputError(f"the id of a circuit expected, got {circuit!r}")
        if edit.device:
            self._must(edit.device)
        self._edit("circuits", circuit, edit)

    def _edit(self, section: str, key: str, edit: Edit) -> None:
        given: dict[str, JsonValue] = {n: v for n, v in asdict(edit).items() if v is not None}
        if edit.device == "":
            given["device"] = None
        self.put_settings({section: {key: given}})

    def replace_device(self, device: str, by: str) -> None:
        """Let the old id, name and history answer through the device found as `by`."""
        binding = self.inventory.registry.replace_by(device, by)
        self.inventory.touch()
        self.finder.rebind(by, binding)
        self.note("log", "device_replaced", {"host": binding.host}, device)
        self.choose_sources()
        own = self._settings.devices.get(device)
        if own is not None and own.hidden:  # nobody misses what has been hidden
            self._edit("devices", device, Edit(hidden=False))
        for circuit in [c.id for c in self.house.circuits.values() if c.device == by]:
            self._edit("circuits", circuit, Edit(device=device))

    def choose_source(self, quantity: str, option: str) -> None:
        """Make another source the true one."""
        offered = next((c.offered for q, c in self.house.choices.items() if q == quantity), ())
        source = next((s for s in offered if s.device == option), None)
        if source is None:
            known = ", ".join(s.device for s in offered) or "none"
            raise InputError(f"{quantity}: one of {known} expected, got {option!r}")
        key = "energy" if quantity == "energy" else f"{quantity}_kw"
        self.put_settings({"sources": {key: f"{option}.{source.power}"}})

    def search(self, *, start: bool = False) -> Search:
        """How the search for devices stands, after starting one when asked to."""
        if start:
            self.finder.search()
        return Search(self.finder.is_searching, len(self.house.devices))

    def _must(self, device: str) -> LiveDevice:
        live = self.house.devices.get(device)
        if live is None:
            raise InputError(f"the id of a device expected, got {device!r}")
        return live

    # -- events and listeners ------------------------------------------------------------------

    def note(self, kind: str, code: str, data: Mapping[str, object], device: str = "home") -> None:
        """Record something that a person may ask about."""
        self.record(Event(self.clock.stamp(), kind, device, code, dict(data)))

    def record(self, event: Event) -> None:
        """Store an event and tell the listeners; where there is no room it waits in memory."""
        seq = 0
        try:
            seq = self.store.add_event(event)
        except StoreFull:
            self._waiting_events.append(event)
        except HidamariError as error:
            logger.warning("event %s was not stored: %s", event.code, error)
        for listener in tuple(self._listeners):
            listener(replace(event, seq=seq))
        if self.on_event is not None:
            self.on_event()

    def store_waiting_events(self) -> None:
        """There may be room again."""
        while self._waiting_events:
            event = self._waiting_events[0]
            try:
                self.store.add_event(replace(event, at=self.clock.dated(event.at)))
            except StoreFull:
                return
            except HidamariError as error:
                logger.warning("an event was not stored: %s", error)
            self._waiting_events.popleft()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` in the loop with each new snapshot or event; returns how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self) -> None:
        """Tell the listeners of new values, not too often; the last change always."""
        if not self._listeners or self._tell_later is not None:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._pace.wait_s(loop.time())
        if wait_s > 0:
            self._tell_later = loop.call_later(wait_s, self._tell_now)
        else:
            self._tell_now()

    def _tell_now(self) -> None:
        self._tell_later = None
        self._pace.went(asyncio.get_running_loop().time())
        if self._listeners:
            found = self.snapshot()
            for listener in tuple(self._listeners):
                listener(found)

    def diagnostics(self) -> dict[str, JsonValue]:
        """Counters and states for somebody who looks for a fault; no secrets."""
        told = asdict(self.client.counters)
        counters: dict[str, JsonValue] = {k: v for k, v in told.items() if isinstance(v, int)}
        counters["wrong_lengths"] = sum(live.wrong_lengths for live in self.house.devices.values())
        keeper = self.clock.keeper
        time: dict[str, JsonValue] = {
            "state": str(keeper.trust),
            "machine_off_s": round(keeper.off_s, 1),
        }
        return {
            "uptime_s": round(self.clock.monotonic_s() - self.started_s),
            "time": time,
            "network": counters,
            "devices": len(self.house.devices),
            "silent": sum(live.silent for live in self.house.devices.values()),
            "open_half_hours": len(self.recorder.open),
        }
