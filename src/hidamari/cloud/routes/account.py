"""Accounts: signing up by mail, passwords, the language of mails, and the end of an account."""

from fastapi import APIRouter, Request, Response
from starlette.status import HTTP_201_CREATED, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from hidamari.cloud import accounts, ending, letters
from hidamari.cloud.context import (
    ServiceDep,
    SessionDep,
    VisitDep,
    browser_of,
    drop_session,
    set_session,
    visit_of,
)
from hidamari.cloud.routes.session import told
from hidamari.schema.cloud import (
    AccountEdit,
    AccountEnd,
    CloudSession,
    LinkAgain,
    LinkUsed,
    MailAsked,
)
from hidamari.schema.session import PasswordChange

router = APIRouter(tags=["account"])


@router.post("/sign-up", status_code=HTTP_202_ACCEPTED)
async def sign_up(body: MailAsked, service: ServiceDep) -> None:
    """Send a mail with a link that is valid for an hour; the answer tells nothing else."""
    await accounts.ask_link(service, letters.SIGN_UP, body.mail, body.lang)


@router.post("/password/forgotten", status_code=HTTP_202_ACCEPTED)
async def forgot_password(body: MailAsked, service: ServiceDep) -> None:
    """Send a mail with a link to set a new password; the answer tells nothing else."""
    await accounts.ask_link(service, letters.RESET, body.mail, body.lang)


@router.post("/mail/again", status_code=HTTP_202_ACCEPTED)
async def send_again(body: LinkAgain, service: ServiceDep) -> None:
    """Send a new link in place of one that is over, to the same address."""
    await accounts.ask_again(service, body.token)


@router.post("/account", status_code=HTTP_201_CREATED)
async def use_link(
    body: LinkUsed, request: Request, response: Response, service: ServiceDep
) -> CloudSession:
    """Use the link of a mail: the account is made or gets its new password, and is signed in."""
    browser = browser_of(request, body.label, stay=body.stay)
    secret = await accounts.use_link(service, body.token, body.password, browser)
    set_session(request, response, secret, stay=body.stay)
    return await told(service, secret)


@router.patch("/account", status_code=HTTP_204_NO_CONTENT)
async def edit_account(body: AccountEdit, service: ServiceDep, session: SessionDep) -> None:
    """Change the language of mails."""
    await accounts.set_lang(service, session.account, body.lang)


@router.put("/password", status_code=HTTP_204_NO_CONTENT)
async def change_password(
    body: PasswordChange, service: ServiceDep, session: SessionDep, visit: VisitDep
) -> None:
    """Change the own password; ends the own other sessions."""
    await accounts.confirm(service, session, body.current, visit.address)
    await accounts.change_password(service, session, body.new)


@router.delete("/account", status_code=HTTP_204_NO_CONTENT)
async def end_account(
    body: AccountEnd,
    request: Request,
    response: Response,
    service: ServiceDep,
    session: SessionDep,
) -> None:
    """Delete the account; homes that nobody else owns are unlinked."""
    await accounts.confirm(service, session, body.password, visit_of(request).address)
    await ending.end_account(service, session, erase=body.erase)
    drop_session(request, response)
