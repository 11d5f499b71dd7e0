"""Contracts: billing periods, versions, what the owner must be asked, levy and feed-in by date."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hidamari.core.contract import (
    Contract,
    basic_yen,
    contract_on,
    missing,
    period_of,
    period_on,
    reading_date,
    sell_on,
    tariff_of,
)
from hidamari.core.feed_in import feed_in_schedule, feed_in_table, flat_rate
from hidamari.core.levy import LevyRate, levy_on, levy_table
from hidamari.core.price import price, prices
from hidamari.core.tariff import Ask, Market, Plan
from hidamari.core.tariff_files import bands_from, load_plans, read_plan
from hidamari.core.time import unix

PLANS = load_plans()
TEPCO_B = Contract(PLANS["tepco_juryo_b"], contract_a=40, reading_day=15)
JULY_1 = datetime(2026, 6, 30, 15, tzinfo=UTC)  # 00:00 JST

days = st.dates(date(2013, 1, 1), date(2040, 12, 31))


@given(day=days, reading_day=st.integers(1, 31))
def test_every_day_lies_in_one_period_that_begins_and_ends_on_reading_days(
    day: date, reading_day: int
) -> None:
    contract = replace(TEPCO_B, reading_day=reading_day)
    period = period_on(contract, day)
    assert period.start <= day < period.reading
    assert 28 <= period.days <= 31
    assert period_on(contract, period.reading).start == period.reading
    assert period_on(contract, period.reading - timedelta(days=1)).start == period.start


@pytest.mark.parametrize(
    ("day", "start", "reading"),
    [
        (date(2026, 7, 14), date(2026, 6, 15), date(2026, 7, 15)),
        (date(2026, 7, 15), date(2026, 7, 15), date(2026, 8, 15)),
        (date(2026, 1, 3), date(2025, 12, 15), date(2026, 1, 15)),
    ],
)
def test_a_period_runs_from_reading_day_to_reading_day(
    day: date, start: date, reading: date
) -> None:
    period = period_on(TEPCO_B, day)
    assert (period.start, period.reading) == (start, reading)


def test_the_period_of_an_instant_goes_by_the_local_day() -> None:
    at = datetime(2026, 7, 14, 15, tzinfo=UTC)  # 15 July 00:00 JST
    assert period_of(TEPCO_B, at).start == date(2026, 7, 15)


def test_a_reading_day_of_31_is_the_last_day_of_a_short_month() -> None:
    assert reading_date(2026, 2, 31) == date(2026, 2, 28)
    assert reading_date(2028, 2, 31) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("reading", "levy_yen_kwh", "known"),
    [
        (date(2012, 7, 15), 0.0, True),  # before the levy
        (date(2012, 8, 1), 0.22, True),
        (date(2013, 3, 31), 0.22, True),  # fiscal 2012 ended in March
        (date(2014, 4, 30), 0.35, True),
        (date(2014, 5, 1), 0.75, True),
        (date(2024, 4, 30), 1.40, True),
        (date(2024, 5, 1), 3.49, True),
        (date(2026, 4, 30), 3.98, True),
        (date(2026, 5, 1), 4.18, True),
        (date(2027, 4, 30), 4.18, True),
        (date(2027, 5, 1), 4.18, False),  # not published yet
    ],
)
def test_the_levy_goes_by_the_reading_from_may_to_april(
    reading: date, levy_yen_kwh: float, known: bool
) -> None:
    levy = levy_on(reading)
    assert (levy.levy_yen_kwh, levy.is_known) == (levy_yen_kwh, known)


def test_a_newer_levy_of_the_owner_goes_on_for_its_twelve_readings() -> None:
    newer = (LevyRate(date(2027, 5, 1), 4.5),)
    assert levy_on(date(2027, 5, 10), newer).levy_yen_kwh == 4.5
    assert levy_on(date(2028, 4, 10), newer).is_known
    assert not levy_on(date(2028, 5, 10), newer).is_known
    # What the table knows is not overwritten.
    assert levy_on(date(2026, 6, 1), (LevyRate(date(2026, 5, 1), 9.9),)).levy_yen_kwh == 4.18


def test_the_levy_table_has_one_rate_a_year_in_rising_order() -> None:
    rates, _ = levy_table()
    months = [rate.first_month for rate in rates]
    assert [month.year for month in months] == list(range(2012, 2027))


@pytest.mark.parametrize(
    ("start", "limited", "expected"),
    [
        # 42 yen for ten years from the first year of the scheme.
        (date(2012, 7, 10), False, [(date(2012, 7, 10), 42.0), (date(2022, 7, 10), 8.5)]),
        (date(2016, 5, 1), True, [(date(2016, 5, 1), 33.0), (date(2026, 5, 1), 8.5)]),
        (date(2016, 5, 1), False, [(date(2016, 5, 1), 31.0), (date(2026, 5, 1), 8.5)]),
        (date(2021, 5, 1), True, [(date(2021, 5, 1), 19.0), (date(2031, 5, 1), 8.5)]),
        # Staged: 24 yen in years 1-4, 8.3 yen in years 5-10.
        (
            date(2026, 1, 20),
            False,
            [(date(2026, 1, 20), 24.0), (date(2030, 1, 20), 8.3), (date(2036, 1, 20), 8.5)],
        ),
        (
            date(2028, 2, 29),
            False,
            [(date(2028, 2, 29), 24.0), (date(2032, 2, 29), 8.3), (date(2038, 3, 1), 8.5)],
        ),
        (date(2012, 6, 1), False, []),
    ],
)
def test_the_feed_in_schedule_has_its_stages_and_what_follows(
    start: date, limited: bool, expected: list[tuple[date, float]]
) -> None:
    rates = feed_in_schedule(start, limited=limited, after_yen_kwh=8.5)
    found = [(rate.start, rate.bands[0].steps[0].energy_yen_kwh) for rate in rates]
    assert found == expected


def test_after_the_last_year_the_price_is_unknown_unless_told() -> None:
    contract = replace(TEPCO_B, sell=feed_in_schedule(date(2016, 7, 1)))
    last = JULY_1 - timedelta(minutes=30)
    assert prices(contract, [last, JULY_1])[0].sell_yen_kwh == 31.0
    assert prices(contract, [last, JULY_1])[1].sell_yen_kwh is None


def test_the_feed_in_table_is_complete_from_2012_on() -> None:
    rows, years = feed_in_table()
    assert years == 10
    assert [row.start for row in rows] == sorted(row.start for row in rows)
    assert {row.start.year for row in rows} == set(range(2012, 2026))


def test_the_sell_rate_of_a_day_is_the_last_that_has_begun() -> None:
    contract = replace(TEPCO_B, sell=(flat_rate(date(2026, 1, 1), 24.0),))
    assert sell_on(contract, date(2025, 12, 31)) is None
    assert sell_on(contract, date(2026, 1, 1)) == contract.sell[0]


def test_a_sell_price_may_go_by_time_band() -> None:
    bands = bands_from(
        [
            {"name": "evening", "hours": ["17:00-20:00"], "yen_kwh": 30},
            {"name": "other", "hours": ["20:00-17:00"], "yen_kwh": 5},
        ],
        "bands",
    )
    contract = replace(TEPCO_B, sell=(replace(flat_rate(date(2020, 1, 1), 0.0), bands=bands),))
    at_noon, at_17 = JULY_1 + timedelta(hours=12), JULY_1 + timedelta(hours=17)
    found = [slot.sell_yen_kwh for slot in prices(contract, [at_noon, at_17])]
    assert found == [5.0, 30.0]


def test_the_contract_in_force_is_the_last_that_has_begun() -> None:
    old = replace(TEPCO_B, valid_from=date(2020, 1, 1))
    new = replace(TEPCO_B, valid_from=date(2026, 1, 1))
    assert contract_on([old, new], date(2025, 12, 31)) is old
    assert contract_on([old, new], date(2026, 1, 1)) is new
    assert contract_on([old, new], date(2019, 1, 1)) is old
    assert contract_on([], date(2026, 1, 1)) is None


@pytest.fixture(scope="module")
def revised() -> Plan:
    band = '[[tariff.band]]\nname = "a"\nyen_kwh = {}\n'
    head = 'id = "x"\narea = "tokyo"\nname = "x"\n'
    basic = '[[tariff]]\n{}basic = { unit = "contract" }\n'
    first = basic.replace("{}", "") + band.format(20)
    second = basic.replace("{}", "valid_from = 2026-10-01\n") + band.format(25)
    return read_plan(head + first + second, "x.toml")


def test_a_new_price_holds_from_the_first_period_that_begins_under_it(revised: Plan) -> None:
    # Valid from 1 October with reading day 15: the bill read on 15 October is still the old one.
    contract = Contract(revised, reading_day=15)
    assert period_on(contract, date(2026, 10, 14)).tariff is revised.tariffs[0]
    assert period_on(contract, date(2026, 10, 15)).tariff is revised.tariffs[1]


@pytest.mark.req("SET-02")
def test_what_must_be_asked_shrinks_with_every_answer() -> None:
    plan = PLANS["tepco_yorutoku_8"]
    assert missing(plan, None) == ["basic", "reading_day"]
    assert missing(plan, Contract(plan, basic_yen=1500.0)) == ["reading_day"]
    plan = PLANS["kyushu_kijibetsu"]
    assert missing(plan, None) == ["hours", "contract_kva", "reading_day"]
    plan = PLANS["tepco_juryo_b"]
    assert missing(plan, Contract(plan, contract_kva=6)) == ["contract_a", "reading_day"]
    assert missing(plan, TEPCO_B) == []


def test_a_plan_without_a_basic_charge_has_no_contract_size() -> None:
    assert Contract(PLANS["tepco_yorutoku_8"], contract_a=40).contract_size is None


def test_a_size_that_the_company_does_not_offer_is_asked_for_again() -> None:
    assert missing(TEPCO_B.plan, replace(TEPCO_B, contract_a=25)) == ["contract_a"]


def test_doubtful_facts_are_asked_until_the_owner_confirms_or_replaces_them() -> None:
    plan = PLANS["tohoku_smart_time"]
    told = Contract(plan, basic_yen=0.0, reading_day=1)
    assert missing(plan, told) == ["hours"]
    assert missing(plan, replace(told, confirmed=(Ask.HOURS,))) == []
    own = bands_from([{"name": "a", "yen_kwh": 30}], "bands")
    assert missing(plan, replace(told, bands=own)) == []


def test_the_owners_own_figures_take_the_place_of_the_plans() -> None:
    own = bands_from([{"name": "mine", "yen_kwh": 27.5}], "bands")
    contract = Contract(PLANS["own"], basic_yen=1000.0, bands=own)
    tariff = tariff_of(contract, date(2026, 7, 1))
    assert basic_yen(contract, tariff) == 1000.0
    # 27.5 + levy 4.18 of the levy year 2026.
    assert prices(contract, [JULY_1])[0].buy_yen_kwh == pytest.approx(31.68)
    assert prices(contract, [JULY_1])[0].band == "mine"
    assert missing(PLANS["own"], contract) == ["reading_day"]


def test_a_market_contract_needs_its_formula_and_the_series() -> None:
    plan = PLANS["market_linked"]
    assert missing(plan, None) == ["basic", "market", "reading_day"]
    formula = Market("tokyo", fee_yen_kwh=7.0)
    linked = Contract(plan, basic_yen=0.0, reading_day=1, market=formula)
    assert missing(plan, linked) == []
    # 12.5 x 1.1 + 7 + levy 4.18
    told = replace(linked, spot={unix(JULY_1): 12.5})
    found = prices(told, [JULY_1])[0]
    assert found.buy_yen_kwh == pytest.approx(24.93)
    assert found.band == "市場連動"
    assert prices(linked, [JULY_1])[0].buy_yen_kwh is None
    assert price(plan, told, JULY_1).energy_yen_kwh == pytest.approx(20.75)


def test_the_price_of_one_more_kwh_depends_on_what_was_used() -> None:
    for used, energy in [(0.0, 29.80), (119.9, 29.80), (120.0, 36.40), (300.0, 40.49)]:
        found = price(TEPCO_B.plan, TEPCO_B, JULY_1, used_kwh=used)
        assert found.energy_yen_kwh == energy
        assert found.buy_yen_kwh == pytest.approx(energy + 4.18)
        assert prices(TEPCO_B, [JULY_1], used)[0].buy_yen_kwh == pytest.approx(energy + 4.18)


def test_the_price_under_another_plan_needs_no_other_contract() -> None:
    other = PLANS["tepco_smartlife_s"]
    found = price(other, TEPCO_B, JULY_1 + timedelta(hours=3))
    assert (found.band, found.energy_yen_kwh) == ("夜間", 27.86)


def test_the_steps_of_a_horizon_begin_anew_at_its_reading_day() -> None:
    last = datetime(2026, 7, 14, 14, 30, tzinfo=UTC)  # then comes 15 July 00:00 JST
    found = prices(TEPCO_B, [last, last + timedelta(minutes=30)], used_kwh_this_month=400.0)
    assert [slot.buy_yen_kwh for slot in found] == [
        pytest.approx(40.49 + 4.18),
        pytest.approx(29.80 + 4.18),
    ]


def test_without_hours_the_price_is_none_and_the_band_nameless() -> None:
    plan = PLANS["kyushu_kijibetsu"]
    found = price(plan, Contract(plan), JULY_1)
    assert (found.band, found.energy_yen_kwh, found.buy_yen_kwh) == ("", None, None)
