"""How fast passwords of accounts may be tried: counted in the store before they are judged."""

import hashlib

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hidamari.cloud.service import Service, instant
from hidamari.cloud.tables import miss
from hidamari.http.tries import (
    FREE_TRIES,
    FREE_TRIES_NAME,
    LONGEST_PAUSE_NAME_S,
    LONGEST_PAUSE_S,
    Misses,
    pause_s,
)


async def take(service: Service, mail: str, address: str) -> float:
    """Count one try at this mail from this address; returns the pause if it may not be made."""
    now_ms = service.now_ms()
    now = instant(now_ms)
    everywhere, here = _keys(mail, address)
    async with service.database.writing(f"miss {everywhere}") as connection:
        found = await _found(connection, [everywhere, here])
        any_misses, own_misses = found.get(everywhere), found.get(here)
        wait_s = max(
            pause_s(any_misses, FREE_TRIES_NAME, LONGEST_PAUSE_NAME_S, now) if any_misses else 0.0,
            pause_s(own_misses, FREE_TRIES, LONGEST_PAUSE_S, now) if own_misses else 0.0,
        )
        if wait_s > 0.0:
            return wait_s
        for key, misses in ((everywhere, any_misses), (here, own_misses)):
            await _put(connection, key, misses, now_ms)
    return 0.0


async def forget(service: Service, mail: str, address: str) -> None:
    """The password was right: this place starts anew, others keep what they tried."""
    everywhere, here = _keys(mail, address)
    async with service.database.writing(f"miss {everywhere}") as connection:
        found = await _found(connection, [everywhere, here])
        left = (
            found[everywhere].count - found[here].count if found.keys() >= {here, everywhere} else 0
        )
        gone = [here] if left > 0 else [here, everywhere]
        await connection.execute(delete(miss).where(miss.c.key.in_(gone)))
        if left > 0:
            await connection.execute(
                update(miss).where(miss.c.key == everywhere).values(tries=left)
            )


def _keys(mail: str, address: str) -> tuple[str, str]:
    """What stands for a mail, and for a mail tried from one address."""
    everywhere = hashlib.sha256(mail.encode()).hexdigest()
    return everywhere, hashlib.sha256(f"{mail} {address}".encode()).hexdigest()


async def _found(connection: AsyncConnection, keys: list[str]) -> dict[str, Misses]:
    rows = await connection.execute(select(miss).where(miss.c.key.in_(keys)))
    return {row.key: Misses(row.tries, instant(row.last_ms)) for row in rows}


async def _put(connection: AsyncConnection, key: str, known: Misses | None, now_ms: int) -> None:
    if known is None:
        await connection.execute(insert(miss).values(key=key, tries=1, last_ms=now_ms))
    else:
        more = update(miss).where(miss.c.key == key)
        await connection.execute(more.values(tries=known.count + 1, last_ms=now_ms))
