"""The contract of all plan files: they load, fill the year and bill as worked out by hand."""

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files

import jpholiday
import pytest

from hidamari.core.bill import Note, Sample, bill
from hidamari.core.contract import Contract, missing
from hidamari.core.price import prices
from hidamari.core.tariff import Ask, Plan, Structure, Worked, band_cells
from hidamari.core.tariff_files import load_plans, read_plan
from hidamari.core.time import slots

FOLDER = files("hidamari.core") / "tariffs"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name.endswith(".toml"))
PLANS = {name: read_plan((FOLDER / name).read_text(encoding="utf-8"), name) for name in FILES}
WORKED = [(plan, worked) for plan in PLANS.values() for worked in plan.worked]
# Fiscal 2026 in Tokyo: 2026-04-01 00:00 JST is 2026-03-31 15:00 UTC.
YEAR = slots(datetime(2026, 3, 31, 15, tzinfo=UTC), 365 * 48)
YEAR_LOCAL = [at + timedelta(hours=9) for at in YEAR]
YEAR_CLOCK = [at.strftime("%H:%M") for at in YEAR_LOCAL]

# As told in the collection of facts: everything that is not here lacks a basic charge or hours.
COMPLETE = {
    "tepco_juryo_b", "tepco_smartlife_s",
    "chubu_juryo_b", "chubu_smartlife", "chubu_smartlife_asa", "chubu_smartlife_yoru",
    "kansai_juryo_a",
    "chugoku_juryo_a", "chugoku_juryo_b", "chugoku_smart", "chugoku_simple",
    "chugoku_denka_style", "chugoku_night_holiday",
    "kyushu_juryo_a", "kyushu_juryo_b", "kyushu_juryo_c",
    "sell_only",
}  # fmt: skip
WITHOUT_HOURS = {"kyushu_kijibetsu", "own", "market_linked"}


@pytest.mark.req("SET-02", "SET-03")
def test_all_27_collected_plans_are_there_and_load() -> None:
    assert len(set(PLANS) - {"own.toml", "market_linked.toml", "sell_only.toml"}) >= 27
    assert {f"{plan_id}.toml" for plan_id in load_plans()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_named_like_its_plan_and_names_its_sources(name: str) -> None:
    plan = PLANS[name]
    assert f"{plan.id}.toml" == name
    assert plan.area == "any" or (plan.sources and plan.confidence and plan.company_en)


@pytest.mark.parametrize("name", FILES)
def test_complete_plans_have_a_worked_bill_and_templates_ask(name: str) -> None:
    plan = PLANS[name]
    assert not (plan.id in COMPLETE and plan.template)
    assert bool(plan.worked) == (not plan.template)
    assert bool(plan.ask) == plan.template


@pytest.mark.req("SET-12")
@pytest.mark.parametrize(("plan", "worked"), WORKED, ids=[plan.id for plan, _ in WORKED])
def test_the_worked_bill_is_met_to_the_yen(
    plan: Plan,
    worked: Worked,
    contract_for: Callable[[Plan, Worked], Contract],
    month_of: Callable[..., list[Sample]],
) -> None:
    # The hand calculation stands beside the figures in each plan file.
    contract = contract_for(plan, worked)
    usage = month_of(contract, worked.reading, dict(worked.used_kwh))
    found = bill(contract, usage)
    assert found.total_yen == worked.total_yen
    assert found.is_estimate
    assert found.notes == ()


@pytest.mark.parametrize("name", [n for n in FILES if n[:-5] not in WITHOUT_HOURS])
def test_every_half_hour_of_the_year_has_one_band_and_its_price(name: str) -> None:
    # The file is read here a second time, by other code, straight from the TOML.
    raw = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))["tariff"][-1]
    contract = Contract(PLANS[name], contract_a=40, contract_kva=10, contract_kw=10)
    # Readings from 1 May 2026 to 1 April 2027 all lie in the levy year 2026.
    levy_yen_kwh = 0.0 if name == "sell_only.toml" else 4.18
    free = {day: _is_free(raw, day) for day in {at.date() for at in YEAR_LOCAL}}
    bands: dict[tuple[int, str, bool], dict[str, object]] = {}  # a year repeats few of them
    for at, clock, slot in zip(YEAR_LOCAL, YEAR_CLOCK, prices(contract, YEAR), strict=True):
        when = at.month, clock, free[at.date()]
        if when not in bands:
            bands[when] = _only_band(raw, *when)
        band = bands[when]
        assert slot.band == band["name"]
        energy_yen_kwh = band["yen_kwh"] if "yen_kwh" in band else band["steps"][0][1]
        assert abs(slot.buy_yen_kwh - (energy_yen_kwh + levy_yen_kwh)) <= 1e-9, (at, slot)


