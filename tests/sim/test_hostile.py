"""Nothing that anybody writes to the simulated devices breaks the house."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.devices import KINDS
from hidamari.echonet.frame import CONTROLLER, Eoj, Esv, Frame, Property
from hidamari.echonet.responder import Maps, respond
from hidamari.sim.fleet import DEVICES, build
from hidamari.sim.house import HouseState
from hidamari.sim.meter import HalfHours
from hidamari.sim.recorded import RecordedObject
from hidamari.sim.replay import packaged_year
from hidamari.sim.world import World

AT = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
YEAR = packaged_year(7)
KEYS = [device.key for device in DEVICES]
WRITES = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.integers(0x80, 0xFF),
        st.one_of(
            st.binary(min_size=1, max_size=1),
            st.sampled_from([b"\x41", b"\x42", b"\x43", b"\x44", b"\x46", b"\x30", b"\x31"]),
            st.binary(min_size=4, max_size=4),
            st.binary(max_size=60),
        ),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(WRITES, st.sampled_from([1, 6, 180]))
def test_no_write_whatever_breaks_the_house(writes, ticks: int) -> None:
    world = World(HouseState.new(7, int(AT.timestamp()) // 10), HalfHours(), YEAR)
    objects = build(world)
    before = world.state
    for key, epc, edt in writes:
        obj = objects[key]
        taken = obj.set(epc, edt)
        assert not taken or epc in obj.maps.writable
        world.step(180 if ticks == 180 else 1)
        while world.state.tick % 6:
            world.step(1)
        if ticks == 180:
            while world.state.tick % 180:
                world.step(6)
    for obj in objects.values():
        for epc in obj.maps.readable:
            edt = obj.get(epc)
            assert edt is None or 0 < len(edt) <= 255
    after = world.state
    assert 0.0 <= after.battery.model.soc_pct <= 100.0 + 1e-6
    assert 0.0 <= after.car.model.battery.soc_pct <= 100.0 + 1e-6
    assert 0.0 <= after.heater.tank.heat_kwh <= 1.1 * after.heater.tank.full_kwh
    assert after.counters.import_kwh >= before.counters.import_kwh
    assert after.counters.export_kwh >= before.counters.export_kwh
    assert after.battery.charged_kwh >= before.battery.charged_kwh


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.kind)
def test_a_device_of_any_kind_can_be_simulated_from_its_data(kind) -> None:
    eoj = Eoj(kind.group, kind.code, 1)
    sizes = {p.epc: min(p.sizes - {1} or {1}) for p in kind.props.values() if p.gettable}
    data = {epc: bytes(size) for epc, size in sizes.items()}
    settable = frozenset(p.epc for p in kind.props.values() if p.settable)
    obj = RecordedObject(dict(data), Maps(frozenset(data), settable, frozenset()))
    for epc, edt in data.items():
        ask = Frame(1, CONTROLLER, eoj, Esv.GET, (Property(epc),))
        (reply,) = respond({eoj: obj}, ask)
        assert reply.frame.esv is Esv.GET_RES
        assert reply.frame.props == (Property(epc, edt),)
    told = kind(eoj, {epc: obj.get(epc) for epc in data})
    for name in (kind.power, kind.counter_in, kind.level):
        if name and name not in ("import_kwh",):
            assert told.value(name) == 0.0
