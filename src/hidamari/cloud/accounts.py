"""Accounts: signing up by mail, signing in, passwords, and the end of an account."""

from dataclasses import dataclass

from sqlalchemy import Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hidamari.cloud import letters, misses, sessions
from hidamari.cloud.letters import RESET, SIGN_UP
from hidamari.cloud.service import HOUR_MS, Service, digest
from hidamari.cloud.sessions import Browser, Session
from hidamari.cloud.tables import account, mail_token
from hidamari.http.errors import ApiError
from hidamari.http.passwords import TooManyTries, WeakPassword, check_password

LINK_LIFE_MS = HOUR_MS


@dataclass(frozen=True, slots=True)
class Account:
    """A person with a mail address and a password."""

    id: int
    mail: str
    password_hash: str
    lang: str


async def ask_link(service: Service, kind: str, mail: str, lang: str) -> None:
    """Send the mail that leads on; who asks learns nothing about whether the mail is known."""
    known = await by_mail(service, mail)
    found = RESET if known is not None else SIGN_UP
    is_due = (kind, found) != (RESET, SIGN_UP)  # no account, no password to forget
    await letters.ask(service, found, mail, lang, is_due=is_due)


async def ask_again(service: Service, token: str) -> None:
    """Send a new link in place of one that is over; 404 for a link we never sent."""
    async with service.database.reading() as connection:
        row = (await connection.execute(_token(token))).first()
    if row is None:
        raise ApiError(404, "this link is none of ours", "the link of the newest mail")
    await ask_link(service, row.kind, row.mail, row.lang)


async def use_link(service: Service, token: str, password: str, browser: Browser) -> str:
    """Make the account of a link, or give it a new password; returns a session's secret."""
    mail = await _mail_of(service, token)
    check_password(password, mail)
    hashed = await service.hashing.hash_of(password)
    now_ms = service.now_ms()
    async with service.database.writing(f"mail {mail}") as connection:
        used = update(mail_token).where(mail_token.c.mail == mail, mail_token.c.used_ms.is_(None))
        row = (await connection.execute(_token(token))).one()
        if row.used_ms is not None:
            raise _used()
        await connection.execute(used.values(used_ms=now_ms))  # with all other open links
        found = await connection.scalar(select(account.c.id).where(account.c.mail == mail))
        if found is None:
            found = await _insert(connection, mail, hashed, row.lang, now_ms)
        else:
            await _set_password(connection, found, hashed, keep="")
        return await sessions.start(connection, found, browser, now_ms)


async def sign_in(
    service: Service, mail: str, password: str, address: str, browser: Browser
) -> str | None:
    """A session's secret, or None for a wrong mail or password. Raises TooManyTries."""
    known = await _judged(service, mail, password, address)
    if known is None:
        return None
    async with service.database.writing() as connection:
        return await sessions.start(connection, known.id, browser, service.now_ms())


async def confirm(service: Service, used: Session, password: str, address: str) -> None:
    """Require the password of a signed-in person once more; raises 403 and TooManyTries."""
    if await _judged(service, used.mail, password, address) is None:
        raise ApiError(403, "the password is wrong", code="wrong_password")


async def change_password(service: Service, used: Session, new: str) -> None:
    """A new password; all other sessions end."""
    check_password(new, used.mail)
    hashed = await service.hashing.hash_of(new)
    known = await by_mail(service, used.mail)
    if known is not None and await service.hashing.matches(new, known.password_hash):
        raise WeakPassword("a password other than the present one was expected")
    async with service.database.writing() as connection:
        await _set_password(connection, used.account, hashed, keep=used.id)


async def by_mail(service: Service, mail: str) -> Account | None:
    """The account of a mail address."""
    columns = (account.c.id, account.c.mail, account.c.password_hash, account.c.lang)
    async with service.database.reading() as connection:
        row = (await connection.execute(select(*columns).where(account.c.mail == mail))).first()
    return None if row is None else Account(*row)


async def set_lang(service: Service, account_id: int, lang: str) -> None:
    """The language of mails."""
    async with service.database.writing() as connection:
        await connection.execute(
            update(account).where(account.c.id == account_id).values(lang=lang)
        )


async def _judged(service: Service, mail: str, password: str, address: str) -> Account | None:
    """The account whose password this is; every try is counted before."""
    wait_s = await misses.take(service, mail, address)
    if wait_s > 0.0:
        raise TooManyTries(wait_s)
    known = await by_mail(service, mail)
    if not await service.hashing.matches(password, known.password_hash if known else None):
        return None
    await misses.forget(service, mail, address)
    return known


async def _mail_of(service: Service, token: str) -> str:
    """Whose link this is; 410 where it is used or over."""
    async with service.database.reading() as connection:
        row = (await connection.execute(_token(token))).first()
    if row is None:
        raise ApiError(404, "this link is none of ours", "the link of the newest mail")
    if row.used_ms is not None:
        raise _used()
    if service.now_ms() >= row.created_ms + LINK_LIFE_MS:
        raise ApiError(
            410, "this link is over", "a new one by POST /cloud/v1/mail/again", code="link_expired"
        )
    return str(row.mail)


def _used() -> ApiError:
    return ApiError(410, "this link was used", "a newer one, or to sign in", code="link_used")


def _token(token: str) -> Select[tuple[str, str, str, int, int | None]]:
    columns = (
        mail_token.c.kind,
        mail_token.c.mail,
        mail_token.c.lang,
        mail_token.c.created_ms,
        mail_token.c.used_ms,
    )
    return select(*columns).where(mail_token.c.token_hash == digest(token))


async def _insert(
    connection: AsyncConnection, mail: str, password_hash: str, lang: str, now_ms: int
) -> int:
    values = {"mail": mail, "password_hash": password_hash, "lang": lang, "created_ms": now_ms}
    made = await connection.execute(insert(account).values(values).returning(account.c.id))
    return int(made.scalar_one())


async def _set_password(
    connection: AsyncConnection, account_id: int, password_hash: str, keep: str
) -> None:
    await connection.execute(
        update(account).where(account.c.id == account_id).values(password_hash=password_hash)
    )
    await sessions.end_others(connection, account_id, keep)
