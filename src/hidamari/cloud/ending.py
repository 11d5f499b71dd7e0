"""The end of an account, and of the bonds to the homes that only this account owned."""

from sqlalchemy import delete

from hidamari.cloud import audit, homes
from hidamari.cloud.audit import Deed
from hidamari.cloud.service import Service, account_lock, home_lock
from hidamari.cloud.sessions import Session
from hidamari.cloud.tables import account, mail_asked, mail_token
from hidamari.core.access import Role


async def end_account(service: Service, used: Session, *, erase: bool) -> None:
    """Delete the account with everything that belongs to it; `erase` also what homes sent."""
    mine = [one.home for one, _ in await homes.of_account(service, used.account)]
    locks = [account_lock(used.account), *sorted(home_lock(home) for home in mine)]
    now_ms, unlinked = service.now_ms(), []
    async with service.database.writing(f"mail {used.mail}", *locks) as connection:
        for home in mine:
            known = await homes.members(connection, home)
            own = next((one for one in known if one.account == used.account), None)
            if own is None:
                continue
            deed = Deed("account_ended", own.nickname, used.account)
            if any(m.role is Role.OWNER and m.account != used.account for m in known):
                await audit.note(connection, home, now_ms, deed)
            else:
                await homes.unlink_within(connection, home, now_ms, deed)
                unlinked.append(home)
        await connection.execute(delete(account).where(account.c.id == used.account))
        for table in (mail_token, mail_asked):
            await connection.execute(delete(table).where(table.c.mail == used.mail))
    for home in unlinked:
        await homes.after_unlink(service, home, erase=erase)
