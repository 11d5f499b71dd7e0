"""Measured homes on local days: clocks that change, holes, wrong files."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hidamari.backtest.homes import Rows, home_year, local_grid, read_rows, scaled, span
from hidamari.core.errors import InputError

SAMPLE = Path(__file__).parents[1] / "data/sample"
BERLIN = ZoneInfo("Europe/Berlin")


def hourly(first: datetime, values: list[float]) -> Rows:
    at = [int((first + timedelta(hours=i)).timestamp()) for i in range(len(values))]
    column = np.array(values)
    return Rows("x", np.array(at, dtype=np.int64), np.stack([column, column * 0.0], axis=1))


def test_a_repeated_hour_is_averaged_and_a_missing_one_interpolated() -> None:
    # 2024-10-27: 03:00 CEST goes back to 02:00 CET, so 02 comes twice: UTC 00 and 01
    first = datetime(2024, 10, 26, 22, tzinfo=UTC)  # local midnight of the 27th
    day, grid = local_grid(hourly(first, [float(i) for i in range(26)]), BERLIN, 24)
    assert day == date(2024, 10, 27)
    assert grid[0, :5, 0].tolist() == [0.0, 1.0, 2.5, 4.0, 5.0]
    # 2024-03-31: 02:00 CET becomes 03:00 CEST, so 02 is missing: drawn between 01 and 03
    first = datetime(2024, 3, 30, 23, tzinfo=UTC)
    _, grid = local_grid(hourly(first, [float(i) for i in range(25)]), BERLIN, 24)
    assert grid[0, :5, 0].tolist() == [0.0, 1.0, 1.5, 2.0, 3.0]


def test_only_whole_days_count() -> None:
    first = datetime(2024, 6, 1, 5, tzinfo=UTC)
    day, grid = local_grid(hourly(first, [1.0] * 60), ZoneInfo("UTC"), 24)
    assert (day, grid.shape[0]) == (date(2024, 6, 2), 1)


def test_small_arrays_are_scaled_to_5200_kwh_a_year() -> None:
    rows = read_rows(SAMPLE / "homes_sample.csv.gz", ("load_kwh", "pv_kwh"))
    home = home_year(rows["cl14"], ZoneInfo("America/Los_Angeles"))
    big = scaled(home)
    assert float(big.pv_kwh.sum()) * 365 / big.days == pytest.approx(5200.0)
    assert np.allclose(big.load_kwh, home.load_kwh)


def test_a_span_outside_the_data_is_refused() -> None:
    rows = read_rows(SAMPLE / "home_year.csv.gz", ("load_kwh", "pv_kwh"))
    home = home_year(rows["cl09"], ZoneInfo("America/Los_Angeles"))
    assert home.days == 364
    cut, _ = span(home, None, date(2016, 9, 1), date(2016, 9, 10))
    assert (cut.days, cut.first) == (10, date(2016, 9, 1))
    with pytest.raises(InputError, match="no day between"):
        span(home, None, date(2020, 1, 1), None)


def test_odd_steps_are_refused() -> None:
    rows = Rows("x", np.array([0, 900, 1800], dtype=np.int64), np.ones((3, 2)))
    with pytest.raises(InputError, match="30 or 60 minutes"):
        home_year(rows, ZoneInfo("UTC"))


@pytest.mark.parametrize("kept", [("ms", "UTC"), ("ns", "UTC"), ("us", "Asia/Tokyo"), ("s", None)])
def test_parquet_gives_the_same_whatever_its_instants_are_kept_in(
    tmp_path: Path, kept: tuple[str, str | None]
) -> None:
    stamps = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=i) for i in range(4)]
    table = pa.table(
        {
            "home": ["b", "a", "a", "b"],
            "ts": pa.array([stamps[0], stamps[1], stamps[0], stamps[1]], pa.timestamp(*kept)),
            "load_kwh": pa.array([1.0, 2.0, 3.0, None], pa.float32()),
        }
    )
    pq.write_table(table, tmp_path / "h.parquet")
    rows = read_rows(tmp_path / "h.parquet", ("load_kwh", "pv_kwh"))
    assert rows["a"].values[:, 0].tolist() == [3.0, 2.0]
    assert rows["a"].at_s.tolist() == [1704067200, 1704070800]
    assert np.isnan(rows["b"].values[1, 0])
    assert np.isnan(rows["a"].values[:, 1]).all()


def test_too_few_rows_are_refused() -> None:
    none = Rows("x", np.zeros(0, dtype=np.int64), np.zeros((0, 2)))
    for rows, says in (
        (none, "no rows"),
        (hourly(datetime(2024, 1, 1, 3, tzinfo=UTC), [1.0] * 5), "whole day"),
    ):
        with pytest.raises(InputError, match=says):
            local_grid(rows, ZoneInfo("UTC"), 24)
    with pytest.raises(InputError, match="two rows"):
        home_year(none, ZoneInfo("UTC"))


def test_a_home_without_solar_column_has_no_sun() -> None:
    rows = hourly(datetime(2024, 1, 1, tzinfo=UTC), [1.0] * 60)
    rows.values[:, 1] = np.nan
    home = home_year(rows, ZoneInfo("UTC"))
    assert not home.has_pv
    assert not home.pv_kwh.any()
    assert scaled(home) is home
