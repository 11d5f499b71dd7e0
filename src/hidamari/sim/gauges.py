"""Meters, air conditioners and sensors of the simulated house on the wire."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from hidamari.devices.air_conditioner import AirConditioner, AirMode, Special
from hidamari.devices.board import Board
from hidamari.devices.channels import ListRead
from hidamari.devices.forms import Pair, Span, WireTime
from hidamari.devices.humidity_sensor import HumiditySensor
from hidamari.devices.smart_meter import MAX_DAYS_BACK, SmartMeter
from hidamari.devices.temperature_sensor import TemperatureSensor
from hidamari.sim.circuits import CIRCUITS, TWO_WAY
from hidamari.sim.house import HouseState
from hidamari.sim.meter import wire_time
from hidamari.sim.replay import SLOT_TICKS, TICK_S, ZONE_S
from hidamari.sim.rooms import AirState
from hidamari.sim.weather import humidity_pct
from hidamari.sim.wire import LiveObject

VOLTS = 101.0
BREAKER_A = 60
BOARD_UNIT_CODE, BOARD_UNIT_KWH = 0x02, 0.01

Rows = Callable[[HouseState], list[tuple[float | None, ...]]]


def _phases_a(power_kw: float) -> Pair:
    """A single-phase three-wire house, its load a little uneven over R and T."""
    amps = power_kw * 1000.0 / (2.0 * VOLTS)
    return Pair(amps * 1.06, amps * 0.94)


def smart_meter(obj: LiveObject) -> None:
    """The grid company's meter: counters, half-hours of the last 99 days."""
    world = obj.world
    day_back = 0
    wanted: Span | None = None

    def shown(s: HouseState) -> Pair:
        return world.form.shown(s.counters)

    def set_day(edt: bytes) -> bool:
        nonlocal day_back
        if len(edt) != 1 or edt[0] > MAX_DAYS_BACK:
            return False
        day_back = edt[0]
        return True

    def set_span(edt: bytes) -> bool:
        nonlocal wanted
        found = SmartMeter.span_wanted.decode(edt, obj.device)
        wanted = found or wanted
        return found is not None

    obj.fixed(0xE1, bytes((world.form.unit_code,)))
    obj.fixed(0xD3, (1).to_bytes(4, "big"))
    obj.fixed(0xD7, bytes((world.form.digits,)))
    obj.give(SmartMeter.power_w, lambda s: 1000.0 * s.flows.grid_kw)
    obj.give(SmartMeter.current_a, lambda s: _phases_a(s.flows.grid_kw))
    obj.give(SmartMeter.import_kwh, lambda s: shown(s).first)
    obj.give(SmartMeter.export_kwh, lambda s: shown(s).second)
    obj.give(SmartMeter.import_at_half, lambda _: world.half_hours.last(world.slot, export=False))
    obj.give(SmartMeter.export_at_half, lambda _: world.half_hours.last(world.slot, export=True))
    obj.give(
        SmartMeter.import_history,
        lambda _: world.half_hours.day(day_back, world.slot, export=False),
    )
    obj.give(
        SmartMeter.export_history,
        lambda _: world.half_hours.day(day_back, world.slot, export=True),
    )
    obj.given(0xE5, lambda: bytes((day_back,)))
    obj.taken(0xE5, set_day)
    obj.given(0xED, lambda: _span_edt(obj, wanted))
    obj.taken(0xED, set_span)
    obj.give(
        SmartMeter.span_values,
        lambda _: None if wanted is None else world.half_hours.span(wanted, world.slot),
    )
    obj.announce(0xEA, 0xEB)


def _span_edt(obj: LiveObject, wanted: Span | None) -> bytes:
    encode = SmartMeter.span_wanted.encode_edt
    if wanted is None or encode is None:
        return b"\xff" * 6 + b"\x01"
    return encode(wanted, obj.device)


def local_min(s: HouseState) -> int:
    """Minutes after local midnight."""
    return (s.tick * TICK_S + ZONE_S) // 60 % 1440


