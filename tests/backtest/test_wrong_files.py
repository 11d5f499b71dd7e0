"""Files that cannot be replayed: each is refused in one sentence that says what was expected."""

import gzip
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hidamari.backtest.homes import home_year, read_meta, read_rows
from hidamari.backtest.main import Options, replays_of
from hidamari.core.errors import InputError
from hidamari.core.time import TOKYO

SAMPLE = Path(__file__).parents[1] / "data/sample"
HEAD = "home,ts,load_kwh,pv_kwh\n"
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
Table = dict[str, list[object]]


def table(**other: list[object]) -> Table:
    count = 48
    plain: Table = {
        "home": ["a"] * count,
        "ts": [FIRST + timedelta(hours=i) for i in range(count)],
        "load_kwh": [1.0] * count,
    }
    return {name: values for name, values in (plain | other).items() if values}


def as_parquet(path: Path, **other: list[object]) -> Path:
    pq.write_table(pa.table(table(**other)), path)
    return path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + "a,yesterday,1,2\n", "line 2: Invalid isoformat"),
        (HEAD + "a,2024-01-01 00:00+00:00,much,2\n", "line 2: could not convert"),
        (HEAD + "a,2024-01-01 00:00+00:00,1,2\nb\n", "line 3"),
        ("home,load_kwh\na,1\n", "column ts expected, there are home, load_kwh"),
        ("home,ts,use_kwh\na,2024-01-01 00:00+00:00,1\n", "column load_kwh expected"),
        ("", "column home, ts, load_kwh expected, there are none"),
        (HEAD, "rows of at least one home expected"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "homes.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_rows(file, ("load_kwh", "pv_kwh"))


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress((HEAD + "a,2024-01-01,1,2\n" * 99).encode())
    for name, raw in (
        ("half.csv.gz", whole[: len(whole) // 2]),
        ("plain.csv.gz", HEAD.encode()),
        ("other.csv", b"\xff\xfe\x00h"),
    ):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(InputError, match=rf"{name}: a readable table expected"):
            read_rows(tmp_path / name, ("load_kwh",))


def test_a_missing_file_or_a_folder_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="no such file"):
            read_rows(path, ("load_kwh",))
        with pytest.raises(InputError, match="no such file"):
            read_meta(path)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"load_kwh": []}, "column load_kwh expected, there are home, ts"),
        ({"home": [], "ts": []}, "column home, ts expected"),
        ({"ts": ["soon"] * 48}, "ts: an instant in every row expected, got string"),
        ({"ts": [None, *table()["ts"][1:]]}, "ts: an instant in every row expected"),
        ({"load_kwh": ["much"] * 48}, "load_kwh: numbers expected, got string"),
    ],
)
def test_a_parquet_file_with_other_columns_is_refused(
    tmp_path: Path, other: Table, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        read_rows(as_parquet(tmp_path / "homes.parquet", **other), ("load_kwh", "pv_kwh"))


@pytest.mark.parametrize("broken", [lambda raw: b"PAR1", lambda raw: raw[: len(raw) // 2]])
def test_a_broken_parquet_file_is_refused(tmp_path: Path, broken: Callable[[bytes], bytes]) -> None:
    path = as_parquet(tmp_path / "homes.parquet")
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(InputError, match=r"homes\.parquet: a Parquet file expected"):
        read_rows(path, ("load_kwh",))


def test_a_parquet_file_damaged_inside_is_refused(tmp_path: Path) -> None:
    path = as_parquet(tmp_path / "homes.parquet")
    raw = path.read_bytes()
    path.write_bytes(raw[:4] + bytes(len(raw) // 2) + raw[4 + len(raw) // 2 :])
    with pytest.raises(InputError, match=r"homes\.parquet: a (whole )?Parquet file expected"):
        read_rows(path, ("load_kwh",))


def test_without_the_reader_of_parquet_its_installation_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = as_parquet(tmp_path / "homes.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "hidamari.backtest.parquet", raising=False)
    with pytest.raises(InputError, match=r"one package more: \S+ -m pip install 'pyarrow>=18'"):
        read_rows(path, ("load_kwh",))


def test_a_load_that_is_missing_throughout_is_refused(tmp_path: Path) -> None:
    path = as_parquet(tmp_path / "homes.parquet", load_kwh=[None] * 48)
    with pytest.raises(InputError, match="a: load_kwh expected, every value is missing"):
        home_year(read_rows(path, ("load_kwh", "pv_kwh"))["a"], TOKYO)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,tz,lat,lon\ncl01,Asia/Tokyo,35,139\n", "column home expected"),
        ("home,tz,lat,lon\ncl01,Asia/Nowhere,35,139\n", "cl01: tz, lat and lon expected"),
        ("home,tz,lat,lon\ncl01,Asia/Tokyo,north,139\n", "cl01: tz, lat and lon expected"),
        ("home,tz\ncl01,Asia/Tokyo\n", "cl01: tz, lat and lon expected"),
    ],
)
def test_wrong_facts_of_a_home_are_refused(tmp_path: Path, text: str, says: str) -> None:
    meta = tmp_path / "homes.csv"
    meta.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        replays_of(Options(SAMPLE / "homes_sample.csv.gz", meta, ("cl01",)))


def test_a_file_of_forecasts_without_forecasts_is_refused(tmp_path: Path) -> None:
    file = as_parquet(tmp_path / "forecast.parquet")
    with pytest.raises(InputError, match="column pv_fc_kwh expected, there are home, ts, load_kwh"):
        replays_of(Options(SAMPLE / "homes_sample.csv.gz", only=("cl01",), solar_forecast=file))
