"""What nobody needs any more is deleted, each thing at its age."""

import asyncio
import logging
from collections.abc import Iterator

from sqlalchemy import Delete, and_, delete, exists, or_

from hidamari.cloud.codes import MAX_TRIES, YEAR_MS
from hidamari.cloud.service import DAY_MS, Service
from hidamari.cloud.sessions import STAY_MS, VISIT_MS
from hidamari.cloud.tables import (
    audit,
    claim_try,
    device,
    link_code,
    mail_asked,
    mail_token,
    miss,
    session,
)
from hidamari.core.errors import StoreError

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
MAILS_MS = 7 * DAY_MS  # an expired link still tells whom to send a new one
TRIES_MS = DAY_MS  # judged by the hour
MISSES_MS = 30 * DAY_MS
CODES_MS = DAY_MS  # used and expired ones; those that were tried out are counted for a year
UNCLAIMED_MS = 30 * DAY_MS  # a home that still asks registers anew by itself


async def run(service: Service) -> None:
    """Prune once an hour, for ever."""
    while True:
        try:
            await prune(service)
        except StoreError as error:
            logger.warning("what is old stays for another hour: %s", error)
        await asyncio.sleep(EVERY_S)


async def prune(service: Service) -> None:
    """Delete what is older than it may become."""
    for statement in _old(service.now_ms()):
        async with service.database.writing() as connection:
            await connection.execute(statement)


def _old(now_ms: int) -> Iterator[Delete]:
    """One transaction each: nobody waits long."""
    idle = or_(
        and_(session.c.stay, session.c.seen_ms <= now_ms - STAY_MS[0]),
        and_(~session.c.stay, session.c.seen_ms <= now_ms - VISIT_MS[0]),
    )
    yield delete(session).where(or_(session.c.ends_ms <= now_ms, idle))
    yield delete(mail_token).where(mail_token.c.created_ms < now_ms - MAILS_MS)
    yield delete(mail_asked).where(mail_asked.c.asked_ms < now_ms - MAILS_MS)
    yield delete(claim_try).where(claim_try.c.at_ms < now_ms - TRIES_MS)
    yield delete(miss).where(miss.c.last_ms < now_ms - MISSES_MS)
    is_counted = and_(link_code.c.tries >= MAX_TRIES, link_code.c.issued_ms >= now_ms - YEAR_MS)
    yield delete(link_code).where(link_code.c.expires_ms < now_ms - CODES_MS, ~is_counted)
    # A home that was ever claimed has lines in the audit; one with codes counts their tries.
    yield delete(device).where(
        device.c.bound_ms.is_(None),
        device.c.registered_ms < now_ms - UNCLAIMED_MS,
        ~exists().where(audit.c.home == device.c.home),
        ~exists().where(link_code.c.home == device.c.home),
    )