def local_date(s: HouseState) -> WireTime:
    """The local date."""
    return wire_time(s.tick // SLOT_TICKS)


def board(obj: LiveObject) -> None:
    """The distribution board: main breaker, twenty circuits, three two-way channels."""
    lists = {one.list_epc: one for one in Board.lists}
    rows: dict[int, Rows] = {
        0xB7: lambda s: [(1000.0 * kw,) for kw in s.circuits_kw],
        0xB3: lambda s: [(kwh,) for kwh in s.counters.circuits_kwh],
        0xBE: lambda s: [
            (-1000.0 * s.flows.pv_kw,),
            (1000.0 * s.flows.battery_kw,),
            (1000.0 * s.flows.ev_kw,),
        ],
        0xBA: lambda s: [
            (0.0, s.counters.pv_kwh),
            (s.battery.charged_kwh, s.battery.discharged_kwh),
            (s.car.charged_kwh, s.car.discharged_kwh),
        ],
    }
    obj.fixed(0xC2, bytes((BOARD_UNIT_CODE,)))
    obj.fixed(0xB0, bytes((BREAKER_A,)))
    obj.fixed(0xB1, bytes((len(CIRCUITS),)))
    obj.fixed(0xB8, bytes((len(TWO_WAY),)))
    obj.give(Board.power_w, lambda s: 1000.0 * s.flows.grid_kw)
    obj.give(Board.import_kwh, lambda s: s.counters.import_kwh)
    obj.give(Board.export_kwh, lambda s: s.counters.export_kwh)
    obj.give(Board.current_a, lambda s: _phases_a(s.flows.grid_kw))
    obj.give(Board.voltage_v, lambda _: Pair(VOLTS, VOLTS))
    for epc, one in lists.items():
        obj.stored(one.range_epc, bytes((1, 1)), valid=_is_range)
        obj.given(epc, partial(_list_edt, obj, one, rows[epc]))


def _list_edt(obj: LiveObject, one: ListRead, rows: Rows) -> bytes:
    return one.write(obj.device.raw[one.range_epc], rows(obj.world.state), BOARD_UNIT_KWH)


def _is_range(edt: bytes) -> bool:
    return len(edt) == 2 and 1 <= edt[0] <= 252 and 1 <= edt[1] <= 60


def air_conditioner(obj: LiveObject, which: str) -> None:
    """An air conditioner of the living room or the bedroom."""

    def air(s: HouseState) -> AirState:
        return s.living if which == "living" else s.bedroom

    def put(s: HouseState, new: AirState) -> HouseState:
        return replace(s, living=new) if which == "living" else replace(s, bedroom=new)

    obj.give(AirConditioner.on, lambda s: air(s).on)
    obj.take(AirConditioner.on, lambda s, on: put(s, replace(air(s), on=on, by_hand=True)))
    obj.give(AirConditioner.mode, lambda s: air(s).mode)
    obj.take(
        AirConditioner.mode,
        lambda s, m: put(s, replace(air(s), mode=AirMode(m), by_hand=True)),
        set(AirMode) - {AirMode.OTHER},
    )
    obj.give(AirConditioner.set_c, lambda s: air(s).set_c)
    obj.take(
        AirConditioner.set_c,
        lambda s, c: put(s, replace(air(s), set_c=c, by_hand=True)),
        range(16, 33),
    )
    obj.give(AirConditioner.flow, lambda s: air(s).flow)
    obj.take(AirConditioner.flow, lambda s, flow: put(s, replace(air(s), flow=flow)))
    obj.give(AirConditioner.saving, lambda s: air(s).saving)
    obj.take(AirConditioner.saving, lambda s, yes: put(s, replace(air(s), saving=yes)))
    obj.give(AirConditioner.own_power_w, lambda s: 1000.0 * air(s).power_kw)
    obj.give(AirConditioner.own_energy_kwh, lambda s: air(s).used_kwh)
    obj.give(AirConditioner.room_c, lambda s: air(s).room.room_c)
    obj.give(AirConditioner.outdoor_c, lambda s: air(s).room.outdoor_c)
    obj.give(AirConditioner.humidity_pct, lambda s: humidity_pct(s.seed, s.tick // SLOT_TICKS))
    obj.give(AirConditioner.special, lambda _: Special.NORMAL)
    obj.announce(0x8F, 0xA0, 0xB0)


def temperature(obj: LiveObject) -> None:
    """The sensor in the living room."""
    obj.give(TemperatureSensor.temperature_c, lambda s: s.living.room.room_c)


def humidity(obj: LiveObject) -> None:
    """The humidity in the living room: drier than outside where it is warmer."""
    obj.give(
        HumiditySensor.humidity_pct, lambda s: 0.8 * humidity_pct(s.seed, s.tick // SLOT_TICKS)
    )


def lamp(obj: LiveObject) -> None:
    """General lighting (class 0290): a class that the controller may have no kind for."""
    obj.stored(0x80, b"\x30", valid=lambda edt: edt in (b"\x30", b"\x31"))
    obj.stored(0xB0, b"\x64", valid=lambda edt: len(edt) == 1 and edt[0] <= 100)
    obj.stored(0xB6, b"\x42", valid=lambda edt: edt in (b"\x41", b"\x42", b"\x43"))
