"""A home for the API's tests: hand-made values over a real store, no devices behind it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hidamari.core.clock import VirtualClock
from hidamari.core.config import Settings
from hidamari.core.errors import InputError
from hidamari.core.reading import Event, Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.settings_store import patch_settings
from hidamari.home.house import House
from hidamari.home.view import (
    AssetNow,
    CardLine,
    Change,
    CircuitNow,
    CloudView,
    DeviceInfo,
    Edit,
    Listener,
    Live,
    PropertyLine,
    Search,
    Snapshot,
    SourceChoice,
    SourceOption,
)
from hidamari.store.db import Store
from hidamari.store.journal import JsonValue

# Friday 2026-05-15, 12:10 in Tokyo.
NOW = datetime(2026, 5, 15, 3, 10, tzinfo=UTC)
FIRST = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)  # local midnight of 1 April
POWERS = ("pv_kw", "gen_kw", "grid_kw", "battery_kw", "ev_kw", "heater_kw", "load_kw", "use_kw")
ONE_WAY = ("import_kw", "export_kw", "charge_kw", "discharge_kw", "ev_discharge_kw")
HOME_SERIES = [
    *(Series("home", name, "kW", 0.001, Kind.POWER) for name in (*POWERS, *ONE_WAY)),
    Series("home", "soc_pct", "%", 0.1, Kind.LEVEL),
]
CIRCUITS = [Series(f"circuit:{n}", "power_kw", "kW", 0.001, Kind.POWER) for n in (1, 2, 3)]
TREE: JsonValue = {
    "home": {"name": "陽だまりの家", "postal_code": "100-0001"},
    "meters": [
        {
            "role": "main",
            "contracts": [
                {
                    "plan": "tepco_juryo_b",
                    "contract_a": 50,
                    "reading_day": 10,
                    "sell": [{"start": "2020-01-01", "sell_yen_kwh": 8.5}],
                }
            ],
        }
    ],
}


def day_values(hour: float) -> dict[str, float]:
    """kWh of one half-hour by local hour: night import 0.3, midday sun 1.2 with 0.5 sold."""
    sunny = 9.0 <= hour < 15.0
    return {
        "pv_kw": 1.2 if sunny else 0.0,
        "gen_kw": 0.0,
        "import_kw": 0.0 if sunny else 0.3,
        "export_kw": 0.5 if sunny else 0.0,
        "grid_kw": -0.5 if sunny else 0.3,
        "charge_kw": 0.2 if sunny else 0.0,
        "discharge_kw": 0.0,
        "ev_discharge_kw": 0.0,
        "battery_kw": 0.2 if sunny else 0.0,
        "ev_kw": 0.0,
        "heater_kw": 0.0,
        "load_kw": 0.5 if sunny else 0.3,
        "use_kw": 0.5 if sunny else 0.3,
    }


def fill(store: Store, until: datetime = NOW) -> None:
    """Six weeks of half-hours up to the running one, every day alike, with one gap."""
    store.add_series([*HOME_SERIES, *CIRCUITS])
    rows = []
    at = FIRST
    while at + timedelta(minutes=30) <= until:
        local = (at.hour + 9) % 24 + at.minute / 60
        values = {
            SeriesKey("home", name): SlotValue(kwh, Quality.COUNTER)
            for name, kwh in day_values(local).items()
        }
        values |= {s.key: SlotValue(0.1, Quality.POWER) for s in CIRCUITS}
        if not datetime(2026, 4, 20, 3, tzinfo=UTC) <= at < datetime(2026, 4, 20, 5, tzinfo=UTC):
            rows.append((at, values))
        at += timedelta(minutes=30)
    store.write_history(rows, Settings().zone)


class PaperHome:
    """A `HomeView` whose values are written down by the test."""

    def __init__(self, folder: Path, clock: VirtualClock | None = None) -> None:
        self.cloud: CloudView | None = None
        self.folder = folder
        self.clock = clock or VirtualClock(NOW)
        self.store = Store.open(folder / "data", self.clock.now(), ballast_bytes=0)
        self.is_demo = False
        self.house = House()
        self.settings = patch_settings(Settings(), TREE)
        self.events: list[Event] = []
        self.listeners: list[Listener] = []
        self.edits: list[tuple[str, object]] = []
        self.current = snapshot(self.clock.now())

    def put_settings(self, patch: JsonValue) -> Settings:
        self.settings = patch_settings(self.settings, patch)
        return self.settings

    def snapshot(self) -> Snapshot:
        return self.current

    def devices(self, lang: str) -> list[DeviceInfo]:
        return [replace(one, properties=()) for one in _devices(self.clock.now(), lang)]

    def device(self, device: str, lang: str) -> DeviceInfo:
        found = [one for one in _devices(self.clock.now(), lang) if one.id == device]
        if not found:
            raise InputError(f"the id of a device expected, got {device!r}")
        return found[0]

    def edit_device(self, device: str, edit: Edit) -> None:
        self.device(device, "ja")
        self.edits.append((device, edit))

    def replace_device(self, device: str, by: str) -> None:
        self.edits.append((device, by))

    def edit_circuit(self, circuit: str, edit: Edit) -> None:
        self.edits.append((circuit, edit))

    def sources(self, lang: str) -> list[SourceChoice]:
        options = (SourceOption("meter1", "Meter", 1.2, "kW", self.clock.now()),)
        return [SourceChoice("grid", "Power now", "meter1", options, 0.6, 7.0)]

    def choose_source(self, quantity: str, option: str) -> None:
        if option != "meter1":
            raise InputError(f"{quantity}: one of meter1 expected, got {option!r}")
        self.edits.append((quantity, option))

    def search(self, *, start: bool = False) -> Search:
        return Search(start, 2)

    def record(self, event: Event) -> None:
        stored = replace(event, seq=self.store.add_event(event))
        self.events.append(stored)
        self.tell(stored)

    def note(self, kind: str, code: str, data: Mapping[str, object], device: str = "home") -> None:
        self.record(Event(self.clock.now(), kind, device, code, dict(data)))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def tell(self, news: Snapshot | Event) -> None:
        """What the running home does when something new is there."""
        if isinstance(news, Snapshot):
            self.current = news
        for listener in list(self.listeners):
            listener(news)

    def diagnostics(self) -> dict[str, JsonValue]:
        return {"uptime_s": 5}


def snapshot(at: datetime, **changes: float | None) -> Snapshot:
    """A sunny moment: 3.2 kW of sun, 0.9 used, 1.3 into the battery, 1.0 sold."""
    powers: dict[str, float | None] = {
        "pv_kw": 3.2,
        "gen_kw": 0.0,
        "grid_kw": -1.0,
        "battery_kw": 1.3,
        "ev_kw": 0.0,
        "heater_kw": 0.0,
        "load_kw": 0.9,
        "use_kw": 0.9,
        "soc_pct": 61.5,
    }
    powers |= changes
    seen = at - timedelta(seconds=4)
    return Snapshot(
        at=at,
        values={k: Live(v, None if v is None else seen) for k, v in powers.items()},
        has=frozenset({"pv", "battery", "board", "meter"}),
        other_kw=0.1,
        assets=(AssetNow("bat1", "battery", "蓄電池", 1.3, 61.5, "charging", seen),),
        circuits=(
            CircuitNow("circuit:1", "キッチン", "台所", "", 0.5, seen),
            CircuitNow("circuit:2", "寝室", "2階", "", None, None),
        ),
        hidden_circuits=(CircuitNow("circuit:3", "物置", "", "", None, None, hidden=True),),
        changed=Change("circuit:1", 0.4, seen),
        meter_name="スマートメーター",
        meter_route="b",
        counter_import_kwh=12345.6,
    )


def _devices(now: datetime, lang: str) -> list[DeviceInfo]:
    words = {"ja": ("蓄電池", "残量"), "en": ("Battery", "Charge")}[lang]
    return [
        DeviceInfo(
            id="bat1",
            kind="battery",
            kind_title=words[0],
            class_title=words[0],
            eoj="027d01",
            host="192.0.2.7",
            name=words[0],
            room="",
            maker="0000ff",
            product="B-1",
            state="ok",
            last_contact=now - timedelta(seconds=4),
            power_kw=1.3,
            card=(CardLine("soc_pct", words[1], 61.5, "%", "61.5 %"),),
            properties=(
                PropertyLine(
                    0xE4, "soc_pct", words[1], 61.5, "%", "61.5 %", b"\x3d", False, True, now
                ),
            ),
        ),
    ]
