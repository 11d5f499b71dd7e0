"""The simulated house: one frozen state, one step, counters of everything that is metered."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from hidamari.devices.air_conditioner import RoomModel
from hidamari.devices.battery import BatteryModel
from hidamari.devices.solar import SolarModel
from hidamari.devices.v2h import CAR_EFF, CarModel
from hidamari.devices.water_heater import TankModel
from hidamari.sim.assets import (
    BatteryState,
    CarState,
    HeaterState,
    step_battery,
    step_car,
    step_heater,
)
from hidamari.sim.circuits import BEDROOM_AC, CIRCUITS, HEATER, LIVING_AC
from hidamari.sim.noise import FloatArray, chance
from hidamari.sim.people import Trip
from hidamari.sim.replay import DAY_SLOTS, SLOT_TICKS
from hidamari.sim.rooms import AirState, step_air
from hidamari.sim.supply import TICK_H, Inputs
from hidamari.sim.weather import water_c

DAY_TICKS = DAY_SLOTS * SLOT_TICKS


@dataclass(frozen=True, slots=True)
class Flows:
    """Mean powers [kW] of a step, signed as the house's quantities."""

    pv_kw: float = 0.0
    load_kw: float = 0.0
    battery_kw: float = 0.0
    ev_kw: float = 0.0
    heater_kw: float = 0.0

    @property
    def grid_kw(self) -> float:
        """Import positive, export negative."""
        return self.load_kw + self.battery_kw + self.ev_kw + self.heater_kw - self.pv_kw


@dataclass(frozen=True, slots=True)
class Counters:
    """Energy [kWh] since the meters were mounted."""

    import_kwh: float
    export_kwh: float
    pv_kwh: float
    circuits_kwh: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HouseState:
    """All that the house remembers at the beginning of `tick` (10 s steps since 1970)."""

    seed: int
    tick: int
    solar: SolarModel
    battery: BatteryState
    car: CarState
    heater: HeaterState
    living: AirState
    bedroom: AirState
    counters: Counters
    flows: Flows = Flows()
    circuits_kw: tuple[float, ...] = (0.0,) * len(CIRCUITS)

    @classmethod
    def new(cls, seed: int, tick: int) -> Self:
        """A house as built: half-full stores, counters of a few years."""

        def some_kwh(key: int, most: float) -> float:
            return round(chance(seed, key, 91) * most, 2)

        pack = BatteryModel(10.0, 4.0, 4.0, 4.0, floor_kwh=0.5, loss_per_h=0.0001)
        car_pack = BatteryModel(
            40.0, 24.0, 6.0, 6.0, floor_kwh=4.0, charge_eff=CAR_EFF, discharge_eff=CAR_EFF
        )
        room = RoomModel(21.0, 16.0)
        tank = TankModel(size_l=460.0, heat_kwh=12.0)
        return cls(
            seed=seed,
            tick=tick,
            solar=SolarModel(5.0),
            battery=BatteryState(
                pack, charged_kwh=some_kwh(1, 4000.0), discharged_kwh=some_kwh(2, 3500.0)
            ),
            car=CarState(
                CarModel(car_pack),
                charged_kwh=some_kwh(3, 3000.0),
                discharged_kwh=some_kwh(4, 1200.0),
            ),
            heater=HeaterState(tank, used_kwh=some_kwh(5, 2500.0)),
            living=AirState(room, used_kwh=some_kwh(6, 900.0)),
            bedroom=AirState(room, used_kwh=some_kwh(7, 500.0)),
            counters=Counters(
                some_kwh(8, 9000.0),
                some_kwh(9, 6000.0),
                some_kwh(10, 15000.0),
                tuple(some_kwh(20 + c.number, 1500.0) for c in CIRCUITS),
            ),
        )


def step(state: HouseState, given: Inputs) -> HouseState:
    """The house after one step."""
    hours, hour, air_c = given.hours, given.local_h, given.outdoor_c
    living = step_air(state.living, float(given.circuits_kw[LIVING_AC]), air_c, hours, hour)
    bedroom = step_air(state.bedroom, float(given.circuits_kw[BEDROOM_AC]), air_c, hours, hour)
    heater = step_heater(_weathered(state.heater, given), given.draw, hours, hour)

    circuits_kw = given.circuits_kw.copy()
    circuits_kw[LIVING_AC], circuits_kw[BEDROOM_AC] = living.power_kw, bedroom.power_kw
    load_kw = float(circuits_kw.sum())
    circuits_kw[HEATER] = heater.power_kw

    pv_kw = state.solar.output_kw(given.sun_kw)
    surplus_kw = _followed(pv_kw - load_kw - heater.power_kw, state.seed, given.tick)
    battery = step_battery(state.battery, surplus_kw, hours)
    car = step_car(_moved(state.car, given.trip), surplus_kw - battery.power_kw, hours, hour)
    flows = Flows(pv_kw, load_kw, battery.power_kw, car.power_kw, heater.power_kw)
    return HouseState(
        state.seed,
        given.tick + round(hours / TICK_H),
        state.solar,
        battery,
        car,
        heater,
        living,
        bedroom,
        _counted(state.counters, flows, circuits_kw[:-1], hours),
        flows,
        tuple(circuits_kw[:-1].tolist()),
    )


def _followed(surplus_kw: float, seed: int, tick: int) -> float:
    """What a storage system sees of a surplus or a lack: it leaves some watts to the grid."""
    left_kw = 0.01 + 0.05 * chance(seed, tick, 95)
    return surplus_kw - left_kw if surplus_kw > left_kw else min(0.0, surplus_kw + left_kw)


def _weathered(heater: HeaterState, given: Inputs) -> HeaterState:
    """The heater in the air and with the cold water of today."""
    cold_c = water_c(given.tick // DAY_TICKS)
    tank = heater.tank
    if tank.outdoor_c == given.outdoor_c and tank.cold_c == cold_c:
        return heater
    return replace(heater, tank=replace(tank, outdoor_c=given.outdoor_c, cold_c=cold_c))


def _moved(car: CarState, trip: Trip | None) -> CarState:
    """The car pulled out for a trip, or back from it and not yet asked what it is."""
    if trip is not None and car.model.plugged:
        return replace(car, model=car.model.leave(), trip_kwh=trip.kwh, confirmed=True)
    if trip is None and not car.model.plugged:
        return replace(car, model=car.model.back(car.trip_kwh), trip_kwh=0.0, confirmed=False)
    return replace(car, confirmed=True, asked=False) if car.asked else car


def _counted(old: Counters, flows: Flows, circuits_kw: FloatArray, hours: float) -> Counters:
    grid_kwh = flows.grid_kw * hours
    circuits_kwh = (np.asarray(old.circuits_kwh) + circuits_kw * hours).tolist()
    return Counters(
        old.import_kwh + max(0.0, grid_kwh),
        old.export_kwh + max(0.0, -grid_kwh),
        old.pv_kwh + flows.pv_kw * hours,
        tuple(circuits_kwh),
    )
