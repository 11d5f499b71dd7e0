"""The assets of the simulated house on the wire: solar, battery, car stand, water heater."""

from dataclasses import replace

from hidamari.devices.battery import Battery, Cells, ChargeBy, DischargeBy, Working
from hidamari.devices.forms import Pair
from hidamari.devices.solar import Contract, Grid, OwnUse, Restraint, Solar
from hidamari.devices.v2h import CarMode, Plug, V2h
from hidamari.devices.v2h import ChargeBy as CarChargeBy
from hidamari.devices.v2h import DischargeBy as CarDischargeBy
from hidamari.devices.water_heater import Bath, Heating, WaterHeater
from hidamari.sim.assets import NIGHT_H, BatteryState, CarState, HeaterState
from hidamari.sim.house import HouseState
from hidamari.sim.replay import TICK_S
from hidamari.sim.wire import LiveObject

BATTERY_MODES = {
    Working.RAPID_CHARGING,
    Working.CHARGING,
    Working.DISCHARGING,
    Working.STANDBY,
    Working.AUTO,
}
CHARGE_BY = {ChargeBy.MAXIMUM, ChargeBy.SURPLUS, ChargeBy.POWER}
DISCHARGE_BY = {DischargeBy.MAXIMUM, DischargeBy.LOAD, DischargeBy.POWER}
CAR_MODES = {
    CarMode.CHARGE,
    CarMode.DISCHARGE,
    CarMode.STANDBY,
    CarMode.CHARGE_DISCHARGE,
    CarMode.IDLE,
    CarMode.AUTO,
}
CAR_CHARGE_BY = {CarChargeBy.MAXIMUM, CarChargeBy.SURPLUS, CarChargeBy.POWER}
CAR_DISCHARGE_BY = {CarDischargeBy.MAXIMUM, CarDischargeBy.LOAD, CarDischargeBy.POWER}
SHIFT_HOURS = range(9, 18)
BATH_FROM_H, BATH_WARM_H, BATH_TO_H = 19.0, 19.25, 21.5


def solar(obj: LiveObject) -> None:
    """A power conditioner of 5 kW whose output can be limited."""
    obj.give(Solar.power_w, lambda s: 1000.0 * s.flows.pv_kw)
    obj.give(Solar.energy_kwh, lambda s: s.counters.pv_kwh)
    obj.give(Solar.sold_kwh, lambda s: s.counters.export_kwh)
    obj.give(Solar.grid, lambda _: Grid.EXPORT_ALLOWED)
    obj.give(Solar.restraint, _restraint)
    obj.give(Solar.limit_pct, lambda s: s.solar.limit_pct)
    obj.take(Solar.limit_pct, lambda s, pct: replace(s, solar=replace(s.solar, limit_pct=pct)))
    obj.stored(0xA2, b"\x42")
    obj.fixed(0xB0, b"\xff" * 100)
    obj.fixed(0xB1, b"\xff" * 7)  # no output control by schedule
    obj.fixed(0xB2, b"\x42")
    obj.give(Solar.contract, lambda _: Contract.FIT)
    obj.take(Solar.contract, lambda s, _: s, {Contract.FIT})
    obj.give(Solar.own_use, lambda _: OwnUse.FIRST)
    obj.give(Solar.approved_w, lambda s: 1000.0 * s.solar.rated_kw)
    obj.fixed(0xC4, b"\x64")
    obj.give(Solar.rated_w, lambda s: 1000.0 * s.solar.rated_kw)
    obj.announce(0xB1)


