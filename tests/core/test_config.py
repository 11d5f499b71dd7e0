"""The settings tree: defaults, limits, refusals, rows in the store, contracts made of it."""

import json
import random
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.core.config import ContractSettings, Settings, parse_settings
from hidamari.core.contract import Role
from hidamari.core.errors import SettingsError
from hidamari.core.settings_store import (
    SECTIONS,
    dump_settings,
    patch_settings,
    read_rows,
    rows_for,
)
from hidamari.core.tariff import Ask
from hidamari.core.tariff_files import load_plans

JsonTree = dict[str, object]

FULL: JsonTree = {
    "home": {
        "name": "ひだまりの家",
        "language": "en",
        "postal_code": "100-0004",
        "place": {"lat": 35.68, "lon": 139.76, "prefecture": "東京都", "municipality": "千代田区"},
        "kind": "collective",
        "buying": "full",
        "people": 4,
        "supply": "electric_gas",
        "pv_since": "2021-05-01",
    },
    "meters": [
        {
            "role": "main",
            "contracts": [
                {
                    "plan": "tepco_juryo_b",
                    "contract_a": 40,
                    "reading_day": 15,
                    "fuel_yen_kwh": {"2026-10": -5.8},
                    "levy_yen_kwh": {"2027": 4.5},
                    "sell": [
                        {"start": "2031-05-01", "sell_yen_kwh": 8.5},
                        {"start": "2021-05-01", "sell_yen_kwh": 19},
                    ],
                }
            ],
        },
        {"role": "sub", "name": "garage"},
    ],
    "circuits": {"3": {"name": "キッチン", "room": "1F"}},
    "devices": {"abc": {"name": "蓄電池"}},
    "sources": {"pv_kw": "abc.power_kw"},
    "screens": {"start": "graphs", "theme": "dark"},
    "target": {"month_kwh": 350, "half_hour_kwh": 1.5},
    "co2": {"grid_kg_kwh": 0.4},
    "utilities": {"gas_yen_m3": 185.13},
    "network": {"probe": ["192.0.2.7"], "host_names": ["home.example.jp"]},
}


@pytest.mark.req("SET-04", "SET-05", "SET-06", "SET-07", "SET-09")
def test_all_that_an_owner_can_set_comes_back_as_it_was_set() -> None:
    tree = dump_settings(parse_settings(FULL))
    assert tree["home"]["postal_code"] == "1000004"
    assert tree["home"]["zone"] == "Asia/Tokyo"
    assert tree["meters"][0]["contracts"][0]["fuel_yen_kwh"] == {"2026-10": -5.8}
    assert tree["utilities"]["gas_yen_m3"] == 185.13
    assert tree["target"] == {"month_kwh": 350.0, "half_hour_kwh": 1.5}
    assert parse_settings(tree) == parse_settings(FULL)
    assert json.loads(json.dumps(tree)) == tree


def test_an_empty_home_has_defaults_for_everything() -> None:
    found = Settings()
    assert found.language == "ja"
    assert found.zone == ZoneInfo("Asia/Tokyo")
    # Labelling guide of 2026: grid 0.423, solar 0.0455 kg CO2 per kWh.
    assert (found.co2.grid_kg_kwh, found.co2.pv_kg_kwh) == (0.423, 0.0455)
    assert found.meter(Role.MAIN, {}) is None


