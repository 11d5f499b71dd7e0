"""What goes wrong in a home, one thing at a time: nothing is invented, nothing counted is lost."""

import asyncio
from datetime import datetime, timedelta

import numpy as np
import pytest
from tests.whole.loop import run
from tests.whole.street import MIDNIGHT, Street, a_street, misses, stored_kwh

from hidamari.core.reading import Quality, SeriesKey
from hidamari.home.app import Home

NOON = MIDNIGHT - timedelta(hours=12)
COUNTED = ("import_kw", "export_kw", "pv_kw", "charge_kw", "discharge_kw", "heater_kw")


def at(hours: int, minutes: int = 0, seconds: int = 0) -> datetime:
    """So much after noon."""
    return NOON + timedelta(hours=hours, minutes=minutes, seconds=seconds)


async def begun(street: Street) -> Home:
    """The controller has found everything ten minutes before noon."""
    home = await street.switch_on()
    await street.until(NOON)
    return home


def sums_differ(street: Street, first: datetime, slots: int) -> list[str]:
    """Counted quantities whose sum over these half-hours is not what the house did."""
    found = []
    for name in COUNTED:
        did = street.did_kwh(first, slots)[name].sum()
        has = stored_kwh(street.home.store, name, first, slots)[0]
        if not abs(np.nansum(has) - did) <= 0.011:
            found.append(f"{name}: did {did:.3f}, stored {np.nansum(has):.3f}")
    return found


def minute_kw(street: Street, name: str, first: datetime, count: int) -> np.ndarray:
    end = first + timedelta(minutes=count)
    return street.home.store.minutes([SeriesKey("home", name)], first, end)[:, 0]


@pytest.mark.t(8)
@pytest.mark.req("PWR-01")
def test_a_power_cut_in_a_half_hour_loses_no_energy():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            await begun(street)
            await street.until(at(0, 37, 20))
            await street.cut_power()
            await street.until(at(0, 41))
            await street.switch_on()
            await street.until(at(1, 33))
            assert misses(street, NOON, 3) == []
            gaps = np.flatnonzero(np.isnan(minute_kw(street, "pv_kw", NOON, 60)))
            assert gaps.tolist() == [37, 38, 39, 40]  # a gap, not a zero
            assert street.codes().count("was_off") == 1
            assert street.codes().count("device_new") == 11  # everybody is known again

    run(lived())


@pytest.mark.t(8)
@pytest.mark.req("PWR-01", "SMT-05")
def test_after_hours_without_power_bought_and_sold_energy_come_from_the_meter():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            await begun(street)
            await street.until(at(0, 10))
            await street.cut_power()
            await street.until(at(2, 25))
            await street.switch_on()
            await street.until(at(3, 3))
            assert misses(street, NOON, 6, ("import_kw", "export_kw")) == []
            assert sums_differ(street, NOON, 6) == []
            _, quality = stored_kwh(street.home.store, "export_kw", NOON, 6)
            assert quality.tolist() == [4, 4, 4, 4, 4, 5]  # refilled, then counted
            _, quality = stored_kwh(street.home.store, "pv_kw", NOON, 6)
            assert set(quality[:5].tolist()) == {Quality.PARTLY}  # spread over the silence

    run(lived())


@pytest.mark.t(8)
def test_a_silent_device_is_a_gap_and_a_notice_and_loses_no_energy():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            home = await begun(street)
            solar = street.id_of("solar")
            await street.until(at(0, 5))
            street.house.vanish("solar")
            await street.until(at(0, 20))
            flow, _ = home.house.flow(home.clock.monotonic_s())
            assert flow.pv_kw is None
            assert flow.use_kw is None
            assert flow.grid_kw is not None
            assert "device_silent" not in street.codes()
            await street.until(at(0, 50))
            street.house.come_back("solar")
            await street.until(at(1, 33))
            told = [e for e in street.events() if e.code.startswith("device_") and e.seq > 11]
            assert [(e.kind, e.code, e.device) for e in told] == [
                ("notice", "device_silent", solar),
                ("log", "device_back", solar),
            ]
            assert misses(street, NOON + timedelta(hours=1), 1) == []
            assert sums_differ(street, NOON, 3) == []
            silent = minute_kw(street, "use_kw", at(0, 8), 40)
            assert np.isnan(silent).all()

    run(lived())


@pytest.mark.t(8)
@pytest.mark.req("SMT-05")
def test_a_silent_meter_is_refilled_when_it_is_back():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            await begun(street)
            await street.until(at(0, 5))
            street.house.vanish("smart_meter")
            await street.until(at(1, 40))
            street.house.come_back("smart_meter")
            await street.until(at(2, 33))
            assert misses(street, NOON, 4, ("import_kw", "export_kw", "pv_kw", "use_kw")) == []
            # The board's main breaker told the power meanwhile.
            assert not np.isnan(minute_kw(street, "use_kw", NOON, 120)).any()

    run(lived())


@pytest.mark.t(8)
def test_a_device_that_gets_another_address_keeps_its_name_and_history():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            home = await begun(street)
            lamp = home.device(street.id_of("lamp"), "en")  # of a class without a kind
            assert {0xB0: b"\x64", 0xB6: b"\x42"}.items() <= {
                line.epc: line.raw for line in lamp.properties
            }.items()
            battery = street.id_of("battery")
            await street.until(at(0, 20))
            street.house.come_back("battery", "10.0.0.77")
            await street.until(at(1, 3))
            assert street.id_of("battery") == battery
            assert len(home.house.devices) == 11
            assert misses(street, NOON, 2) == []
            silent_min = np.isnan(minute_kw(street, "battery_kw", at(0, 15), 30)).sum()
            assert silent_min <= 2

    run(lived())


