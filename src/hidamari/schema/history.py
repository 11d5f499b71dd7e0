"""Bodies of the history: series, ranges, money."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from hidamari.core.reading import Kind
from hidamari.schema.base import Body

StepWord = Literal["1m", "5m", "30m", "1h", "1d", "1mo", "1y"]
CompareWord = Literal["previous", "last_year", "weekday"]


class SpanAsk(BaseModel):
    """A range of local dates (2026-04-01) or instants; `to` is not in it."""

    from_: str = Field(alias="from", max_length=40)
    to: str = Field(max_length=40)
    step: StepWord = "30m"


class CostAsk(SpanAsk):
    """A range, and what to compare it with."""

    compare: CompareWord | None = None


class HistoryAsk(CostAsk):
    """A range of series: names from /series, separated by commas."""

    series: str = Field(max_length=8000)


class FileAsk(SpanAsk):
    """A range as a file; without names all series of the home. `quality` adds its columns."""

    series: str = Field(default="", max_length=8000)
    quality: bool = False


class SeriesEntry(Body):
    """A named quantity; `series` is what /history takes."""

    series: str
    device: str
    name: str
    unit: str
    kind: Kind
    title: str


class Values(Body):
    """One series: a value per step (null = missing), and a digit 0-5 of quality per value.

    0 missing, 1 estimate, 2 partly, 3 power samples, 4 refilled from the meter, 5 counter.
    Minutes and five minutes carry no quality.
    """

    unit: str
    values: list[float | None]
    quality: str


class Range(Body):
    """A range of the history in steps."""

    from_: datetime = Field(serialization_alias="from")
    to: datetime
    starts: list[datetime]
    series: dict[str, Values]


class History(Range):
    """Power series are kWh per step from 30m on, mean kW in 1m and 5m."""

    step: str
    zone: str
    unit_note: str
    compare: Range | None


class Money(Body):
    """Sums of a range, yen; an estimate."""

    buy_yen: float | None
    sell_yen: float | None
    basic_yen: float | None
    net_yen: float | None


class CostRange(Body):
    """What was bought cost and what was sold earned in each step; without the basic charge."""

    from_: datetime = Field(serialization_alias="from")
    to: datetime
    starts: list[datetime]
    buy_yen: list[float | None]
    sell_yen: list[float | None]
    total: Money


class BandCost(Body):
    """What one time band cost."""

    name: str
    kwh: float
    yen: float


class Cost(CostRange):
    """An estimated cost under the home's contract; `notes` say what it is built on."""

    step: str
    zone: str
    basic_yen: list[float | None] | None
    bands: list[BandCost]
    notes: list[str]
    estimate: bool
    compare: CostRange | None


class EmptyCells(Body):
    """A stretch of half-hours, `to` not in it, in which a column has empty cells."""

    series: str
    from_: datetime = Field(serialization_alias="from")
    to: datetime


class Imported(Body):
    """What an import took in and what the file left out.

    Of the file's values `stored` are new or better than what was there, `kept` met a value at
    least as good, which stays. `gaps` are stretches without any value between the first and last
    one; `empty` names the series of empty cells (the first 100), `empty_cells` counts them all.
    """

    rows: int
    half_hours: int
    stored: int
    kept: int
    series: list[str]
    first: datetime
    last: datetime
    gaps: list[tuple[datetime, datetime]]
    empty: list[EmptyCells]
    empty_cells: int


class Peak(Body):
    """The largest half-hour of bought energy in a month; null where nothing is known."""

    month: str = Field(pattern=r"^\d{4}-\d{2}$")
    peak_kwh: float | None
    peak_kw: float | None
    at: datetime | None


class PeakCircuit(Body):
    """A circuit's part in a peak."""

    id: str
    name: str
    room: str
    kwh: float | None
    share_pct: float | None


class Neighbour(Body):
    """A half-hour around a peak."""

    at: datetime
    import_kwh: float | None


class PeakDetail(Peak):
    """A month's peak with what was behind it."""

    circuits: list[PeakCircuit]
    other_kwh: float | None
    neighbours: list[Neighbour]


class MeterSums(Body):
    """Bought and sold energy of a span of local dates, `to` not in it."""

    import_kwh: float | None
    export_kwh: float | None
    from_: date = Field(serialization_alias="from")
    to: date


class MeterBody(Body):
    """The smart meter's page."""

    grid_kw: float | None
    age_s: float | None
    at: datetime | None
    direction: str | None
    name: str
    route: str
    counter_import_kwh: float | None
    counter_export_kwh: float | None
    contract_a: float | None
    limit_kw: float | None
    today: MeterSums
    month: MeterSums
    peaks: list[Peak]
    max: Peak | None
    breakdown: bool
