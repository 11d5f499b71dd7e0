"""Signing in and out, and which browsers are signed in."""

from fastapi import APIRouter, Request, Response
from starlette.status import HTTP_204_NO_CONTENT

from hidamari.cloud import accounts, sessions
from hidamari.cloud.context import (
    ServiceDep,
    SessionDep,
    VisitDep,
    browser_of,
    drop_session,
    set_session,
    visit_of,
)
from hidamari.cloud.service import Service, instant
from hidamari.cloud.sessions import Session
from hidamari.http.errors import ApiError
from hidamari.schema.cloud import CloudSession, CloudSessionEntry, CloudSignIn, PasswordAgain

router = APIRouter(tags=["session"])


@router.post("/session")
async def sign_in(
    body: CloudSignIn, request: Request, response: Response, service: ServiceDep, visit: VisitDep
) -> CloudSession:
    """Sign in with mail and password; answers with a cookie."""
    browser = browser_of(request, body.label, stay=body.stay)
    secret = await accounts.sign_in(service, body.mail, body.password, visit.address, browser)
    if secret is None:
        raise ApiError(401, "mail or password is wrong", code="wrong_password")
    set_session(request, response, secret, stay=body.stay)
    return await told(service, secret)


@router.get("/session")
async def who_am_i(service: ServiceDep, session: SessionDep) -> CloudSession:
    """Who is signed in here."""
    return _state(service, session)


@router.post("/session/fresh")
async def sign_in_anew(
    body: PasswordAgain,
    request: Request,
    response: Response,
    service: ServiceDep,
    session: SessionDep,
) -> CloudSession:
    """Give the password once more: for five minutes what needs it may be done. A new cookie."""
    await accounts.confirm(service, session, body.password, visit_of(request).address)
    browser = browser_of(request, session.label, stay=session.stay)
    async with service.database.writing() as connection:
        secret = await sessions.start(connection, session.account, browser, service.now_ms())
    set_session(request, response, secret, stay=session.stay)
    return await told(service, secret)


@router.delete("/session", status_code=HTTP_204_NO_CONTENT)
async def sign_out(
    request: Request, response: Response, service: ServiceDep, session: SessionDep
) -> None:
    """End this session."""
    async with service.database.writing() as connection:
        await sessions.end(connection, session.account, session.id)
    drop_session(request, response)


@router.get("/sessions")
async def list_sessions(service: ServiceDep, session: SessionDep) -> list[CloudSessionEntry]:
    """The person's browsers that are signed in."""
    async with service.database.reading() as connection:
        found = await sessions.of_account(connection, session.account, service.now_ms())
    return [_entry(one, session.id) for one in found]


@router.delete("/sessions/{session_id}", status_code=HTTP_204_NO_CONTENT)
async def end_session(session_id: str, service: ServiceDep, session: SessionDep) -> None:
    """Sign a browser out; its live connections end within seconds."""
    async with service.database.writing() as connection:
        is_gone = await sessions.end(connection, session.account, session_id)
    if not is_gone:
        raise ApiError(404, "no such session", "an id from GET /cloud/v1/sessions")


async def told(service: Service, secret: str) -> CloudSession:
    """The session that was just opened."""
    session = await sessions.find(service, secret)
    if session is None:
        raise ApiError(401, "sign in first", "a session")  # revoked in this very moment
    return _state(service, session)


def _state(service: Service, session: Session) -> CloudSession:
    return CloudSession(
        mail=session.mail,
        lang="en" if session.lang == "en" else "ja",
        phone=session.nickname or None,
        fresh=session.is_fresh(service.now_ms()),
        expires_at=instant(session.ends_ms),
    )


def _entry(session: Session, here: str) -> CloudSessionEntry:
    return CloudSessionEntry(
        id=session.id,
        label=session.label,
        phone=session.nickname or None,
        started_at=instant(session.started_ms),
        seen_at=instant(session.seen_ms),
        expires_at=instant(session.ends_ms),
        here=session.id == here,
    )
