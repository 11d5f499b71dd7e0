"""Phones of an account: browsers with a nickname."""

from fastapi import APIRouter, Request, Response
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from hidamari.cloud import phones
from hidamari.cloud.context import ServiceDep, SessionDep, set_phone
from hidamari.cloud.service import instant
from hidamari.http.errors import ApiError
from hidamari.schema.cloud import NewPhone, PhoneEntry

router = APIRouter(tags=["phones"])


@router.get("/phones")
async def list_phones(service: ServiceDep, session: SessionDep) -> list[PhoneEntry]:
    """The phones of the signed-in person."""
    return [
        PhoneEntry(
            id=one.id,
            nickname=one.nickname,
            created_at=instant(one.created_ms),
            seen_at=instant(one.seen_ms),
            here=one.id == session.phone,
        )
        for one in await phones.of_account(service, session.account)
    ]


@router.post("/phones", status_code=HTTP_201_CREATED)
async def add_phone(
    body: NewPhone, request: Request, response: Response, service: ServiceDep, session: SessionDep
) -> None:
    """Give this browser a nickname; 409 phone_limit lists the phones to choose one from."""
    set_phone(request, response, await phones.register(service, session, body.nickname))


@router.delete("/phones/{phone_id}", status_code=HTTP_204_NO_CONTENT)
async def drop_phone(phone_id: str, service: ServiceDep, session: SessionDep) -> None:
    """Forget a phone; it is signed out."""
    if not await phones.drop(service, session.account, phone_id):
        raise ApiError(404, "no such phone", "an id from GET /cloud/v1/phones")