def battery(obj: LiveObject) -> None:
    """A lithium battery that acts by mode, method, amount and power."""

    def put(s: HouseState, new: BatteryState) -> HouseState:
        return replace(s, battery=new)

    obj.give(Battery.mode, lambda s: s.battery.mode)
    obj.take(
        Battery.mode,
        lambda s, mode: put(s, replace(s.battery, mode=Working(mode))),
        BATTERY_MODES,
    )
    obj.give(Battery.charge_by, lambda s: s.battery.charge_by)
    obj.take(
        Battery.charge_by,
        lambda s, by: put(s, replace(s.battery, charge_by=ChargeBy(by))),
        CHARGE_BY,
    )
    obj.give(Battery.discharge_by, lambda s: s.battery.discharge_by)
    obj.take(
        Battery.discharge_by,
        lambda s, by: put(s, replace(s.battery, discharge_by=DischargeBy(by))),
        DISCHARGE_BY,
    )
    obj.give(Battery.charge_wh, lambda s: 1000.0 * s.battery.charge_kwh)
    obj.take(Battery.charge_wh, lambda s, wh: put(s, replace(s.battery, charge_kwh=wh / 1000.0)))
    obj.give(Battery.discharge_wh, lambda s: 1000.0 * s.battery.discharge_kwh)
    obj.take(
        Battery.discharge_wh, lambda s, wh: put(s, replace(s.battery, discharge_kwh=wh / 1000.0))
    )
    obj.give(Battery.charge_power_w, lambda s: 1000.0 * s.battery.charge_kw)
    obj.take(Battery.charge_power_w, lambda s, w: put(s, replace(s.battery, charge_kw=w / 1000.0)))
    obj.give(Battery.discharge_power_w, lambda s: 1000.0 * s.battery.discharge_kw)
    obj.take(
        Battery.discharge_power_w, lambda s, w: put(s, replace(s.battery, discharge_kw=w / 1000.0))
    )
    obj.announce(0xAA, 0xAB, 0xC1, 0xC2, 0xCF, 0xDA)
    _battery_values(obj)


def _battery_values(obj: LiveObject) -> None:
    obj.give(Battery.working, lambda s: s.battery.working)
    obj.give(Battery.power_w, lambda s: 1000.0 * s.battery.power_kw)
    obj.give(Battery.soc_pct, lambda s: s.battery.model.soc_pct)
    obj.give(Battery.stored_wh, lambda s: 1000.0 * s.battery.model.stored_kwh)
    obj.give(Battery.rated_wh, lambda s: 1000.0 * s.battery.model.capacity_kwh)
    for whole in (Battery.charge_capacity_wh, Battery.chargeable_capacity_wh):
        obj.give(
            whole, lambda s: 1000.0 * s.battery.model.capacity_kwh / s.battery.model.charge_eff
        )
    for whole in (Battery.discharge_capacity_wh, Battery.dischargeable_capacity_wh):
        obj.give(
            whole, lambda s: 1000.0 * s.battery.model.capacity_kwh * s.battery.model.discharge_eff
        )
    obj.give(Battery.chargeable_wh, lambda s: 1000.0 * s.battery.model.room_ac_kwh())
    obj.give(Battery.dischargeable_wh, lambda s: 1000.0 * s.battery.model.spare_ac_kwh())
    obj.give(Battery.charged_kwh, lambda s: s.battery.charged_kwh)
    obj.give(Battery.discharged_kwh, lambda s: s.battery.discharged_kwh)
    obj.give(Battery.charge_range_w, lambda s: Pair(100.0, 1000.0 * s.battery.model.charge_kw))
    obj.give(
        Battery.discharge_range_w, lambda s: Pair(100.0, 1000.0 * s.battery.model.discharge_kw)
    )
    obj.give(Battery.health_pct, lambda _: 97.0)
    obj.give(Battery.cells, lambda _: Cells.LITHIUM)
    obj.give(Battery.grid, lambda _: Grid.EXPORT_ALLOWED)


