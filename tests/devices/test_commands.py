"""What is sent for a wish, and what a model is read from a device."""

import pytest

from hidamari.core.errors import InputError
from hidamari.devices.battery import Battery
from hidamari.devices.ev_charger import ChargerPlug, EvCharger
from hidamari.devices.smart_meter import SmartMeter
from hidamari.devices.solar import Solar
from hidamari.devices.v2h import CarModel, V2h
from hidamari.devices.water_heater import WaterHeater
from hidamari.devices.wish import Wish
from hidamari.echonet.frame import Eoj, Property


def battery(raw: dict[int, bytes] | None = None) -> Battery:
    return Battery(Eoj.parse("027D01"), raw)


def sent(orders: list[Property]) -> dict[str, str]:
    return {f"{order.epc:02X}": order.edt.hex() for order in orders}


def test_a_charge_carries_its_amount_and_its_power_before_the_mode() -> None:
    orders = battery().commands(Wish("charge", power_kw=1.5, energy_kwh=3.0))
    assert sent(orders) == {"AA": "00000bb8", "EB": "000005dc", "C1": "03", "DA": "42"}
    assert [order.epc for order in orders] == [0xAA, 0xEB, 0xC1, 0xDA]


def test_a_charge_without_power_is_as_fast_as_the_device_likes() -> None:
    assert sent(battery().commands(Wish("charge", energy_kwh=1.0)))["C1"] == "01"


@pytest.mark.parametrize("mode", ["charge", "discharge"])
def test_a_forced_charge_without_an_amount_is_refused(mode) -> None:
    with pytest.raises(InputError, match="needs an amount"):
        battery().commands(Wish(mode))
    with pytest.raises(InputError, match="needs an amount"):
        V2h(Eoj.parse("027E01")).commands(Wish(mode, power_kw=1.0))


def test_discharge_without_a_power_follows_the_load() -> None:
    orders = battery().commands(Wish("discharge", energy_kwh=2.0))
    assert sent(orders) == {"AB": "000007d0", "C2": "02", "DA": "43"}


def test_modes_of_a_battery() -> None:
    assert sent(battery().commands(Wish("surplus"))) == {"C1": "02", "DA": "42"}
    assert sent(battery().commands(Wish("follow"))) == {"C1": "02", "C2": "02", "DA": "46"}
    assert sent(battery().commands(Wish("hold"))) == {"DA": "44"}
    assert sent(battery().commands(Wish("auto"))) == {"DA": "46"}


def test_modes_of_a_car_stand() -> None:
    stand = V2h(Eoj.parse("027E01"))
    charge = stand.commands(Wish("charge", power_kw=3.0, energy_kwh=10.0))
    assert sent(charge) == {"E7": "00002710", "EB": "00000bb8", "DC": "03", "DA": "42"}
    discharge = stand.commands(Wish("discharge", energy_kwh=4.0))
    assert sent(discharge) == {"EA": "00000fa0", "DD": "02", "DA": "43"}
    assert sent(stand.commands(Wish("follow"))) == {"DC": "02", "DD": "02", "DA": "46"}
    assert sent(stand.commands(Wish("auto"))) == {"DA": "49"}
    assert sent(stand.commands(Wish("hold"))) == {"DA": "44"}


def test_a_charger_stands_by_while_there_is_no_surplus() -> None:
    charger = EvCharger(Eoj.parse("02A101"))
    assert sent(charger.commands(Wish("surplus", power_kw=0.0))) == {"DA": "44"}
    assert sent(charger.commands(Wish("surplus", power_kw=2.0))) == {"EB": "000007d0", "DA": "42"}
    with pytest.raises(InputError):
        charger.commands(Wish("discharge", energy_kwh=1.0))


def test_a_water_heater_is_shifted_to_a_whole_hour_of_the_day() -> None:
    heater = WaterHeater(Eoj.parse("026B01"))
    shifted = heater.commands(Wish("surplus", start_h=11))
    assert sent(shifted) == {"C7": "01", "CA": "0b", "B0": "41"}
    assert sent(heater.commands(Wish("charge"))) == {"B0": "42"}
    assert sent(heater.commands(Wish("hold"))) == {"B0": "43"}
    assert sent(heater.commands(Wish("auto"))) == {"C7": "00", "B0": "41"}
    for hour in (None, 8, 18):
        with pytest.raises(InputError, match="9 to 17"):
            heater.commands(Wish("surplus", start_h=hour))


