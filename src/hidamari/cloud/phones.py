"""Phones of an account: browsers with a nickname, at most two of them."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hidamari.cloud.service import Service, account_lock, digest, new_id, new_secret
from hidamari.cloud.sessions import Session
from hidamari.cloud.tables import phone, session
from hidamari.http.errors import ApiError

MAX_PHONES = 2  # of one account (APP-05)


@dataclass(frozen=True, slots=True)
class Phone:
    """A registered browser."""

    id: str
    nickname: str
    created_ms: int
    seen_ms: int


async def of_account(service: Service, account_id: int) -> list[Phone]:
    """The phones of an account, the oldest first."""
    async with service.database.reading() as connection:
        return await _all(connection, account_id)


async def register(service: Service, used: Session, nickname: str) -> str:
    """Make this browser a phone; returns the secret that makes it the same one at the next sign-in.

    Raises 409 phone_limit with the list to choose from.
    """
    async with service.database.writing(account_lock(used.account)) as connection:
        return await add(connection, used, nickname, service.now_ms())


async def add(connection: AsyncConnection, used: Session, nickname: str, now_ms: int) -> str:
    """As `register`, within a transaction that holds the lock of the account."""
    known = await _all(connection, used.account)
    if used.phone is not None:
        raise ApiError(409, "this browser is a phone already", "another browser", "phone_known")
    if any(one.nickname == nickname for one in known):
        raise ApiError(409, "there is a phone of this name", "another nickname", "nickname_taken")
    if len(known) >= MAX_PHONES:
        raise _limit(known)
    secret, name = new_secret(), new_id()
    values = {
        "id": name,
        "account": used.account,
        "nickname": nickname,
        "secret_hash": digest(secret),
        "created_ms": now_ms,
        "seen_ms": now_ms,
    }
    await connection.execute(insert(phone).values(values))
    await connection.execute(update(session).where(session.c.id == used.id).values(phone=name))
    return secret


async def drop(service: Service, account_id: int, phone_id: str) -> bool:
    """Forget a phone and its sessions; whether there was one."""
    async with service.database.writing(account_lock(account_id)) as connection:
        gone = delete(phone).where(phone.c.account == account_id, phone.c.id == phone_id)
        return (await connection.execute(gone)).rowcount > 0


async def _all(connection: AsyncConnection, account_id: int) -> list[Phone]:
    columns = (phone.c.id, phone.c.nickname, phone.c.created_ms, phone.c.seen_ms)
    asked = select(*columns).where(phone.c.account == account_id).order_by(phone.c.created_ms)
    return [Phone(*row) for row in await connection.execute(asked)]


def _limit(known: list[Phone]) -> ApiError:
    error = ApiError(
        409,
        f"an account has at most {MAX_PHONES} phones",
        "one of `phones` deleted, or another account",
        code="phone_limit",
    )
    error.extra = {"phones": [{"id": one.id, "nickname": one.nickname} for one in known]}
    return error
