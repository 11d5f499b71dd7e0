"""The bodies of the history: every quantity that is stored, and a range of it in steps."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from hidamari.answers.ranges import Span, find_series, parse_span, shifted
from hidamari.answers.titles import series_title
from hidamari.core.errors import InputError
from hidamari.core.reading import Kind, Series, SeriesKey
from hidamari.schema import history as schema
from hidamari.store.history import MOST_STEPS, HistoryQuery, Reader, Step, history

MINUTE_STEPS = frozenset({"1m", "5m"})
STEP_S = {"1m": 60, "5m": 300, "30m": 1800, "1h": 3600, "1d": 86400, "1mo": 2592000, "1y": 31536000}
MOST_VALUES = 400_000
_DIGITS = bytes(range(48, 58)) + bytes(246)
UNIT_NOTE = "power series: kWh per step from 30m on, mean kW in 1m and 5m"


def series_entries(
    known: Mapping[SeriesKey, Series], names: Mapping[str, str], lang: str
) -> list[schema.SeriesEntry]:
    """Every stored quantity; `names` of devices and circuits by their id."""
    return [
        schema.SeriesEntry(
            series=f"{one.device}.{one.name}",
            device=one.device,
            name=one.name,
            unit=one.unit,
            kind=one.kind,
            title=series_title(key, names, lang),
        )
        for key, one in known.items()
    ]


def history_spans(ask: schema.HistoryAsk, zone: ZoneInfo) -> list[Span]:
    """The range that is asked for, and behind it the one it is compared with."""
    span = parse_span(ask.from_, ask.to, zone)
    return [span] if ask.compare is None else [span, shifted(span, ask.compare, zone)]


def history_body(reader: Reader, ask: schema.HistoryAsk, zone: ZoneInfo) -> dict[str, object]:
    """The body of GET /history; raises what is wrong with the question."""
    asked = find_series(ask.series, reader.series())
    spans = history_spans(ask, zone)
    check_size(spans[0], ask.step, len(asked))
    first, *others = (read_range(reader, asked, one, ask.step, zone) for one in spans)
    first |= {"step": ask.step, "zone": zone.key, "unit_note": UNIT_NOTE}
    first["compare"] = others[0] if others else None
    return first


def read_range(
    reader: Reader, asked: dict[str, SeriesKey], span: Span, step: Step, zone: ZoneInfo
) -> dict[str, object]:
    """One range, as the body says it."""
    keys = tuple(dict.fromkeys(asked.values()))
    found = history(reader, HistoryQuery(keys, span.start, span.end, step, zone))
    known = reader.series()
    return {
        "from": span.start,
        "to": span.end,
        "starts": found.starts,
        "series": {
            name: {
                "unit": unit_in(known[key].unit, known[key].kind, step),
                "values": found.values[key],
                "quality": "" if step in MINUTE_STEPS else digits(found.quality[key]),
            }
            for name, key in asked.items()
        },
    }


def check_size(span: Span, step: Step, width: int) -> None:
    """Refuse what would not fit on any screen before it is read."""
    count = (span.end - span.start).total_seconds() / STEP_S[step]
    if count > MOST_STEPS:
        raise InputError(f"at most {MOST_STEPS} steps expected, this range has {count:.0f}")
    if count * width > MOST_VALUES:
        raise InputError(
            f"at most {MOST_VALUES} values were expected, this is {count * width:.0f}:"
            " fewer series, a shorter range or a longer step"
        )


def unit_in(unit: str, kind: Kind, step: Step) -> str:
    """The unit of a series in steps of this length."""
    return unit + "h" if kind is Kind.POWER and step not in MINUTE_STEPS else unit


def digits(quality: list[int]) -> str:
    """Qualities as one digit each."""
    return bytes(quality).translate(_DIGITS).decode("ascii")