@pytest.mark.t(8)
def test_two_devices_that_swap_addresses_keep_their_counters():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            home = await begun(street)
            keys = ("air_living", "air_bedroom")
            ids = [street.id_of(key) for key in keys]
            hosts = [street.house.host_of(key) for key in keys]
            before = [home.house.devices[i].device.own_energy_kwh for i in ids]
            await street.until(at(0, 20))
            for key in keys:
                street.house.vanish(key)
            street.house.come_back("air_living", hosts[1])
            street.house.come_back("air_bedroom", hosts[0])
            await street.until(at(1, 3))
            assert [street.id_of(key) for key in keys] == ids
            after = [home.house.devices[i].device.own_energy_kwh for i in ids]
            assert all(0 <= b - a < 2 for a, b in zip(before, after, strict=True))
            assert "counter_replaced" not in street.codes()
            assert street.codes().count("device_new") == 11

    run(lived())


@pytest.mark.t(14)
def test_two_devices_with_one_number_are_two_devices():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            home = await begun(street)
            first = street.id_of("air_living")
            twin, own = street.house._node("air_bedroom"), street.house._node("air_living")
            twin.label = own.label
            street.house.come_back("air_bedroom")
            home.search(start=True)
            await street.until(at(0, 3))
            ids = {street.id_of("air_living"), street.id_of("air_bedroom")}
            assert len(ids) == 2
            assert first in ids
            assert street.codes().count("identity_doubled") == 1
            known, met = len(home.house.devices), street.codes().count("device_new")
            await street.cut_power()
            home = await street.switch_on()
            await street.until(at(0, 6))
            assert {street.id_of("air_living"), street.id_of("air_bedroom")} == ids
            assert street.codes().count("identity_doubled") == 1
            assert len(home.inventory.registry.all()) == len(home.house.devices) == known
            assert street.codes().count("device_new") == met

    run(lived())


@pytest.mark.t(7)
@pytest.mark.t(8)
def test_a_new_meter_is_noticed_and_makes_no_spike():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            await begun(street)
            await street.until(at(0, 12))
            street.house.new_meter()
            await street.until(at(1, 33))
            told = [e for e in street.events() if e.code.startswith("counter_")]
            assert [e.code for e in told] == ["counter_replaced"]
            assert told[0].device == street.id_of("smart_meter")
            # The three readings that prove it are not counted: at most two minutes are missing.
            for name in ("import_kw", "export_kw"):
                has, _ = stored_kwh(street.home.store, name, NOON, 3)
                did = street.did_kwh(NOON, 3)[name]
                assert np.all(has <= did + 0.02), name
                assert np.all(has >= 0.85 * did - 0.02), name

    run(lived())


@pytest.mark.t(8)
def test_a_slow_network_makes_older_values_not_missing_ones():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            home = await begun(street)
            street.air.weather.slow_s = 1.2  # 2.4 s from question to answer
            await street.until(at(1, 3))
            assert home.house.devices[street.id_of("solar")].factor > 4
            known = minute_kw(street, "use_kw", at(0, 5), 55)
            assert np.isnan(known).sum() == 0
            levels = minute_kw(street, "soc_pct", at(0, 5), 55)
            assert np.isnan(levels).sum() == 0
            assert misses(street, NOON + timedelta(minutes=30), 1, COUNTED) == []

    run(lived())


@pytest.mark.t(8)
@pytest.mark.req("PWR-02")
def test_a_restart_stores_its_first_reading_at_once_with_one_device_dead_and_no_multicast():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            await begun(street)
            await street.cut_power()
            street.air.weather.multicast = False
            street.air.weather.slow_s = 0.2
            street.house.vanish("battery")
            began = street.clock.true()
            home = await street.switch_on()
            await home.first_stored.wait()
            assert (street.clock.true() - began).total_seconds() < 3
            flow, _ = home.house.flow(home.clock.monotonic_s())
            assert flow.battery_kw is None  # owned and silent, not absent
            assert flow.use_kw is None
            await asyncio.sleep(60)
            assert sum(live.silent or live.contact_s is None for live in _lives(home)) == 1

    run(lived())


@pytest.mark.t(4)
def test_a_full_disk_is_told_once_and_what_was_measured_comes_after():
    async def lived() -> None:
        async with a_street(start=at(0, -10)) as street:
            home = await begun(street)
            await street.until(at(0, 10))
            limit_pages(home, home.store._database._writer.execute("pragma page_count"))
            await street.until(at(0, 45))
            assert home.store.waiting > 20
            assert not np.isnan(minute_kw(street, "pv_kw", NOON, 9)).any()
            street.house.new_meter()  # things go on happening meanwhile
            home.store._database._writer.execute("pragma max_page_count = 1000000")
            await street.until(at(1, 3))
            assert home.store.waiting == 0
            assert not np.isnan(minute_kw(street, "pv_kw", NOON, 60)).any()
            codes = street.codes()
            assert codes.count("disk_full") == 1
            assert codes.count("disk_has_room") == 1
            assert misses(street, NOON, 2, ("pv_kw", "charge_kw", "discharge_kw")) == []

    run(lived())


def limit_pages(home: Home, pages) -> None:
    """The disk has no room for more: SQLite's own limit stands for it."""
    home.store._database._writer.execute(f"pragma max_page_count = {pages.fetchone()[0]}")


def _lives(home: Home):
    return home.house.devices.values()
