"""Reads a file of half-hours: all of it or nothing, every refusal with its line."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hidamari.answers.ranges import HOME, series_key
from hidamari.api.csv_out import START_LOCAL, START_UTC
from hidamari.core.checked import half_width
from hidamari.core.errors import InputError
from hidamari.core.reading import Kind, Quality, Series, SeriesKey, SlotValue
from hidamari.core.time import SLOT_S, unix

# What the first column may be called; a time without an offset is the home's local time.
TIMES = (START_UTC, START_LOCAL, "start", "time", "datetime", "開始", "日時")
SIGNED = frozenset({"grid_kw", "battery_kw", "ev_kw", "balance_gap_kw"})
OTHER_SIGNS = ((";", "semicolons"), ("\t", "tabs"))
MOST_KWH = 500.0  # in a half-hour: ten times what any home's line can carry
MOST_ROWS = 20_000  # more than a year: it is written in one piece, and others wait for that
MOST_ERRORS = 20
MOST_GAPS = 100
NO_TEXT = (
    (b"PK\x03\x04", "a workbook: save it as CSV"),
    (b"\xff\xfe", "UTF-16: save it as CSV in UTF-8"),
    (b"\xfe\xff", "UTF-16: save it as CSV in UTF-8"),
)
_SHEET_TIME = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T]+(\d{1,2})(:\d\d.*)")
_HEAD = re.compile(r"(?P<name>[^\s\[\]]+)\s*(?:\[(?P<unit>[^\]]*)\])?")
Slot = tuple[datetime, Mapping[SeriesKey, SlotValue]]
Stretch = tuple[datetime, datetime]  # the end is not in it


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line; line 1 is the head."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.message}"


class BadCsv(InputError):
    """The file is refused; `faults` are the first 20."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults[:3]))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds: a series, or the quality of it."""

    at: int
    head: str
    series: Series
    is_quality: bool


@dataclass(frozen=True, slots=True)
class Parsed:
    """The half-hours of a file in order, and what it leaves out.

    `gaps` are the stretches between the first and the last value that have none at all, `empty`
    those in which a series has empty cells (at most 100 each), `empty_cells` is their number.
    """

    slots: list[Slot]
    series: list[Series]
    gaps: list[Stretch]
    empty: list[tuple[Series, Stretch]]
    empty_cells: int


