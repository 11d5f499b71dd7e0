"""The link to the server service: how it stands, a code for the owner's phone, ending it."""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Request
from starlette.status import HTTP_204_NO_CONTENT

from hidamari.api.context import Api, ApiDep, CallerDep, may, needs
from hidamari.core.access import Action
from hidamari.core.errors import InputError, LinkError
from hidamari.home.view import CloudView
from hidamari.http.errors import ApiError
from hidamari.link.enrol import Refused
from hidamari.schema.link import CloudLink, CloudMember

router = APIRouter(tags=["cloud"])


@router.get("/cloud", dependencies=needs(Action.VIEW_SETTINGS))
async def cloud_link(request: Request, api: ApiDep, caller: CallerDep) -> CloudLink:
    """How the link stands."""
    return await _link(api, is_owner=may(request, caller, Action.CODES))


@router.post("/cloud/code", dependencies=needs(Action.CODES))
async def issue_code(api: ApiDep, caller: CallerDep) -> CloudLink:
    """Get a link code from the service; the one before is void."""
    await _done(_view(api).issue_code())
    api.note("log", "cloud_code_issued", {"by": caller.name})
    return await _link(api, is_owner=True)


@router.delete("/cloud", status_code=HTTP_204_NO_CONTENT, dependencies=needs(Action.CODES))
async def unlink(api: ApiDep, caller: CallerDep) -> None:
    """End the link; what the home knows stays in the home."""
    await _done(_view(api).unlink())
    api.note("log", "cloud_unlinked_by", {"by": caller.name})


def _view(api: Api) -> CloudView:
    if api.home.cloud is None:
        raise ApiError(409, "no server service is named", "cloud_url in hidamari.toml", "cloud_off")
    return api.home.cloud


async def _done(work: Awaitable[None]) -> None:
    try:
        await work
    except InputError as error:
        raise ApiError(409, str(error), "GET /cloud") from None
    except Refused as refused:
        if refused.status == 429:
            raise ApiError(429, "too many codes", "an hour's pause", "cloud_too_many") from None
        raise ApiError(424, str(refused), "another try later", "cloud_refused") from None
    except (LinkError, OSError, TimeoutError) as error:
        message = f"the service cannot be reached: {error}"
        raise ApiError(424, message, "another try later", "cloud_unreachable") from None


async def _link(api: Api, *, is_owner: bool) -> CloudLink:
    if api.home.cloud is None:
        return CloudLink(state="off")
    waiting = await asyncio.to_thread(api.home.cloud.waiting)
    standing = api.home.cloud.standing()
    members = [CloudMember(nickname=m.nickname, role=m.role) for m in standing.members]
    return CloudLink(
        state=standing.state,
        url=standing.url,
        device_code=standing.device_code,
        code=standing.code if is_owner else None,
        code_until=standing.code_until,
        code_left_s=standing.code_left_s,
        last_contact=standing.last_contact,
        waiting=waiting,
        members=members if is_owner else [],
        trouble=standing.trouble,
    )
