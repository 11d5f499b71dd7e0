"""The measured year, its circuits, weather and people."""

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hidamari.core.errors import InputError
from hidamari.core.time import TOKYO
from hidamari.sim import replay
from hidamari.sim.circuits import CIRCUITS, HEATER, OTHER, names, split, ticks
from hidamari.sim.noise import chance, chances
from hidamari.sim.people import DAY_L, draw_l, trip, trip_at
from hidamari.sim.supply import Supply
from hidamari.sim.weather import outdoor_c, water_c

YEAR = replay.packaged_year(7)


def slot_of(at: datetime) -> int:
    return int(at.timestamp()) // 1800


def day_of(day: date) -> tuple[np.ndarray, np.ndarray]:
    """Load and PV of a local day, by hour."""
    start = datetime(day.year, day.month, day.day, tzinfo=TOKYO)
    load_kwh, pv_kwh = YEAR.half_hours(slot_of(start), 48)
    return load_kwh.reshape(24, 2).sum(axis=1), pv_kwh.reshape(24, 2).sum(axis=1)


def measured(day: date, zone: ZoneInfo | None) -> dict[int, dict[str, float]]:
    """The rows of the packaged file of one day, by hour of that clock (None: UTC-8)."""
    path = Path(replay.__file__).parent / "data" / "home_year.csv.gz"
    found = {}
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines):
            at = datetime.fromisoformat(row["ts"])
            local = at - timedelta(hours=8) if zone is None else at.astimezone(zone)
            if local.date() == day:
                found[local.hour] = {"load": float(row["load_kwh"]), "pv": float(row["pv_kwh"])}
    return found


def test_chance_is_splitmix64() -> None:
    # The published sequence of SplitMix64 from the seed 1234567 begins with this number.
    assert chance(1234567) == 6457827717110365317 / 2.0**64


def test_many_chances_are_the_same_as_one_by_one() -> None:
    keys = np.array([0, 1, 5, 10**12])
    assert chances(99, keys, 3, 4).tolist() == [chance(99, int(key), 3, 4) for key in keys]
    assert abs(chances(1, np.arange(20_000), 2).mean() - 0.5) < 0.01


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        # The measured Wednesday nearest in the season, by hand from a calendar of 2016 and 2017.
        (date(2026, 11, 18), date(2016, 11, 16)),
        (date(2026, 5, 10), date(2017, 5, 7)),
        (date(2027, 1, 1), date(2016, 12, 30)),
    ],
)
def test_every_day_is_a_measured_day_of_the_same_weekday_hour_by_hour(
    wanted: date, source: date
) -> None:
    assert wanted.weekday() == source.weekday()
    load_kwh, pv_kwh = day_of(wanted)
    by_clock = measured(source, ZoneInfo("America/Los_Angeles"))
    by_sun = measured(source, None)
    assert load_kwh == pytest.approx([by_clock[hour]["load"] for hour in range(24)])
    assert pv_kwh == pytest.approx([by_sun[hour]["pv"] for hour in range(24)])


def test_a_year_has_the_measured_energy() -> None:
    load_kwh, pv_kwh = YEAR.half_hours(slot_of(datetime(2025, 11, 20, tzinfo=UTC)), 365 * 48)
    # The file's own totals are 7,305 and 5,758 kWh; a few days stand twice, a few not at all.
    assert load_kwh.sum() == pytest.approx(7305, rel=0.02)
    assert pv_kwh.sum() == pytest.approx(5758, rel=0.02)
    assert load_kwh.min() > 0.0


def test_the_sun_inside_a_half_hour_keeps_its_energy() -> None:
    noon = slot_of(datetime(2026, 4, 10, 3, tzinfo=UTC))
    for slot in range(noon - 16, noon + 16):
        _, pv_kwh = YEAR.half_hours(slot, 1)
        assert YEAR.sun_kw(7, slot).mean() * 0.5 == pytest.approx(pv_kwh[0])
        assert YEAR.sun_kw(7, slot).min() >= 0.0


