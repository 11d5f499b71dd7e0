"""What screens see of the house: values, devices and sources in the reader's words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum

from hidamari.core.config import Settings
from hidamari.core.words import known
from hidamari.devices.forms import DayHistory, Pair, SpanHistory, Stamped, WireTime
from hidamari.devices.v2h import Plug
from hidamari.echonet.prop import Prop
from hidamari.home.house import House, total
from hidamari.home.live import LiveDevice, kilo
from hidamari.home.record import BUS, LEVELS
from hidamari.home.sources import Source
from hidamari.home.view import (
    AssetNow,
    CardLine,
    Change,
    CircuitNow,
    DeviceInfo,
    Live,
    PropertyLine,
    Snapshot,
    SourceChoice,
    SourceOption,
)

# Rooms as installation places name them (Appendix super class, EPC 81, bits 6 to 3).
ROOMS = {
    1: "living",
    2: "dining",
    3: "kitchen",
    4: "bathroom",
    5: "toilet",
    6: "washroom",
    7: "hall",
    8: "bedroom",
    9: "hall",
    10: "entrance",
    12: "outside",
    13: "garage",
    14: "outside",
}
LEVEL_KEPT_S = 300.0  # how full a storage is changes slowly


def device_name(live: LiveDevice, settings: Settings, lang: str) -> str:
    """What the owner calls a device, else what it is."""
    own = settings.devices.get(live.binding.id)
    return own.name if own and own.name else kind_title(live.binding.kind, lang)


def room_told(place: bytes) -> str | None:
    """The room that a device says it is in; the owner's word goes before."""
    if len(place) != 1 or place[0] & 0x80 or place[0] == 0:
        return None
    return ROOMS.get(place[0] >> 3)


def kind_title(kind: str, lang: str) -> str:
    """The name of a device kind."""
    return known(lang, f"device.{kind}") or kind.replace("_", " ")


def snapshot(
    house: House, settings: Settings, at: datetime, now_s: float, changed: Change | None
) -> Snapshot:
    """The house at this moment."""
    bus, ages = house.flow(now_s)
    values = {name: live(getattr(bus, name), ages.get(name), at) for name in BUS}
    for name, (storage, _, _) in LEVELS.items():
        level = house.level(storage, now_s, LEVEL_KEPT_S)
        if level is not None:
            values[name] = live(level.value, level.age_s, at)
    meter = _meter(house)
    every_circuit = circuits(house, settings, at, now_s)
    circuits_kw = house.circuits_kw(now_s)
    other_kw = None
    if bus.use_kw is not None and circuits_kw is not None:
        other_kw = round(max(0.0, bus.use_kw - circuits_kw), 3)
    return Snapshot(
        at=at,
        values=values,
        has=frozenset(_parts(house)),
        tank_size_l=total(d.device.as_number("tank_size_l") for d in _tanks(house)),
        ev_here=_car_here(house, now_s),
        other_kw=other_kw,
        assets=tuple(_asset(d, settings, at, now_s) for d in _assets(house)),
        circuits=tuple(one for one in every_circuit if not one.hidden),
        hidden_circuits=tuple(one for one in every_circuit if one.hidden),
        changed=changed,
        counter_import_kwh=meter.device.as_number(meter.device.counter_in) if meter else None,
        counter_export_kwh=meter.device.as_number(meter.device.counter_out) if meter else None,
        meter_name=device_name(meter, settings, settings.language) if meter else "",
        meter_route=_route(meter),
    )


def live(value: float | None, age_s: float | None, at: datetime) -> Live:
    """A value with the instant it was measured."""
    if value is None or age_s is None:
        return Live(value, None if age_s is None else at - timedelta(seconds=age_s))
    return Live(round(value, 3), at - timedelta(seconds=age_s))


def circuits(
    house: House, settings: Settings, at: datetime, now_s: float
) -> tuple[CircuitNow, ...]:
    """Every circuit of the boards that count, hidden ones marked."""
    found = []
    for one in house.wired():
        own = settings.circuits.get(one.id)
        is_hidden = own is not None and own.hidden
        now = house.circuit_now(one, now_s)
        value = live(now.power_kw, now.age_s, at)
        found.append(
            CircuitNow(one.id, one.name, one.room, one.device, value.value, value.at, is_hidden)
        )
    return tuple(found)


