"""History, comparison, files out and in; the values of every day are written in house.py."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest
from tests.api.conftest import Bench
from tests.api.house import HOME_SERIES

from hidamari.answers.ranges import parse_span, shifted, step_edges
from hidamari.core.errors import InputError
from hidamari.core.reading import SeriesKey
from hidamari.core.time import TOKYO
from hidamari.schema.history import CompareWord

V1 = "/api/v1"
DAY = "from=2026-05-14&to=2026-05-15"


def test_a_day_has_48_half_hours_in_local_time(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/history?series=import_kwh,home.pv_kw,soc_pct&{DAY}&step=30m"
        body = (await client.get(url)).json()
        assert body["from"] == "2026-05-13T15:00:00Z"
        assert body["starts"][0] == "2026-05-13T15:00:00Z"
        assert len(body["starts"]) == 48
        assert list(body["series"]) == ["import_kwh", "home.pv_kw", "soc_pct"]
        bought = body["series"]["import_kwh"]
        assert bought["unit"] == "kWh"
        assert bought["values"][0] == 0.3
        assert bought["values"][18] == 0.0  # 09:00
        assert bought["quality"] == "5" * 48
        assert body["series"]["soc_pct"]["values"] == [None] * 48
        assert body["series"]["soc_pct"]["quality"] == "0" * 48
        assert body["zone"] == "Asia/Tokyo"

    filled.talk(talk)


def test_days_months_and_years_add_up(filled: Bench) -> None:
    """A day makes 12 x 1.2 = 14.4 kWh; April misses 4 half-hours of the 20th from noon on."""

    async def talk(client: httpx.AsyncClient) -> None:
        async def values(span: str, step: str) -> list[float | None]:
            url = f"{V1}/history?series=pv_kwh&{span}&step={step}"
            found: list[float | None] = (await client.get(url)).json()["series"]["pv_kwh"]["values"]
            return found

        days = await values("from=2026-04-18&to=2026-04-22", "1d")
        assert days == pytest.approx([14.4, 14.4, 14.4 - 4 * 1.2, 14.4])
        months = await values("from=2026-04-01&to=2026-05-01", "1mo")
        assert months == pytest.approx([30 * 14.4 - 4.8])
        (year,) = await values("from=2026-01-01&to=2027-01-01", "1y")
        assert year == pytest.approx(30 * 14.4 - 4.8 + 14 * 14.4 + 6 * 1.2)

    filled.talk(talk)


def test_the_same_range_is_compared_with_the_one_before(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/history?series=pv_kwh&from=2026-04-20&to=2026-04-21&step=1d&compare="
        for how, start in (("previous", "2026-04-18T15"), ("weekday", "2026-04-12T15")):
            other = (await client.get(url + how)).json()["compare"]
            assert other["starts"] == [f"{start}:00:00Z"]
            assert other["series"]["pv_kwh"]["values"] == [14.4]
        assert (await client.get(url + "last_year")).json()["compare"]["series"]["pv_kwh"][
            "values"
        ] == [None]

    filled.talk(talk)


SPANS: list[tuple[str, str, CompareWord, str, str]] = [
    ("2026-05-14", "2026-05-15", "previous", "2026-05-13", "2026-05-14"),
    ("2026-05-11", "2026-05-18", "previous", "2026-05-04", "2026-05-11"),
    ("2026-03-01", "2026-04-01", "previous", "2026-02-01", "2026-03-01"),  # 31 and 28 days
    ("2026-01-01", "2027-01-01", "previous", "2025-01-01", "2026-01-01"),
    ("2028-02-29", "2028-03-01", "last_year", "2027-02-28", "2027-03-01"),
    ("2026-05-14", "2026-05-15", "last_year", "2025-05-14", "2025-05-15"),
    ("2026-05-14", "2026-05-15", "weekday", "2026-05-07", "2026-05-08"),
    ("2026-05-01", "2026-06-01", "weekday", "2026-03-27", "2026-04-27"),  # five whole weeks
]


@pytest.mark.parametrize(("first", "last", "how", "start", "end"), SPANS)
def test_compared_ranges_are_those_people_mean(
    first: str, last: str, how: CompareWord, start: str, end: str
) -> None:
    found = shifted(parse_span(first, last, TOKYO), how, TOKYO)
    assert found.days == (date.fromisoformat(start), date.fromisoformat(end))


def test_instants_and_dates_are_read_with_the_zone_of_the_home() -> None:
    span = parse_span("2026-05-14", "2026-05-14T12:30:00+09:00", TOKYO)
    assert span.start == datetime(2026, 5, 13, 15, tzinfo=UTC)
    assert span.end == datetime(2026, 5, 14, 3, 30, tzinfo=UTC)
    local = parse_span("2026-05-14T00:00", "2026-05-14T01:00", TOKYO)
    assert local.start == span.start
    for start, end in (("x", "y"), ("2026-05-14", "2026-05-14"), ("2026-13-01", "2026-05-14")):
        with pytest.raises(InputError, match="expected"):
            parse_span(start, end, TOKYO)


def test_steps_have_the_edges_of_the_calendar_also_where_clocks_change() -> None:
    """29 March 2026 has 23 hours in Berlin."""
    berlin = ZoneInfo("Europe/Berlin")
    edges = step_edges(parse_span("2026-03-29", "2026-03-30", berlin), "1d", berlin)
    assert edges[1] - edges[0] == timedelta(hours=23)
    years = step_edges(parse_span("2025-06-01", "2026-06-01", TOKYO), "1y", TOKYO)
    assert [edge.astimezone(TOKYO).year for edge in years] == [2025, 2026, 2027]


BAD = [
    (f"series=nothing&{DAY}", 404),
    (f"series=home.import_kw,circuit:99.power_kw&{DAY}", 404),
    (f"series=&{DAY}", 422),
    ("series=pv_kw&from=2026-05-14", 422),
    ("series=pv_kw&from=2026-05-15&to=2026-05-14", 422),
    ("series=pv_kw&from=yesterday&to=2026-05-14", 422),
    (f"series=pv_kw&{DAY}&step=2h", 422),
    (f"series=pv_kw&{DAY}&compare=tomorrow", 422),
    ("series=pv_kw&from=1900-01-01&to=2026-05-14&step=1m", 422),
    ("series=pv_kw&from=0001-01-01&to=9999-12-31&step=1y", 422),
    ("series=pv_kw&from=0001-01-01&to=9999-12-31&step=1y&compare=last_year", 422),
    ("series=pv_kw&from=0001-01-01&to=0001-01-02&step=1d&compare=previous", 422),
]


@pytest.mark.t(15)
@pytest.mark.parametrize(("query", "status"), BAD)
def test_bad_questions_say_what_was_expected(filled: Bench, query: str, status: int) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"{V1}/history?{query}")
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["message"]

    filled.talk(talk)


@pytest.mark.t(15)
def test_a_missing_or_unknown_parameter_says_what_was_expected(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        async def expected(query: str) -> str:
            answer = await client.get(f"{V1}/history?{query}")
            found: str = answer.json()["error"]["expected"]
            return found

        assert "2026-04-01" in await expected("series=pv_kw&from=2026-05-14")
        assert "GET /series" in await expected(DAY)
        steps = await expected(f"series=pv_kw&{DAY}&step=2h")
        for step in ("1m", "5m", "30m", "1h", "1d", "1mo", "1y"):
            assert f"'{step}'" in steps

    filled.talk(talk)


def test_long_answers_are_packed_for_those_who_can_unpack_them(filled: Bench) -> None:
    names = ",".join(one.name for one in HOME_SERIES)

    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/history?series={names}&from=2026-04-01&to=2026-05-15&step=1d"
        packed = await client.get(url)
        assert packed.headers["content-encoding"] == "gzip"
        plain = await client.get(url, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.json() == packed.json()

    filled.talk(talk)


def test_a_file_taken_out_can_be_put_into_another_home(filled: Bench, tmp_path: Path) -> None:
    """Round trip with gaps and qualities; what the second home then says is the same."""
    other = Bench(tmp_path / "other")

    async def take(client: httpx.AsyncClient) -> None:
        url = f"{V1}/export.csv?from=2026-04-19&to=2026-04-22&step=30m&quality=true"
        answer = await client.get(url)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["content-disposition"]
        files.append(answer.text)

    async def put(client: httpx.AsyncClient) -> None:
        answer = await client.post(
            f"{V1}/import", content=files[0], headers={"content-type": "text/csv"}
        )
        body = answer.json()
        assert answer.status_code == 200, body
        assert body["half_hours"] == 144 - 4
        assert body["gaps"] == [["2026-04-20T03:00:00Z", "2026-04-20T05:00:00Z"]]

    files: list[str] = []
    filled.talk(take)
    other.talk(put)
    keys = [one.key for one in HOME_SERIES]
    span = datetime(2026, 4, 18, 15, tzinfo=UTC), datetime(2026, 4, 21, 15, tzinfo=UTC)
    for mine, theirs in zip(
        filled.home.store.slots(keys, *span), other.home.store.slots(keys, *span), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)
    other.home.store.close()


def test_a_file_has_both_times_and_names_its_units(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/history.csv?series=import_kwh&{DAY}&step=1h"
        rows = list(csv.reader(io.StringIO((await client.get(url)).text)))
        assert rows[0] == ["start_utc", "start_local", "import_kwh [kWh]"]
        assert rows[1] == ["2026-05-13T15:00:00Z", "2026-05-14T00:00:00+09:00", "0.6"]
        assert len(rows) == 25

    filled.talk(talk)


def test_a_long_file_comes_in_pieces_without_a_row_twice(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        url = f"{V1}/export.csv?series=pv_kw&from=2026-03-20T00:10&to=2026-05-15&step=1h"
        rows = list(csv.reader(io.StringIO((await client.get(url)).text)))
        starts = [row[0] for row in rows[1:]]
        assert len(starts) == len(set(starts)) == 56 * 24
        assert starts == sorted(starts)

    filled.talk(talk)


@pytest.mark.t(16)
def test_the_file_of_a_graph_is_no_longer_than_a_graph(filled: Bench) -> None:
    """Two years of half-hours are an export: at the plain door they are refused in either form."""
    years = "series=pv_kw&from=2025-01-01&to=2027-01-01&step=30m"

    async def talk(client: httpx.AsyncClient) -> None:
        assert (await client.get(f"{V1}/history.csv?series=pv_kw&{DAY}")).status_code == 200
        long = await client.get(f"{V1}/history.csv?{years}")
        assert (long.status_code, "20000 steps" in long.text) == (422, True)
        whole = await client.get(f"{V1}/export.csv?{years}")
        assert whole.json()["error"]["code"] == "secure_door_needed"

    async def at_home(client: httpx.AsyncClient) -> None:
        whole = await client.get(f"{V1}/export.csv?{years}")
        assert len(whole.text.splitlines()) == 1 + 730 * 48

    filled.talk(talk, address="192.168.1.20")
    filled.talk(at_home)


WRONG = [
    ("", 1, "head row"),
    ("a,b\n1,2\n", 1, "start_utc"),
    ("start_utc\n2026-05-01T00:00:00Z\n", 1, "at least one column"),
    ("start_utc,sunshine\n", 1, "known series was expected, such as pv_kwh"),
    ("start_utc,pv_kw\n2026-05-01T00:00:00Z,4\n", 1, "as pv_kwh or home.pv_kw [kWh]"),
    ("start_utc,home.pv_kw [kW]\n2026-05-01T00:00:00Z,4\n", 1, "unit kWh"),
    ("start_utc,pv_kwh,pv_kwh\n", 1, "only once"),
    ("start_utc,pv_kwh [MJ]\n", 1, "unit kWh"),
    ("start_utc,pv_kwh\n", 2, "at least one row"),
    ("start_utc,pv_kwh\n2026-05-01T00:00:00Z\n", 2, "at least 2 columns"),
    ("start_utc,pv_kwh\nyesterday,1\n", 2, "a time such as"),
    ("start_utc,pv_kwh\n2026-05-01T00:10:00Z,1\n", 2, "start of a half-hour"),
    ("start_utc,pv_kwh\n2036-05-01T00:00:00Z,1\n", 2, "between 2000 and now"),
    ("start_utc,pv_kwh\n2026-05-01T00:00:00Z,1,5\n2026-05-01T00:30:00Z,a lot\n", 3, "a number"),
    ("start_utc,pv_kwh\n2026-05-01T00:00:00Z,nan\n", 2, "a number"),
    ("start_utc,pv_kwh\n2026-05-01T00:00:00Z,-1\n", 2, "from 0"),
    ("start_utc,pv_kwh\n2026-05-01T00:00:00Z,1e9\n", 2, "to 500"),
    ("start_utc,soc_pct\n2026-05-01T00:00:00Z,101\n", 2, "to 100"),
    (
        "start_utc,pv_kwh\n2026-05-01T00:00:00Z,1\n\n2026-05-01T09:00:00+09:00,1\n",
        4,
        "line 2 too",
    ),
    ('start_utc,pv_kwh\n"2026-05-01T00:00:00Z,1\n', 2, "CSV row"),
]


@pytest.mark.t(15)
@pytest.mark.parametrize(("text", "line", "words"), WRONG)
def test_a_wrong_file_is_refused_with_its_line_and_nothing_is_stored(
    bench: Bench, text: str, line: int, words: str
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post(
            f"{V1}/import", content=text, headers={"content-type": "text/csv"}
        )
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "bad_csv")
        assert f"line {line}" in error["message"]
        assert words in error["message"]
        assert error["lines"][0]["line"] == line
        assert bench.home.store.slot_bounds() is None

    bench.talk(talk)


def test_all_wrong_lines_up_to_twenty_are_named(bench: Bench) -> None:
    rows = "".join(f"2026-05-01T00:{i:02d}:00Z,1\n" for i in range(1, 30))

    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{V1}/import", content="start_utc,pv_kwh\n" + rows)
        assert len(answer.json()["error"]["lines"]) == 20

    bench.talk(talk)


def test_a_file_of_a_japanese_spreadsheet_is_understood(bench: Bench) -> None:
    """Shift_JIS (CP932), times without leading zeros."""
    text = "日時,import_kwh,export_kwh\r\n2026/5/1 0:00,0.5,0\r\n2026/5/1 0:30,0.25,0.75\r\n"

    async def talk(client: httpx.AsyncClient) -> None:
        kind = {"content-type": "application/vnd.ms-excel"}
        answer = await client.post(f"{V1}/import", content=text.encode("cp932"), headers=kind)
        assert answer.status_code == 200, answer.text
        assert answer.json()["first"] == "2026-04-30T15:00:00Z"
        assert answer.json()["last"] == "2026-04-30T15:30:00Z"
        assert answer.json()["stored"] == 4

    bench.talk(talk)


FOREIGN = [
    (b"start_utc;pv_kwh\n2026-05-01T00:00:00Z;1\n", "semicolons"),
    ("日時\tpv_kwh\n2026/5/1 0:00\t1\n".encode("cp932"), "tabs"),
    ("日時,pv_kwh\n".encode("utf-16"), "UTF-16"),
    (b"PK\x03\x04\x14\x00", "workbook"),
    (b"start_utc,\x81\n", "neither"),
]


@pytest.mark.t(15)
@pytest.mark.parametrize(("content", "cause"), FOREIGN)
def test_a_file_of_another_form_is_refused_with_the_cause(
    bench: Bench, content: bytes, cause: str
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{V1}/import", content=content)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "bad_csv")
        assert cause in error["message"]

    bench.talk(talk)


@pytest.mark.t(15)
def test_a_file_within_a_form_is_refused_with_the_cause(bench: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{V1}/import", files={"file": b"start_utc,pv_kwh\n"})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (415, "unsupported_type")
        assert "multipart/form-data" in error["message"]
        assert "text/csv" in error["expected"]

    bench.talk(talk)


def empty(series: str, start: str, end: str) -> dict[str, str]:
    return {"series": series, "from": start, "to": end}


def test_empty_cells_are_gaps_also_in_rows_without_any_value(bench: Bench) -> None:
    """Rows 00:30, 01:00 and 02:30 hold no value of pv, the first and last of them none at all."""
    times = ("00:00", "00:30", "01:00", "01:30", "02:00", "02:30")
    cells = ("1,1", ",", ",1", "1,1", "1,1", ",")
    rows = "".join(
        f"2026-05-01T{at}:00Z,{values}\n" for at, values in zip(times, cells, strict=True)
    )

    async def talk(client: httpx.AsyncClient) -> None:
        text = "start_utc,pv_kwh,use_kwh\n" + rows
        body = (await client.post(f"{V1}/import", content=text)).json()
        day = "2026-05-01T"
        assert body["gaps"] == [[f"{day}00:30:00Z", f"{day}01:00:00Z"]]
        assert body["empty"] == [
            empty("home.pv_kw", f"{day}00:30:00Z", f"{day}01:30:00Z"),
            empty("home.pv_kw", f"{day}02:30:00Z", f"{day}03:00:00Z"),
            empty("home.use_kw", f"{day}00:30:00Z", f"{day}01:00:00Z"),
            empty("home.use_kw", f"{day}02:30:00Z", f"{day}03:00:00Z"),
        ]
        assert (body["half_hours"], body["stored"], body["empty_cells"]) == (4, 7, 5)

    bench.talk(talk)


def test_local_times_full_width_digits_and_gaps_are_understood(bench: Bench) -> None:
    text = (
        "\ufeff日時,import_kwh,export_kwh\r\n"
        "2026/05/01 00:00,０．５,\r\n"
        "2026-05-01T00:30+09:00,,0.25\r\n"
        "2026-05-01 02:00,0.75,0\r\n"
    )

    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{V1}/import", content=text.encode())
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["first"] == "2026-04-30T15:00:00Z"
        assert body["gaps"] == [["2026-04-30T16:00:00Z", "2026-04-30T17:00:00Z"]]
        assert body["empty"] == [
            empty("home.import_kw", "2026-04-30T15:30:00Z", "2026-04-30T16:00:00Z"),
            empty("home.export_kw", "2026-04-30T15:00:00Z", "2026-04-30T15:30:00Z"),
        ]
        assert (body["stored"], body["kept"], body["empty_cells"]) == (4, 0, 2)

    bench.talk(talk)
    keys = [SeriesKey("home", "import_kw"), SeriesKey("home", "export_kw")]
    start = datetime(2026, 4, 30, 15, tzinfo=UTC)
    values, quality = bench.home.store.slots(keys, start, start + timedelta(minutes=60))
    assert values.tolist()[0][0] == 0.5
    assert values.tolist()[1][1] == 0.25
    assert quality.tolist() == [[3, 0], [0, 3]]


def test_a_quality_counts_wherever_its_column_stands(bench: Bench) -> None:
    text = (
        "home.pv_kw [quality],start_utc,pv_kwh\n"
        "5,2026-05-01T00:00:00Z,1\n"
        "0,2026-05-01T00:30:00Z,2\n"
        ",2026-05-01T01:00:00Z,3\n"
    )

    async def talk(client: httpx.AsyncClient) -> None:
        body = (await client.post(f"{V1}/import", content=text)).json()
        assert (body["half_hours"], body["stored"], body["empty_cells"]) == (2, 2, 1)

    bench.talk(talk)
    start = datetime(2026, 5, 1, tzinfo=UTC)
    keys = [SeriesKey("home", "pv_kw")]
    _, quality = bench.home.store.slots(keys, start, start + timedelta(minutes=90))
    assert quality[:, 0].tolist() == [5, 0, 3]


def test_an_import_replaces_nothing_better(filled: Bench) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        rows = "2026-04-20T03:00:00Z,0.4\n2026-05-01T03:00:00Z,9.9\n2026-05-01T03:30:00Z,9.9\n"
        body = (await client.post(f"{V1}/import", content="start_utc,pv_kwh\n" + rows)).json()
        assert (body["half_hours"], body["stored"], body["kept"]) == (3, 1, 2)
        told = (await client.get(f"{V1}/events?kind=log&limit=1")).json()["events"][0]
        assert told["code"] == "history_imported"
        assert (told["data"]["stored"], told["data"]["kept"]) == (1, 2)

    filled.talk(talk)
    start = datetime(2026, 5, 1, 3, tzinfo=UTC)
    values, _ = filled.home.store.slots(
        [SeriesKey("home", "pv_kw")], start, start + timedelta(minutes=30)
    )
    assert values.tolist() == [[1.2]]