def own_file(tmp_path: Path, rows: list[str], head: str = "at,load_kwh,pv_kwh") -> Path:
    path = tmp_path / "own.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def half_hours(days: int) -> list[str]:
    start = datetime(2026, 1, 5)  # noqa: DTZ001  a person's file without a zone
    at = [start + timedelta(minutes=30 * i) for i in range(48 * days)]
    return [f"{one.isoformat()},{0.1 + 0.001 * i:.3f},0.2" for i, one in enumerate(at)]


def test_a_persons_own_half_hours_are_used_as_they_are(tmp_path: Path) -> None:
    own = replay.read_csv(own_file(tmp_path, half_hours(2)), 1)
    monday = slot_of(datetime(2026, 3, 2, tzinfo=TOKYO))
    load_kwh, pv_kwh = own.half_hours(monday, 48)
    assert load_kwh[0] == pytest.approx(0.1)
    assert load_kwh[47] == pytest.approx(0.147)
    assert pv_kwh == pytest.approx(0.2)


def test_days_with_gaps_are_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = half_hours(2)
    del rows[3]
    assert replay.read_csv(own_file(tmp_path, rows), 1).days == (date(2026, 1, 6),)
    assert "1 of 2 days have gaps and are left out, the first is 2026-01-05" in caplog.text


def test_a_gap_behind_the_first_row_says_nothing_of_the_step(tmp_path: Path) -> None:
    rows = half_hours(2)
    del rows[1]
    assert replay.read_csv(own_file(tmp_path, rows), 1).days == (date(2026, 1, 6),)


def test_a_file_that_is_not_in_utf_8_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes("at,load_kwh,pv_kwh,備考\n".encode("shift_jis"))
    with pytest.raises(InputError, match=r"own\.csv: a CSV file in UTF-8 expected"):
        replay.read_csv(path, 1)