def device_info(one: LiveDevice, settings: Settings, lang: str, now_s: float) -> DeviceInfo:
    """One device as the device list shows it."""
    binding, device = one.binding, one.device
    own = settings.devices.get(binding.id)
    watts = one.number(device.power, now_s) if device.power else None
    raw_release = device.raw.get(0x82, b"")
    return DeviceInfo(
        id=binding.id,
        kind=binding.kind,
        kind_title=kind_title(binding.kind, lang),
        class_title=f"0x{device.eoj.class_code:04X}",
        eoj=binding.eoj,
        host=binding.host,
        name=device_name(one, settings, lang),
        room=own.room if own and own.room else room_told(device.raw.get(0x81, b"")),
        maker=binding.maker,
        product=binding.product,
        firmware=chr(raw_release[2]) if len(raw_release) == 4 and raw_release[2] else "",
        identity=binding.identity,
        weak_identity=binding.weak,
        hidden=bool(own and own.hidden),
        state="silent" if one.silent else "ok" if one.last_contact else "unknown",
        last_contact=one.last_contact,
        power_kw=None if watts is None else round(watts / 1000.0, 3),
        card=tuple(_card(one, name, lang) for name in device.card if _told(one, name)),
    )


def properties(one: LiveDevice, lang: str, at: datetime, now_s: float) -> tuple[PropertyLine, ...]:
    """Every property that the device has given, unknown ones as they came."""
    lines, values = [], one.device.values()
    for epc in sorted(one.device.raw):
        edt = one.device.raw[epc]
        prop = one.device.props.get(epc)
        value, unit, words = (None, "", edt.hex().upper())
        if prop is not None:
            value, unit, words = shown(prop, values[prop.name], lang)
        age_s = one.age_s(epc, now_s)
        lines.append(
            PropertyLine(
                epc=epc,
                name=prop.name if prop else "",
                title=_title(prop, lang) if prop else f"0x{epc:02X}",
                value=value,
                unit=unit,
                text=words,
                raw=edt,
                settable=epc in one.writable and bool(prop and prop.settable),
                announced=epc in one.announced,
                at=at - timedelta(seconds=age_s) if age_s < 1e8 else None,
            )
        )
    return tuple(lines)


def source_choices(
    house: House, settings: Settings, lang: str, at: datetime, now_s: float
) -> list[SourceChoice]:
    """Which source is true for each quantity, and which could be."""
    found = []
    for quantity, choice in house.choices.items():
        if not choice.offered:
            continue
        options = tuple(
            SourceOption(
                source.device,
                source_title(house, source, settings, lang),
                house.power_kw(source, now_s) if source.power else None,
                "kW",
                _ago(house.age_s(source, now_s) if source.power else None, at),
            )
            for source in choice.offered
        )
        used = choice.used[0].device if choice.used else ""
        title = (
            known(lang, f"source.{quantity}") or known(lang, f"source.{quantity}_kw") or quantity
        )
        found.append(SourceChoice(quantity, title, used, options))
    return found


def source_title(house: House, source: Source, settings: Settings, lang: str) -> str:
    """The name of a device or circuit as a source."""
    if source.is_circuit:
        return house.circuits[source.device].name
    return device_name(house.devices[source.device], settings, lang)


def shown(
    prop: Prop[object], value: object | None, lang: str
) -> tuple[float | str | bool | None, str, str]:
    """A typed value for a screen: value, unit, words."""
    factor = kilo(prop.name)[1]
    unit = "k" + prop.unit if factor != 1.0 else prop.unit
    if value is None:
        return None, unit, known(lang, "state.unknown") or ""
    if isinstance(value, bool):
        words = ("value.on", "value.off") if prop.name == "on" else ("app.yes", "app.no")
        return value, "", known(lang, words[0] if value else words[1]) or str(value)
    if isinstance(value, IntEnum):
        word = value.name.lower()
        return word, "", known(lang, f"value.{word}") or word.replace("_", " ")
    plain = _plain(value, factor)
    if isinstance(value, int | float):
        return round(float(value) * factor, 3), unit, f"{plain} {unit}".strip()
    return plain, unit, f"{plain} {unit}".strip()


