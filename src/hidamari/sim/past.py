"""A year of the simulated house at once: half-hours of every series, the last days by minutes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from hidamari.core.time import SLOT_S, floor_to, from_unix
from hidamari.sim.circuits import CIRCUITS
from hidamari.sim.house import HouseState
from hidamari.sim.meter import HalfHours
from hidamari.sim.noise import FloatArray
from hidamari.sim.replay import SLOT_TICKS, TICK_S, Replay
from hidamari.sim.world import World

MINUTE_TICKS = 6


class Key(NamedTuple):
    """Who and what: "home", "circuit:3", "circuit:t1" or a device's key, and the series name."""

    device: str
    name: str


POWERS = (
    Key("home", "pv_kw"),
    Key("home", "gen_kw"),
    Key("home", "grid_kw"),
    Key("home", "battery_kw"),
    Key("home", "ev_kw"),
    Key("home", "heater_kw"),
    Key("home", "load_kw"),
    Key("home", "use_kw"),
    Key("home", "import_kw"),
    Key("home", "export_kw"),
    Key("home", "charge_kw"),
    Key("home", "discharge_kw"),
    Key("home", "ev_charge_kw"),
    Key("home", "ev_discharge_kw"),
    Key("home", "other_kw"),
    Key("solar", "power_kw"),
    Key("battery", "power_kw"),
    Key("v2h", "power_kw"),
    Key("water_heater", "own_power_kw"),
    Key("board", "power_kw"),
    Key("smart_meter", "power_kw"),
    Key("air_living", "own_power_kw"),
    Key("air_bedroom", "own_power_kw"),
    *(Key(f"circuit:{c.channel}", "power_kw") for c in CIRCUITS),
    Key("circuit:t1", "power_kw"),
    Key("circuit:t2", "power_kw"),
    Key("circuit:t3", "power_kw"),
)
LEVELS = (
    Key("home", "soc_pct"),
    Key("home", "ev_soc_pct"),
    Key("home", "tank_l"),
    Key("battery", "soc_pct"),
    Key("v2h", "soc_pct"),
    Key("water_heater", "tank_l"),
    Key("air_living", "room_c"),
    Key("air_living", "outdoor_c"),
    Key("air_bedroom", "room_c"),
    Key("temperature", "temperature_c"),
)
COUNTERS = (
    Key("solar", "energy_kwh"),
    Key("battery", "charged_kwh"),
    Key("battery", "discharged_kwh"),
    Key("v2h", "charged_kwh"),
    Key("v2h", "discharged_kwh"),
    Key("water_heater", "own_energy_kwh"),
    Key("board", "import_kwh"),
    Key("board", "export_kwh"),
    Key("smart_meter", "import_kwh"),
    Key("smart_meter", "export_kwh"),
    Key("air_living", "own_energy_kwh"),
    Key("air_bedroom", "own_energy_kwh"),
    *(Key(f"circuit:{c.channel}", "energy_kwh") for c in CIRCUITS),
    Key("circuit:t1", "back_kwh"),
    Key("circuit:t2", "energy_kwh"),
    Key("circuit:t2", "back_kwh"),
    Key("circuit:t3", "energy_kwh"),
    Key("circuit:t3", "back_kwh"),
)
KEYS = POWERS + LEVELS + COUNTERS


@dataclass(frozen=True, slots=True)
class Past:
    """Series over equal steps, columns as `KEYS`: powers are means, levels and counters as at the
    end of a step. Names are those inside the house: kW and kWh where the wire has W and Wh.
    """

    start: datetime
    step_s: int
    values: FloatArray

    def rows(self) -> Iterator[tuple[datetime, dict[Key, float]]]:
        """Each step by its start, with the value of every key."""
        for index, row in enumerate(self.values.tolist()):
            at = self.start + timedelta(seconds=index * self.step_s)
            yield at, dict(zip(KEYS, row, strict=True))


