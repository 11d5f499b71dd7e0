"""A home lived through again: nothing from the future, better than rules, honest numbers."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hidamari.backtest.homes import HomeYear, home_year, read_rows, span
from hidamari.backtest.main import Options, guess_place, run
from hidamari.backtest.replay import Replay
from hidamari.backtest.world import World, self_consumption, time_of_use
from hidamari.core.errors import InputError
from hidamari.forecast.outlook import Outlook
from hidamari.forecast.sun import Place
from hidamari.plan.battery import Battery
from hidamari.plan.recursion import Outcomes

SAMPLE = Path(__file__).parents[1] / "data/sample"
ZONE = ZoneInfo("America/Los_Angeles")
PLACE = Place(34.1, -117.44, ZONE)
FEW = 8  # scenarios: enough where only what may be known is asked


@pytest.fixture(scope="module")
def winter() -> HomeYear:
    """Four weeks to learn from and a fortnight that counts."""
    rows = read_rows(SAMPLE / "home_year.csv.gz", ("load_kwh", "pv_kwh"))
    home = home_year(rows["cl09"], ZONE)
    cut, _ = span(home, None, date(2016, 11, 10), date(2016, 12, 22))
    return cut


@pytest.fixture(scope="module")
def season() -> HomeYear:
    """Four weeks to learn from and fifty days that count; four ways to be wrong: 200 days."""
    rows = read_rows(SAMPLE / "home_year.csv.gz", ("load_kwh", "pv_kwh"))
    home = home_year(rows["cl09"], ZONE)
    cut, _ = span(home, None, date(2016, 11, 10), date(2017, 1, 26))
    return cut


def test_what_comes_later_changes_nothing_before(winter: HomeYear) -> None:
    world = World(winter, time_of_use(24), Battery())
    other = replace(winter, load_kwh=winter.load_kwh.copy(), pv_kwh=winter.pv_kwh.copy())
    rng = np.random.default_rng(1)
    day = 40
    other.load_kwh[day:] = rng.gamma(1.0, 2.0, other.load_kwh[day:].shape)
    other.pv_kwh[day:] *= 0.1
    one = Replay(world, PLACE, scenarios=FEW).run()
    two = Replay(World(other, time_of_use(24), Battery()), PLACE, scenarios=FEW).run()
    until = (day - world.warm_days) * 24 + 1  # the slot decided before its own load is known
    assert one.actions[:until] == two.actions[:until]
    assert one.actions[until:] != two.actions[until:]


def wrong_bill(home: HomeYear, factor: float) -> float:
    """The bill when every forecast of the net load is off by `factor`, floor and all."""
    world = World(home, time_of_use(24), Battery())
    replay = Replay(world, PLACE, scenarios=0)  # they are distorted anyway
    right = replay.outcomes

    def distorted(outlook: Outlook, at: tuple[int, int]) -> Outcomes:
        given = right(outlook, at)
        return replace(given, net_kwh=given.net_kwh * np.float32(factor))

    replay.outcomes = distorted  # type: ignore[method-assign]
    return replay.run().ours_yen


@pytest.mark.t(10)
@pytest.mark.parametrize("factor", [0.5, 1.5, 0.0, -1.0])
def test_wrong_forecasts_cost_at_most_five_percent_more_than_the_rule(
    season: HomeYear, factor: float
) -> None:
    rule_yen = self_consumption(World(season, time_of_use(24), Battery()))
    assert wrong_bill(season, factor) <= 1.05 * rule_yen


def test_a_forecast_file_is_used_only_from_its_issue_on(winter: HomeYear) -> None:
    world = World(winter, time_of_use(24), Battery())
    file_kwh = winter.pv_kwh.copy()
    day = 40
    changed = file_kwh.copy()
    changed[day] *= 0.1  # issued at 23:00 of the day before
    one = Replay(world, PLACE, file_kwh, FEW).run()
    two = Replay(world, PLACE, changed, FEW).run()
    issue = (day - 1 - world.warm_days) * 24 + 23
    assert one.actions[:issue] == two.actions[:issue]
    assert one.actions[issue : issue + 24] != two.actions[issue : issue + 24]


def test_the_report_has_the_agreed_form_and_beats_the_rules() -> None:
    days: list[int] = []
    report = run(
        Options(SAMPLE / "homes_sample.csv.gz", SAMPLE / "homes_meta.csv", ("cl01",)),
        lambda _home, day, _days: days.append(day),
    )
    text = json.loads(json.dumps(report.as_json()))
    home = text["homes"][0]
    assert {
        "home", "none_yen", "greedy_yen", "night_yen", "ours_yen", "optimum_yen",
        "best_rule_yen", "captured_share", "load_nmae", "pv_nmae", "plan_ms",
    } <= set(home)  # fmt: skip
    assert days == [*range(1, 56)]
    assert home["optimum_yen"] < home["ours_yen"] < home["best_rule_yen"] < home["none_yen"]
    assert home["load_nmae"] < home["load_nmae_rule"]
    gain = home["none_yen"] - home["optimum_yen"]
    assert home["captured_share"] == pytest.approx((home["none_yen"] - home["ours_yen"]) / gain)
    assert text["mean"]["ours_yen"] == pytest.approx(home["ours_yen"])


def test_knowing_the_load_or_the_sun_beforehand_is_worth_something() -> None:
    sample, meta = SAMPLE / "homes_sample.csv.gz", SAMPLE / "homes_meta.csv"
    last = date(2016, 12, 15)
    options = Options(sample, meta, ("cl01",), last=last, scenarios=FEW, bounds=True)
    (home,) = run(options).homes
    assert home.load_known_share is not None
    assert home.solar_known_share is not None
    assert home.captured_share < home.load_known_share < 1.0
    assert home.captured_share < home.solar_known_share < 1.0


def test_a_home_without_a_companion_file_is_found_by_its_sun() -> None:
    rows = read_rows(SAMPLE / "homes_sample.csv.gz", ("load_kwh", "pv_kwh"))
    california, lorraine = guess_place(rows["cl04"]), guess_place(rows["em01"])
    assert california.longitude == pytest.approx(-117.4, abs=15.0)  # an hour label wrong
    assert california.zone.key in {"Etc/GMT+7", "Etc/GMT+8"}
    assert lorraine.longitude == pytest.approx(6.9, abs=12.0)
    dark = replace(rows["cl04"], values=rows["cl04"].values * [1.0, 0.0])
    assert guess_place(dark).zone.key == "Asia/Tokyo"


def test_under_one_price_ours_is_self_consumption() -> None:
    report = run(Options(SAMPLE / "homes_sample.csv.gz", only=("cl04",), tariff="flat"))
    assert report.homes[0].ours_yen == pytest.approx(report.homes[0].greedy_yen, abs=100.0)


@pytest.mark.parametrize(
    "options",
    [
        Options(SAMPLE / "homes_sample.csv.gz", only=("cl99",)),
        Options(SAMPLE / "homes_sample.csv.gz", only=("cl01",), tariff="cheap"),
        Options(SAMPLE / "homes_sample.csv.gz", only=("cl01",), last=date(2016, 11, 9)),
    ],
)
def test_what_cannot_be_replayed_is_refused_in_words(options: Options) -> None:
    with pytest.raises(InputError, match=r"cl99|cheap|more than 28"):
        run(options)