def car(obj: LiveObject) -> None:
    """A V2H stand whose C7 is unknown after the car came back, until CD asks for it."""

    def put(s: HouseState, new: CarState) -> HouseState:
        return replace(s, car=new)

    obj.give(V2h.mode, lambda s: s.car.mode)
    obj.take(V2h.mode, lambda s, m: put(s, replace(s.car, mode=CarMode(m))), CAR_MODES)
    obj.give(V2h.charge_by, lambda s: s.car.charge_by)
    obj.take(
        V2h.charge_by,
        lambda s, by: put(s, replace(s.car, charge_by=CarChargeBy(by))),
        CAR_CHARGE_BY,
    )
    obj.give(V2h.discharge_by, lambda s: s.car.discharge_by)
    obj.take(
        V2h.discharge_by,
        lambda s, by: put(s, replace(s.car, discharge_by=CarDischargeBy(by))),
        CAR_DISCHARGE_BY,
    )
    obj.give(V2h.charge_wh, lambda s: 1000.0 * s.car.charge_kwh)
    obj.take(V2h.charge_wh, lambda s, wh: put(s, replace(s.car, charge_kwh=wh / 1000.0)))
    obj.give(V2h.discharge_wh, lambda s: 1000.0 * s.car.discharge_kwh)
    obj.take(V2h.discharge_wh, lambda s, wh: put(s, replace(s.car, discharge_kwh=wh / 1000.0)))
    obj.give(V2h.charge_power_w, lambda s: 1000.0 * s.car.charge_kw)
    obj.take(V2h.charge_power_w, lambda s, w: put(s, replace(s.car, charge_kw=w / 1000.0)))
    obj.give(V2h.discharge_power_w, lambda s: 1000.0 * s.car.discharge_kw)
    obj.take(V2h.discharge_power_w, lambda s, w: put(s, replace(s.car, discharge_kw=w / 1000.0)))
    obj.take(V2h.ask_plug, lambda s, _: put(s, replace(s.car, asked=True)), {b"\x10"})
    obj.announce(0xC7, 0xDA, 0xDC, 0xDD, 0xE1)
    _car_values(obj)


def _car_values(obj: LiveObject) -> None:
    obj.give(V2h.plug, _plug)
    obj.give(V2h.working, lambda s: s.car.working)
    obj.give(V2h.power_w, lambda s: 1000.0 * s.car.power_kw)
    obj.give(V2h.soc_pct, lambda s: s.car.model.battery.soc_pct)
    obj.give(V2h.dischargeable_pct, lambda s: s.car.model.battery.soc_pct)
    obj.give(V2h.stored_wh, lambda s: 1000.0 * s.car.model.battery.stored_kwh)
    for whole in (V2h.capacity_wh, V2h.dischargeable_capacity_wh, V2h.chargeable_capacity_wh):
        obj.give(whole, lambda s: 1000.0 * s.car.model.battery.capacity_kwh)
    obj.give(V2h.dischargeable_wh, lambda s: 1000.0 * s.car.model.battery.spare_ac_kwh())
    obj.give(V2h.chargeable_wh, lambda s: 1000.0 * s.car.model.battery.room_ac_kwh())
    obj.give(V2h.charged_kwh, lambda s: s.car.charged_kwh)
    obj.give(V2h.discharged_kwh, lambda s: s.car.discharged_kwh)
    obj.give(V2h.rated_charge_w, lambda s: 1000.0 * s.car.model.battery.charge_kw)
    obj.give(V2h.rated_discharge_w, lambda s: 1000.0 * s.car.model.battery.discharge_kw)
    obj.give(V2h.charge_range_w, lambda s: Pair(300.0, 1000.0 * s.car.model.battery.charge_kw))
    obj.give(
        V2h.discharge_range_w, lambda s: Pair(300.0, 1000.0 * s.car.model.battery.discharge_kw)
    )
    obj.give(V2h.charge_range_a, lambda _: Pair(0.0, 30.0))
    obj.give(V2h.discharge_range_a, lambda _: Pair(0.0, 30.0))
    obj.fixed(0xCC, b"\x22")  # DC by connector type AA, both ways
    obj.give(V2h.car, lambda s: "a1b2c3d4" if s.car.model.plugged and s.car.confirmed else "")
    obj.give(V2h.grid, lambda _: Grid.EXPORT_ALLOWED)


