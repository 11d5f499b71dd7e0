"""What was done to a home, by whom and when: lines that are only added, each sealed to the last."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hidamari.cloud.service import DAY_MS, instant
from hidamari.cloud.tables import audit
from hidamari.schema.cloud import AuditLine

KEPT_MS = 400 * DAY_MS
HOME = "home"  # the actor where the controller itself asked


@dataclass(frozen=True, slots=True)
class Deed:
    """What is written down about one act."""

    code: str
    actor: str = HOME
    account: int | None = None
    data: Mapping[str, str | int] | None = None


async def note(connection: AsyncConnection, home: bytes, at_ms: int, deed: Deed) -> None:
    """Add a line within the transaction of the act itself, which holds the lock of the home."""
    last = select(audit.c.number, audit.c.sha).where(audit.c.home == home)
    row = (await connection.execute(last.order_by(audit.c.number.desc()).limit(1))).first()
    number, before = (1, b"") if row is None else (row.number + 1, row.sha)
    data = json.dumps(deed.data or {}, ensure_ascii=False, sort_keys=True)
    line = [number, at_ms, deed.actor, deed.account, deed.code, data]
    values = {
        "home": home,
        "number": number,
        "at_ms": at_ms,
        "actor": deed.actor,
        "account": deed.account,
        "code": deed.code,
        "data": data,
        "sha": seal(before, line),
    }
    await connection.execute(insert(audit).values(values))
    old = delete(audit).where(audit.c.home == home, audit.c.at_ms < at_ms - KEPT_MS)
    await connection.execute(old)


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


async def is_whole(connection: AsyncConnection, home: bytes) -> bool:
    """Whether no line was changed or taken out since the oldest one that is kept."""
    rows = await connection.execute(
        select(audit).where(audit.c.home == home).order_by(audit.c.number)
    )
    before: bytes | None = None
    number = 0
    for row in rows:
        line = [row.number, row.at_ms, row.actor, row.account, row.code, row.data]
        if row.number == 1:
            before = b""
        if before is not None and (row.number != number + 1 or row.sha != seal(before, line)):
            return False
        before, number = row.sha, row.number
    return True