@dataclass(frozen=True, slots=True)
class Year:
    """What `history` gives: half-hours, the last days by minutes, the house as it is now."""

    half_hours: Past
    minutes: Past
    world: World


def history(
    seed: int,
    until: datetime,
    *,
    days: int = 365,
    minute_days: int = 2,
    replay: Replay | None = None,
) -> Year:
    """The `days` before the half-hour that holds `until`, in about a second a year.

    The last `minute_days` are lived in minutes; their half-hours are made of those minutes.
    """
    end = floor_to(until, SLOT_S)
    slots = days * 48
    first = (int(end.timestamp()) // SLOT_S - slots) * SLOT_TICKS
    world = World(HouseState.new(seed, first), HalfHours(), replay)
    coarse = slots - minute_days * 48
    rough = [_row(world.step(SLOT_TICKS)) for _ in range(coarse)]
    fine = np.array([_row(world.step(MINUTE_TICKS)) for _ in range(minute_days * 1440)]).reshape(
        -1, len(KEYS)
    )
    of_minutes = fine.reshape(minute_days * 48, 30, len(KEYS))
    recent = of_minutes[:, -1, :].copy()
    recent[:, : len(POWERS)] = of_minutes[:, :, : len(POWERS)].mean(axis=1)
    start = from_unix(first * TICK_S)
    return Year(
        Past(start, SLOT_S, np.vstack((np.array(rough).reshape(-1, len(KEYS)), recent))),
        Past(end - timedelta(days=minute_days), 60, fine),
        world,
    )


def _row(state: HouseState) -> list[float]:
    return [*_powers_kw(state), *_levels(state), *_counters_kwh(state)]


def _powers_kw(state: HouseState) -> list[float]:
    flows, circuits_kw = state.flows, state.circuits_kw
    pv_kw, grid_kw, heater_kw = flows.pv_kw, flows.grid_kw, flows.heater_kw
    battery_kw, ev_kw = flows.battery_kw, flows.ev_kw
    home_kw = flows.load_kw + heater_kw
    return [
        pv_kw,
        0.0,
        grid_kw,
        battery_kw,
        ev_kw,
        heater_kw,
        flows.load_kw,
        home_kw + max(0.0, ev_kw),
        max(0.0, grid_kw),
        max(0.0, -grid_kw),
        max(0.0, battery_kw),
        max(0.0, -battery_kw),
        max(0.0, ev_kw),
        max(0.0, -ev_kw),
        max(0.0, home_kw - sum(circuits_kw)),
        pv_kw,
        battery_kw,
        ev_kw,
        heater_kw,
        grid_kw,
        grid_kw,
        state.living.power_kw,
        state.bedroom.power_kw,
        *circuits_kw,
        -pv_kw,
        battery_kw,
        ev_kw,
    ]


def _levels(state: HouseState) -> list[float]:
    soc_pct, ev_soc_pct = state.battery.model.soc_pct, state.car.model.battery.soc_pct
    tank_l, room = state.heater.tank.hot_l, state.living.room
    return [
        soc_pct,
        ev_soc_pct,
        tank_l,
        soc_pct,
        ev_soc_pct,
        tank_l,
        room.room_c,
        room.outdoor_c,
        state.bedroom.room.room_c,
        room.room_c,
    ]


def _counters_kwh(state: HouseState) -> list[float]:
    counters, battery, car = state.counters, state.battery, state.car
    main_kwh = (counters.import_kwh, counters.export_kwh)
    stores_kwh = (
        battery.charged_kwh,
        battery.discharged_kwh,
        car.charged_kwh,
        car.discharged_kwh,
    )
    return [
        counters.pv_kwh,
        *stores_kwh,
        state.heater.used_kwh,
        *main_kwh,
        *main_kwh,
        state.living.used_kwh,
        state.bedroom.used_kwh,
        *counters.circuits_kwh,
        counters.pv_kwh,
        *stores_kwh,
    ]
