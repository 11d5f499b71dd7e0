"""`hidamari whatif`: the owner's own days, another battery or tariff, honest ranges."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hidamari.backtest.owner import own_of
from hidamari.backtest.owner_cases import Wish, cases_of
from hidamari.backtest.whatif import what_if
from hidamari.backtest.whatif_command import answer, run_whatif
from hidamari.core.config import Settings
from hidamari.core.errors import InputError
from hidamari.core.reading import Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.settings_store import patch_settings, rows_for
from hidamari.store.db import Store

DAYS = 44
START = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)  # local midnight of 1 April
CONTRACT = {
    "plan": "tepco_smartlife_s",
    "contract_a": 50,
    "reading_day": 1,
    "sell": [{"start": "2020-01-01", "sell_yen_kwh": 8.5}],
}


def kwh(at: datetime) -> dict[str, float]:
    """A dear evening and a sunny noon."""
    hour = (at.hour + 9) % 24
    return {"use_kw": 0.8 if 17 <= hour < 23 else 0.2, "pv_kw": 1.0 if 9 <= hour < 15 else 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    store = Store.open(path, START, ballast_bytes=0)
    store.add_series(Series("home", n, "kW", 0.001, Kind.POWER) for n in ("use_kw", "pv_kw"))
    rows = []
    for i in range(48 * DAYS + 3):
        at = START + timedelta(minutes=30 * i)
        if 960 <= i < 970:
            continue  # five hours of the 21st day were not measured
        values = {SeriesKey("home", n): SlotValue(v, Quality.COUNTER) for n, v in kwh(at).items()}
        rows.append((at, values))
    store.write_history(rows, Settings().zone)
    new = patch_settings(Settings(), {"meters": [{"role": "main", "contracts": [CONTRACT]}]})
    store.put_settings(rows_for(new, Settings()), START)
    store.close()
    return path


def test_the_owners_days_are_read_whole_and_gaps_filled_from_their_neighbours(folder: Path) -> None:
    own = own_of(folder)
    assert own.home.load_kwh.shape == (DAYS - 1, 24)  # the first day stands for what came before
    assert own.missing_pct == pytest.approx(100 * 10 / (48 * (DAYS - 1)), abs=0.01)
    assert own.home.load_kwh[3] == pytest.approx(own.home.load_kwh[19])
    assert own.home.pv_kwh.sum(axis=1) == pytest.approx(np.full(DAYS - 1, 12.0))
    assert own.contract is not None
    assert own.battery is None


def test_a_battery_is_compared_with_none_and_has_a_range(folder: Path) -> None:
    own = own_of(folder)
    wish = Wish(battery_kwh=10.0, battery_kw=4.0)
    shares: list[float] = []
    cases = cases_of(own, wish)
    found = json.loads(
        json.dumps(answer(own, wish, cases, what_if(own.home, own.place, cases, shares.append)))
    )
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    today, wished = found["cases"]
    assert wished["usable_kwh"] == 9.0  # a tenth stays for blackouts
    assert wished["low_yen"] <= wished["yen"] <= wished["high_yen"]
    assert found["saved_low_yen"] <= found["saved_yen"] <= found["saved_high_yen"]
    assert found["saved_yen"] > 0
    assert sum(m["days"] for m in today["months"]) == found["days"] == DAYS - 1 - 28
    whole = sum(m["yen"] for m in today["months"]) * 365 / found["days"]
    assert whole == pytest.approx(today["yen"], rel=1e-3)
    # by hand: a day buys 12 x 0.8 evening, 34 x 0.2 other less 12 hours of sun at noon
    assert today["import_kwh"] == pytest.approx(365 * (9.6 + 0.2 * (48 - 12 - 12)), rel=1e-3)


def test_another_tariff_alone_has_no_range_and_keeps_size_and_sell_price(folder: Path) -> None:
    own = own_of(folder)
    wish = Wish(tariff="tepco_juryo_b")
    cases = cases_of(own, wish)
    today, wished = what_if(own.home, own.place, cases)
    assert wished.yen == wished.low_yen == wished.high_yen != today.yen
    assert wished.import_kwh == today.import_kwh
    assert cases[1].tariff.contract is not None
    assert cases[1].tariff.contract.contract.contract_a == 50
    assert cases[1].tariff.prices.sell_yen_kwh == pytest.approx(8.5)


def test_the_command_prints_words_or_json_with_its_steps(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_whatif(folder, Wish(tariff="tepco_juryo_b"), as_json=False, steps=False)
    assert "the wish would have saved about " in capsys.readouterr().out
    run_whatif(folder, Wish(tariff="tepco_juryo_b"), as_json=True, steps=True)
    *steps, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert steps[-1] == {"progress": 1.0}
    assert last["plan_wished"] == "tepco_juryo_b"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(), "another battery or another tariff"),
        (Wish(tariff="cheap"), "tariff: one of chubu_"),
        (Wish(tariff="own"), "own: this plan has no prices of its own"),
        (Wish(tariff="nowhere.toml"), "nowhere.toml cannot be read"),
    ],
)
def test_what_cannot_be_compared_is_refused(folder: Path, wish: Wish, words: str) -> None:
    with pytest.raises(InputError, match=words):
        cases_of(own_of(folder), wish)


def test_a_folder_without_enough_days_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data folder of a home expected"):
        own_of(tmp_path)
    store = Store.open(tmp_path, START, ballast_bytes=0)
    store.add_series([Series("home", "use_kw", "kW", 0.001, Kind.POWER)])
    with pytest.raises(InputError, match="no measured half-hour yet"):
        own_of(tmp_path)
    at = [START + timedelta(minutes=30 * i) for i in range(48 * 10)]
    key = SeriesKey("home", "use_kw")
    rows = [(a, {key: SlotValue(0.1, Quality.COUNTER)}) for a in at]
    store.write_history(rows, Settings().zone)
    with pytest.raises(InputError, match="at least 35 whole measured days"):
        own_of(tmp_path)
    store.close()
