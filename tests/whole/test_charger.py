"""A home whose car stands at a charger (class 0x02A1): found, asked, ordered and measured."""

from datetime import timedelta

import pytest
from tests.whole.loop import run
from tests.whole.street import MIDNIGHT, AirHouse, a_street, misses, stored_kwh

from hidamari.devices.ev_charger import ChargerMode, ChargerPlug, EvCharger
from hidamari.devices.wish import Wish
from hidamari.sim.charger import one_way
from hidamari.sim.fleet import WITH_CHARGER

ONE = timedelta(hours=1)


def with_charger(house: AirHouse) -> None:
    house.devices, house.world.state = WITH_CHARGER, one_way(house.world.state)


@pytest.mark.req("PWR-01")
def test_a_charger_is_found_and_charges_what_it_is_told():
    async def lived() -> None:
        before = MIDNIGHT - timedelta(minutes=20)
        async with a_street(start=before, past=True, live_s=60, furnished=with_charger) as street:
            street.keep_only("smart_meter", "charger")
            home = await street.switch_on()
            await street.until(MIDNIGHT - timedelta(minutes=5))
            live = home.house.devices[street.id_of("charger")]
            device = live.device
            assert isinstance(device, EvCharger)
            record = home.client.nodes[live.binding.host]
            assert record.facts.product == "SIM-EVC60"
            assert device.plug is ChargerPlug.CHARGEABLE
            full_kwh = street.world.state.car.charged_kwh
            sets = {p.epc: p.edt for p in device.commands(Wish("charge", 2.0, 2.0))}
            done = await home.client.set(live.binding.host, live.binding.object, sets)
            assert not done.refused
            await street.until(MIDNIGHT + timedelta(minutes=15))
            bus, _ = home.house.flow(home.clock.monotonic_s())
            assert bus.ev_kw == pytest.approx(2.0, abs=0.01)
            await street.until(MIDNIGHT + 1.5 * ONE)
            assert street.world.state.car.charged_kwh - full_kwh == pytest.approx(2.0, abs=0.01)
            assert device.mode is ChargerMode.STANDBY
            assert misses(street, MIDNIGHT, 2, ("ev_charge_kw", "import_kw")) == []
            charged_kwh, _ = stored_kwh(home.store, "ev_charge_kw", MIDNIGHT, 2)
            assert (charged_kwh > 0.5).all()

    run(lived())


def test_the_stand_takes_nothing_out_of_the_car():
    async def lived() -> None:
        async with a_street(start=MIDNIGHT, past=True, furnished=with_charger) as street:
            car = street.world.state.car
            street.world.advance(MIDNIGHT + timedelta(days=20))
            after = street.world.state.car
            assert after.discharged_kwh == car.discharged_kwh
            assert after.charged_kwh > car.charged_kwh

    run(lived())
