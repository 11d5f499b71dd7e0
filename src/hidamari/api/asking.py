"""What a plan asks its owner, field by field, and how the answers become a contract."""

import re
from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from hidamari.core.checked import half_width, number, refusal
from hidamari.core.config import ContractSettings
from hidamari.core.contract import Contract, missing
from hidamari.core.tariff import ALL_MONTHS, WHOLE_DAY, Ask, Band, Days, Plan, Step, Window
from hidamari.core.tariff_files import AREAS, bands_from
from hidamari.core.words import known
from hidamari.schema.tariff import Answer, Asked, Choice, ContractBody, SellBody

PRICE = "price."  # + name of the band
FIELDS = {
    Ask.CONTRACT_A: ("ampere", "a"),
    Ask.CONTRACT_KVA: ("kva", "kva"),
    Ask.CONTRACT_KW: ("kw", "kw"),
    Ask.READING_DAY: ("reading_day", None),
    Ask.BASIC: ("basic_yen", "yen_month"),
    Ask.SELL: ("sell_yen_kwh", "yen_kwh"),
}
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([03]0)")


def asked(plan: Plan, contract: Contract | None, lang: str) -> list[Asked]:
    """The fields that still need an answer."""
    return [field for ask in missing(plan, contract) for field in _fields(Ask(ask), plan, lang)]


def contract_tree(
    body: ContractBody, plan: Plan, before: ContractSettings | None
) -> dict[str, JsonValue]:
    """A contract of the settings tree from the answers; what was not asked is kept.

    Raises SettingsError naming the answer.
    """
    answers = body.answers
    tree: dict[str, JsonValue] = {
        "plan": body.plan,
        "valid_from": body.valid_from.isoformat() if body.valid_from else None,
        "contract_a": body.ampere,
        "contract_kva": body.kva,
        "contract_kw": answers.get("kw"),
        "reading_day": body.reading_day,
        "basic_yen": answers.get("basic_yen"),
        "bands": _bands_tree(answers, plan),
        "market": _market_tree(answers),
        "sell": [
            {"start": one.from_.isoformat(), "sell_yen_kwh": one.yen_kwh} for one in body.sell
        ],
    }
    if before is not None and before.plan == body.plan:
        kept = before.model_dump(mode="json", include={"fuel_yen_kwh", "levy_yen_kwh", "confirmed"})
        tree |= kept
        if before.bands is not None and tree["bands"] is None:
            tree["bands"] = before.bands
    return tree


def contract_body(given: ContractSettings) -> ContractBody:
    """A contract of the settings tree as the screens ask for it."""
    answers: dict[str, Answer] = {}
    if given.basic_yen is not None:
        answers["basic_yen"] = given.basic_yen
    if given.contract_kw is not None:
        answers["kw"] = given.contract_kw
    if given.bands is not None:
        bands = bands_from(given.bands, "bands")
        answers |= {PRICE + band.name: band.steps[0].energy_yen_kwh for band in bands}
        night = _night(bands)
        if night is not None:
            answers |= {"night_from": _text(night.start_min), "night_to": _text(night.end_min)}
    for key in ("area", "fee_yen_kwh"):
        value = (given.market or {}).get(key)
        if isinstance(value, int | float | str):
            answers[f"market_{key}"] = value
    sell = [
        SellBody.model_validate({"from": one.start, "yen_kwh": one.sell_yen_kwh})
        for one in given.sell
        if one.sell_yen_kwh is not None
    ]
    return ContractBody(
        plan=given.plan,
        ampere=given.contract_a,
        kva=given.contract_kva,
        reading_day=given.reading_day,
        valid_from=given.valid_from,
        answers=answers,
        sell=sell,
    )


