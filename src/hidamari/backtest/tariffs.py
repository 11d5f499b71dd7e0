"""The tariffs a replay can be asked for: those of the yardstick, our own plans, a plan's file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hidamari.backtest.contracted import Contracted, contracted
from hidamari.backtest.homes import HomeYear
from hidamari.backtest.world import Prices, flat, time_of_use
from hidamari.core.contract import Contract
from hidamari.core.errors import InputError
from hidamari.core.feed_in import flat_rate
from hidamari.core.tariff import Plan
from hidamari.core.tariff_files import load_plans, read_plan

SELL_YEN_KWH = 15.0  # of the yardstick, also for plans: who buys the sun is another contract
YARDSTICK: dict[str, Callable[[int], Prices]] = {"tou": time_of_use, "flat": flat}


@dataclass(frozen=True, slots=True)
class Tariffed:
    """Prices on the days of a home, and the contract where it is more than prices."""

    prices: Prices
    contract: Contracted | None = None


def tariff_of(wanted: str) -> Callable[[HomeYear], Tariffed]:
    """A tariff by its name: "tou", "flat", the id of a plan, or the path of a plan's file."""
    if wanted in YARDSTICK:
        return lambda home: Tariffed(YARDSTICK[wanted](home.slots))
    contract = Contract(plan_of(wanted), sell=(flat_rate(date.min, SELL_YEN_KWH),))
    return lambda home: under(contract, home)


def under(contract: Contract, home: HomeYear) -> Tariffed:
    """A contract on the days of a home."""
    found = contracted(contract, home)
    prices = Prices(found.marginal_yen_kwh(home), found.sell_yen_kwh)
    return Tariffed(prices, found)


def plan_of(wanted: str) -> Plan:
    """A plan by its id or its file; InputError names what there is."""
    path = Path(wanted)
    if path.suffix == ".toml" or path.is_file():
        try:
            return read_plan(path.read_text(encoding="utf-8"), wanted)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--tariff: {wanted} cannot be read: {error}") from None
    plans = load_plans()
    if wanted not in plans:
        names = ", ".join([*YARDSTICK, *sorted(plans)])
        raise InputError(f"--tariff: a plan's file (.toml) or one of {names}; got {wanted!r}")
    return plans[wanted]