def _is_free(raw: dict[str, object], day: date) -> bool:
    """Whether the file counts a day among its holidays."""
    holidays = raw.get("holidays", {"weekdays": ["sat", "sun"], "public": True, "dates": []})
    return (
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()] in holidays["weekdays"]
        or day.strftime("%m-%d") in holidays["dates"]
        or (holidays["public"] and _is_public_holiday(day))
    )


def _only_band(raw: dict[str, object], month: int, clock: str, free: bool) -> dict[str, object]:
    """The one band of the file that holds at a local time; fails on none or two."""
    found = [
        band
        for band in raw["band"]
        if month in band.get("months", range(1, 13))
        and band.get("days", "all") in ("all", "holiday" if free else "weekday")
        and any(_is_in(hours, clock) for hours in band.get("hours", ["00:00-24:00"]))
    ]
    assert len(found) == 1, (month, clock, free, found)
    return found[0]


@lru_cache
def _is_public_holiday(day: date) -> bool:
    return jpholiday.is_holiday(day)


def _is_in(hours: str, now: str) -> bool:
    start, end = hours.split("-")
    return start <= now < end if start < end else now >= start or now < end


@pytest.mark.parametrize("name", [f"{plan_id}.toml" for plan_id in sorted(WITHOUT_HOURS)])
def test_a_plan_without_hours_has_no_price_until_the_owner_gives_them(name: str) -> None:
    plan = PLANS[name]
    assert set(plan.ask) & {Ask.HOURS, Ask.PRICES, Ask.MARKET}
    slot = prices(Contract(plan), YEAR[:1])[0]
    assert slot.buy_yen_kwh is None
    assert Note.PRICES_UNKNOWN in bill(Contract(plan), [(YEAR[0], 1.0, None)]).notes


@pytest.mark.parametrize("name", FILES)
def test_prices_rise_with_use_in_every_stepped_band(name: str) -> None:
    for tariff in PLANS[name].tariffs:
        for band in tariff.bands:
            found = [step.energy_yen_kwh for step in band.steps]
            assert found == sorted(found)


@pytest.mark.parametrize("name", FILES)
def test_a_template_asks_for_what_it_lacks_and_a_complete_plan_for_the_contract_only(
    name: str,
) -> None:
    plan = PLANS[name]
    asked = set(missing(plan, None))
    assert asked >= {ask.value for ask in plan.ask}
    told = Contract(plan, contract_a=40, contract_kva=10, contract_kw=10, reading_day=10)
    assert set(missing(plan, told)) == {ask.value for ask in plan.ask}


def test_the_structures_are_told_apart() -> None:
    found = {name[:-5]: plan.structure for name, plan in PLANS.items()}
    assert found["tepco_juryo_b"] is Structure.METERED
    assert found["tepco_smartlife_s"] is Structure.BANDS
    assert found["chugoku_denka_style"] is Structure.SEASONS
    assert found["market_linked"] is Structure.MARKET


def test_hokkaido_changes_its_second_step_at_280_kwh() -> None:
    steps = PLANS["hokkaido_juryo_b.toml"].tariffs[0].bands[0].steps
    assert [step.over_kwh for step in steps] == [0, 120, 280]


def test_the_kansai_holidays_hold_the_companys_own_days() -> None:
    # 30 December 2026 is a Wednesday and no public holiday; 10:00 JST is 01:00 UTC.
    contract = Contract(PLANS["kansai_hapie_time_r.toml"])
    named = prices(contract, [datetime(2026, 12, 29, 1, tzinfo=UTC)])[0].band
    assert named == "デイタイムその他季"
    assert prices(contract, [datetime(2026, 12, 30, 1, tzinfo=UTC)])[0].band == "リビングタイム"


def test_all_bands_of_all_plans_cover_the_1152_kinds_of_half_hours_at_most_once() -> None:
    for plan in PLANS.values():
        cells = [cell for band in plan.tariffs[-1].bands for cell in band_cells(band)]
        assert len(cells) == len(set(cells))
        assert len(cells) in ({0} if plan.id in WITHOUT_HOURS else {12 * 2 * 48})


def test_no_worked_bill_lies_beyond_the_known_levy() -> None:
    assert all(worked.reading < date(2027, 5, 1) for _, worked in WORKED)
