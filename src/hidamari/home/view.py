"""What the API needs of the running home: values to show and the few things it may ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from hidamari.core.clock import Clock
from hidamari.core.config import Settings
from hidamari.core.reading import Event
from hidamari.link.enrol import Member
from hidamari.store.db import Store
from hidamari.store.journal import JsonValue

# Names of live values besides the eight of the house bus.
LEVELS = ("soc_pct", "ev_soc_pct", "tank_l")
PARTS = ("pv", "gen", "battery", "ev", "heater", "board", "meter")


@dataclass(frozen=True, slots=True)
class Live:
    """A live value and when it was measured; both None when it never was."""

    value: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AssetNow:
    """One battery, car, heater, array or generator at this moment."""

    device: str
    kind: str
    name: str
    power_kw: float | None
    soc_pct: float | None
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class CircuitNow:
    """One circuit of the board; `device` is what hangs on it ("" = nothing named)."""

    id: str
    name: str
    room: str
    device: str
    power_kw: float | None
    at: datetime | None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The last larger change of a circuit's power."""

    circuit: str
    delta_kw: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The house at one moment.

    `values` has the eight names of the house bus (grid = load + battery + ev + heater - pv - gen,
    use = load + heater + max(ev, 0), kW) and, where the home has them, those of LEVELS.
    """

    at: datetime
    values: Mapping[str, Live]
    has: frozenset[str] = frozenset()  # of PARTS
    tank_size_l: float | None = None
    ev_here: bool | None = None  # whether a car stands at a charger, where one says so
    other_kw: float | None = None
    assets: tuple[AssetNow, ...] = ()
    circuits: tuple[CircuitNow, ...] = ()
    hidden_circuits: tuple[CircuitNow, ...] = ()
    changed: Change | None = None
    counter_import_kwh: float | None = None
    counter_export_kwh: float | None = None
    meter_name: str = ""
    meter_route: str = "none"  # b: smart meter; board: main counter of the board; none


@dataclass(frozen=True, slots=True)
class CardLine:
    """One line of a device's card, in the reader's words."""

    name: str
    title: str
    value: float | str | bool | None
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class PropertyLine:
    """One property as read: what it means, what came, when."""

    epc: int
    name: str
    title: str
    value: float | str | bool | None
    unit: str
    text: str
    raw: bytes
    settable: bool
    announced: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device of the home; `properties` is filled only where one device is asked for."""

    id: str
    kind: str
    kind_title: str
    class_title: str
    eoj: str
    host: str
    name: str
    room: str | None = None
    maker: str = ""
    product: str = ""
    firmware: str = ""
    identity: str = ""
    weak_identity: bool = False
    hidden: bool = False
    state: str = "unknown"  # ok, silent, unknown
    last_contact: datetime | None = None
    power_kw: float | None = None
    card: tuple[CardLine, ...] = ()
    properties: tuple[PropertyLine, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceOption:
    """One way to measure a quantity."""

    id: str
    title: str
    value: float | None = None
    unit: str = "kW"
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """Which source of a quantity is true, and which could be; `differs_*`: two of them disagree."""

    quantity: str
    title: str
    used: str
    options: tuple[SourceOption, ...]
    differs_kwh: float | None = None
    differs_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """The search for devices: whether it runs and how many were found."""

    is_running: bool
    found: int


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person wants to change of a device or circuit; None leaves it as it is."""

    name: str | None = None
    room: str | None = None
    hidden: bool | None = None
    device: str | None = None  # of a circuit: what hangs on it, "" for nothing


Listener = Callable[[Snapshot | Event], None]


LinkState = Literal["unlinked", "code", "linked", "away"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the link to the server service stands; `code_left_s`: how long the code may be used."""

    state: LinkState
    url: str
    device_code: str
    code: str | None
    code_until: datetime | None
    code_left_s: float | None
    last_contact: datetime | None
    members: tuple[Member, ...]
    trouble: str | None


class CloudView(Protocol):
    """The way to the server service."""

    def standing(self) -> Standing:
        """How the link stands."""
        ...

    def internet(self) -> bool | None:
        """Whether the internet is reached, as the last try told; None where it told nothing."""
        ...

    def waiting(self) -> int:
        """How many records and days the service does not have; any thread."""
        ...

    async def issue_code(self) -> None:
        """Get a link code; raises InputError where linked, LinkError, OSError, TimeoutError."""
        ...

    async def unlink(self) -> None:
        """End the link at once; raises InputError where there is none."""
        ...


class HomeView(Protocol):
    """The running home. Everything here returns at once; nothing waits for the network.

    `lang` is ja or en. Ids that are not known raise InputError.
    """

    @property
    def store(self) -> Store:
        """History, events, settings; reads may run in threads."""
        ...

    @property
    def clock(self) -> Clock:
        """The home's time."""
        ...

    @property
    def cloud(self) -> CloudView | None:
        """The way to the server service; None where none was named."""
        ...

    @property
    def folder(self) -> Path:
        """Data folder; accounts and the key of the secure door lie in it."""
        ...

    @property
    def is_demo(self) -> bool:
        """Whether the house is simulated."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    def put_settings(self, patch: JsonValue) -> Settings:
        """Check, store and use a JSON merge patch of the settings; all or nothing.

        Raises SettingsError.
        """
        ...

    def snapshot(self) -> Snapshot:
        """The newest values."""
        ...

    def devices(self, lang: str) -> list[DeviceInfo]:
        """All devices, hidden ones too, without their properties."""
        ...

    def device(self, device: str, lang: str) -> DeviceInfo:
        """One device with its properties."""
        ...

    def edit_device(self, device: str, edit: Edit) -> None:
        """Change name, room or hidden."""
        ...

    def replace_device(self, device: str, by: str) -> None:
        """Let the old id, name and history answer through the device found as `by`."""
        ...

    def edit_circuit(self, circuit: str, edit: Edit) -> None:
        """Change name, room or device of a circuit."""
        ...

    def sources(self, lang: str) -> list[SourceChoice]:
        """Which source is true for each quantity."""
        ...

    def choose_source(self, quantity: str, option: str) -> None:
        """Make another source the true one."""
        ...

    def search(self, *, start: bool = False) -> Search:
        """How the search for devices stands, after starting one when asked to."""
        ...

    def note(self, kind: str, code: str, data: Mapping[str, object]) -> None:
        """Store an event of now and tell the listeners."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` in the loop with each new snapshot or event; returns how to stop."""
        ...

    def diagnostics(self) -> dict[str, JsonValue]:
        """Counters and states for somebody who looks for a fault; no secrets."""
        ...
