"""Homes of accounts: claiming one with a code, its members, leaving it, unlinking it."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hidamari.cloud import audit, codes, phones
from hidamari.cloud.audit import Deed
from hidamari.cloud.ports import Access
from hidamari.cloud.service import Service, account_lock, home_lock
from hidamari.cloud.sessions import Session
from hidamari.cloud.tables import access, account, device, link_code
from hidamari.core.access import Role
from hidamari.http.errors import ApiError

MAX_ACCOUNTS = 4  # of one home (APP-05)


@dataclass(frozen=True, slots=True)
class Member:
    """An account that may enter a home."""

    account: int
    nickname: str
    role: Role
    since_ms: int
    mail: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A home that was claimed, and the phone that was registered with it."""

    access: Access
    phone_secret: str | None


async def claim(service: Service, used: Session, shown: tuple[str, str], nickname: str) -> Claimed:
    """Bind account and home by device code and link code; the first account is the owner.

    Raises 403 wrong_code, 429, 409 account_limit, phone_limit, nickname_taken.
    """
    proven = await codes.prove(service, used.account, *shown)
    now_ms = service.now_ms()
    locks = (account_lock(used.account), home_lock(proven.home))
    async with service.database.writing(*locks) as connection:
        known = await members(connection, proven.home)
        own = next((one for one in known if one.account == used.account), None)
        if own is None and len(known) >= MAX_ACCOUNTS:
            raise _limit(known)
        secret = None
        if used.phone is None:
            secret = await phones.add(connection, used, nickname, now_ms)
        await codes.use(connection, proven, now_ms)
        role = own.role if own is not None else Role.MEMBER if known else Role.OWNER
        if own is None:
            await _add(connection, Access(used.account, proven.home, role, None, nickname), now_ms)
        bound = update(device).where(device.c.home == proven.home, device.c.bound_ms.is_(None))
        await connection.execute(bound.values(bound_ms=now_ms))
        deed = Deed("claimed", nickname, used.account, {"role": role})
        await audit.note(connection, proven.home, now_ms, deed)
    return Claimed(Access(used.account, proven.home, role, None, nickname), secret)


async def of_account(service: Service, account_id: int) -> list[tuple[Access, int]]:
    """The homes of an account, and since when."""
    columns = (access.c.home, access.c.role, access.c.nickname, access.c.since_ms)
    asked = select(*columns).where(access.c.account == account_id).order_by(access.c.since_ms)
    async with service.database.reading() as connection:
        rows = (await connection.execute(asked)).all()
    return [
        (Access(account_id, row.home, Role(row.role), None, row.nickname), row.since_ms)
        for row in rows
    ]


async def members(connection: AsyncConnection, home: bytes) -> list[Member]:
    """Everybody who may enter a home, the first one first."""
    columns = (access.c.account, access.c.nickname, access.c.role, access.c.since_ms)
    asked = (
        select(*columns, account.c.mail)
        .select_from(access.join(account, access.c.account == account.c.id))
        .where(access.c.home == home)
        .order_by(access.c.since_ms, access.c.account)
    )
    rows = await connection.execute(asked)
    return [
        Member(row.account, row.nickname, Role(row.role), row.since_ms, row.mail) for row in rows
    ]


async def set_role(service: Service, by: Access, account_id: int, role: Role) -> Member:
    """Change what a member is; another owner is needed before the last one steps down."""
    async with service.database.writing(home_lock(by.home)) as connection:
        known = await members(connection, by.home)
        target = _must(known, account_id)
        if role is not Role.OWNER:
            _need_owner(known, account_id)
        row = (access.c.home == by.home, access.c.account == account_id)
        await connection.execute(update(access).where(*row).values(role=role))
        data = {"member": target.nickname, "role": role}
        deed = Deed("role_changed", by.nickname, by.account, data)
        await audit.note(connection, by.home, service.now_ms(), deed)
        return _must(await members(connection, by.home), account_id)


async def remove(service: Service, by: Access, account_id: int) -> None:
    """Take a member out, or leave; the last owner unlinks the home instead."""
    async with service.database.writing(home_lock(by.home)) as connection:
        known = await members(connection, by.home)
        target = _must(known, account_id)
        _need_owner(known, account_id)
        row = (access.c.home == by.home, access.c.account == account_id)
        await connection.execute(delete(access).where(*row))
        code = "left" if account_id == by.account else "member_removed"
        deed = Deed(code, by.nickname, by.account, {"member": target.nickname})
        await audit.note(connection, by.home, service.now_ms(), deed)


async def unlink(service: Service, home: bytes, deed: Deed, *, erase: bool = False) -> None:
    """No account holds the home any more; its data stay unless they are to be erased."""
    async with service.database.writing(home_lock(home)) as connection:
        await unlink_within(connection, home, service.now_ms(), deed)
    await after_unlink(service, home, erase=erase)


async def unlink_within(connection: AsyncConnection, home: bytes, now_ms: int, deed: Deed) -> None:
    """The rows of an unlinking, within a transaction that holds the lock of the home."""
    await connection.execute(delete(access).where(access.c.home == home))
    shown = update(link_code).where(link_code.c.home == home, link_code.c.expires_ms > now_ms)
    await connection.execute(shown.values(expires_ms=now_ms))
    await connection.execute(update(device).where(device.c.home == home).values(bound_ms=None))
    await audit.note(connection, home, now_ms, deed)


async def after_unlink(service: Service, home: bytes, *, erase: bool) -> None:
    """End the link of an unlinked home; where it is to be erased, forget that it ever was here."""
    await service.bus.drop(home, "unlinked")
    if not erase:
        return
    await service.store.erase(home)
    async with service.database.writing(home_lock(home)) as connection:
        free = select(device.c.home).where(device.c.home == home, device.c.bound_ms.is_(None))
        if await connection.scalar(free) is None:
            return  # claimed anew meanwhile
        await connection.execute(delete(device).where(device.c.home == home))
        await audit.forget(connection, home)


async def _add(connection: AsyncConnection, new: Access, now_ms: int) -> None:
    values = {
        "home": new.home,
        "account": new.account,
        "role": new.role,
        "nickname": new.nickname,
        "since_ms": now_ms,
    }
    await connection.execute(insert(access).values(values))


def _must(known: list[Member], account_id: int) -> Member:
    found = next((one for one in known if one.account == account_id), None)
    if found is None:
        raise ApiError(404, "there is no such member", "one of GET members")
    return found


def _need_owner(known: list[Member], leaves: int) -> None:
    """The home keeps an owner when this one is none any more; raises 409."""
    if not any(one.role is Role.OWNER and one.account != leaves for one in known):
        raise ApiError(
            409, "this is the last owner", "another owner, or to unlink the home", "last_owner"
        )


def _limit(known: list[Member]) -> ApiError:
    error = ApiError(
        409,
        f"a home has at most {MAX_ACCOUNTS} accounts",
        "one of `members` removed by the owner, then the same code again",
        code="account_limit",
    )
    error.extra = {
        "members": [{"id": m.account, "nickname": m.nickname, "role": m.role} for m in known]
    }
    return error