@pytest.mark.req("CTL-09")
def test_full_width_digits_are_taken_and_shown_back_as_plain_ones() -> None:
    home = parse_settings({"home": {"postal_code": "１００－０００４", "people": "４"}}).home
    assert (home.postal_code, home.people) == ("1000004", 4)
    target = parse_settings({"target": {"half_hour_kwh": "１．５"}}).target
    assert target.half_hour_kwh == 1.5
    contract = parse_settings(
        {
            "meters": [
                {"role": "main", "contracts": [{"plan": "x", "valid_from": "２０２６-０４-０１"}]}
            ]
        }
    )
    assert contract.meters[0].contracts[0].valid_from == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("tree", "path", "expected"),
    [
        ({"hous": {}}, "hous", "a known key"),
        ({"home": {"colour": 1}}, "home.colour", "a known key"),
        ({"home": {"zone": "Mars/Base"}}, "home.zone", "a time zone such as Asia/Tokyo"),
        ({"home": {"zone": "../etc"}}, "home.zone", "a time zone such as Asia/Tokyo"),
        ({"home": {"postal_code": "12"}}, "home.postal_code", "a postal code of seven digits"),
        ({"home": {"people": 0}}, "home.people", "greater than or equal to 1"),
        ({"home": {"people": 2.5}}, "home.people", "a whole number"),
        ({"home": {"people": True}}, "home.people", "a number"),
        ({"home": {"kind": "tent"}}, "home.kind", "'house' or 'collective'"),
        ({"home": 3}, "home", "a valid dictionary or instance of HomeSettings"),
        ({"target": {"month_kwh": "many"}}, "target.month_kwh", "a number"),
        ({"target": {"month_kwh": -1}}, "target.month_kwh", "greater than or equal to 0"),
        ({"target": {"month_kwh": float("nan")}}, "target.month_kwh", "a finite number"),
        ({"meters": [{}]}, "meters.0.role", "a value"),
        ({"meters": [{"role": "main"}] * 2}, "meters", "at most one meter of role main"),
        (
            {"meters": [{"role": "sub", "contracts": [{"plan": "x"}]}]},
            "meters.0",
            "no contracts for a meter of role sub",
        ),
        ({"network": {"probe": ["no"]}}, "network.probe.0", "an IPv4 address"),
        ({"sources": {"mood": "x"}}, "sources.mood", "'energy', "),
    ],
)
def test_a_wrong_value_is_refused_with_its_path_and_what_was_expected(
    tree: JsonTree, path: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings(tree)
    (problem,) = refused.value.problems
    assert problem.path == path
    assert problem.expected.startswith(expected)
    assert f"{path}: {problem.expected} expected, got " in str(refused.value)


@pytest.mark.parametrize(
    ("contract", "path", "expected"),
    [
        ({"contract_a": "40A"}, "contract_a", "a number"),
        ({"reading_day": 32}, "reading_day", "less than or equal to 31"),
        ({"fuel_yen_kwh": {"2026-13": 1}}, "fuel_yen_kwh.2026-13", "string should match"),
        ({"sell": [{"start": "2026-04-01"}]}, "sell.0", "either sell_yen_kwh or bands"),
        ({"bands": [{"name": "a"}]}, "bands.0.yen_kwh", "either yen_kwh or steps"),
        (
            {"bands": [{"name": "a", "yen_kwh": 1, "hours": ["00:00-12:00"]}]},
            "bands.hours",
            "a band for month 1, weekdays, 12:00",
        ),
        ({"market": {"area": "tokyo"}}, "market.fee_yen_kwh", "a number"),
    ],
)
def test_a_wrong_contract_is_refused_down_to_the_band(
    contract: JsonTree, path: str, expected: str
) -> None:
    tree = {"meters": [{"role": "main", "contracts": [{"plan": "own", **contract}]}]}
    with pytest.raises(SettingsError) as refused:
        parse_settings(tree)
    problem = refused.value.problems[0]
    assert problem.path == f"meters.0.contracts.0.{path}"
    assert problem.expected.startswith(expected)


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings({"home": {"people": 0, "kind": "x"}, "target": {"month_kwh": "x"}})
    assert len(refused.value.problems) == 3


def test_a_patch_changes_only_what_it_names() -> None:
    before = parse_settings(FULL)
    after = patch_settings(before, {"home": {"people": "５", "pv_since": None}})
    assert (after.home.people, after.home.pv_since) == (5, None)
    assert after.home.name == "ひだまりの家"
    assert after.meters == before.meters


def test_a_wrong_patch_leaves_everything_as_it_was() -> None:
    before = parse_settings(FULL)
    with pytest.raises(SettingsError, match=r"target\.month_kwh"):
        patch_settings(before, {"home": {"people": 5}, "target": {"month_kwh": []}})
    with pytest.raises(SettingsError):
        patch_settings(before, [])
    assert before == parse_settings(FULL)


def test_settings_become_contracts_of_the_tariff_engine() -> None:
    meter = parse_settings(FULL).meter(Role.MAIN, load_plans())
    assert meter is not None
    (contract,) = meter.contracts
    assert contract.plan.id == "tepco_juryo_b"
    assert (contract.contract_a, contract.reading_day) == (40.0, 15)
    assert contract.fuel[0].fuel_yen_kwh == -5.8
    assert (contract.levy[0].first_month, contract.levy[0].levy_yen_kwh) == (date(2027, 5, 1), 4.5)
    assert [rate.start for rate in contract.sell] == [date(2021, 5, 1), date(2031, 5, 1)]


def test_own_bands_market_and_confirmations_reach_the_contract() -> None:
    settings_ = ContractSettings(
        plan="own",
        basic_yen=1000,
        bands=[{"name": "終日", "yen_kwh": "２７．５"}],
        market={"area": "tokyo", "fee_yen_kwh": 7},
        confirmed=[Ask.HOURS],
        sell=[{"start": "2026-01-01", "bands": [{"name": "終日", "yen_kwh": 9}]}],
    )
    contract = settings_.contract(load_plans(), ZoneInfo("Asia/Tokyo"))
    assert contract.bands is not None
    assert contract.bands[0].steps[0].energy_yen_kwh == 27.5
    assert contract.market is not None
    assert contract.confirmed == (Ask.HOURS,)
    assert contract.sell[0].bands[0].steps[0].energy_yen_kwh == 9.0


def test_an_unknown_plan_is_named_with_its_path() -> None:
    tree = {"meters": [{"role": "main", "contracts": [{"plan": "gone"}]}]}
    with pytest.raises(SettingsError, match=r"contracts\.0\.plan: the id of a plan expected"):
        parse_settings(tree).meter(Role.MAIN, load_plans())


def test_stored_rows_hold_changed_sections_with_sum_and_the_copy_before() -> None:
    old = Settings()
    new = patch_settings(old, {"home": {"people": 3}})
    rows = rows_for(new, old)
    assert set(rows) == {"home", "sum.home", "previous.home", "sum.previous.home"}
    assert read_rows(rows) == (new, [])
    assert rows_for(new, new) == {}


@pytest.mark.t(3)
def test_a_refused_section_falls_back_to_its_copy_and_takes_no_other_with_it() -> None:
    first = parse_settings(FULL)
    second = patch_settings(first, {"target": {"month_kwh": 300}})
    rows = {**rows_for(first, Settings()), **rows_for(second, first)}
    found, problems = read_rows({**rows, "target": {"month_kwh": "?"}, "sum.target": None})
    assert found == first
    assert [problem.path for problem in problems] == ["target.month_kwh"]


@pytest.mark.t(3)
def test_a_section_without_a_good_copy_gets_its_default() -> None:
    found, problems = read_rows({"target": 3, "previous.target": 4, "home": {"people": 2}})
    assert found.target == Settings().target
    assert found.home.people == 2
    assert len(problems) == 2


@pytest.mark.t(3)
def test_any_changed_byte_of_the_stored_rows_is_found_and_repaired_from_the_copy() -> None:
    rng = random.Random(3)
    first = parse_settings(FULL)
    second = patch_settings(
        first, {name: dump_settings(Settings())[name] for name in ("target", "screens", "co2")}
    )
    rows = {**rows_for(first, Settings()), **rows_for(second, first)}
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in rows.items()}
    names = ["target", "screens", "co2"]
    for _ in range(500):
        name = rng.choice(names)
        body = texts[name].encode()
        place = rng.randrange(len(body))
        flipped = body[:place] + bytes([body[place] ^ 1 << rng.randrange(8)]) + body[place + 1 :]
        try:
            value = json.loads(flipped.decode())
        except ValueError:
            value = None  # the store answers null for a row that is no JSON
        found, problems = read_rows({**rows, name: value})
        same = value == rows[name]
        assert getattr(found, name) == getattr(second if same else first, name)
        assert bool(problems) == (not same)
        for other in set(SECTIONS) - {name}:
            assert getattr(found, other) == getattr(second, other)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(section=st.sampled_from(SECTIONS), value=json_values)
def test_no_json_whatever_stops_the_rest_of_the_settings(section: str, value: object) -> None:
    found, _ = read_rows({section: value, "previous.home": 1})
    assert isinstance(found, Settings)
    for other in set(SECTIONS) - {section}:
        assert getattr(found, other) == getattr(Settings(), other)
