"""The history as a file: a row per step, times twice, a column per series."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hidamari.answers.history import unit_in
from hidamari.core.reading import SeriesKey
from hidamari.schema.history import StepWord
from hidamari.store.db import Store
from hidamari.store.history import HistoryQuery, history

START_UTC = "start_utc"
START_LOCAL = "start_local"
# How much of a file is made at a time.
USUALLY, YEARS = timedelta(days=31), timedelta(days=10_000)
AT_ONCE = {
    "1m": timedelta(days=2),
    "5m": timedelta(days=7),
    "1d": YEARS,
    "1mo": YEARS,
    "1y": YEARS,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which series in which step a file has."""

    keys: Mapping[str, SeriesKey]
    step: StepWord
    zone: ZoneInfo
    with_quality: bool


def csv_parts(store: Store, columns: Columns, start: datetime, end: datetime) -> Iterator[str]:
    """The file in pieces: head row, then the rows of a month or so at a time."""
    yield _line(_head(store, columns))
    length = AT_ONCE.get(columns.step, USUALLY)
    written: datetime | None = None  # pieces are widened to whole steps and may overlap
    while start < end:
        after = min(end, start + length)
        text, last = _rows(store, columns, (start, after), written)
        yield text
        start, written = after, last


def column_name(name: str, unit: str) -> str:
    """What stands above a column, such as `home.import_kw [kWh]`."""
    return f"{name} [{unit}]"


def _head(store: Store, columns: Columns) -> list[str]:
    known = store.series()
    head = [START_UTC, START_LOCAL]
    for name, key in columns.keys.items():
        head.append(column_name(name, unit_in(known[key].unit, known[key].kind, columns.step)))
        if columns.with_quality:
            head.append(column_name(name, "quality"))
    return head


def _rows(
    store: Store, columns: Columns, span: tuple[datetime, datetime], written: datetime | None
) -> tuple[str, datetime | None]:
    """The rows of a range that come after `written`, and the start of the last one."""
    keys = tuple(dict.fromkeys(columns.keys.values()))
    found = history(store, HistoryQuery(keys, *span, columns.step, columns.zone))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    for i, at in enumerate(found.starts):
        if written is not None and at <= written:
            continue
        row: list[object] = [f"{at:%Y-%m-%dT%H:%M:%SZ}", at.astimezone(columns.zone).isoformat()]
        for key in columns.keys.values():
            row.append(found.values[key][i])
            if columns.with_quality:
                row.append(found.quality[key][i])
        writer.writerow(row)
    return out.getvalue(), found.starts[-1] if found.starts else written


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
