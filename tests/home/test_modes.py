"""The conditions of the reference modes, one by one, met and unmet."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from hidamari.core.config import Settings
from hidamari.core.settings_store import patch_settings
from hidamari.home.modes import CHECKS, MODES, State, conditions, look, missing
from hidamari.home.pricing import Prices

ASC = [f"ASC-{n:02d}" for n in range(1, 15)]
ASP = [f"ASP-{n:02d}" for n in range(1, 14)]
NIGHT = np.array([18.0] * 14 + [28.0] * 6 + [35.0] * 14 + [28.0] * 12 + [18.0] * 2)


class Asked:
    """As much of a plan as the checks look at."""

    def __init__(self, buy: np.ndarray, sell: float = 15.0, is_assumed: bool = False) -> None:
        start = datetime(2026, 11, 20, tzinfo=UTC)
        sold = np.full(len(buy), sell)
        prices = Prices(start, buy, buy, sold, ("",) * len(buy), is_assumed)
        outlook = type("Outlook", (), {"is_enough": True})()
        self.facts = type("Facts", (), {"prices": prices, "outlook": outlook})()
        self.plan = type("Plan", (), {"home": None})()
        horizon = type("Horizon", (), {"pv_kwh": np.ones(48), "load_kwh": np.zeros(48)})()
        request = type("Request", (), {"horizon": horizon, "assets": ()})()
        self.ask = type("Ask", (), {"request": request})()


def state(tree: object = None, **more: object) -> State:
    settings = patch_settings(Settings(), tree or {})
    given = {"assets": (), "made": None, "has": frozenset({"pv", "meter"}), "weather": "none"}
    return State(settings, **(given | more))


def met(mode: str, number: str, given: State) -> bool | None:
    return next(one.met for one in look(mode, given) if one.condition.id == number)


@pytest.mark.req(*ASC, *ASP)
def test_every_line_of_the_reference_is_there_in_both_languages():
    assert [one.id for one in conditions("solar_rules")] == ASC
    assert [one.id for one in conditions("solar_forecast")] == ASP
    for mode in ("solar_rules", "solar_forecast"):
        for one in conditions(mode):
            assert one.check in CHECKS
            for words in one.words.values():
                assert words[0]
                assert words[1] or one.kind == "note"


def test_modes_of_our_own_have_no_conditions():
    assert [mode for mode in MODES if conditions(mode)] == ["solar_rules", "solar_forecast"]


@pytest.mark.req("ASC-02", "ASP-01", "FUL-09")
def test_full_purchase_excludes_both_modes():
    full = state({"home": {"buying": "full"}})
    assert met("solar_rules", "ASC-02", full) is False
    assert "ASP-01" in missing(look("solar_forecast", full))
    assert met("solar_forecast", "ASP-01", state()) is True


@pytest.mark.req("ASC-04", "ASC-08")
def test_a_metered_tariff_cannot_have_the_rule_mode():
    flat = state(made=Asked(np.full(48, 31.0)))
    assert met("solar_rules", "ASC-04", flat) is False
    assert met("solar_rules", "ASC-08", state(made=Asked(NIGHT))) is True
    assert met("solar_rules", "ASC-08", state(made=Asked(NIGHT, is_assumed=True))) is False


@pytest.mark.req("ASC-05", "ASP-06")
def test_power_must_be_measured():
    assert met("solar_rules", "ASC-05", state(has=frozenset({"pv"}))) is False
    assert met("solar_forecast", "ASP-06", state(has=frozenset({"board"}))) is True


@pytest.mark.req("ASP-03")
@pytest.mark.parametrize(
    ("buy", "expected"),
    [
        (np.full(48, 31.0), True),  # metered
        (NIGHT, True),  # cheap night, one dear midday, in between on both sides
        (np.array([18.0] * 14 + [35.0] * 4 + [25.0] * 10 + [35.0] * 8 + [18.0] * 12), False),
        (np.array([40.0] * 2 + [30.0] * 10 + [40.0] * 36), True),  # one cheap stretch at night
    ],
)
def test_prices_have_a_single_peak_over_the_day(buy, expected):
    assert met("solar_forecast", "ASP-03", state(made=Asked(buy))) is expected


@pytest.mark.req("ASP-04")
def test_the_price_of_sold_power_must_be_known():
    contract = {"plan": "tepco_juryo_b", "sell": [{"start": "2020-01-01", "sell_yen_kwh": 8.5}]}
    with_sell = state({"meters": [{"role": "main", "contracts": [contract]}]})
    assert met("solar_forecast", "ASP-04", with_sell) is True
    assert met("solar_forecast", "ASP-04", state()) is False


@pytest.mark.req("ASP-02")
def test_any_weather_forecast_will_do_and_none_is_said_openly():
    assert met("solar_forecast", "ASP-02", state(weather="old")) is True
    assert met("solar_forecast", "ASP-02", state()) is False
    assert "ASP-02" not in missing(look("solar_forecast", state()))


@pytest.mark.req("ASP-07", "ASP-08")
def test_a_warning_or_the_owners_own_hand_is_seen():
    warned = state({"plan": {"weather_warning": True}})
    assert met("solar_forecast", "ASP-07", warned) is False
    assert met("solar_forecast", "ASP-08", replace(state(), is_overridden=True)) is False
    assert met("solar_forecast", "ASP-08", state()) is True


@pytest.mark.req("ASP-11")
def test_a_home_that_is_not_set_up_is_told_so():
    assert met("solar_forecast", "ASP-11", state()) is False


def test_the_texts_lie_beside_the_code():
    assert (Path(__file__).parents[2] / "src/hidamari/home/conditions.toml").is_file()
