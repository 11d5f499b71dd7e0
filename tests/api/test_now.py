"""The house at this moment over the API: identities, ages, sums."""

from datetime import timedelta

import httpx
import pytest
from tests.api.conftest import Bench
from tests.api.house import POWERS, snapshot

from hidamari.core.reading import SeriesKey


def test_the_two_identities_hold_in_what_is_sent(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        now = (await client.get("/api/v1/now")).json()
        made = now["pv_kw"] + now["gen_kw"]
        drawn = now["load_kw"] + now["battery_kw"] + now["ev_kw"] + now["heater_kw"]
        assert now["grid_kw"] == pytest.approx(drawn - made, abs=0.01)
        use = now["load_kw"] + now["heater_kw"] + max(now["ev_kw"], 0)
        assert now["use_kw"] == pytest.approx(use, abs=0.01)
        assert {now["age_s"][name] for name in POWERS} == {4.0}

    bench.home.current = snapshot(bench.home.clock.now(), pv_kw=3.20049, load_kw=0.90049)
    bench.talk(talk)


def test_sums_of_today_follow_the_half_hours(filled: Bench) -> None:
    """Until 12:00 local: 18 night slots of 0.3 bought, 6 sunny ones of 1.2 made and 0.5 sold."""

    async def talk(client: httpx.AsyncClient) -> None:
        now = (await client.get("/api/v1/now")).json()
        today = now["today"]
        assert today["import_kwh"] == pytest.approx(18 * 0.3)
        assert today["pv_kwh"] == pytest.approx(6 * 1.2)
        assert today["export_kwh"] == pytest.approx(6 * 0.5)
        assert today["use_kwh"] == pytest.approx(18 * 0.3 + 6 * 0.5)
        assert today["self_sufficiency_pct"] == pytest.approx(100 * (1 - 5.4 / 8.4), abs=0.1)
        assert today["income_yen"] == pytest.approx(3.0 * 8.5)
        assert now["month"]["from"] == "2026-05-10"
        assert now["sources_today"][0] == {"pv": 0.0, "gen": 0.0, "battery": 0.0, "import": 0.3}
        assert now["sources_today"][20] == {"pv": 0.5, "gen": 0.0, "battery": 0.0, "import": 0.0}
        assert now["sources_today"][30] is None

    filled.talk(talk)


def test_the_running_half_hour_is_summed_up_from_its_minutes(filled: Bench) -> None:
    """Ten minutes at 3 kW are 0.5 kWh on top of the closed half-hours."""

    async def talk(client: httpx.AsyncClient) -> None:
        before = (await client.get("/api/v1/now")).json()["today"]["pv_kwh"]
        home = filled.home
        start = home.clock.now().replace(minute=0)
        for minute in range(10):
            at = start + timedelta(minutes=minute)
            home.store.write_minute(at, {SeriesKey("home", "pv_kw"): 3.0})
        home.clock.advance(60)
        after = (await client.get("/api/v1/now")).json()["today"]["pv_kwh"]
        assert after - before == pytest.approx(0.5)

    filled.talk(talk)
