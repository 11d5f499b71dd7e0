"""What each mode needs of the home: the conditions as data, and whether they are met now."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from hidamari.core.config import PlanMode, Settings
from hidamari.home.assets import Asset
from hidamari.home.planning import Made
from hidamari.plan.parts.tank import Tank

MODES: tuple[PlanMode, ...] = ("cost", "self", "outage", "solar_rules", "solar_forecast")
NEED, WISH, PROMISE, NOTE = "need", "wish", "promise", "note"
BATTERY_KWH, HEATER_KWH, CAR_KWH = 0.3, 0.3, 1.5  # ASC-06
DAY_STEPS = 48
AMOUNT = {"battery": 0xAA, "v2h": 0xE7, "ev_charger": 0xE7}
MODE = {"battery": 0xDA, "v2h": 0xDA, "ev_charger": 0xDA}


@dataclass(frozen=True, slots=True)
class Condition:
    """One line: its number, the original words, our reading, how to mend it; in both languages."""

    id: str
    kind: str
    check: str
    words: dict[str, tuple[str, str, str]]
    link: str


@dataclass(frozen=True, slots=True)
class State:
    """What the checks look at."""

    settings: Settings
    assets: tuple[Asset, ...]
    made: Made | None
    has: frozenset[str]  # parts of the home: pv, board, meter ...
    weather: str
    is_overridden: bool = False


@dataclass(frozen=True, slots=True)
class Met:
    """A condition and whether it is met; None = it cannot be told."""

    condition: Condition
    met: bool | None


@cache
def conditions(mode: str) -> tuple[Condition, ...]:
    """The conditions of a mode, in order; none for modes of our own."""
    raw = tomllib.loads(
        files("hidamari.home").joinpath("conditions.toml").read_text(encoding="utf-8")
    )
    return tuple(
        Condition(
            row["id"],
            row["kind"],
            row["check"],
            {lang: (row[lang][0], row[lang][1], row[lang][2]) for lang in ("ja", "en")},
            row["link"],
        )
        for row in raw.get(mode, ())
    )


def look(mode: str, state: State) -> list[Met]:
    """Every condition of a mode as it stands."""
    return [Met(one, CHECKS[one.check](state)) for one in conditions(mode)]


def missing(found: Sequence[Met]) -> list[str]:
    """The conditions without which the mode cannot be chosen."""
    return [one.condition.id for one in found if one.condition.kind == NEED and one.met is False]


def _of(state: State, *kinds: str) -> list[Asset]:
    return [asset for asset in state.assets if asset.kind in kinds]


def _prices(state: State) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], float] | None:
    """Today's buying prices and the highest selling one; None while the contract is unknown."""
    if state.made is None or state.made.facts.prices.is_assumed:
        return None
    prices = state.made.facts.prices
    return prices.marginal_yen_kwh[:DAY_STEPS], float(prices.sell_yen_kwh[:DAY_STEPS].max())


def _always(_: State) -> bool | None:
    return True


def _has_sun(state: State) -> bool | None:
    return "pv" in state.has


def _surplus_buying(state: State) -> bool | None:
    return state.settings.home.buying == "surplus"


def _heater_own_solar(state: State) -> bool | None:
    return None if _of(state, "water_heater") else True


def _has_bands(state: State) -> bool | None:
    prices = _prices(state)
    return None if state.made is None else prices is not None and float(np.ptp(prices[0])) > 0.0


def _is_measured(state: State) -> bool | None:
    return bool({"board", "meter"} & state.has)


def _surplus_tomorrow(state: State) -> bool | None:
    """The surplus of the next day against what battery, heater and car would take of it."""
    if state.made is None:
        return None
    horizon = state.made.ask.request.horizon
    net = (horizon.pv_kwh - horizon.load_kwh)[:DAY_STEPS]
    surplus = float(np.maximum(net, 0.0).sum())
    needs = [BATTERY_KWH] if _of(state, "battery") else []
    for asset in state.made.ask.request.assets:
        if isinstance(asset, Tank):
            boil = max(asset.full_kwh - asset.stored_kwh, 0.0) / float(asset.heat.cop.mean())
            needs.append(boil + HEATER_KWH)
    return surplus >= min(needs, default=BATTERY_KWH)


