"""Furnishes the demo's home: names, contract, owner, and a year of history of the same house."""

from datetime import date, datetime
from pathlib import Path

import numpy as np

from hidamari.api.auth import Auth
from hidamari.core.clock import VirtualClock
from hidamari.core.config import Settings, parse_settings
from hidamari.core.reading import Kind, Quality, Series, SeriesKey
from hidamari.core.settings_store import rows_for
from hidamari.core.time import TOKYO, unix
from hidamari.devices import kind_of
from hidamari.echonet.identity import Facts, identify, identify_object
from hidamari.home.inventory import REGISTRY
from hidamari.home.live import channel_series, kilo, recorded
from hidamari.home.record import home_series
from hidamari.home.registry import Registry, Seen
from hidamari.sim.circuits import BEDROOM_AC, CIRCUITS, HEATER, LIVING_AC, names
from hidamari.sim.fleet import DEVICES, SimDevice, label
from hidamari.sim.keep import save
from hidamari.sim.past import KEYS, Key, Past, history
from hidamari.store.db import Store
from hidamari.store.journal import JsonValue

USER = "owner"
FURNISHED = "demo_furnished"
MINUTE_DAYS = 2
# Which simulated device hangs on which channel of the board.
WIRED = {
    "t1": "solar",
    "t2": "battery",
    "t3": "v2h",
    CIRCUITS[HEATER].channel: "water_heater",
    CIRCUITS[LIVING_AC].channel: "air_living",
    CIRCUITS[BEDROOM_AC].channel: "air_bedroom",
}
NAMES = {
    "air_living": "リビングのエアコン",
    "air_bedroom": "寝室のエアコン",
    "v2h": "電気自動車 (V2H)",
    "lamp": "リビングの照明",
}
PLAN = "chubu_smartlife"
CONTRACT_KVA = 10
READING_DAY = 12
# Fixed price of the years after the start of operation (residential PV under 10 kW, FY2024: 16).
SELL_YEN_KWH = 16.0


def furnish(folder: Path, seed: int, now: datetime, days: int, password: str) -> datetime:
    """Make the folder a home that has been lived in; what is there already stays.

    Returns the newest instant that its history knows, so that the clock can go on from there.
    """
    Auth(folder, VirtualClock(now)).ensure_user(USER, password)
    store = Store.open(folder, now)
    try:
        if store.get_kv(FURNISHED) is None:
            registry = Registry()
            ids = {device.key: _bind(registry, device, seed, now) for device in DEVICES}
            store.put_kv(REGISTRY, registry.to_json())
            _settle(store, ids, now)
            year = history(seed, now, days=days, minute_days=min(MINUTE_DAYS, days))
            _remember(store, ids, year.half_hours, year.minutes)
            save(year.world, folder / "house.json")
            store.put_kv(FURNISHED, b"1")
        return max(now, store.last_minute() or now)
    finally:
        store.close()


def _bind(registry: Registry, device: SimDevice, seed: int, now: datetime) -> str:
    """The id of a simulated device, bound by the identity that it will tell on the wire."""
    told = label(seed, device.node).properties()
    node = identify(Facts("", number=told[0x83]))
    identity = identify_object(node, device.eoj)
    kind = kind_of(device.eoj.class_code).kind
    seen = Seen(kind, identity.text, identity.weak, "", str(device.eoj), product=device.product)
    return registry.bind(seen, unix(now))[0].id


def _settle(store: Store, ids: dict[str, str], now: datetime) -> None:
    """Names, rooms and the contract, as an owner would have typed them."""
    circuits: dict[str, JsonValue] = {
        f"circuit:{channel}": {
            "name": name,
            "room": room,
            "device": ids.get(WIRED.get(channel, "")),
        }
        for channel, (name, room) in names("ja").items()
    }
    first = date(now.year - 2, 4, 1).isoformat()
    contract: JsonValue = {
        "plan": PLAN,
        "contract_kva": CONTRACT_KVA,
        "reading_day": READING_DAY,
        "sell": [{"start": first, "sell_yen_kwh": SELL_YEN_KWH}],
    }
    devices: dict[str, JsonValue] = {ids[key]: {"name": name} for key, name in NAMES.items()}
    tree: JsonValue = {
        "devices": devices,
        "home": {"name": "陽だまりの家", "pv_since": first, "people": 4},
        "meters": [{"role": "main", "contracts": [contract]}],
        "circuits": circuits,
        "target": {"month_kwh": 450.0},
        "plan": {"steering": True, "car": {"ready_h": 7.5, "need_pct": 60.0}},
    }
    rows = rows_for(parse_settings(tree), Settings())
    store.put_settings(rows, now)


def _remember(store: Store, ids: dict[str, str], half_hours: Past, minutes: Past) -> None:
    """Write the past: minutes first, so that the days are sealed with them."""
    known = _series(ids)
    store.add_series(known.values())
    columns = [i for i, key in enumerate(KEYS) if key in known]
    keys = [known[KEYS[i]].key for i in columns]
    fine = minutes.values[:, columns]
    store.write_minutes(minutes.start, keys, fine)
    powers = np.array([known[KEYS[i]].kind is Kind.POWER for i in columns])
    energies = np.where(powers, half_hours.values[:, columns] * 0.5, half_hours.values[:, columns])
    quality = np.full(energies.shape, Quality.COUNTER, np.uint8)
    store.write_slot_block(half_hours.start, keys, (energies, quality), TOKYO)


def _series(ids: dict[str, str]) -> dict[Key, Series]:
    """The home's own series for each column of the past that the controller records too."""
    recording: dict[SeriesKey, Series] = {series.key: series for series in home_series()}
    for device in DEVICES:
        kind = kind_of(device.eoj.class_code)
        for _, series, _ in recorded(ids[device.key], kind):
            recording[series.key] = series
    for channel in names("ja"):
        for series in channel_series(f"circuit:{channel}"):
            recording[series.key] = series
    found: dict[Key, Series] = {}
    for key in KEYS:
        mine = SeriesKey(ids.get(key.device, key.device), kilo(key.name)[0])
        if mine in recording:
            found[key] = recording[mine]
    return found
