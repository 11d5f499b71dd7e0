"""The tariffs a replay can be asked for: those of the yardstick, our own plans, a plan's file."""

from collections.abc import Callable
from dataclasses import dataclass, replace
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
from hidamari.home.spot import market_of, read_spot

SELL_YEN_KWH = 15.0  # of the yardstick, also for plans: who buys the sun is another contract
YARDSTICK: dict[str, Callable[[int], Prices]] = {"tou": time_of_use, "flat": flat}


@dataclass(frozen=True, slots=True)
class Tariffed:
    """Prices on the days of a home, and the contract where it is more than prices."""

    prices: Prices
    contract: Contracted | None = None


def tariff_of(wanted: str, spot: Path | None = None) -> Callable[[HomeYear], Tariffed]:
    """A tariff by its name: "tou", "flat", the id of a plan, or the path of a plan's file.

    `spot` is a table of the market's prices for a plan that follows them.
    """
    if wanted in YARDSTICK:
        if spot is not None:
            raise InputError(f"--spot: a plan that follows a market expected, got {wanted}")
        return lambda home: Tariffed(YARDSTICK[wanted](home.slots))
    contract = Contract(plan_of(wanted), sell=(flat_rate(date.min, SELL_YEN_KWH),))
    contract = _with_spot(contract, wanted, spot)
    return lambda home: under(contract, home)


def under(contract: Contract, home: HomeYear) -> Tariffed:
    """A contract on the days of a home."""
    found = contracted(contract, home)
    prices = Prices(found.marginal_yen_kwh(home), found.sell_yen_kwh)
    return Tariffed(prices, found)


def _with_spot(contract: Contract, wanted: str, spot: Path | None) -> Contract:
    """The contract with the prices of the market that it follows; InputError where they miss."""
    market = market_of(contract)
    if spot is None:
        if market is not None:
            raise InputError(f"--spot: a file of market prices expected, {wanted} follows them")
        return contract
    if market is None:
        raise InputError(f"--spot: a plan with [tariff.market] expected, {wanted} has none")
    try:
        return replace(contract, spot=read_spot(spot.read_bytes(), market.area, contract.zone))
    except (OSError, InputError) as error:
        raise InputError(f"--spot: {spot}: {error}") from None


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