def _has_clear_days(state: State) -> bool | None:
    return None if state.made is None else state.made.facts.outlook.is_enough


def _heater_ready(state: State) -> bool | None:
    found = _of(state, "water_heater")
    if not found:
        return None
    heater = state.settings.plan.heater
    takes = all({0xB0, 0xCA} & asset.live.writable for asset in found)
    is_measured = all(
        asset.live.device.as_number(asset.live.device.power) is not None for asset in found
    )
    return takes and is_measured and not heater.pause


def _takes_amount(asset: Asset) -> bool:
    wanted = {AMOUNT[asset.kind], MODE[asset.kind]}
    return wanted <= asset.live.writable


def _price_condition(state: State) -> bool:
    prices = _prices(state)
    if prices is None:
        return False
    buy, sell = prices
    return float(buy.max()) > float(buy.min()) and float(buy.max()) > sell


def _battery_ready(state: State) -> bool | None:
    found = _of(state, "battery")
    if not found:
        return None
    is_calm = not state.settings.plan.weather_warning
    return all(_takes_amount(asset) for asset in found) and _price_condition(state) and is_calm


def _car_ready(state: State) -> bool | None:
    found = _of(state, "v2h", "ev_charger")
    if not found:
        return None
    return all(_takes_amount(asset) for asset in found) and _price_condition(state)


def _has_weather(state: State) -> bool | None:
    return state.weather in ("ok", "old")


def _is_single_peak(state: State) -> bool | None:
    """Over the day, from the cheapest half-hour on, prices rise to one top and fall from there."""
    if state.made is None:
        return None
    prices = _prices(state)
    if prices is None:
        return False
    buy = np.roll(prices[0], -int(prices[0].argmin()))
    steps = np.sign(np.diff(np.append(buy, buy[0])))
    moves = steps[steps != 0.0]
    return bool((np.diff(moves) != 0.0).sum() <= 1)


def _has_sell_price(state: State) -> bool | None:
    mains = [meter for meter in state.settings.meters if meter.role.value == "main"]
    return any(contract.sell for meter in mains for contract in meter.contracts)


def _car_not_solar(state: State) -> bool | None:
    return not (_of(state, "v2h", "ev_charger") and state.settings.plan.car.solar)


def _battery_free(state: State) -> bool | None:
    """No warning, and the plan keeps the 30-minute target."""
    target_kwh = state.settings.target.half_hour_kwh
    home = state.made.plan.home if state.made is not None else None
    over = False
    if target_kwh is not None and home is not None:
        over = bool((home.import_kwh[:DAY_STEPS] > target_kwh + 0.01).any())
    return not state.settings.plan.weather_warning and not over


def _car_free(state: State) -> bool | None:
    return not state.settings.plan.weather_warning and not state.is_overridden


def _is_set_up(state: State) -> bool | None:
    home = state.settings.home
    is_placed = home.postal_code is not None or home.place.lat is not None
    return is_placed and bool(state.settings.circuits) and _prices(state) is not None


CHECKS: dict[str, Callable[[State], bool | None]] = {
    "always": _always,
    "has_sun": _has_sun,
    "surplus_buying": _surplus_buying,
    "heater_own_solar": _heater_own_solar,
    "has_bands": _has_bands,
    "is_measured": _is_measured,
    "surplus_tomorrow": _surplus_tomorrow,
    "has_clear_days": _has_clear_days,
    "heater_ready": _heater_ready,
    "battery_ready": _battery_ready,
    "car_ready": _car_ready,
    "has_weather": _has_weather,
    "is_single_peak": _is_single_peak,
    "has_sell_price": _has_sell_price,
    "car_not_solar": _car_not_solar,
    "battery_free": _battery_free,
    "car_free": _car_free,
    "is_set_up": _is_set_up,
}
