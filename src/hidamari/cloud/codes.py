"""Link codes: six digits that the home shows for an hour, and the claim that uses one.

A try is counted before it is judged, in the transaction that decides whether it may be made; so
fifty at once are no way around, and no restart forgets them. What a code is wrong for is told to
nobody: an unknown device code, a wrong, used, void or expired link code get the same answer.
"""

import logging
import secrets
from dataclasses import dataclass

from sqlalchemy import RowMapping, Update, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hidamari.cloud.service import DAY_MS, HOUR_MS, Service, home_lock
from hidamari.cloud.tables import claim_try, device, link_code
from hidamari.http.errors import ApiError

logger = logging.getLogger(__name__)

DIGITS = 6
LIFE_MS = HOUR_MS
MAX_TRIES = 5
ISSUES_AN_HOUR = 5
VOIDED_A_YEAR = 15  # from then on only with the button on the unit
WRONG_AN_HOUR = 10  # of one account
ALARM_AN_HOUR = 100  # of all accounts together
YEAR_MS = 365 * DAY_MS
TRIES = "claim tries"  # all go one by one, so that the alarm misses none


@dataclass(frozen=True, slots=True)
class Issued:
    """A new code; the home shows it, we keep its hash."""

    code: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Open:
    """A code that can still be used."""

    expires_ms: int
    tries_left: int


@dataclass(frozen=True, slots=True)
class Proven:
    """A right code: which home it opens, to be used up by `use`."""

    home: bytes
    number: int


@dataclass(frozen=True, slots=True)
class _Try:
    """A counted try and what it is judged by."""

    id: int
    home: bytes | None = None
    number: int = 0
    code_hash: str | None = None


async def issue(service: Service, home: bytes, *, by_button: bool) -> Issued:
    """A new code in place of the one before. Raises 409 button_needed and 429."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    hashed = await service.hashing.hash_of(code)
    now_ms = service.now_ms()
    async with service.database.writing(home_lock(home)) as connection:
        await _check_issues(connection, home, now_ms, by_button=by_button)
        newest = await connection.scalar(
            select(func.max(link_code.c.number)).where(link_code.c.home == home)
        )
        values = {
            "home": home,
            "number": (newest or 0) + 1,
            "code_hash": hashed,
            "issued_ms": now_ms,
            "expires_ms": now_ms + LIFE_MS,
            "tries": 0,
        }
        await connection.execute(insert(link_code).values(values))
    return Issued(code, now_ms + LIFE_MS)


async def open_code(service: Service, home: bytes) -> Open | None:
    """The code of a home that can be used now."""
    async with service.database.reading() as connection:
        row = await _newest(connection, home)
    if row is None or not _is_open(row, service.now_ms()):
        return None
    return Open(row["expires_ms"], MAX_TRIES - row["tries"])


async def prove(service: Service, account_id: int, device_code: str, code: str) -> Proven:
    """Judge a device code with its link code; raises 403 wrong_code, 429 after too many."""
    counted = await _count(service, account_id, device_code)
    is_right = await service.hashing.matches(code, counted.code_hash)
    if not is_right or counted.home is None:
        raise ApiError(
            403,
            "device code or link code is wrong, used or expired",
            "both as the home shows them now",
            code="wrong_code",
        )
    async with service.database.writing(home_lock(counted.home)) as connection:
        await connection.execute(delete(claim_try).where(claim_try.c.id == counted.id))
        # A right code is no guess: it stays usable while its holder settles a limit.
        same = _row(counted.home, counted.number)
        await connection.execute(same.values(tries=link_code.c.tries - 1))
    return Proven(counted.home, counted.number)


async def use(connection: AsyncConnection, proven: Proven, now_ms: int) -> None:
    """Use the code up, within the transaction of the claim; raises 403 if somebody was faster."""
    row = await _newest(connection, proven.home)
    if row is None or row["number"] != proven.number or not _is_open(row, now_ms):
        raise ApiError(403, "this link code was used", "a new one", code="wrong_code")
    await connection.execute(_row(proven.home, proven.number).values(used_ms=now_ms))


async def _count(service: Service, account_id: int, device_code: str) -> _Try:
    """Count a try of this account, and of the code it is for."""
    now_ms = service.now_ms()
    hour = claim_try.c.at_ms > now_ms - HOUR_MS
    async with service.database.writing(TRIES) as connection:
        own = func.count().filter(claim_try.c.account == account_id)
        mine, all_before = (await connection.execute(select(own, func.count()).where(hour))).one()
        if mine >= WRONG_AN_HOUR:
            raise _pause("too many wrong codes from this account")
        made = insert(claim_try).values(account=account_id, at_ms=now_ms).returning(claim_try.c.id)
        number = (await connection.execute(made)).scalar_one()
        if all_before + 1 == ALARM_AN_HOUR:
            logger.error("alarm: %d wrong link codes within an hour", ALARM_AN_HOUR)
        return await _count_at_home(connection, number, device_code, now_ms)


async def _count_at_home(
    connection: AsyncConnection, number: int, device_code: str, now_ms: int
) -> _Try:
    home = await connection.scalar(select(device.c.home).where(device.c.device_code == device_code))
    if home is None:
        return _Try(number)
    row = await _newest(connection, home)
    if row is None or not _is_open(row, now_ms):
        return _Try(number)
    # The condition holds at the moment of writing: two cannot take the last try.
    taken = _row(home, row["number"]).where(link_code.c.tries < MAX_TRIES)
    done = await connection.execute(taken.values(tries=link_code.c.tries + 1))
    return (
        _Try(number, home, row["number"], row["code_hash"]) if done.rowcount == 1 else _Try(number)
    )


async def _check_issues(
    connection: AsyncConnection, home: bytes, now_ms: int, *, by_button: bool
) -> None:
    lately = select(func.count()).where(
        link_code.c.home == home, link_code.c.issued_ms > now_ms - HOUR_MS
    )
    if (await connection.scalar(lately) or 0) >= ISSUES_AN_HOUR:
        raise _pause("too many link codes")
    voided = select(func.count()).where(
        link_code.c.home == home,
        link_code.c.issued_ms > now_ms - YEAR_MS,
        link_code.c.tries >= MAX_TRIES,
        link_code.c.used_ms.is_(None),
    )
    if (await connection.scalar(voided) or 0) >= VOIDED_A_YEAR and not by_button:
        raise ApiError(
            409,
            "too many codes of this home were tried out",
            "the button on the unit pressed",
            code="button_needed",
        )


async def _newest(connection: AsyncConnection, home: bytes) -> RowMapping | None:
    columns = (
        link_code.c.number,
        link_code.c.code_hash,
        link_code.c.expires_ms,
        link_code.c.tries,
        link_code.c.used_ms,
    )
    asked = select(*columns).where(link_code.c.home == home)
    rows = await connection.execute(asked.order_by(link_code.c.number.desc()).limit(1))
    return rows.mappings().first()


def _is_open(row: RowMapping, now_ms: int) -> bool:
    return row["used_ms"] is None and now_ms < row["expires_ms"] and row["tries"] < MAX_TRIES


def _row(home: bytes, number: int) -> Update:
    return update(link_code).where(link_code.c.home == home, link_code.c.number == number)


def _pause(why: str) -> ApiError:
    error = ApiError(429, why, "an hour's pause", code="too_many_codes")
    error.headers = {"retry-after": str(HOUR_MS // 1000)}
    return error
