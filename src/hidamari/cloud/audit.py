"""What was done to a home, by whom and when: lines that are only added, each sealed to the last."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hidamari.cloud.service import DAY_MS, instant
from hidamari.cloud.tables import audit, audit_ends
from hidamari.schema.cloud import AuditLine

KEPT_MS = 400 * DAY_MS
PAGE, PAUSE_S = 500, 0.02  # lines looked at in one go, and the rest that others get between
HOME = "home"  # the actor where the controller itself asked


@dataclass(frozen=True, slots=True)
class _Ends:
    """The ends of a home's lines: the numbers, the seal before the first and that of the last."""

    first: int = 1
    before: bytes | None = b""
    last: int = 0
    sha: bytes = b""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is written down about one act."""

    code: str
    actor: str = HOME
    account: int | None = None
    data: Mapping[str, str | int] | None = None


async def note(connection: AsyncConnection, home: bytes, at_ms: int, deed: Deed) -> None:
    """Add a line within the transaction of the act itself, which holds the lock of the home."""
    ends = await _ends(connection, home)
    newest = select(func.max(audit.c.number)).where(audit.c.home == home)
    # What was tampered with is noticed by `first_wrong`; it must not keep lines from being added.
    number = max(ends.last, await connection.scalar(newest) or 0) + 1
    data = json.dumps(deed.data or {}, ensure_ascii=False, sort_keys=True)
    line = [number, at_ms, deed.actor, deed.account, deed.code, data]
    sha = seal(ends.sha, line)
    values = {
        "home": home,
        "number": number,
        "at_ms": at_ms,
        "actor": deed.actor,
        "account": deed.account,
        "code": deed.code,
        "data": data,
        "sha": sha,
    }
    await connection.execute(insert(audit).values(values))
    ends = replace(await _without_old(connection, home, ends, at_ms), last=number, sha=sha)
    await connection.execute(delete(audit_ends).where(audit_ends.c.home == home))
    await connection.execute(insert(audit_ends).values(home=home, **asdict(ends)))


def seal(before: bytes, line: list[str | int | None]) -> bytes:
    """The hash of a line and of everything before it."""
    return hashlib.sha256(before + json.dumps(line, ensure_ascii=False).encode()).digest()


async def lines(
    connection: AsyncConnection, home: bytes, before: int | None, limit: int
) -> list[AuditLine]:
    """The newest lines first, from below the number `before` on."""
    asked = select(audit).where(audit.c.home == home)
    if before is not None:
        asked = asked.where(audit.c.number < before)
    rows = await connection.execute(asked.order_by(audit.c.number.desc()).limit(limit))
    return [
        AuditLine(
            number=row.number,
            at=instant(row.at_ms),
            actor=row.actor,
            code=row.code,
            data=json.loads(row.data),
        )
        for row in rows
    ]


async def first_wrong(connection: AsyncConnection, home: bytes) -> int | None:
    """The number of the first line that was changed, taken out or put in; None = all are whole."""
    ends = await _ends(connection, home)
    number, before = ends.first, ends.before
    mine = select(audit).where(audit.c.home == home).order_by(audit.c.number).limit(PAGE)
    page = mine
    while rows := (await connection.execute(page)).all():
        for row in rows:
            line = [row.number, row.at_ms, row.actor, row.account, row.code, row.data]
            is_sealed = before is None or row.sha == seal(before, line)
            if row.number != number or not is_sealed or number > ends.last:
                return number
            number, before = number + 1, row.sha
        page = mine.where(audit.c.number >= number)
        await asyncio.sleep(PAUSE_S)
    if number <= ends.last:
        return number
    return None if before == ends.sha else ends.last


async def forget(connection: AsyncConnection, home: bytes) -> None:
    """Nothing was ever done to this home."""
    await connection.execute(delete(audit).where(audit.c.home == home))
    await connection.execute(delete(audit_ends).where(audit_ends.c.home == home))


async def _ends(connection: AsyncConnection, home: bytes) -> _Ends:
    columns = (audit_ends.c[field.name] for field in fields(_Ends))
    row = (await connection.execute(select(*columns).where(audit_ends.c.home == home))).first()
    return _Ends() if row is None else _Ends(*row)


async def _without_old(connection: AsyncConnection, home: bytes, ends: _Ends, at_ms: int) -> _Ends:
    """Let go of lines that are too old, up to the newest of them."""
    mine = select(audit.c.number, audit.c.sha).where(audit.c.home == home)
    old = mine.where(audit.c.at_ms < at_ms - KEPT_MS).order_by(audit.c.number.desc()).limit(1)
    last = (await connection.execute(old)).first()
    if last is None:
        return ends
    gone = delete(audit).where(audit.c.home == home, audit.c.number <= last.number)
    await connection.execute(gone)
    return replace(ends, first=last.number + 1, before=last.sha)
