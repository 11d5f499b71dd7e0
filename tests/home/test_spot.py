"""Market prices that the owner told: two forms of a table, and what the plan makes of them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hidamari.backtest.contracted import contracted
from hidamari.backtest.homes import HomeYear
from hidamari.core.contract import Contract
from hidamari.core.errors import InputError
from hidamari.core.tariff import Market
from hidamari.core.tariff_files import load_plans
from hidamari.core.time import TOKYO, unix
from hidamari.home.pricing import prices_ahead
from hidamari.home.spot import FILE, add_spot, linked, read_spot
from hidamari.store.db import Store

MIDNIGHT = datetime(2026, 5, 14, 15, 0, tzinfo=UTC)  # of 15 May in Tokyo
PLAN = load_plans()["market_linked"]
LINKED = Contract(PLAN, basic_yen=0.0, reading_day=1, market=Market("tokyo", fee_yen_kwh=7.0))
LEVY_YEN_KWH = 4.18
EXCHANGE = (
    "受渡日,時刻コード,システムプライス(円/kWh),エリアプライス北海道(円/kWh),エリアプライス東京(円/kWh)\r\n"
    "2026/05/15,1,9.00,8.00,10.50\r\n"
    "2026/05/15,48,9.00,8.00,12.25\r\n"
)
KANSAI = "受渡日,時刻コード,エリアプライス関西\n"


def at(half_hour: int) -> int:
    return unix(MIDNIGHT) + 1800 * half_hour


def day_table(start: datetime, days: int = 1) -> bytes:
    """A price that is the number of its half-hour."""
    rows = [f"{(start + timedelta(minutes=30 * i)).isoformat()},{i % 48}" for i in range(48 * days)]
    return "\n".join(["start,yen_kwh", *rows]).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_table_of_the_exchange_is_read_by_area(encoding: str) -> None:
    raw = EXCHANGE.encode(encoding)
    assert read_spot(raw, "tokyo", TOKYO) == {at(0): 10.5, at(47): 12.25}
    assert read_spot(raw, "hokkaido", TOKYO) == {at(0): 8.0, at(47): 8.0}


def test_a_plain_table_is_read_with_and_without_an_offset() -> None:
    raw = b"start,yen_kwh\n2026-05-15T00:00,1\n2026-05-14T15:30Z,-0.5\n"
    assert read_spot(raw, "tokyo", TOKYO) == {at(0): 1.0, at(1): -0.5}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "columns start and yen_kwh, or the exchange"),
        (b"start,price\n", "there are start, price"),
        (EXCHANGE.encode(), "with the area kansai, expected"),
        (b"start,yen_kwh\n", "at least one price expected"),
        (b"start,yen_kwh\n2026-05-15T00:10,1\n", "line 2: the start of a half-hour expected"),
        (b"start,yen_kwh\n2026-05-15T00:00,much\n", "line 2: could not convert"),
        (b"start,yen_kwh\n2026-05-15T00:00\n", "line 2"),
        (b"start,yen_kwh\n2026-05-15T00:00,nan\n", "line 2: a price in yen per kWh expected"),
        (b"start,yen_kwh\n2026-05-15T00:00,5000\n", "line 2: a price in yen per kWh expected"),
        (
            "受渡日,時刻コード,エリアプライス関西\n2026/5/15,1,9".encode(),
            "line 2: Invalid isoformat",
        ),
        ("受渡日,時刻コード,エリアプライス関西\n2026/05/15,49,9".encode(), "from 1 to 48 expected"),
        (b"\x81\x00", "text in UTF-8 or Shift_JIS"),
    ],
)
def test_another_table_is_refused_with_its_line(raw: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_spot(raw, "kansai", TOKYO)


def test_tables_add_up_in_the_folder_and_a_broken_one_is_left_out(tmp_path: Path) -> None:
    assert linked(LINKED, tmp_path).spot == {}
    add_spot(tmp_path, LINKED, day_table(MIDNIGHT))
    corrected = add_spot(tmp_path, LINKED, b"start,yen_kwh\n2026-05-15T00:30,99.5\n")
    assert corrected == {at(1): 99.5}
    spot = linked(LINKED, tmp_path).spot
    assert (len(spot), spot[at(0)], spot[at(1)], spot[at(47)]) == (48, 0.0, 99.5, 47.0)
    with pytest.raises(InputError, match="market-linked contract expected"):
        add_spot(tmp_path, Contract(load_plans()["tepco_juryo_b"]), day_table(MIDNIGHT))
    (tmp_path / FILE).write_bytes(b"what?")
    assert linked(LINKED, tmp_path).spot == {}


def test_a_plan_goes_by_told_prices_and_guesses_those_not_yet_published(tmp_path: Path) -> None:
    store = Store.open(tmp_path, MIDNIGHT, ballast_bytes=0)
    try:
        add_spot(tmp_path, LINKED, day_table(MIDNIGHT))
        contract = linked(LINKED, tmp_path)
        noon = MIDNIGHT + timedelta(hours=12)
        known = prices_ahead(contract, store, noon, 72)
        half_hour = np.arange(24, 96) % 48
        assert known.marginal_yen_kwh == pytest.approx(half_hour * 1.1 + 7.0 + LEVY_YEN_KWH)
        assert known.buy_yen_kwh == pytest.approx(known.marginal_yen_kwh)
        assert not known.is_assumed
        # tomorrow nobody has told a price yet: guesses, and it is said
        later = prices_ahead(contract, store, noon + timedelta(days=1), 72)
        assert later.marginal_yen_kwh == pytest.approx(known.marginal_yen_kwh)
        assert later.is_assumed
        never = prices_ahead(contract, store, noon + timedelta(days=30), 72)
        assert never.marginal_yen_kwh == pytest.approx(np.full(72, 31.0))
        assert never.is_assumed
    finally:
        store.close()


def test_a_measured_day_is_billed_by_the_clock_of_its_home(tmp_path: Path) -> None:
    """Bought only from 12:00 to 12:30 in Tokyo: half-hour 24 costs 24 x 1.1 + 7 and the levy."""
    add_spot(tmp_path, LINKED, day_table(MIDNIGHT, days=2))
    load = np.zeros((2, 48))
    load[0, 24] = 2.0
    home = HomeYear("x", TOKYO, date(2026, 5, 15), load, np.zeros_like(load), False)
    found = contracted(linked(LINKED, tmp_path), home)
    assert found.bill_yen(0, load) == pytest.approx(2.0 * (24 * 1.1 + 7.0 + LEVY_YEN_KWH))