def _fields(ask: Ask, plan: Plan, lang: str) -> list[Asked]:
    bands = plan.tariffs[-1].bands
    if ask is Ask.PRICES:
        prices = {band.name: band.steps[0].energy_yen_kwh for band in bands}
        return [
            _field(PRICE + name, lang, title=name, unit="yen_kwh", value=yen_kwh or None)
            for name, yen_kwh in prices.items()
        ]
    if ask is Ask.HOURS:
        night = _night(bands)
        if night is None:  # nothing to start from: the bands themselves, as in a plan file
            return [_field("bands", lang, kind="bands")]
        return [
            _field("night_from", lang, kind="time", value=_text(night.start_min)),
            _field("night_to", lang, kind="time", value=_text(night.end_min)),
        ]
    if ask is Ask.MARKET:
        areas = [Choice(value=area, title=known(lang, f"area.{area}") or area) for area in AREAS]
        return [
            _field("market_area", lang, kind="choice", choices=areas),
            _field("market_fee_yen_kwh", lang, unit="yen_kwh"),
        ]
    name, unit = FIELDS[ask]
    basic = plan.tariffs[-1].basic
    sizes = [Choice(value=size, title=f"{size:g}") for size in (basic.allowed if basic else ())]
    if ask is Ask.CONTRACT_A and sizes:
        return [_field(name, lang, unit=unit, kind="choice", choices=sizes)]
    return [_field(name, lang, unit=unit)]


def _field(name: str, lang: str, **more: object) -> Asked:
    words = known(lang, f"tariff.ask.{name}") or name.replace("_", " ")
    unit = more.pop("unit", None)
    plain: dict[str, object] = {
        "field": name,
        "title": words,
        "unit": known(lang, f"unit.{unit}") or unit if isinstance(unit, str) else None,
        "kind": "number",
        "choices": None,
        "value": None,
    }
    return Asked.model_validate(plain | more)


def _bands_tree(answers: Mapping[str, Answer], plan: Plan) -> list[JsonValue] | None:
    """The plan's bands with the owner's prices and night hours; None when nothing was said."""
    bands = plan.tariffs[-1].bands
    prices = {k.removeprefix(PRICE): v for k, v in answers.items() if k.startswith(PRICE)}
    if "night_from" in answers and "night_to" in answers:
        bands = _with_night(bands, _minutes(answers, "night_from"), _minutes(answers, "night_to"))
    elif not prices:
        return None
    return [_band_tree(band, prices) for band in bands]


def _band_tree(band: Band, prices: Mapping[str, Answer]) -> dict[str, JsonValue]:
    steps = band.steps
    if band.name in prices:
        steps = (Step(0.0, number(prices[band.name], f"answers.{PRICE}{band.name}")),)
    tree: dict[str, JsonValue] = {"name": band.name, "days": band.days.value}
    if len(steps) == 1:
        tree["yen_kwh"] = steps[0].energy_yen_kwh
    else:
        tree["steps"] = [[step.over_kwh, step.energy_yen_kwh] for step in steps]
    if band.windows not in {(), (WHOLE_DAY,)}:
        tree["hours"] = [f"{_text(w.start_min)}-{_text(w.end_min)}" for w in band.windows]
    if band.months != ALL_MONTHS:
        tree["months"] = [*sorted(band.months)]
    return tree


def _market_tree(answers: Mapping[str, Answer]) -> dict[str, JsonValue] | None:
    if "market_area" not in answers:
        return None
    fee = answers.get("market_fee_yen_kwh")
    return {"area": answers["market_area"], "fee_yen_kwh": fee}


def _night(bands: tuple[Band, ...]) -> Window | None:
    """The hours of the cheaper of two bands that share the working days, else None."""
    shared = [band for band in bands if band.days is not Days.HOLIDAY]
    if len(shared) != 2 or any(len(b.windows) != 1 or b.windows == (WHOLE_DAY,) for b in shared):
        return None
    return min(shared, key=lambda band: band.steps[0].energy_yen_kwh).windows[0]


def _with_night(bands: tuple[Band, ...], start_min: int, end_min: int) -> tuple[Band, ...]:
    night = _night(bands)
    if night is None or start_min == end_min:
        raise refusal("answers.night_from", "a plan with a day and a night, and hours", start_min)
    hours = {True: Window(start_min, end_min), False: Window(end_min % 1440, start_min or 1440)}
    return tuple(
        band
        if band.days is Days.HOLIDAY
        else replace(band, windows=(hours[band.windows[0] == night],))
        for band in bands
    )


def _minutes(answers: Mapping[str, Answer], name: str) -> int:
    found = _CLOCK.fullmatch(half_width(str(answers[name])))
    if found is None:
        raise refusal(f"answers.{name}", "a time on the half-hour such as 23:00", answers[name])
    return min(1440, int(found.group(1)) * 60 + int(found.group(2)))


def _text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
