"""Tariff plans read from TOML files: one file a plan, refused with the path of what is wrong."""

import logging
import re
import tomllib
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from hidamari.core.checked import Table, joined, number, refusal
from hidamari.core.errors import InputError
from hidamari.core.tariff import (
    ALL_MONTHS,
    WHOLE_DAY,
    Ask,
    Band,
    Basic,
    Days,
    HolidayRule,
    Market,
    Plan,
    Rounding,
    Step,
    Tariff,
    Unit,
    Window,
    Worked,
    band_cells,
)

logger = logging.getLogger(__name__)

AREAS = (
    "hokkaido", "tohoku", "tokyo", "chubu", "hokuriku",
    "kansai", "chugoku", "shikoku", "kyushu", "okinawa",
)  # fmt: skip
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(\d\d):([03]0)-(\d\d):([03]0)")
_CELLS = 12 * 2 * 48


def load_plans(folder: Path | None = None) -> dict[str, Plan]:
    """All packaged plans by id, with those of the owner's `folder` added or in their place.

    A file that cannot be used is left out with a warning, so that one bad file takes no other
    plan away.
    """
    plans = {plan.id: plan for plan in _packaged()}
    if folder is not None:
        plans |= {plan.id: plan for plan in _read_all(folder)}
    return plans


def read_plan(text: str, where: str) -> Plan:
    """A plan from the text of its file; `InputError` names `where` and the key."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not a TOML file: {error}") from None
    return plan_from(raw, where)


def plan_from(raw: object, where: str) -> Plan:
    """A plan from the table of a plan file."""
    table = Table(raw, where)
    template = table.truth("template", default=False)
    plan = Plan(
        id=table.text("id"),
        company=table.text("company", ""),
        company_en=table.text("company_en", ""),
        area=table.word("area", (*AREAS, "any")),
        name=table.text("name"),
        template=template,
        ask=tuple(_ask(word, table.at("ask")) for word in table.texts("ask")),
        confidence=table.text("confidence", ""),
        sources=table.texts("sources"),
        note=table.text("note", ""),
        tariffs=tuple(_tariff(part) for part in table.tables("tariff")),
        worked=tuple(_worked(part) for part in table.tables("worked")),
    )
    table.end()
    _check_plan(plan, where)
    return plan


def bands_from(raw: Iterable[object], path: str) -> tuple[Band, ...]:
    """Bands of a plan file or of an owner, checked to fill every half-hour of the year once."""
    bands = tuple(_band(Table(item, joined(path, i))) for i, item in enumerate(raw))
    _check_bands(bands, path)
    return bands


def market_from(table: Table) -> Market:
    """The formula of a market-linked price."""
    market = Market(
        area=table.word("area", AREAS),
        fee_yen_kwh=table.number("fee_yen_kwh"),
        factor=table.number("factor", 1.1),
        loss_pct=table.number("loss_pct", 0.0),
        floor_yen_kwh=table.number_or_none("floor_yen_kwh"),
        cap_yen_kwh=table.number_or_none("cap_yen_kwh"),
    )
    table.end()
    if not 0.0 <= market.loss_pct < 100.0:
        raise refusal(table.at("loss_pct"), "a share from 0 to below 100 %", market.loss_pct)
    return market


@lru_cache(maxsize=1)
def _packaged() -> tuple[Plan, ...]:
    return tuple(_read_all(files("hidamari.core") / "tariffs"))


def _read_all(folder: Traversable) -> list[Plan]:
    plans = []
    paths = [path for path in folder.iterdir() if path.name.endswith(".toml")]
    for path in sorted(paths, key=lambda path: path.name):
        try:
            plans.append(read_plan(path.read_text(encoding="utf-8"), path.name))
        except (InputError, OSError, UnicodeDecodeError) as error:
            logger.warning("tariff plan %s left out: %s", path.name, error)
    return plans


def _ask(word: str, path: str) -> Ask:
    if word not in set(Ask):
        raise refusal(path, f"one of {', '.join(Ask)}", word)
    return Ask(word)


def _tariff(table: Table) -> Tariff:
    basic, market, holidays = table.table("basic"), table.table("market"), table.table("holidays")
    tariff = Tariff(
        valid_from=table.day("valid_from"),
        basic=None if basic is None else _basic(basic),
        bands=tuple(_band(part) for part in table.tables("band")),
        holidays=HolidayRule() if holidays is None else _holidays(holidays),
        minimum_yen=table.number("minimum_yen", 0.0),
        zero_use_share=table.number("zero_use_share", 1.0),
        rounding=Rounding(table.word("rounding", tuple(Rounding), Rounding.LEVY_APART)),
        market=None if market is None else market_from(market),
        has_levy=table.truth("has_levy", default=True),
    )
    table.end()
    return tariff


def _basic(table: Table) -> Basic:
    basic = Basic(
        unit=Unit(table.word("unit", tuple(Unit))),
        table=table.pairs("table"),
        unit_yen=table.number("unit_yen", 0.0),
        allowed=tuple(number(item, table.at("allowed")) for item in table.items("allowed")),
    )
    table.end()
    return basic


def _band(table: Table) -> Band:
    pairs = table.pairs("steps")
    if bool(pairs) == table.has("yen_kwh"):
        raise refusal(table.at("yen_kwh"), "either yen_kwh or steps", None)
    if not pairs:
        pairs = ((0.0, table.number("yen_kwh")),)
    elif pairs[0][0] != 0.0:
        raise refusal(table.at("steps"), "a first step from 0 kWh", pairs[0][0])
    months = table.items("months")
    hours = table.texts("hours") if table.has("hours") else None
    band = Band(
        name=table.text("name"),
        steps=tuple(Step(over_kwh, yen_kwh) for over_kwh, yen_kwh in pairs),
        windows=(WHOLE_DAY,)
        if hours is None
        else tuple(_window(text, table.at("hours")) for text in hours),
        days=Days(table.word("days", tuple(Days), Days.ALL)),
        months=frozenset(_month(m, table.at("months")) for m in months) if months else ALL_MONTHS,
    )
    table.end()
    return band


def _window(text: str, path: str) -> Window:
    found = _WINDOW.fullmatch(text)
    expected = "hours on the half-hour such as 23:00-07:00"
    if found is None:
        raise refusal(path, expected, text)
    from_h, from_min, to_h, to_min = (int(part) for part in found.groups())
    window = Window(from_h * 60 + from_min, to_h * 60 + to_min)
    if window.start_min >= 1440 or window.end_min > 1440:
        raise refusal(path, expected, text)
    return window


def _month(value: object, path: str) -> int:
    month = number(value, path)
    if month not in ALL_MONTHS:
        raise refusal(path, "months from 1 to 12", value)
    return int(month)


def _holidays(table: Table) -> HolidayRule:
    names = table.texts("weekdays")
    for name in names:
        if name not in _WEEKDAYS:
            raise refusal(table.at("weekdays"), f"days such as {', '.join(_WEEKDAYS)}", name)
    rule = HolidayRule(
        weekdays=frozenset(_WEEKDAYS.index(name) for name in names),
        public=table.truth("public", default=True),
        dates=frozenset(_month_day(text, table.at("dates")) for text in table.texts("dates")),
    )
    table.end()
    return rule


def _month_day(text: str, path: str) -> tuple[int, int]:
    try:
        day = date.fromisoformat(f"2024-{text}")  # a leap year, so that 02-29 may be named
    except ValueError:
        raise refusal(path, "days such as 12-31", text) from None
    return day.month, day.day


def _worked(table: Table) -> Worked:
    reading = table.day("reading")
    if reading is None:
        raise refusal(table.at("reading"), "a date such as 2026-06-10", None)
    worked = Worked(
        used_kwh=tuple(table.rows("used_kwh").items()),
        reading=reading,
        size=table.number("size", 1.0),
        fuel_yen_kwh=table.number("fuel_yen_kwh", 0.0),
        total_yen=int(table.number("total_yen")),
    )
    table.end()
    return worked


def _check_plan(plan: Plan, where: str) -> None:
    if not plan.tariffs:
        raise refusal(f"{where}.tariff", "at least one table of prices", None)
    dates = [tariff.valid_from or date.min for tariff in plan.tariffs]
    if dates != sorted(set(dates)):
        raise refusal(f"{where}.tariff", "versions in rising order of valid_from", dates)
    if plan.template != bool(plan.ask):
        raise refusal(f"{where}.ask", "questions in a template and none elsewhere", plan.ask)
    for index, tariff in enumerate(plan.tariffs):
        path = f"{where}.tariff.{index}"
        if tariff.basic is None and Ask.BASIC not in plan.ask:
            raise refusal(f"{path}.basic", "a basic charge, or ask = ['basic']", None)
        if not {Ask.PRICES, Ask.HOURS, Ask.MARKET} & set(plan.ask) or _has_hours(tariff.bands):
            _check_bands(tariff.bands, f"{path}.band")


def _has_hours(bands: tuple[Band, ...]) -> bool:
    return any(band.windows for band in bands)


def _check_bands(bands: tuple[Band, ...], path: str) -> None:
    owner: dict[tuple[int, int, int], str] = {}
    for index, band in enumerate(bands):
        for cell in band_cells(band):
            if cell in owner:
                where = joined(path, f"{index}.hours")
                raise refusal(where, f"hours free of other bands ({_cell(cell)})", owner[cell])
            owner[cell] = band.name
    if len(owner) < _CELLS:
        every = ((m, k, h) for m in range(1, 13) for k in (0, 1) for h in range(48))
        gap = next(cell for cell in every if cell not in owner)
        raise refusal(joined(path, "hours"), f"a band for {_cell(gap)}", None)
    edges = {tuple(step.over_kwh for step in band.steps) for band in bands if band.is_stepped}
    if len(edges) > 1:
        raise refusal(path, "the same kWh edges in all stepped bands", sorted(edges))


def _cell(cell: tuple[int, int, int]) -> str:
    month, kind, half = cell
    day = "holidays" if kind else "weekdays"
    return f"month {month}, {day}, {half // 2:02d}:{half % 2 * 30:02d}"