def test_numbers_beyond_what_the_wire_carries_are_refused() -> None:
    with pytest.raises(InputError):
        WaterHeater.tap_c.encode(120.0, WaterHeater(Eoj.parse("026B01")))
    with pytest.raises(InputError):
        Battery.soc_pct.encode(50.0, battery())
    with pytest.raises(InputError, match="4 bytes"):
        Battery.charge_power_w.encode(1e12, battery())


def test_a_battery_is_read_from_what_it_tells() -> None:
    raw = {
        0xD0: (9800).to_bytes(4, "big"),
        0xE4: b"\x32",
        0xA7: b"\x1e",
        0xC8: (100).to_bytes(4, "big") + (3000).to_bytes(4, "big"),
    }
    model = battery(raw).model()
    assert model is not None
    assert model.capacity_kwh == pytest.approx(9.8)
    assert model.stored_kwh == pytest.approx(4.9)
    assert model.floor_kwh == pytest.approx(2.94)
    assert (model.charge_kw, model.discharge_kw) == (3.0, pytest.approx(4.9))
    assert battery({0xE4: b"\x32"}).model() is None
    assert battery({0xD0: (9800).to_bytes(4, "big")}).model() is None


def test_a_car_is_plugged_only_when_the_stand_says_what_it_can_do() -> None:
    raw = {0xD0: (40000).to_bytes(4, "big"), 0xE4: b"\x3c", 0xC7: b"\x43"}
    model = V2h(Eoj.parse("027E01"), raw).model()
    assert isinstance(model, CarModel)
    assert model.plugged
    assert model.battery.stored_kwh == pytest.approx(24.0)
    for code in (b"\x30", b"\x44", b"\xff"):
        away = V2h(Eoj.parse("027E01"), raw | {0xC7: code}).model()
        assert away is not None
        assert not away.plugged
    assert V2h(Eoj.parse("027E01"), {0xE4: b"\x3c"}).model() is None


def test_a_charger_that_knows_nothing_of_the_car_gives_no_model() -> None:
    assert EvCharger(Eoj.parse("02A101"), {0xC7: b"\x41"}).model() is None
    raw = {0xD0: (40000).to_bytes(4, "big"), 0xE2: (10000).to_bytes(4, "big"), 0xC7: b"\x41"}
    charger = EvCharger(Eoj.parse("02A101"), raw)
    assert charger.plug is ChargerPlug.CHARGEABLE
    model = charger.model()
    assert model is not None
    assert model.battery.stored_kwh == pytest.approx(10.0)
    assert model.bound_kw(-3.0, 0.5) == 0.0


def test_a_tank_is_read_from_litres_and_temperature() -> None:
    raw = {0xE1: (230).to_bytes(2, "big"), 0xE2: (460).to_bytes(2, "big"), 0xC1: b"\x41"}
    model = WaterHeater(Eoj.parse("026B01"), raw).model()
    assert model is not None
    assert model.hot_l == pytest.approx(230.0)
    assert model.boil_c == 65.0
    assert WaterHeater(Eoj.parse("026B01"), {0xE2: b"\x01\xcc"}).model() is None


def test_solar_is_read_with_the_limit_in_force() -> None:
    raw = {0xE8: (5500).to_bytes(2, "big"), 0xA0: b"\x28"}
    model = Solar(Eoj.parse("027901"), raw).model()
    assert model is not None
    assert (model.rated_kw, model.limit_pct) == (5.5, 40.0)
    assert Solar(Eoj.parse("027901"), {0xE8: b"\xff\xff"}).model() is None


def test_kinds_without_physics_or_commands_say_so() -> None:
    meter = SmartMeter(Eoj.parse("028801"))
    assert meter.model() is None
    with pytest.raises(InputError, match="cannot hold"):
        meter.commands(Wish("hold"))
