"""A plan's prices and bill on measured days: hand-reckoned, and never beaten by the optimum."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hidamari.backtest.contracted import contracted
from hidamari.backtest.homes import HomeYear
from hidamari.backtest.optimum import optimum
from hidamari.backtest.replay import Replay
from hidamari.backtest.tariffs import plan_of, tariff_of, under
from hidamari.backtest.world import World, no_battery, self_consumption
from hidamari.core.contract import Contract
from hidamari.core.errors import InputError
from hidamari.core.feed_in import flat_rate
from hidamari.forecast.sun import Place
from hidamari.plan.battery import Battery

LEVY_YEN_KWH = 3.98  # of the bills read from May 2025 to April 2026; then 4.18
ZONE = ZoneInfo("America/Los_Angeles")  # with days of 23 and 25 hours


def home_of(load_kwh: float, days: int, slots: int = 48) -> HomeYear:
    load = np.full((days, slots), load_kwh)
    return HomeYear("x", ZONE, date(2026, 3, 1), load, np.zeros_like(load), False)


def test_the_bill_of_a_month_in_steps_by_hand() -> None:
    # juryo B, 50 A, 31 days of 48 x 0.25 kWh = 372 kWh: basic 1558.75; 120 x 29.80 + 180 x 36.40
    # + 72 x 40.49 = 13043.28; levy 372 x 3.98 = 1480.56; together 16082.59
    home = home_of(0.25, 31)
    contract = Contract(plan_of("tepco_juryo_b"), contract_a=50, reading_day=1)
    found = contracted(contract, home)
    assert found.bill_yen(0, home.load_kwh) == pytest.approx(16082.59, abs=0.01)
    assert found.first_yen_kwh[5] == pytest.approx(np.full(48, 29.80 + LEVY_YEN_KWH))


def test_a_band_begins_at_its_hour_on_every_day_also_where_clocks_change() -> None:
    home = home_of(0.5, 20, slots=24)
    prices = under(Contract(plan_of("tepco_smartlife_s")), home).prices
    night, day = 27.86 + LEVY_YEN_KWH, 35.76 + LEVY_YEN_KWH
    for hours in prices.buy_yen_kwh:
        assert hours[[0, 1, 5, 6, 23]] == pytest.approx([day, night, night, day, day])


def test_what_one_more_kwh_costs_follows_the_month_before() -> None:
    home = home_of(0.25, 62)  # March uses 372 kWh: April is planned in the third step
    contract = Contract(plan_of("tepco_juryo_b"), reading_day=1)
    buy = contracted(contract, home).marginal_yen_kwh(home)
    assert buy[0] == pytest.approx(np.full(48, 33.78))
    assert buy[31] == pytest.approx(np.full(48, 44.67))


def test_the_optimum_counts_the_steps_and_the_price_of_the_sun() -> None:
    rng = np.random.default_rng(4)
    load = rng.gamma(1.0, 0.6, (40, 24))
    sun = np.zeros_like(load)
    sun[:, 9:15] = 1.5
    home = HomeYear("x", ZONE, date(2026, 3, 1), load, sun, True)
    sell = (flat_rate(date.min, 8.0),)
    tariff = under(Contract(plan_of("tepco_juryo_b"), sell=sell), home)
    world = World(home, tariff.prices, Battery(), contract=tariff.contract)
    best, follow = optimum(world), self_consumption(world)
    ours = Replay(world, Place(34.1, -117.4, ZONE)).run().ours_yen
    assert best <= ours <= follow + 1.0
    assert follow < no_battery(world)
    dear = (flat_rate(date.min, 48.0),)  # an old feed-in price: better to sell all sun
    tariff = under(Contract(plan_of("tepco_juryo_b"), sell=dear), home)
    world = World(home, tariff.prices, Battery(), contract=tariff.contract)
    assert optimum(world) <= no_battery(world) + 1e-6


def test_a_plan_is_named_by_id_or_file(tmp_path: Path) -> None:
    file = tmp_path / "cheap.toml"
    text = (
        'id = "cheap"\narea = "any"\nname = "x"\n[[tariff]]\nhas_levy = false\n'
        "basic = { unit = 'contract', unit_yen = 500 }\n"
    )
    file.write_text(text + '[[tariff.band]]\nname = "all"\nyen_kwh = 20\n')
    found = tariff_of(str(file))(home_of(0.1, 30)).prices
    assert found.buy_yen_kwh == pytest.approx(20.0)
    assert found.sell_yen_kwh == pytest.approx(15.0)
    market = tariff_of("market_linked")
    with pytest.raises(InputError, match="market_linked: a price for every half-hour"):
        market(home_of(0.1, 30))


LINKED = (
    'id = "linked"\narea = "any"\nname = "x"\n[[tariff]]\nhas_levy = false\n'
    "basic = { unit = 'contract', unit_yen = 500 }\n"
    "market = { area = 'tokyo', fee_yen_kwh = 7.0 }\n"
    '[[tariff.band]]\nname = "all"\nyen_kwh = 0\n'
)


def test_a_market_linked_plan_is_priced_from_the_owners_table(tmp_path: Path) -> None:
    # 10 yen until noon of each day, then 20: with tax of 10 % and a fee of 7 yen, 18 and 29
    plan, table = tmp_path / "linked.toml", tmp_path / "spot.csv"
    plan.write_text(LINKED)
    lines = [
        f"2026-{month:02}-{day:02}T{h // 2:02}:{h % 2 * 30:02},{10 if h < 24 else 20}"
        for month, days in ((2, 28), (3, 31), (4, 1))
        for day in range(1, days + 1)
        for h in range(48)
    ]
    table.write_text("\n".join(["start,yen_kwh", *lines]))
    home = replace(home_of(0.1, 30), zone=ZoneInfo("Asia/Tokyo"))
    buy = tariff_of(str(plan), table)(home).prices.buy_yen_kwh
    assert buy[:, :24] == pytest.approx(18.0)
    assert buy[:, 24:] == pytest.approx(29.0)
    short = tmp_path / "short.csv"
    short.write_text("\n".join(["start,yen_kwh", *lines[: 48 * 40]]))
    with pytest.raises(InputError, match="none on 2026-03-13"):
        tariff_of(str(plan), short)(home)


@pytest.mark.parametrize(
    ("wanted", "text", "words"),
    [
        ("tou", "", "--spot: a plan that follows a market expected, got tou"),
        ("tepco_juryo_b", "", r"--spot: a plan with \[tariff.market\] expected, tepco_juryo_b"),
        ("linked.toml", "start,yen_kwh\nnow,1\n", "--spot: .*spot.csv: line 2"),
        ("linked.toml", "day,price\n", "--spot: .*spot.csv: columns start and yen_kwh"),
        ("linked.toml", None, "--spot: a file of market prices expected, linked.toml follows"),
    ],
)
def test_market_prices_that_do_not_fit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, text: str | None, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("linked.toml").write_text(LINKED)
    table = Path("spot.csv")
    table.write_text(text or "")
    with pytest.raises(InputError, match=words):
        tariff_of(wanted, None if text is None else table)
