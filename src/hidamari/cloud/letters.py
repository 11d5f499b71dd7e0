"""Mails that were asked for: kept in the store until they are carried away, across restarts too.

What is kept is who asked for what. The link of a mail is made when the mail leaves: so no secret
lies in the store, and the hour of the link begins when it can be opened.
"""

import asyncio
import logging
from contextlib import suppress

from sqlalchemy import Row, Update, func, insert, select, update

from hidamari.cloud.mail import Mail
from hidamari.cloud.service import DAY_MS, HOUR_MS, Service, digest, new_secret
from hidamari.cloud.tables import mail_asked, mail_token
from hidamari.core.errors import StoreError
from hidamari.core.words import text

logger = logging.getLogger(__name__)

SIGN_UP, RESET = "sign_up", "reset"
PAGES = {SIGN_UP: "/cloud/join", RESET: "/cloud/password"}
LINKS_A_DAY = 10  # to one mail address, so that nobody is flooded through us
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 5_000, HOUR_MS  # a mail that cannot be sent is tried again
GIVEN_UP_MS = DAY_MS
LOOK_S = 60.0  # also without news: the clock of the service may jump
STORE_PAUSE_S = 5.0


async def ask(service: Service, kind: str, mail: str, lang: str, *, is_due: bool = True) -> None:
    """Let a mail leave soon, unless the address had enough today; kept when this returns.

    With `is_due` false nothing leaves: who asks must not tell the two apart.
    """
    now_ms = service.now_ms()
    values = {
        "kind": kind,
        "mail": mail,
        "lang": lang,
        "asked_ms": now_ms,
        "tries": 0,
        "next_ms": now_ms if is_due else None,
    }
    async with service.database.writing(f"mail {mail}") as connection:
        today = select(func.count()).where(
            mail_asked.c.mail == mail, mail_asked.c.asked_ms > now_ms - DAY_MS
        )
        if (await connection.scalar(today) or 0) >= LINKS_A_DAY:
            return
        await connection.execute(insert(mail_asked).values(values))
    service.post.news.set()


async def run(service: Service) -> None:
    """Carry mails away, one after the other, until cancelled; no request waits for them."""
    post = service.post
    while True:
        post.news.clear()
        try:
            wait_s = await _carry_next(service)
        except StoreError as error:
            logger.warning("mails wait: %s", error)
            wait_s = STORE_PAUSE_S
        if wait_s > 0.0 and not post.news.is_set():
            post.idle.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await post.news.wait()


async def sent(service: Service) -> None:
    """Return when no mail is due any more."""
    service.post.idle.clear()
    service.post.news.set()
    await service.post.idle.wait()


async def _carry_next(service: Service) -> float:
    """Carry the mail that is due for longest; the seconds until there is another one."""
    waiting = select(mail_asked).where(mail_asked.c.next_ms.is_not(None))
    async with service.database.reading() as connection:
        row = (await connection.execute(waiting.order_by(mail_asked.c.next_ms).limit(1))).first()
    if row is None:
        return LOOK_S
    wait_s = float(row.next_ms - service.now_ms()) / 1000
    if wait_s > 0.0:
        return min(wait_s, LOOK_S)
    is_carried = await service.post.carry(await _written(service, row))
    async with service.database.writing(f"mail {row.mail}") as connection:
        await connection.execute(_after(service, row, is_carried=is_carried))
    return 0.0


async def _written(service: Service, row: Row[tuple[object, ...]]) -> Mail:
    """The mail with a link of its own; one that is tried again gets another."""
    secret = new_secret()
    values = {
        "token_hash": digest(secret),
        "kind": row.kind,
        "mail": row.mail,
        "lang": row.lang,
        "created_ms": service.now_ms(),
    }
    async with service.database.writing(f"mail {row.mail}") as connection:
        await connection.execute(insert(mail_token).values(values))
    link = service.place.link(PAGES[row.kind], secret)
    subject = text(row.lang, f"mail.{row.kind}_subject")
    return Mail(row.mail, subject, text(row.lang, f"mail.{row.kind}_text", link=link))


def _after(service: Service, row: Row[tuple[object, ...]], *, is_carried: bool) -> Update:
    """What is kept of a mail after a try."""
    now_ms, next_ms = service.now_ms(), None
    if not is_carried and now_ms < row.asked_ms + GIVEN_UP_MS:
        next_ms = now_ms + min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2**row.tries)
    elif not is_carried:
        logger.error("a mail was given up after %d tries", row.tries + 1)
    same = update(mail_asked).where(mail_asked.c.id == row.id)
    return same.values(tries=row.tries + 1, next_ms=next_ms)
