"""The car at a stand that only charges (class 0x02A1), in place of the V2H stand."""

from dataclasses import replace

from hidamari.devices.ev_charger import ChargerMode, ChargerPlug, EvCharger
from hidamari.devices.forms import Pair
from hidamari.devices.v2h import CarMode, ChargeBy
from hidamari.sim.assets import CarState
from hidamari.sim.house import HouseState
from hidamari.sim.wire import LiveObject

MODES = {
    CarMode.CHARGE: ChargerMode.CHARGE,
    CarMode.STANDBY: ChargerMode.STANDBY,
    CarMode.IDLE: ChargerMode.IDLE,
}
ORDERS = {mode: car_mode for car_mode, mode in MODES.items()}


def one_way(state: HouseState) -> HouseState:
    """The house whose stand takes nothing out of the car."""
    car = state.car
    pack = replace(car.model.battery, discharge_kw=0.0)
    return replace(
        state, car=replace(car, model=replace(car.model, battery=pack), charge_by=ChargeBy.POWER)
    )


def charger(obj: LiveObject) -> None:
    """A stand that charges with the power that it was told, and does not know who came back."""

    def put(s: HouseState, new: CarState) -> HouseState:
        return replace(s, car=new)

    obj.give(EvCharger.mode, lambda s: MODES.get(s.car.mode, ChargerMode.OTHER))
    obj.take(
        EvCharger.mode,
        lambda s, mode: put(s, replace(s.car, mode=ORDERS[ChargerMode(mode)])),
        set(ORDERS),
    )
    obj.give(EvCharger.charge_wh, lambda s: 1000.0 * s.car.charge_kwh)
    obj.take(EvCharger.charge_wh, lambda s, wh: put(s, replace(s.car, charge_kwh=wh / 1000.0)))
    obj.give(EvCharger.charge_power_w, lambda s: 1000.0 * s.car.charge_kw)
    obj.take(EvCharger.charge_power_w, lambda s, w: put(s, replace(s.car, charge_kw=w / 1000.0)))
    obj.take(EvCharger.ask_plug, lambda s, _: put(s, replace(s.car, asked=True)), {b"\x10"})
    obj.announce(0xC7, 0xDA)
    obj.give(EvCharger.plug, _plug)
    obj.give(EvCharger.power_w, lambda s: 1000.0 * s.car.power_kw)
    obj.give(EvCharger.charged_kwh, lambda s: s.car.charged_kwh)
    obj.give(EvCharger.soc_pct, lambda s: s.car.model.battery.soc_pct)
    obj.give(EvCharger.stored_wh, lambda s: 1000.0 * s.car.model.battery.stored_kwh)
    for whole in (EvCharger.capacity_wh, EvCharger.chargeable_capacity_wh):
        obj.give(whole, lambda s: 1000.0 * s.car.model.battery.capacity_kwh)
    obj.give(EvCharger.chargeable_wh, lambda s: 1000.0 * s.car.model.battery.room_ac_kwh())
    obj.give(
        EvCharger.charge_range_w, lambda s: Pair(300.0, 1000.0 * s.car.model.battery.charge_kw)
    )
    obj.give(EvCharger.rated_charge_w, lambda s: 1000.0 * s.car.model.battery.charge_kw)
    obj.fixed(0xCC, b"\x22")
    obj.give(EvCharger.car, lambda s: "a1b2c3d4" if s.car.model.plugged and s.car.confirmed else "")


def _plug(s: HouseState) -> ChargerPlug:
    if not s.car.model.plugged:
        return ChargerPlug.NOT_CONNECTED
    return ChargerPlug.CHARGEABLE if s.car.confirmed else ChargerPlug.UNKNOWN
