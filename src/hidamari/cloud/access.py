"""Who may enter a home: the one door that every request about a home goes through."""

from dataclasses import replace

from sqlalchemy import select

from hidamari.cloud.ports import Access
from hidamari.cloud.service import Service, instant
from hidamari.cloud.sessions import Session
from hidamari.cloud.tables import access, device
from hidamari.core.access import STEP_UP, Action, Actor, Role, allowed
from hidamari.core.errors import InputError
from hidamari.http.errors import ApiError
from hidamari.link.device import home_bytes, home_text


class AccountDirectory:
    """The `Directory` of ports, from the tables."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def device_key(self, home: bytes) -> bytes | None:
        """The public Ed25519 key of a home that is bound to an account; None for any other."""
        asked = select(device.c.public_key).where(
            device.c.home == home, device.c.bound_ms.is_not(None)
        )
        async with self._service.database.reading() as connection:
            key: bytes | None = await connection.scalar(asked)
        return key

    async def access(self, account: int, home: bytes) -> Access | None:
        """What the account is to the home; None where it is nothing."""
        service = self._service
        key, writes = (account, home), service.database.writes
        return await service.accesses.get(key, writes, lambda: self._access(account, home))

    async def _access(self, account: int, home: bytes) -> Access | None:
        columns = (access.c.account, access.c.home, access.c.role, access.c.until_ms)
        asked = select(*columns, access.c.nickname).where(
            access.c.account == account, access.c.home == home
        )
        async with self._service.database.reading() as connection:
            row = (await connection.execute(asked)).first()
        if row is None:
            return None
        until = None if row.until_ms is None else instant(row.until_ms)
        return Access(row.account, row.home, Role(row.role), until, row.nickname)


async def entry(service: Service, session: Session | None, home: str, action: Action) -> Access:
    """What the signed-in person is to the home, if the action is allowed there.

    Raises 401 without a session, 404 for a home that is not theirs, else 403. Long connections
    ask again every few seconds: a revoked right ends them.
    """
    if session is None:
        raise ApiError(401, "sign in first", "a session")
    try:
        wanted = home_bytes(home)
    except InputError:
        raise _unknown() from None
    found = await AccountDirectory(service).access(session.account, wanted)
    if found is None:
        raise _unknown()
    if session.phone is None:
        raise ApiError(
            403, "give this browser a nickname first", "POST /cloud/v1/phones", "phone_needed"
        )
    now_ms = service.now_ms()
    actor = Actor(
        role=found.role,
        home=home_text(found.home),
        until=found.until,
        at=instant(now_ms),
        is_remote=True,
        is_fresh=session.is_fresh(now_ms),
    )
    if allowed(actor, home, action):
        return found
    if action in STEP_UP and allowed(replace(actor, is_fresh=True), home, action):
        raise ApiError(
            403, "give your password once more", "POST /cloud/v1/session/fresh", "step_up_needed"
        )
    raise ApiError(403, "your role may not do this", f"a role that may {action}")


def _unknown() -> ApiError:
    return ApiError(404, "there is no such home here", "a home of GET /cloud/v1/homes")
