"""What is compared on an owner's days: the house as it is, and as it is wished."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hidamari.backtest.owner import Own
from hidamari.backtest.tariffs import Tariffed, under
from hidamari.backtest.whatif import Case
from hidamari.backtest.world import Prices
from hidamari.core.contract import Contract, missing
from hidamari.core.errors import InputError
from hidamari.core.tariff import Ask, Plan
from hidamari.core.tariff_files import load_plans, read_plan
from hidamari.home.pricing import ASSUMED_BUY_YEN_KWH, PLAN_FOLDER
from hidamari.plan.battery import Battery

NONE, TODAY, WISHED = "none", "today", "wished"
HOURS_TO_EMPTY = 2.5  # of a battery whose power was not told, as usual ones have it
UNPRICED = {Ask.PRICES.value, Ask.HOURS.value, Ask.MARKET.value}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the owner asks for; None = as it is today, a battery of 0 kWh = none."""

    battery_kwh: float | None = None
    battery_kw: float | None = None
    tariff: str | None = None


def cases_of(own: Own, wish: Wish) -> tuple[Case, ...]:
    """No battery (where there is one), today, and the wish; InputError for what cannot be."""
    if wish == Wish():
        raise InputError("another battery or another tariff to compare with expected")
    reserve = 1.0 - own.settings.plan.reserve_pct / 100.0
    today = _today(own)
    battery = None if own.battery is None else _above_reserve(own.battery)
    wished = today if wish.tariff is None else _wished(own, wish.tariff)
    bought = battery if wish.battery_kwh is None else _battery(wish, reserve)
    found = [Case(TODAY, today, battery), Case(WISHED, wished, bought)]
    return tuple([Case(NONE, today, None), *found] if battery is not None else found)


def plan_id(own: Own, wish: Wish) -> str | None:
    """The plan of the wish, None for a price that was only assumed."""
    if wish.tariff is not None:
        return _plan(own, wish.tariff).id
    return None if own.contract is None else own.contract.plan.id


def _today(own: Own) -> Tariffed:
    if own.contract is not None:
        return under(own.contract, own.home)
    slots = own.home.slots
    return Tariffed(Prices(np.full(slots, ASSUMED_BUY_YEN_KWH), np.zeros(slots)))


def _wished(own: Own, tariff: str) -> Tariffed:
    """Another plan with the home's own size, reading day and price of what is sold."""
    plan = _plan(own, tariff)
    today = own.contract
    if today is not None and today.plan.id == plan.id:
        return under(today, own.home)
    contract = Contract(plan)
    if today is not None:
        is_same_company = today.plan.company == plan.company != ""
        contract = replace(
            today,
            plan=plan,
            valid_from=None,
            basic_yen=None,
            bands=None,
            market=None,
            fuel=today.fuel if is_same_company else (),
            confirmed=(),
        )
    if plan.template and UNPRICED & set(missing(plan, contract)):
        raise InputError(f"{plan.id}: this plan has no prices of its own; its file is expected")
    return under(contract, own.home)


def _plan(own: Own, tariff: str) -> Plan:
    path = Path(tariff)
    if path.suffix == ".toml":
        try:
            return read_plan(path.read_text(encoding="utf-8"), tariff)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"tariff: {tariff} cannot be read: {error}") from None
    folder = own.folder / PLAN_FOLDER
    plans = load_plans(folder if folder.is_dir() else None)
    if tariff not in plans:
        raise InputError(f"tariff: one of {', '.join(sorted(plans))} expected, got {tariff!r}")
    return plans[tariff]


def _battery(wish: Wish, share: float) -> Battery | None:
    """A battery of which a part is kept for blackouts, as the owner has it set."""
    kwh = wish.battery_kwh or 0.0
    if kwh <= 0.0:
        return None
    kw = wish.battery_kw or kwh / HOURS_TO_EMPTY
    return Battery(kwh * share, kw, kw)


def _above_reserve(battery: Battery) -> Battery:
    return replace(
        battery, capacity_kwh=battery.capacity_kwh - battery.reserve_kwh, reserve_kwh=0.0
    )
