"""Plan files that are wrong are refused with the path of what is wrong, and take no other along."""

import logging
import random
from importlib.resources import files
from pathlib import Path

import pytest

from hidamari.core.checked import Table, half_width
from hidamari.core.errors import InputError, SettingsError
from hidamari.core.tariff_files import bands_from, load_plans, market_from, read_plan

GOOD = """
id = "good"
area = "tokyo"
name = "Good"
[[tariff]]
basic = { unit = "a", table = [[10, 300], [20, 600]], unit_yen = 30 }
[[tariff.band]]
name = "day"
hours = ["07:00-23:00"]
yen_kwh = 30
[[tariff.band]]
name = "night"
hours = ["23:00-07:00"]
yen_kwh = 20
[[worked]]
reading = 2026-06-10
size = 30
used_kwh = { day = 10 }
total_yen = 1241
"""


def test_beyond_the_last_row_each_further_unit_is_added() -> None:
    basic = read_plan(GOOD, "good.toml").tariffs[0].basic
    assert basic is not None
    assert [basic.basic_yen(a) for a in (5, 10, 15, 20, 25)] == [300, 300, 600, 600, 750]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "good"', "", "good.toml.id: a text expected, got nothing"),
        ('id = "good"', 'idd = "good"', "good.toml.id: a text expected"),
        ("yen_kwh = 30", "", "tariff.0.band.0.yen_kwh: either yen_kwh or steps expected"),
        ("yen_kwh = 30", 'yen_kwh = "x"', "tariff.0.band.0.yen_kwh: a number expected, got 'x'"),
        ("yen_kwh = 30", "yen_kwh = nan", "tariff.0.band.0.yen_kwh: a number expected, got nan"),
        ("yen_kwh = 30", "yen_kwh = true", "tariff.0.band.0.yen_kwh: a number expected"),
        ("yen_kwh = 30", "steps = [[10, 1], [20, 2]]", "steps: a first step from 0 kWh expected"),
        ("yen_kwh = 30", "steps = [[0, 1], [0, 2]]", "steps.1: a rising first number expected"),
        ("yen_kwh = 30", "steps = [[0, 1, 2]]", "steps.0: two numbers expected"),
        ("yen_kwh = 30", "steps = 3", "steps: a list expected"),
        ("07:00-23:00", "07:00-22:00", "a band for month 1, weekdays, 22:00 expected"),
        ("07:00-23:00", "07:00-23:30", "hours free of other bands (month 1, weekdays, 23:00)"),
        ("07:00-23:00", "07:15-23:00", "hours on the half-hour such as 23:00-07:00 expected"),
        ("07:00-23:00", "25:00-23:00", "hours on the half-hour"),
        ('hours = ["07:00-23:00"]', "hours = [7]", "hours: a list of texts expected"),
        ('name = "day"', 'name = "day"\nmonths = [0]', "months: months from 1 to 12 expected"),
        ('name = "day"', 'name = "day"\ndays = "sunny"', "days: one of all, weekday, holiday"),
        ('name = "day"', 'name = "day"\ncolour = "red"', "colour: one of the keys"),
        ('area = "tokyo"', 'area = "mars"', "good.toml.area: one of hokkaido"),
        ('area = "tokyo"', 'area = "tokyo"\nask = ["money"]', "ask: one of contract_a"),
        ('area = "tokyo"', 'area = "tokyo"\nask = ["basic"]', "ask: questions in a template"),
        ('area = "tokyo"', 'area = "tokyo"\ntemplate = 1', "template: true or false expected"),
        ("basic = ", "[[tariff.holidays]]\nnothing = ", "holidays: a table expected"),
        ("basic = { unit", "basic = { per", "basic.unit: a text expected"),
        ('basic = { unit = "a", table = [[10, 300], [20, 600]], unit_yen = 30 }', "", "ask = ['b"),
        ("reading = 2026-06-10", "", "worked.0.reading: a date such as 2026-06-10 expected"),
        ("reading = 2026-06-10", 'reading = "June"', "reading: a date such as 2026-04-01"),
        ("reading = 2026-06-10", "reading = 2026-06-10T00:00:00", "reading: a date such as"),
        ("[[tariff]]", "[[tariff", "good.toml: not a TOML file"),
    ],
)
def test_a_wrong_plan_file_is_refused_by_its_path(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as refused:
        read_plan(GOOD.replace(old, new, 1), "good.toml")
    assert message in str(refused.value)


def test_a_plan_needs_prices() -> None:
    with pytest.raises(SettingsError, match="at least one table of prices"):
        read_plan('id = "x"\narea = "any"\nname = "x"\n', "x.toml")


def test_versions_must_rise_by_date() -> None:
    twice = GOOD + GOOD[GOOD.index("[[tariff]]") : GOOD.index("[[worked]]")]
    with pytest.raises(SettingsError, match="rising order of valid_from"):
        read_plan(twice, "good.toml")


def test_stepped_bands_of_one_plan_share_their_edges() -> None:
    with pytest.raises(SettingsError, match="the same kWh edges"):
        bands_from(
            [
                {"name": "a", "hours": ["00:00-12:00"], "steps": [[0, 1], [100, 2]]},
                {"name": "b", "hours": ["12:00-24:00"], "steps": [[0, 1], [120, 2]]},
            ],
            "bands",
        )


@pytest.mark.parametrize(
    ("holidays", "message"),
    [
        ({"weekdays": ["sonntag"]}, "weekdays: days such as mon"),
        ({"weekdays": ["sat"], "dates": ["02-30"]}, "dates: days such as 12-31"),
    ],
)
def test_holidays_are_days_of_the_week_or_of_the_year(
    holidays: dict[str, object], message: str
) -> None:
    lines = "".join(f"{key} = {value!r}\n" for key, value in holidays.items())
    text = GOOD.replace("[[tariff.band]]", f"[tariff.holidays]\n{lines}[[tariff.band]]", 1)
    with pytest.raises(SettingsError) as refused:
        read_plan(text, "good.toml")
    assert message in str(refused.value)


def test_a_market_formula_loses_less_than_everything() -> None:
    raw = {"area": "tokyo", "fee_yen_kwh": 5, "loss_pct": 100}
    with pytest.raises(SettingsError, match="below 100 %"):
        market_from(Table(raw, "market"))


@pytest.mark.req("SET-03")
def test_an_owners_folder_adds_and_replaces_plans_and_a_bad_file_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text("id = 3")
    (tmp_path / "latin.toml").write_bytes(b'id = "\xff"')
    (tmp_path / "note.txt").write_text("not a plan")
    (tmp_path / "own.toml").write_text(GOOD.replace('"good"', '"own"'))
    with caplog.at_level(logging.WARNING):
        plans = load_plans(tmp_path)
    assert set(plans) == set(load_plans()) | {"good"}
    assert plans["own"].name == "Good"
    assert ["bad.toml" in caplog.text, "latin.toml" in caplog.text] == [True, True]


@pytest.mark.t(3)
def test_a_flipped_byte_in_a_plan_file_gives_a_plan_or_a_refusal_never_another_error() -> None:
    rng = random.Random(3)
    folder = files("hidamari.core") / "tariffs"
    texts = sorted((p.name, p.read_bytes()) for p in folder.iterdir() if p.name[-5:] == ".toml")
    outcomes = set()
    for _ in range(500):
        name, body = rng.choice(texts)
        place = rng.randrange(len(body))
        flipped = body[:place] + bytes([body[place] ^ 1 << rng.randrange(8)]) + body[place + 1 :]
        try:
            plan = read_plan(flipped.decode("utf-8"), name)
        except (InputError, UnicodeDecodeError):
            outcomes.add("refused")
        else:
            outcomes.add("read")
            assert plan.tariffs
    assert outcomes == {"refused", "read"}


@pytest.mark.req("CTL-09")
def test_full_width_digits_are_digits() -> None:
    assert half_width(" １２３．５ ") == "123.5"
    assert half_width("１００ー０００１") == "100-0001"
    assert Table({"a": "４０．５"}, "").number("a") == 40.5
    assert Table({"a": "－３"}, "").number("a") == -3.0


@pytest.mark.parametrize("text", ["", "1e5", "0x10", "²", "1_000", "inf", "一", "1.2.3", "--1"])
def test_what_is_no_plain_number_stays_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="a: a number expected"):
        Table({"a": text}, "").number("a")


def test_a_table_is_a_table() -> None:
    with pytest.raises(SettingsError, match="x: a table expected, got 3"):
        Table(3, "x")