def heater(obj: LiveObject) -> None:
    """An EcoCute of 460 L that can move its run into the day."""

    def put(s: HouseState, new: HeaterState) -> HouseState:
        return replace(s, heater=new)

    def hour(s: HouseState) -> float:
        return (s.tick * TICK_S / 3600.0 + 9.0) % 24.0

    def bath(s: HouseState) -> Bath:
        if not s.heater.auto_bath or not BATH_FROM_H <= hour(s) < BATH_TO_H:
            return Bath.NONE
        return Bath.FILLING if hour(s) < BATH_WARM_H else Bath.KEEPING_WARM

    heating = WaterHeater.heating
    obj.give(heating, lambda s: s.heater.heating)
    obj.take(heating, lambda s, h: put(s, replace(s.heater, heating=Heating(h))), set(Heating))
    obj.give(WaterHeater.day_heating, lambda s: s.heater.day_heating)
    obj.take(WaterHeater.day_heating, lambda s, yes: put(s, replace(s.heater, day_heating=yes)))
    obj.give(WaterHeater.shift, lambda s: s.heater.shift)
    obj.take(WaterHeater.shift, lambda s, yes: put(s, replace(s.heater, shift=yes)))
    obj.give(WaterHeater.shift_h, lambda s: float(s.heater.shift_h))
    obj.take(
        WaterHeater.shift_h,
        lambda s, h: put(s, replace(s.heater, shift_h=int(h))),
        {0.0, *map(float, SHIFT_HOURS)},
    )
    obj.give(WaterHeater.second_h, lambda s: float(s.heater.second_h))
    obj.take(
        WaterHeater.second_h,
        lambda s, h: put(s, replace(s.heater, second_h=int(h))),
        {0.0, *map(float, SHIFT_HOURS[1:])},
    )
    obj.give(WaterHeater.auto_bath, lambda s: s.heater.auto_bath)
    obj.take(WaterHeater.auto_bath, lambda s, yes: put(s, replace(s.heater, auto_bath=yes)))
    obj.give(WaterHeater.bath, bath)
    obj.give(WaterHeater.running, lambda s: s.heater.drawn_l_h > 0.0)
    obj.announce(0xB0, 0xB2, 0xC2, 0xC3, 0xEA)
    _heater_values(obj)


def _heater_values(obj: LiveObject) -> None:
    obj.give(WaterHeater.own_power_w, lambda s: 1000.0 * s.heater.power_kw)
    obj.give(WaterHeater.own_energy_kwh, lambda s: s.heater.used_kwh)
    obj.give(WaterHeater.heating_now, lambda s: s.heater.running)
    obj.give(WaterHeater.tank_c, lambda s: s.heater.tank.boil_c)
    obj.give(WaterHeater.tank_l, lambda s: s.heater.tank.hot_l)
    obj.give(WaterHeater.tank_size_l, lambda s: s.heater.tank.size_l)
    obj.stored(0xB3, b"\x41")
    obj.fixed(0xC2, bytes(4))
    obj.stored(0xD1, b"\x2a")
    obj.stored(0xD3, b"\x29")
    obj.give(WaterHeater.decide_h, lambda _: NIGHT_H)
    obj.fixed(0xC9, b"\x01")
    obj.give(WaterHeater.shift_wh, lambda s: (_shift_wh(s),) * 4)
    obj.give(WaterHeater.shift_rate_wh, lambda s: (1000.0 * s.heater.tank.run_kw,) * 4)
    obj.give(WaterHeater.second_wh, lambda s: (_shift_wh(s),) * 3)
    obj.give(WaterHeater.second_rate_wh, lambda s: (1000.0 * s.heater.tank.run_kw,) * 3)
    obj.stored(0xD9, bytes(51))
    obj.fixed(0xDB, (1250).to_bytes(2, "big"))
    obj.fixed(0xDC, (1080).to_bytes(2, "big"))
    obj.fixed(0xDD, (960).to_bytes(2, "big"))


def _shift_wh(s: HouseState) -> float:
    """What a shifted run would take: two thirds of a day's heat."""
    tank = s.heater.tank
    return 1000.0 * 0.65 * 1.15 * tank.draw_kwh(380.0) / tank.cop


def _restraint(s: HouseState) -> Restraint:
    return Restraint.OTHER_CONTROL if s.solar.limit_pct < 100.0 else Restraint.NONE


def _plug(s: HouseState) -> Plug:
    if not s.car.model.plugged:
        return Plug.NOT_CONNECTED
    return Plug.BOTH if s.car.confirmed else Plug.UNKNOWN