class Reader:
    """Reads one file; `known` are the series a column may be for."""

    def __init__(self, known: Mapping[SeriesKey, Series], zone: ZoneInfo, now: datetime) -> None:
        self._known = known
        self._zone = zone
        self._now = now
        self._faults: list[Fault] = []

    def read(self, text: str) -> Parsed:
        """The half-hours of a file; raises BadCsv."""
        rows = list(_lines(text))
        if not rows:
            raise BadCsv([Fault(1, "", "a head row was expected, the file is empty")])
        if len(rows) > MOST_ROWS + 1:
            told = f"at most {MOST_ROWS} rows were expected, split the file and repeat the head row"
            raise BadCsv([Fault(rows[MOST_ROWS + 1][0], "", told)])
        time_at, columns = self._head(rows[0][1])
        seen: dict[datetime, int] = {}
        slots: list[Slot] = []
        for line, cells in rows[1:]:
            if self._faults and len(self._faults) >= MOST_ERRORS:
                break
            slot = self._row(line, cells, time_at, columns)
            if slot is not None and slot[0] in seen:
                self._fault(line, "", f"a time only once, it stands in line {seen[slot[0]]} too")
            elif slot is not None:
                seen[slot[0]] = line
                slots.append(slot)
        if not any(values for _, values in slots) and not self._faults:
            self._fault(len(rows) + 1, "", "at least one row with a value was expected")
        if self._faults:
            raise BadCsv(self._faults)
        slots.sort(key=lambda slot: slot[0])
        return _parsed(slots, list(dict.fromkeys(column.series for column in columns)))

    def _head(self, cells: Sequence[str]) -> tuple[int, list[Column]]:
        """Where the time stands, and the other columns; raises BadCsv naming what is unknown."""
        names = [cell.strip().lstrip("\ufeff") for cell in cells]
        times = [names.index(name) for name in TIMES if name in names]
        other = next((word for sign, word in OTHER_SIGNS if sign in names[0]), "")
        if not times and len(names) == 1 and other:
            raise BadCsv([Fault(1, "", f"commas between columns were expected, not {other}")])
        if not times:
            expected = f"a column {START_UTC} or {START_LOCAL} was expected"
            raise BadCsv([Fault(1, names[0] if names else "", expected)])
        columns = [self._column(i, name) for i, name in enumerate(names) if i not in times and name]
        # Values before qualities: a quality is that of a value, wherever its column stands.
        found = sorted((c for c in columns if c is not None), key=lambda c: c.is_quality)
        heads = [(column.series, column.is_quality) for column in found]
        for column, head in zip(found, heads, strict=True):
            if heads.count(head) > 1:
                self._fault(1, column.head, "a series only once was expected")
        if not found and not self._faults:
            self._fault(1, "", "at least one column of a series was expected")
        if self._faults:
            raise BadCsv(self._faults)
        return times[0], found

    def _column(self, at: int, head: str) -> Column | None:
        match = _HEAD.fullmatch(head)
        key = series_key(match["name"] if match else head)
        short = SeriesKey(key.device, key.name.removesuffix("h"))
        series = self._known.get(key)
        if series is None and key.name.endswith("_kwh"):
            series = self._known.get(short)
        if match is None or series is None or series.kind is Kind.STATE:
            some = ", ".join(_name(one) for one in list(self._known.values())[:6])
            self._fault(1, head, f"a known series was expected, such as {some}")
            return None
        unit = match["unit"]
        if unit == "quality":
            return Column(at, head, series, is_quality=True)
        expected = series.unit + "h" if series.kind is Kind.POWER else series.unit
        if unit is not None and unit.strip().lower() != expected.lower():
            self._fault(1, head, f"the unit {expected} was expected, got {unit[:20]}")
            return None
        if unit is None and series.kind is Kind.POWER and not key.name.endswith("_kwh"):
            own = f"{series.device}.{series.name} [{expected}]"
            self._fault(1, head, f"energy of a half-hour was expected, as {_name(series)} or {own}")
            return None
        return Column(at, head, series, is_quality=False)

    def _row(
        self, line: int, cells: Sequence[str], time_at: int, columns: Sequence[Column]
    ) -> Slot | None:
        width = max(time_at, *(column.at for column in columns)) + 1
        if len(cells) < width:
            self._fault(line, "", f"at least {width} columns were expected, got {len(cells)}")
            return None
        at = self._time(line, cells[time_at])
        values: dict[SeriesKey, SlotValue] = {}
        for column in columns:
            text = half_width(cells[column.at])
            if not text:
                continue
            key = column.series.key
            if column.is_quality:
                quality = self._quality(line, column, text)
                if key in values:
                    values[key] = SlotValue(values[key].value, quality)
            else:
                values[key] = SlotValue(self._value(line, column, text), Quality.POWER)
        known = {key: one for key, one in values.items() if one.quality is not Quality.MISSING}
        return None if at is None else (at, known)

    def _time(self, line: int, text: str) -> datetime | None:
        try:
            found = datetime.fromisoformat(_iso(half_width(text)))
            at = (found if found.tzinfo else found.replace(tzinfo=self._zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            shown = text.strip()[:40]
            self._fault(
                line, "", f"a time such as 2026-04-01T00:30:00+09:00 was expected, got {shown!r}"
            )
            return None
        if unix(at) % SLOT_S or at.microsecond:
            self._fault(
                line, "", f"the start of a half-hour (:00 or :30) was expected, got {text[:40]}"
            )
            return None
        if not datetime(2000, 1, 1, tzinfo=UTC) <= at <= self._now:
            self._fault(line, "", f"a time between 2000 and now was expected, got {text[:40]}")
            return None
        return at

    def _value(self, line: int, column: Column, text: str) -> float | None:
        series = column.series
        try:
            value = float(text.replace("_", "x"))  # 1_000 is a number only to Python
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self._fault(line, column.head, f"a number was expected, got {text[:20]!r}")
            return None
        is_signed = series.device != HOME or series.name in SIGNED
        low, high = -math.inf if is_signed else 0.0, math.inf
        if series.kind is Kind.POWER:
            low, high = max(low, -MOST_KWH), MOST_KWH
        elif series.unit == "%":
            low, high = 0.0, 100.0
        if not low <= value <= high:
            self._fault(
                line,
                column.head,
                f"a number from {low:g} to {high:g} was expected, got {text[:20]}",
            )
            return None
        return value

    def _quality(self, line: int, column: Column, text: str) -> Quality:
        if text not in {"1", "2", "3", "4", "5", "0"}:
            self._fault(line, column.head, f"a quality from 0 to 5 was expected, got {text[:20]!r}")
            return Quality.MISSING
        return Quality(int(text))

    def _fault(self, line: int, column: str, message: str) -> None:
        if len(self._faults) < MOST_ERRORS:
            self._faults.append(Fault(line, column, message))


def text_of(body: bytes) -> str:
    """The text of a file: UTF-8, or Shift_JIS as Japanese spreadsheets write it; raises BadCsv."""
    for start, cause in NO_TEXT:
        if body.startswith(start):
            raise BadCsv([Fault(1, "", f"a CSV file was expected, this is {cause}")])
    for encoding in ("utf-8-sig", "cp932"):
        with suppress(UnicodeDecodeError):
            return body.decode(encoding)
    raise BadCsv([Fault(1, "", "text in UTF-8 or Shift_JIS was expected, this is neither")])


def _iso(text: str) -> str:
    """A time as spreadsheets write it (2026/5/1 0:30) in the form of the standard."""
    match = _SHEET_TIME.fullmatch(text)
    if match is None:
        return text.replace("/", "-")
    year, month, day, hour, rest = match.groups()
    return f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}{rest}"


def _name(series: Series) -> str:
    """What to call a column without a unit: power is stored as energy, and its name says so."""
    own = series.name.removesuffix("_kw") + "_kwh" if series.kind is Kind.POWER else series.name
    return own if series.device == HOME else f"{series.device}.{own}"


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, with their line in the file."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise BadCsv([Fault(reader.line_num, "", f"a CSV row was expected: {error}")]) from error


def _parsed(rows: Sequence[Slot], series: Sequence[Series]) -> Parsed:
    """What rows in order hold and leave out; rows without any value are no half-hours."""
    slots = [(at, values) for at, values in rows if values]
    step, empty, cells = timedelta(seconds=SLOT_S), list[tuple[Series, Stretch]](), 0
    for one in series:
        missing = [at for at, values in rows if one.key not in values]
        cells += len(missing)
        empty += [(one, stretch) for stretch in _stretches(missing)]
    gaps = [(a + step, b) for (a, _), (b, _) in pairwise(slots) if b - a > step]
    return Parsed(slots, list(series), gaps[:MOST_GAPS], empty[:MOST_GAPS], cells)


def _stretches(starts: Sequence[datetime]) -> Iterator[Stretch]:
    """Half-hours in order, those that follow each other taken together."""
    step = timedelta(seconds=SLOT_S)
    edges = [i for i, (a, b) in enumerate(pairwise(starts), 1) if b - a > step]
    for first, after in pairwise([0, *edges, len(starts)] if starts else []):
        yield starts[first], starts[after - 1] + step
