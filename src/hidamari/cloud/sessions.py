"""Signed-in browsers: sessions by the hash of their secret, and the phones they belong to."""

from dataclasses import dataclass, field

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hidamari.cloud.service import DAY_MS, HOUR_MS, MINUTE_MS, Service, digest, new_id, new_secret
from hidamari.cloud.tables import account, phone, session

STAY_MS = (30 * DAY_MS, 180 * DAY_MS)  # idle and absolute life on a phone of the house
VISIT_MS = (12 * HOUR_MS, 7 * DAY_MS)  # a browser that should not stay signed in
FRESH_MS = 5 * MINUTE_MS
SEEN_EVERY_MS = HOUR_MS  # how often the last use is written down
MAX_SESSIONS = 20  # of one account; the one not used for longest goes first


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser, as a request shows it."""

    id: str
    account: int
    mail: str
    lang: str
    phone: str | None  # its id
    nickname: str  # of the phone; empty where the browser is none
    label: str
    stay: bool
    started_ms: int
    seen_ms: int
    fresh_ms: int
    ends_ms: int
    secret: str = field(default="", repr=False)

    def is_over(self, now_ms: int) -> bool:
        """Whether it was not used for too long or is too old."""
        idle_ms = (STAY_MS if self.stay else VISIT_MS)[0]
        return now_ms >= self.ends_ms or now_ms >= self.seen_ms + idle_ms

    def is_fresh(self, now_ms: int) -> bool:
        """Whether the password was given within the last five minutes."""
        return now_ms < self.fresh_ms + FRESH_MS


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody signs in."""

    label: str
    stay: bool
    phone_secret: str = ""  # of the phone this browser was registered as
    replaces: str = ""  # the session of this browser until now


_COLUMNS = (
    session.c.id,
    session.c.account,
    account.c.mail,
    account.c.lang,
    session.c.phone,
    phone.c.nickname,
    session.c.label,
    session.c.stay,
    session.c.started_ms,
    session.c.seen_ms,
    session.c.fresh_ms,
    session.c.ends_ms,
)
_JOINED = session.join(account, session.c.account == account.c.id).outerjoin(
    phone, session.c.phone == phone.c.id
)


async def find(service: Service, secret: str) -> Session | None:
    """The session of a cookie; None where it is unknown, over or revoked."""
    known = digest(secret)
    asked = select(*_COLUMNS).select_from(_JOINED).where(session.c.secret_hash == known)

    async def read() -> RowMapping | None:
        async with service.database.reading() as connection:
            return (await connection.execute(asked)).mappings().first()

    row = await service.sessions.get(known, service.database.writes, read)
    found = None if row is None else _session(row, secret)
    now_ms = service.now_ms()
    if found is None or found.is_over(now_ms):
        return None
    if now_ms - found.seen_ms >= SEEN_EVERY_MS:
        await _note_use(service, found, now_ms)
    return found


async def start(connection: AsyncConnection, account_id: int, browser: Browser, now_ms: int) -> str:
    """A new session; returns its secret, which is kept nowhere else."""
    secret = new_secret()
    phones = select(phone.c.id).where(
        phone.c.account == account_id, phone.c.secret_hash == digest(browser.phone_secret)
    )
    values = {
        "id": new_id(),
        "account": account_id,
        "secret_hash": digest(secret),
        "phone": await connection.scalar(phones),
        "label": browser.label,
        "stay": browser.stay,
        "started_ms": now_ms,
        "seen_ms": now_ms,
        "fresh_ms": now_ms,
        "ends_ms": now_ms + (STAY_MS if browser.stay else VISIT_MS)[1],
    }
    await connection.execute(delete(session).where(session.c.id == browser.replaces))
    await connection.execute(insert(session).values(values))
    await _drop_surplus(connection, account_id)
    return secret


async def of_account(connection: AsyncConnection, account_id: int, now_ms: int) -> list[Session]:
    """All sessions of an account that are not over."""
    asked = select(*_COLUMNS).select_from(_JOINED).where(session.c.account == account_id)
    rows = await connection.execute(asked.order_by(session.c.started_ms))
    return [
        one for one in (_session(row, "") for row in rows.mappings()) if not one.is_over(now_ms)
    ]


async def end(connection: AsyncConnection, account_id: int, session_id: str) -> bool:
    """Revoke a session of the account; whether there was one."""
    gone = delete(session).where(session.c.account == account_id, session.c.id == session_id)
    return (await connection.execute(gone)).rowcount > 0


async def end_others(connection: AsyncConnection, account_id: int, keep: str = "") -> None:
    """Revoke all sessions of an account but one."""
    await connection.execute(
        delete(session).where(session.c.account == account_id, session.c.id != keep)
    )


async def _note_use(service: Service, used: Session, now_ms: int) -> None:
    async with service.database.writing() as connection:
        await connection.execute(
            update(session).where(session.c.id == used.id).values(seen_ms=now_ms)
        )
        if used.phone is not None:
            await connection.execute(
                update(phone).where(phone.c.id == used.phone).values(seen_ms=now_ms)
            )


async def _drop_surplus(connection: AsyncConnection, account_id: int) -> None:
    mine = select(session.c.id).where(session.c.account == account_id)
    surplus = mine.order_by(session.c.seen_ms.desc(), session.c.started_ms.desc())
    ids = (await connection.scalars(surplus.offset(MAX_SESSIONS))).all()
    await connection.execute(delete(session).where(session.c.id.in_(ids)))


def _session(row: RowMapping, secret: str) -> Session:
    return Session(**{**row, "nickname": row["nickname"] or ""}, secret=secret)
