"""What the simulated devices say is what the house does, in the form of the Appendix."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hidamari.core.errors import InputError
from hidamari.devices.air_conditioner import AirConditioner, AirMode
from hidamari.devices.battery import Battery, Working
from hidamari.devices.board import Board
from hidamari.devices.common import Common
from hidamari.devices.smart_meter import SmartMeter
from hidamari.devices.v2h import Plug, V2h
from hidamari.devices.water_heater import Bath, Heating, WaterHeater
from hidamari.devices.wish import Wish
from hidamari.echonet.frame import Eoj
from hidamari.sim.fleet import DEVICES, build, identity, label
from hidamari.sim.house import HouseState
from hidamari.sim.meter import HalfHours
from hidamari.sim.recorded import expand, read_recorded
from hidamari.sim.replay import packaged_year
from hidamari.sim.wire import LiveObject
from hidamari.sim.world import World

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "mra_facts.json").read_text(encoding="utf-8")
)["classes"]
AT = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
YEAR = packaged_year(7)
RELEASE = "Q"
KEYS = [device.key for device in DEVICES]


def fleet(days: int = 0) -> tuple[World, dict[str, LiveObject]]:
    start = AT - timedelta(days=days)
    world = World(HouseState.new(7, int(start.timestamp()) // 10), HalfHours(), YEAR)
    world.advance(AT + timedelta(seconds=10))
    return world, build(world)


WORLD, OBJECTS = fleet(days=3)


def read(obj: LiveObject) -> Common:
    raw = {epc: obj.get(epc) for epc in obj.maps.readable}
    return type(obj.device)(obj.eoj, {epc: edt for epc, edt in raw.items() if edt is not None})


def required(code: str, which: int) -> set[int]:
    """EPCs that release Q requires to be got, set or informed (0, 1, 2), super class included."""
    found: dict[int, str] = {}
    for table in (FACTS["0000"], FACTS.get(code, {})):
        for epc, variants in table.items():
            for one in variants:
                if one["from"] <= RELEASE <= (one["to"] if one["to"] != "latest" else "Z"):
                    found[int(epc, 16)] = one["access"]
    maps = {0x9D, 0x9E, 0x9F}
    return {epc for epc, access in found.items() if access[which] == "R"} - maps


@pytest.mark.parametrize("key", KEYS)
def test_every_required_property_is_served(key: str) -> None:
    obj = OBJECTS[key]
    code = f"{obj.eoj.class_code:04X}"
    assert required(code, 0) <= obj.maps.readable
    assert required(code, 1) <= obj.maps.writable
    assert required(code, 2) & obj.maps.readable <= obj.maps.announced


@pytest.mark.parametrize("key", KEYS)
def test_every_answer_has_the_length_of_the_appendix(key: str) -> None:
    obj = OBJECTS[key]
    for epc in obj.maps.readable:
        edt = obj.get(epc)
        if edt is None:
            assert epc == 0xEC  # nothing was asked for yet
            continue
        prop = type(obj.device).props.get(epc)
        if prop is not None:
            assert prop.sizes is not None
            assert len(edt) in prop.sizes, f"{epc:02X}"


def test_each_device_has_an_identity_of_its_own() -> None:
    numbers = {identity(7, key) for key in KEYS} | {identity(8, key) for key in KEYS}
    assert len(numbers) == 2 * len(KEYS)
    assert all(len(number) == 17 and number[0] == 0xFE for number in numbers)
    assert OBJECTS["solar"].get(0x83) == identity(7, "solar")
    assert len({label(7, node).number for node in range(10)}) == 10


def test_what_the_battery_tells_is_what_it_has() -> None:
    told = read(OBJECTS["battery"])
    state = WORLD.state.battery
    assert told.power_kw() == pytest.approx(state.power_kw, abs=0.0006)
    assert told.value("soc_pct") == pytest.approx(state.model.soc_pct, abs=0.51)
    assert told.value("charged_kwh") == pytest.approx(state.charged_kwh, abs=0.001)
    model = told.model()
    assert model is not None
    assert model.stored_kwh == pytest.approx(state.model.stored_kwh, abs=0.001)
    assert model.charge_kw == state.model.charge_kw


def test_board_meter_and_devices_tell_the_same_balance() -> None:
    board, meter = read(OBJECTS["board"]), read(OBJECTS["smart_meter"])
    flows = WORLD.state.flows
    assert board.power_kw() == pytest.approx(flows.grid_kw, abs=0.0006)
    assert meter.power_kw() == board.power_kw()
    told_kw = {
        key: read(OBJECTS[key]).power_kw() for key in ("solar", "battery", "v2h", "water_heater")
    }
    load_kw = (
        flows.grid_kw
        + told_kw["solar"]
        - told_kw["battery"]
        - told_kw["v2h"]
        - told_kw["water_heater"]
    )
    assert load_kw == pytest.approx(flows.load_kw, abs=0.003)
    assert board.value("import_kwh") == pytest.approx(WORLD.state.counters.import_kwh, abs=0.01)
    assert meter.value("import_kwh") == board.value("import_kwh")


@pytest.mark.req("MEA-02")
def test_circuits_are_read_by_range() -> None:
    board = OBJECTS["board"]
    device = read(board)
    found = {}
    for one in Board.lists:
        for wanted in one.requests(device):
            assert board.set(one.range_epc, wanted)
            edt = board.get(one.list_epc)
            assert edt is not None
            found |= {(v.channel, v.name): v.value for v in one.read(edt, 0.01)}
    assert len([key for key in found if key[1] == "power_w"]) == 23
    powers_kw = [found[str(n), "power_w"] / 1000 for n in range(1, 21)]
    assert powers_kw == pytest.approx(list(WORLD.state.circuits_kw), abs=0.0006)
    assert found["t1", "power_w"] == pytest.approx(-1000 * WORLD.state.flows.pv_kw, abs=0.6)
    assert found["t1", "back_kwh"] == pytest.approx(WORLD.state.counters.pv_kwh, abs=0.011)
    assert found["t2", "energy_kwh"] == pytest.approx(WORLD.state.battery.charged_kwh, abs=0.011)
    assert board.set(0xB6, b"\x03\x02")
    assert board.get(0xB7)[:2] == b"\x03\x02"
    assert not board.set(0xB6, b"\x00\x02")
    assert not board.set(0xB6, b"\x01")


@pytest.mark.req("SMT-05")
def test_the_meter_gives_the_day_that_was_asked_for() -> None:
    meter = OBJECTS["smart_meter"]
    assert meter.set(0xE5, b"\x01")
    day = read(meter).value("import_history")
    assert day.days_back == 1
    assert None not in day.kwh
    assert list(day.kwh) == sorted(day.kwh)
    assert not meter.set(0xE5, b"\x64")
    assert meter.set(0xE5, b"\x00")
    today = read(meter).value("import_history")
    assert today.kwh[24] is not None  # 12:00 is now
    assert set(today.kwh[25:]) == {None}
    stamped = read(meter).value("import_at_half")
    assert (stamped.at.hour, stamped.at.minute) == (12, 0)
    assert stamped.in_kwh == pytest.approx(today.kwh[24])


def test_the_meter_gives_a_span_after_it_was_asked_for() -> None:
    _, objects = fleet(days=1)
    meter = objects["smart_meter"]
    assert meter.get(0xEC) is None
    assert meter.set(0xED, bytes.fromhex("07EA060A0B0003"))
    span = read(meter).value("span_values")
    assert len(span.kwh) == 3
    assert span.kwh[2].first is not None
    assert not meter.set(0xED, bytes.fromhex("07EA060A0B00FF"))


def test_a_command_is_taken_shown_and_acted_on() -> None:
    world, objects = fleet()
    battery = objects["battery"]
    battery.changed()
    for order in Battery(battery.eoj).commands(Wish("charge", power_kw=1.5, energy_kwh=1.0)):
        assert battery.set(order.epc, order.edt)
    assert {0xAA, 0xC1, 0xDA} <= set(battery.changed())
    assert battery.changed() == []
    world.advance(AT + timedelta(seconds=60))
    told = read(battery)
    assert told.value("working") is Working.CHARGING
    assert told.power_kw() == pytest.approx(1.5)
    assert told.value("charge_wh") < 1000.0


@pytest.mark.parametrize(
    ("key", "epc", "edt"),
    [
        ("battery", 0xDA, b"\x48"),  # restart is not for controllers
        ("battery", 0xDA, b"\x99"),
        ("battery", 0xDA, b"\x42\x42"),
        ("battery", 0xC1, b"\x04"),
        ("battery", 0xE4, b"\x32"),
        ("v2h", 0xDA, b"\x45"),
        ("v2h", 0xCD, b"\x11"),
        ("water_heater", 0xCA, b"\x08"),
        ("water_heater", 0xB0, b"\x44"),
        ("air_living", 0xB3, b"\x05"),
        ("air_living", 0xB0, b"\x40"),
        ("air_living", 0xA0, b"\x39"),
        ("solar", 0xA0, b"\x65"),
        ("lamp", 0xB0, b"\xff"),
        ("temperature", 0xE0, b"\x00\x00"),
    ],
)
def test_what_makes_no_sense_is_refused(key: str, epc: int, edt: bytes) -> None:
    before = WORLD.state
    assert not OBJECTS[key].set(epc, edt)
    assert WORLD.state is before


def test_the_plug_is_unknown_until_the_stand_was_asked() -> None:
    world, objects = fleet()
    car = objects["v2h"]
    tick = world.state.tick
    while world.state.car.model.plugged:
        world.step(180)
    assert read(car).value("plug") is Plug.NOT_CONNECTED
    while not world.state.car.model.plugged:
        world.step(180)
    assert world.state.tick > tick
    assert read(car).value("plug") is Plug.UNKNOWN
    assert read(car).value("car") is None
    car.changed()
    assert V2h.confirm is not None
    assert car.set(V2h.confirm.epc, V2h.confirm.edt)
    world.step(180)
    assert 0xC7 in car.changed()
    assert read(car).value("plug") is Plug.BOTH
    assert read(car).value("car") == "a1b2c3d4"


def test_solar_can_be_held_back() -> None:
    world, objects = fleet()
    assert objects["solar"].set(0xA0, b"\x0a")
    world.advance(AT + timedelta(seconds=30))
    assert world.state.flows.pv_kw <= 0.5
    assert objects["solar"].get(0xD1) == b"\x42"


def test_an_air_conditioner_is_switched_off_and_the_load_falls() -> None:
    world, objects = fleet()
    air = objects["air_living"]
    assert air.set(0x80, b"\x30")
    assert air.set(0xB0, bytes((AirMode.COOLING,)))
    assert air.set(0xB3, b"\x12")
    world.advance(AT + timedelta(seconds=30))
    running_kw = read(air).power_kw()
    assert running_kw > 0.3
    assert read(air).value("set_c") == 18.0
    assert air.set(0x80, b"\x31")
    world.advance(AT + timedelta(seconds=40))
    assert read(air).power_kw() == 0.0
    assert world.state.circuits_kw[1] == 0.0
    assert air.set(0xA0, b"\x33")
    assert air.set(0x8F, b"\x41")
    assert read(air).value("flow") == 3
    assert AirConditioner.kind == type(air.device).kind


def test_the_heater_takes_orders_and_the_bath_runs_in_the_evening() -> None:
    world, objects = fleet()
    heater = objects["water_heater"]
    for epc, edt in ((0xB0, b"\x42"), (0xC0, b"\x42"), (0xC7, b"\x01"), (0xCA, b"\x0b")):
        assert heater.set(epc, edt)
    told = read(heater)
    assert told.value("heating") is Heating.NOW
    assert (told.value("shift"), told.value("shift_h")) == (True, 11.0)
    world.advance(AT + timedelta(minutes=5))
    assert read(heater).value("heating_now") is True
    assert read(heater).power_kw() > 0.8
    world.advance(AT + timedelta(hours=8, minutes=30))  # 20:30
    assert read(heater).value("bath") is Bath.KEEPING_WARM
    assert heater.set(0xE3, b"\x42")
    assert read(heater).value("bath") is Bath.NONE
    assert WaterHeater.level == "tank_l"


def test_rooms_have_a_believable_climate() -> None:
    temperature = read(OBJECTS["temperature"]).value("temperature_c")
    humidity = read(OBJECTS["humidity"]).value("humidity_pct")
    assert 18.0 < temperature < 34.0
    assert 15.0 < humidity < 90.0
    assert read(OBJECTS["air_living"]).value("outdoor_c") is not None


def test_a_lamp_keeps_what_is_written_though_we_have_no_kind_for_it() -> None:
    lamp = OBJECTS["lamp"]
    assert lamp.set(0xB0, b"\x32")
    assert lamp.get(0xB0) == b"\x32"
    assert lamp.set(0x80, b"\x31")
    assert lamp.get(0x80) == b"\x31"


def test_recorded_devices_answer_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "devices.json"
    path.write_text(
        json.dumps(
            {
                "_about": "two devices",
                "027D01": {"get": {"E4": "3F", "B0": ""}, "set": ["DA"], "inf": ["CF"]},
                "027E01": {"get": {"DA": "44"}, "set": ["DA"], "write_only": ["CD"]},
            }
        )
    )
    found = read_recorded(path)
    battery, car = found[Eoj.parse("027D01")], found[Eoj.parse("027E01")]
    assert battery.get(0xE4) == b"\x3f"
    assert battery.get(0xB0) is None
    assert battery.maps.announced == {0xCF}
    assert car.set(0xDA, b"\x42")
    assert car.get(0xDA) == b"\x42"
    assert not car.set(0xDA, b"\x42\x00")
    assert car.set(0xCD, b"\x10")
    assert car.get(0xCD) is None
    assert battery.get(0x83) != car.get(0x83)
    assert expand("0000@3:0102") == bytes.fromhex("0000010201020102")


@pytest.mark.parametrize(
    "text",
    ["{", '{"027D01": {"get": []}}', '{"027D": {"get": {}}}', '{"027D01": {"get": {"E4": "x"}}}'],
)
def test_a_wrong_file_of_devices_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "devices.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"devices\.json"):
        read_recorded(path)


def test_the_meter_tells_its_form() -> None:
    told = read(OBJECTS["smart_meter"])
    assert isinstance(told, SmartMeter)
    assert told.wrap_kwh() == pytest.approx(1_000_000.0)
    assert told.value("unit") == 0.01
