"""Market prices that the owner told, kept as a table beside the history.

Two forms are read: `start,yen_kwh` (an instant; without an offset it is the home's time), and the
yearly table of the exchange (delivery day, half-hour 1 to 48, a column an area).
"""

import csv
import logging
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from hidamari.core.contract import Contract, Spot
from hidamari.core.errors import InputError
from hidamari.core.tariff import Market
from hidamari.core.time import SLOT_S, TOKYO, day_bounds, from_unix, unix
from hidamari.store.files import save_plain

logger = logging.getLogger(__name__)

FILE = "spot_prices.csv"
START, PRICE = "start", "yen_kwh"
DAY, NUMBER = "受渡日", "時刻コード"  # of the exchange's table, which is in Japanese time
AREA_COLUMNS = {
    "hokkaido": "北海道",
    "tohoku": "東北",
    "tokyo": "東京",
    "chubu": "中部",
    "hokuriku": "北陸",
    "kansai": "関西",
    "chugoku": "中国",
    "shikoku": "四国",
    "kyushu": "九州",
}
LEAST_YEN_KWH, MOST_YEN_KWH = -100.0, 1000.0
Read = Callable[[Mapping[str, str]], tuple[int, str]]
GUESS_DAYS = 7  # how far back a price is looked for that stands for one not yet published


def read_spot(raw: bytes, area: str, zone: ZoneInfo) -> dict[int, float]:
    """Yen per kWh of an area by half-hour (unix seconds); InputError names line and expectation."""
    table = csv.DictReader(_text(raw).splitlines())
    names = [name.strip() for name in table.fieldnames or ()]
    table.fieldnames = names
    if {START, PRICE} <= set(names):
        return _by_line(table, lambda row: (_start(row[START], zone), row[PRICE]))
    column = next(
        (n for n in names if n.startswith(f"エリアプライス{AREA_COLUMNS.get(area)}")), None
    )
    if DAY in names and NUMBER in names and column is not None:
        return _by_line(table, lambda row: (_delivered(row), row[column]))
    raise InputError(
        f"columns {START} and {PRICE}, or the exchange's table with the area {area}, expected; "
        f"there are {', '.join(names) or 'none'}"
    )


def market_of(contract: Contract) -> Market | None:
    """The formula of a market-linked contract; None where the price is a fixed one."""
    return contract.market or contract.plan.tariffs[-1].market


def linked(contract: Contract, folder: Path) -> Contract:
    """The contract with the market prices it follows, as far as the owner has told them."""
    market, path = market_of(contract), folder / FILE
    if market is None or not path.is_file():
        return contract
    state = path.stat()
    kept = _kept(path, (state.st_mtime_ns, state.st_size), market.area, contract.zone)
    return replace(contract, spot=kept)


def add_spot(folder: Path, contract: Contract, raw: bytes) -> dict[int, float]:
    """Add a table to what is kept, newer prices over older ones; what came in is returned."""
    market = market_of(contract)
    if market is None:
        raise InputError("a market-linked contract expected: this one has fixed prices")
    found = read_spot(raw, market.area, contract.zone)
    kept = {**linked(contract, folder).spot, **found}
    lines = [f"{from_unix(at).isoformat()},{kept[at]:g}" for at in sorted(kept)]
    save_plain(folder / FILE, "\n".join([f"{START},{PRICE}", *lines, ""]).encode())
    return found


def with_guesses(contract: Contract, at_s: list[int]) -> Contract:
    """Prices not yet published stand in from the same half-hour of the last day that has one."""
    day_s = 24 * 3600
    guessed: dict[int, float] = {}
    for at in at_s:
        before = (at - n * day_s for n in range(1, GUESS_DAYS + 1))
        same = next((contract.spot[b] for b in before if b in contract.spot), None)
        if at not in contract.spot and same is not None:
            guessed[at] = same
    return replace(contract, spot={**contract.spot, **guessed}) if guessed else contract


@lru_cache(maxsize=4)
def _kept(path: Path, _state: tuple[int, int], area: str, zone: ZoneInfo) -> Spot:
    try:
        return read_spot(path.read_bytes(), area, zone)
    except (OSError, InputError) as error:
        logger.warning("%s is left out: %s", path, error)
        return {}


def _by_line(table: "csv.DictReader[str]", read: Read) -> dict[int, float]:
    found: dict[int, float] = {}
    for line, row in enumerate(table, start=2):
        try:
            at_s, text = read(row)
            yen_kwh = float(text)
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"line {line}: {error}") from error
        if not (math.isfinite(yen_kwh) and LEAST_YEN_KWH <= yen_kwh <= MOST_YEN_KWH):
            raise InputError(f"line {line}: a price in yen per kWh expected, got {text}")
        found[at_s] = yen_kwh
    if not found:
        raise InputError("at least one price expected, there is none")
    return found


def _start(text: str, zone: ZoneInfo) -> int:
    at = datetime.fromisoformat(text.strip())
    at_s = unix(at if at.tzinfo is not None else at.replace(tzinfo=zone))
    if at_s % SLOT_S:
        raise ValueError(f"the start of a half-hour expected, got {text}")
    return at_s


def _delivered(row: Mapping[str, str]) -> int:
    day = date.fromisoformat(row[DAY].strip().replace("/", "-"))
    number = int(row[NUMBER])
    if not 1 <= number <= 48:
        raise ValueError(f"a half-hour from 1 to 48 expected, got {number}")
    return unix(day_bounds(day, TOKYO)[0]) + (number - 1) * SLOT_S


def _text(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    raise InputError("text in UTF-8 or Shift_JIS expected")
