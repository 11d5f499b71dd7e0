"""Homes of the signed-in person: claiming, members, leaving, unlinking, and what was done."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from hidamari.cloud import audit, homes
from hidamari.cloud.audit import Deed
from hidamari.cloud.context import ServiceDep, SessionDep, may, set_phone
from hidamari.cloud.homes import Member
from hidamari.cloud.ports import Access
from hidamari.cloud.service import Service, instant
from hidamari.core.access import Action, Role
from hidamari.link.device import home_text
from hidamari.schema.cloud import AuditLine, Claim, HomeEntry, MemberEdit, MemberEntry, Unlink

router = APIRouter(tags=["homes"])
Viewer = Annotated[Access, may(Action.VIEW)]
UserAdmin = Annotated[Access, may(Action.USERS)]


@router.post("/homes/claim", status_code=HTTP_201_CREATED)
async def claim_home(
    body: Claim, request: Request, response: Response, service: ServiceDep, session: SessionDep
) -> HomeEntry:
    """Bind the home of these codes to the account; the first account becomes its owner."""
    codes = (body.device_code, body.link_code)
    claimed = await homes.claim(service, session, codes, body.nickname)
    if claimed.phone_secret is not None:
        set_phone(request, response, claimed.phone_secret)
    return await _home(service, claimed.access, service.now_ms())


@router.get("/homes")
async def list_homes(service: ServiceDep, session: SessionDep) -> list[HomeEntry]:
    """The homes that the signed-in person may enter."""
    found = await homes.of_account(service, session.account)
    return [await _home(service, access, since_ms) for access, since_ms in found]


@router.get("/homes/{home}/members")
async def list_members(service: ServiceDep, access: Viewer) -> list[MemberEntry]:
    """Everybody who may enter the home."""
    async with service.database.reading() as connection:
        found = await homes.members(connection, access.home)
    return [_member(one, access) for one in found]


@router.patch("/homes/{home}/members/{member}")
async def edit_member(
    member: int, body: MemberEdit, service: ServiceDep, access: UserAdmin
) -> MemberEntry:
    """Change what a member may do."""
    return _member(await homes.set_role(service, access, member, body.role), access)


@router.delete("/homes/{home}/members/{member}", status_code=HTTP_204_NO_CONTENT)
async def remove_member(member: int, service: ServiceDep, access: UserAdmin) -> None:
    """Take a member out; open screens of this person end within seconds."""
    await homes.remove(service, access, member)


@router.post("/homes/{home}/leave", status_code=HTTP_204_NO_CONTENT)
async def leave_home(service: ServiceDep, access: Viewer) -> None:
    """Give the own access up; the last owner unlinks the home instead."""
    await homes.remove(service, access, access.account)


@router.post("/homes/{home}/unlink", status_code=HTTP_204_NO_CONTENT)
async def unlink_home(
    body: Unlink, service: ServiceDep, access: Annotated[Access, may(Action.TRANSFER)]
) -> None:
    """End the bond between the home and all accounts; with `erase` all that it sent is deleted."""
    deed = Deed("unlinked", access.nickname, access.account)
    await homes.unlink(service, access.home, deed, erase=body.erase)


@router.get("/homes/{home}/audit")
async def list_audit(
    service: ServiceDep,
    access: Annotated[Access, may(Action.VIEW_AUDIT)],
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[AuditLine]:
    """Who did what, the newest first, from below the number `before` on."""
    async with service.database.reading() as connection:
        return await audit.lines(connection, access.home, before, limit)


async def _home(service: Service, access: Access, since_ms: int) -> HomeEntry:
    presence = await service.bus.presence(access.home)
    return HomeEntry(
        home=home_text(access.home),
        role=access.role,
        nickname=access.nickname,
        since=instant(since_ms),
        linked=presence.linked,
        last_seen=presence.last_seen,
    )


def _member(member: Member, reader: Access) -> MemberEntry:
    is_own = member.account == reader.account
    return MemberEntry(
        id=member.account,
        nickname=member.nickname,
        mail=member.mail if is_own or reader.role is Role.OWNER else None,
        role=member.role,
        since=instant(member.since_ms),
        here=is_own,
    )
