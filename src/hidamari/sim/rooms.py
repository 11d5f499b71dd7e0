"""The rooms with an air conditioner: how warm they are, and what the machine draws for it."""

from dataclasses import dataclass, replace

from hidamari.devices.air_conditioner import AirMode, RoomModel, compressor_kw

ON_KW = 0.05  # a circuit that draws more than this is a running machine
HEAT_BELOW_C = 18.0  # outside: warmer is cooling weather
MOST_HEAT_KW = 6.0
DAWN_H = 4.0  # what was set by hand holds until then
PULL_H = 0.5  # the machine reaches its target in about this time


@dataclass(frozen=True, slots=True)
class AirState:
    """A room and its machine. Unless somebody commanded it (`by_hand`), it runs as measured."""

    room: RoomModel
    on: bool = False
    mode: AirMode = AirMode.COOLING
    set_c: float = 26.0
    flow: int = 0
    saving: bool = False
    by_hand: bool = False
    power_kw: float = 0.0
    used_kwh: float = 0.0


def step_air(
    state: AirState, measured_kw: float, outdoor_c: float, hours: float, hour: float
) -> AirState:
    """The room after a step that begins at local `hour`; `power_kw` is what the machine drew."""
    room = replace(state.room, outdoor_c=outdoor_c)
    by_hand = state.by_hand and not hour < DAWN_H <= hour + hours
    on, mode, set_c = state.on, state.mode, state.set_c
    if not by_hand:
        on = measured_kw > ON_KW
        heating = outdoor_c < HEAT_BELOW_C
        mode = AirMode.HEATING if heating else AirMode.COOLING
        set_c = 22.0 if heating else 26.0
    heat_kw = _heat_kw(room, mode, set_c, hours) if on else 0.0
    drawn_kw = compressor_kw(heat_kw, room.room_c, outdoor_c) if on else 0.0
    power_kw = drawn_kw if by_hand else measured_kw
    return replace(
        state,
        room=room.after(heat_kw, hours),
        on=on,
        mode=mode,
        set_c=set_c,
        by_hand=by_hand,
        power_kw=power_kw,
        used_kwh=state.used_kwh + power_kw * hours,
    )


def _heat_kw(room: RoomModel, mode: AirMode, set_c: float, hours: float) -> float:
    """Heat [kW] towards the set temperature, cold negative, within what the mode can do."""
    if mode is AirMode.FAN:
        return 0.0
    coldest = 0.0 if mode is AirMode.HEATING else -MOST_HEAT_KW
    warmest = 0.0 if mode in (AirMode.COOLING, AirMode.DRYING) else MOST_HEAT_KW
    return min(warmest, max(coldest, room.heat_for_kw(set_c, max(hours, PULL_H))))