def _plain(value: object, factor: float) -> str:
    """Numbers, times and what is made of them, as a person writes them."""
    match value:
        case None:
            return "–"
        case int() | float():
            return f"{round(value * factor, 3):.10g}"
        case bytes():
            return value.hex().upper()
        case WireTime(year, month, day, hour, minute):
            return f"{year}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}"
        case Pair(first, second):
            return " / ".join(_plain(n, factor) for n in (first, second))
        case Stamped(at, in_kwh, out_kwh):
            counters = in_kwh if out_kwh is None else Pair(in_kwh, out_kwh)
            return f"{_plain(counters, factor)} kWh ({_plain(at, factor)})"
        case DayHistory(_, kwh) | SpanHistory(_, kwh) | tuple(kwh):
            return ", ".join(_plain(one, factor) for one in kwh)
        case _:
            return str(value)


def _card(one: LiveDevice, name: str, lang: str) -> CardLine:
    prop = one.device.by_name[name]
    value, unit, words = shown(prop, one.device.value(name), lang)
    return CardLine(kilo(name)[0], _title(prop, lang), value, unit, words)


def _title(prop: Prop[object], lang: str) -> str:
    return known(lang, f"prop.{prop.name}") or prop.name.replace("_", " ")


def _told(one: LiveDevice, name: str) -> bool:
    prop = one.device.by_name.get(name)
    return prop is not None and prop.epc in one.device.raw


def _ago(age_s: float | None, at: datetime) -> datetime | None:
    return None if age_s is None else at - timedelta(seconds=age_s)


def _parts(house: House) -> list[str]:
    has = house.has()
    owned: Mapping[str, bool] = {
        "pv": has.pv,
        "gen": has.gen,
        "battery": has.battery,
        "ev": has.ev,
        "heater": has.heater or bool(_tanks(house)),
        "board": bool(house.wired()),
        "meter": bool(house.used("energy") or house.used("grid")),
    }
    return [name for name, is_there in owned.items() if is_there]


def _assets(house: House) -> list[LiveDevice]:
    return [d for d in house.present() if d.device.quantity not in ("", "grid_kw")]


def _tanks(house: House) -> list[LiveDevice]:
    return [d for d in house.present() if d.device.kind == "water_heater"]


def _asset(one: LiveDevice, settings: Settings, at: datetime, now_s: float) -> AssetNow:
    device = one.device
    watts = one.number(device.power, now_s) if device.power else None
    state = device.value(device.state) if device.state else None
    soc = one.number(device.level, now_s, LEVEL_KEPT_S) if device.level == "soc_pct" else None
    return AssetNow(
        one.binding.id,
        one.binding.kind,
        device_name(one, settings, settings.language),
        None if watts is None else round(watts / 1000.0, 3),
        soc,
        _state(state),
        _ago(one.name_age_s(device.power or device.state, now_s), at),
    )


def _state(value: object | None) -> str:
    """The word for what an asset does, "" where it does not say."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value.name.lower() if isinstance(value, IntEnum) else ""


def _car_here(house: House, now_s: float) -> bool | None:
    """Whether a car is connected, as the chargers tell it (EPC C7); None while one does not."""
    chargers = [one for one in house.present() if one.device.quantity == "ev_kw"]
    plugs = [one.number("plug", now_s, 300.0) for one in chargers]
    told = [plug for plug in plugs if plug not in (None, Plug.UNKNOWN, Plug.UNDEFINED)]
    if any(plug != Plug.NOT_CONNECTED for plug in told):
        return True
    return False if told and len(told) == len(plugs) else None


def _meter(house: House) -> LiveDevice | None:
    used = house.used("energy") or house.used("grid")
    return house.devices.get(used[0].device) if used else None


def _route(meter: LiveDevice | None) -> str:
    if meter is None:
        return "none"
    return "b" if meter.device.kind == "smart_meter" else "board"
