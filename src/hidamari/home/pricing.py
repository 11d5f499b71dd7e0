"""What electricity will cost over the steps of a plan, and what the month has used so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from hidamari.core.bill import Usage, used_kwh
from hidamari.core.config import Settings
from hidamari.core.contract import Contract, Role, contract_on, period_on
from hidamari.core.errors import InputError
from hidamari.core.price import prices, sell_yen_kwh, stretches
from hidamari.core.reading import SeriesKey
from hidamari.core.tariff_files import load_plans
from hidamari.core.time import SLOT_S, day_bounds, local_day, slot_start, unix
from hidamari.home.learning import slots_kwh
from hidamari.home.spot import linked, market_of, with_guesses
from hidamari.plan.horizon import Tiers
from hidamari.store.db import Store
from hidamari.store.pack import FloatArray

PLAN_FOLDER = "tariffs"
# While nobody has told the contract: the national mean of what a household pays, and nothing for
# what is sold, so that no plan leans on income that may not exist (Fair Trade Council guide, 2022).
ASSUMED_BUY_YEN_KWH = 31.0
IMPORT, EXPORT = SeriesKey("home", "import_kw"), SeriesKey("home", "export_kw")
REST_DAYS = 7


@dataclass(frozen=True, slots=True)
class Prices:
    """Yen per kWh of the half-hours from `start` on; `is_assumed` while the contract is unknown.

    Of a market-linked one the present price must be told; those not yet published are guessed.
    `buy_yen_kwh` is the first tier where there are tiers, `marginal_yen_kwh` what one more kWh
    costs with what the month has used so far.
    """

    start: datetime
    buy_yen_kwh: FloatArray
    marginal_yen_kwh: FloatArray
    sell_yen_kwh: FloatArray
    band: tuple[str, ...]
    is_assumed: bool
    tiers: Tiers | None = None


def contracts_of(settings: Settings, folder: Path) -> tuple[Contract, ...]:
    """The contracts of the main meter, oldest first; none where none is chosen or usable."""
    if not any(meter.contracts for meter in settings.meters if meter.role is Role.MAIN):
        return ()
    own = folder / PLAN_FOLDER
    try:
        meter = settings.meter(Role.MAIN, load_plans(own if own.is_dir() else None))
    except InputError:  # the plan's file is gone: energies are shown, money is not
        return ()
    return () if meter is None else tuple(linked(one, folder) for one in meter.contracts)


def contract_now(settings: Settings, folder: Path, now: datetime) -> Contract | None:
    """The contract of the main meter in force; None where none is chosen or usable."""
    return contract_on(contracts_of(settings, folder), local_day(now, settings.zone))


def prices_ahead(contract: Contract | None, store: Store, now: datetime, count: int) -> Prices:
    """Prices of `count` half-hours from the running one on."""
    start = slot_start(now)
    starts = [start + timedelta(seconds=SLOT_S * i) for i in range(count)]
    if contract is None:
        return _assumed(start, count)
    used = _used_kwh(contract, store, start)
    is_linked = market_of(contract) is not None
    is_told = not is_linked or unix(start) in contract.spot
    if is_linked:
        contract = with_guesses(contract, [unix(at) for at in starts])
    lines = prices(contract, starts, used)
    marginal = _known([line.buy_yen_kwh for line in lines])
    sell = _known([line.sell_yen_kwh for line in lines])
    if not np.isfinite(marginal).any():
        return _assumed(start, count)
    unix_s = np.array([unix(at) for at in starts], dtype=np.int64)
    is_known = np.isfinite(marginal)
    marginal = np.where(is_known, marginal, float(np.nanmean(marginal)))
    first, tiers = _tiers(contract, store, unix_s, used)
    buy = marginal if tiers is None else np.where(np.isfinite(first), first, marginal)
    return Prices(
        start,
        buy,
        marginal,
        np.nan_to_num(sell),
        tuple(line.band for line in lines),
        not (is_told and bool(is_known.all())),
        tiers,
    )


def sold_at(contract: Contract | None, at: Sequence[datetime]) -> FloatArray:
    """What an exported kWh earns at instants, zero where unknown."""
    if contract is None:
        return np.zeros(len(at))
    return np.nan_to_num(sell_yen_kwh(contract, np.array([unix(a) for a in at], dtype=np.int64)))


def _assumed(start: datetime, count: int) -> Prices:
    flat = np.full(count, ASSUMED_BUY_YEN_KWH)
    return Prices(start, flat, flat, np.zeros(count), ("",) * count, is_assumed=True)


def _used_kwh(contract: Contract, store: Store, now: datetime) -> float:
    """What counts for the tiers since the reading day."""
    zone = contract.zone
    first, _ = day_bounds(period_on(contract, local_day(now, zone)).start, zone)
    kwh = slots_kwh(store, [IMPORT, EXPORT], first, now)
    if not len(kwh):
        return 0.0
    unix_s = unix(first) + SLOT_S * np.arange(len(kwh), dtype=np.int64)
    return used_kwh(contract, Usage(unix_s, kwh[:, 0], kwh[:, 1]))


def _tiers(
    contract: Contract,
    store: Store,
    unix_s: np.ndarray[tuple[int], np.dtype[np.int64]],
    used: float,
) -> tuple[FloatArray, Tiers | None]:
    """The first tier's price of each half-hour, and the tiers above it."""
    parts = stretches(contract, unix_s)
    first = np.full(len(unix_s), np.nan)
    for part in parts:
        on_top = (part.period.fuel_yen_kwh or 0.0) + part.period.levy_yen_kwh
        first[part.at] = part.step_yen_kwh[:, 0] + on_top
    now = parts[0]
    if len(now.edges_kwh) < 2:
        return first, None
    stepped = now.is_stepped > 0.0
    if not stepped.any():
        return first, None
    steps = now.step_yen_kwh[stepped][0]
    end, _ = day_bounds(now.period.reading, contract.zone)
    left_days = max(0.0, (unix(end) - int(unix_s[-1])) / 86400.0)
    width = (*(float(w) for w in np.diff(now.edges_kwh)), float("inf"))
    extra = tuple(float(yen) for yen in steps - steps[0])
    return first, Tiers(width, extra, used, left_days * _day_kwh(store, int(unix_s[0])))


def _day_kwh(store: Store, now_s: int) -> float:
    """Mean import a day of the last week."""
    end = slot_start(datetime.fromtimestamp(now_s, tz=UTC))
    kwh = slots_kwh(store, [IMPORT], end - timedelta(days=REST_DAYS), end)
    return float(np.nansum(kwh)) / REST_DAYS


def _known(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