@pytest.mark.parametrize(
    ("rows", "head", "says"),
    [
        (["2026-01-01T00:00,1,2"], "time,load_kwh,sun", "expected, at, pv_kwh absent"),
        (["2026-01-01T00:00,x,2"], "at,load_kwh,pv_kwh", "line 2"),
        (["yesterday,1,2"], "at,load_kwh,pv_kwh", "line 2"),
        (["2026-01-01T00:00,-1,2"], "at,load_kwh,pv_kwh", "0 to 100 kWh"),
        (["2026-01-01T00:00,1,2"], "at,load_kwh,pv_kwh", "at least two rows"),
        (
            ["2026-01-01T00:00,1,2", "2026-01-01T00:15,1,2"],
            "at,load_kwh,pv_kwh",
            "30 or 60 minutes",
        ),
        (
            ["2026-01-01T00:00,1,2", "2026-01-01T01:00,1,2"],
            "at,load_kwh,pv_kwh",
            "one whole day",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(
    tmp_path: Path, rows: list[str], head: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        replay.read_csv(own_file(tmp_path, rows, head), 1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**40), st.integers(900_000, 1_100_000))
def test_circuits_add_up_to_the_load(seed: int, first: int) -> None:
    load_kwh, _ = YEAR.half_hours(first, 96)
    energy_kwh = split(seed, first, load_kwh, outdoor_c(seed, first, 96))
    assert energy_kwh.shape == (96, len(CIRCUITS) + 1)
    assert energy_kwh.sum(axis=1) == pytest.approx(load_kwh)
    assert energy_kwh.min() >= 0.0
    assert energy_kwh[:, HEATER].max() == 0.0
    for place, circuit in enumerate(CIRCUITS):
        assert energy_kwh[:, place].max() <= circuit.most_kw * 0.5 + 1e-9


def test_little_of_the_load_runs_behind_no_breaker() -> None:
    first = slot_of(datetime(2026, 1, 1, tzinfo=UTC))
    load_kwh, _ = YEAR.half_hours(first, 365 * 48)
    energy_kwh = split(7, first, load_kwh, outdoor_c(7, first, 365 * 48))
    assert energy_kwh[:, OTHER].sum() < 0.1 * load_kwh.sum()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**40), st.integers(900_000, 1_100_000))
def test_inside_the_half_hour_every_circuit_keeps_its_energy(seed: int, slot: int) -> None:
    load_kwh, _ = YEAR.half_hours(slot, 1)
    energy_kwh = split(seed, slot, load_kwh, outdoor_c(seed, slot, 1))[0]
    power_kw = ticks(seed, slot, energy_kwh)
    assert power_kw.shape == (180, len(energy_kwh))
    assert power_kw.mean(axis=0) * 0.5 == pytest.approx(energy_kwh)
    assert power_kw.min() >= 0.0


def test_every_channel_has_a_name_in_both_languages() -> None:
    japanese, english = names("ja"), names("en")
    assert set(japanese) == set(english) == {str(n) for n in range(1, 21)} | {"t1", "t2", "t3"}
    assert japanese["5"] == ("冷蔵庫", "kitchen")
    assert english["t2"] == ("Battery", "outside")


def test_the_air_is_that_of_tokyo() -> None:
    # Yearly mean of Tokyo 1991-2020: 15.8 °C (Japan Meteorological Agency).
    year_c = outdoor_c(7, slot_of(datetime(2026, 1, 1, tzinfo=UTC)), 365 * 48)
    assert year_c.mean() == pytest.approx(15.8, abs=0.5)
    january = outdoor_c(7, slot_of(datetime(2026, 1, 10, tzinfo=UTC)), 20 * 48)
    august = outdoor_c(7, slot_of(datetime(2026, 8, 5, tzinfo=UTC)), 20 * 48)
    assert january.mean() < 9.0
    assert august.mean() > 24.0
    assert water_c(20473) < water_c(20670)  # January and August of 2026


def test_a_stretch_of_air_does_not_depend_on_where_one_begins_to_look() -> None:
    first = slot_of(datetime(2026, 3, 1, tzinfo=UTC))
    assert outdoor_c(7, first + 30, 5).tolist() == outdoor_c(7, first, 48)[30:35].tolist()


def test_people_draw_about_what_four_persons_need() -> None:
    first = slot_of(datetime(2026, 1, 1, tzinfo=UTC))
    day_l = sum(draw_l(7, first + i) for i in range(48 * 60)) / 60
    assert day_l == pytest.approx(DAY_L, rel=0.15)


def test_the_car_leaves_and_comes_back_on_the_same_day() -> None:
    trips = [trip(7, day) for day in range(20_400, 20_765)]
    known = [one for one in trips if one is not None]
    assert 150 < len(known) < 330
    for one in known:
        assert one.leave_min < one.back_min
        assert trip_at(7, one.leave_min) == one
        assert trip_at(7, one.back_min) is None
        assert trip_at(7, one.leave_min - 1) is None
    # About 10,000 km a year at 0.15 kWh per km.
    assert 1000 < sum(one.kwh for one in known) < 2200


def test_a_half_hour_lived_in_small_steps_takes_the_same_energy() -> None:
    supply = Supply(7, YEAR)
    tick = slot_of(datetime(2026, 2, 3, 9, tzinfo=UTC)) * 180
    whole = supply.inputs(tick, 180)
    minutes = [supply.inputs(tick + 6 * i, 6) for i in range(30)]
    assert np.mean([m.circuits_kw.sum() for m in minutes]) == pytest.approx(whole.circuits_kw.sum())
    assert np.mean([m.sun_kw for m in minutes]) == pytest.approx(whole.sun_kw)
    assert sum(m.draw.litres for m in minutes) == pytest.approx(whole.draw.litres)
    assert whole.local_h == 18.0


def test_a_persons_own_hours_keep_their_energy(tmp_path: Path) -> None:
    start = datetime(2026, 1, 5, tzinfo=TOKYO)
    rows = [
        f"{(start + timedelta(hours=h)).isoformat()},{0.5 + 0.1 * h:.1f},0.3" for h in range(24)
    ]
    own = replay.read_csv(own_file(tmp_path, rows), 1)
    load_kwh, pv_kwh = own.half_hours(slot_of(start), 48)
    assert load_kwh.reshape(24, 2).sum(axis=1) == pytest.approx([0.5 + 0.1 * h for h in range(24)])
    assert pv_kwh.reshape(24, 2).sum(axis=1) == pytest.approx(0.3)
