"""Signing in and out, passwords, and which browsers are signed in."""

from fastapi import APIRouter, Request, Response
from starlette.status import HTTP_204_NO_CONTENT

from hidamari.api.accounts import Session
from hidamari.api.auth import Screen
from hidamari.api.context import (
    HOME,
    Api,
    ApiDep,
    CallerDep,
    VisitDep,
    may,
    need_secure,
    needs,
    visit_of,
)
from hidamari.api.guard import PLAIN_COOKIE, SECURE_COOKIE, Visit
from hidamari.core.access import Action, Actor, Role, allowed
from hidamari.http.doors import Door
from hidamari.http.errors import ApiError
from hidamari.schema.session import (
    FirstPassword,
    PasswordChange,
    SessionEntry,
    SessionState,
    SignIn,
)

router = APIRouter(tags=["session"])


@router.post("/session")
async def sign_in(
    body: SignIn, request: Request, response: Response, api: ApiDep, visit: VisitDep
) -> SessionState:
    """Sign in with name and password; answers with a cookie."""
    _need_home(visit)
    label = body.label or request.headers.get("user-agent", "")[:60]
    before = visit.caller.way if visit.caller is not None and visit.caller.scope is None else ""
    screen = Screen(visit.door, visit.address, label, stay=body.stay, replaces=before)
    opened = await api.auth.sign_in(body.user, body.password, screen)
    if opened is None:
        api.note_rarely("sign_in_refused", visit.address)
        raise ApiError(401, "name or password is wrong", code="wrong_password")
    secret, session = opened
    _set_cookie(response, secret, session if body.stay else None, visit.door)
    api.note("log", "signed_in", {"user": session.user, "address": visit.address})
    return _state(api, request, session)


@router.get("/session")
async def who_am_i(request: Request, api: ApiDep, caller: CallerDep) -> SessionState:
    """Who is signed in here."""
    session = api.auth.accounts.sessions.get(caller.way)
    if session is not None:
        return _state(api, request, session)
    return SessionState(
        user=caller.name,
        role=caller.role,
        must_change_password=False,
        expires_at=None,
        secure=visit_of(request).door.is_secure,
        secure_url=_secure_url(api, request),
    )


@router.delete("/session", status_code=HTTP_204_NO_CONTENT)
async def sign_out(response: Response, api: ApiDep, visit: VisitDep, caller: CallerDep) -> None:
    """End this session."""
    await api.auth.end_sessions({caller.way})
    name = SECURE_COOKIE if visit.door is Door.TLS else PLAIN_COOKIE
    response.delete_cookie(name, path="/", secure=visit.door is Door.TLS, httponly=True)


@router.put("/password", status_code=HTTP_204_NO_CONTENT)
async def change_password(
    body: PasswordChange, request: Request, api: ApiDep, visit: VisitDep, caller: CallerDep
) -> None:
    """Change the own password; ends the own other sessions. The first one may go over HTTP."""
    _need_home(visit)
    if caller.scope is not None:
        raise ApiError(403, "a token has no password", "a session")
    if not caller.must_change:
        need_secure(request)
    if not await api.auth.change_password(caller, body.current, body.new, visit.address):
        raise ApiError(403, "the present password is wrong", code="wrong_password")
    api.note("log", "password_changed", {"user": caller.name})


@router.post("/setup/password", status_code=HTTP_204_NO_CONTENT)
async def set_first_password(body: FirstPassword, api: ApiDep) -> None:
    """Set the first password, while there is no account and the first 15 minutes last."""
    is_asked = allowed(Actor(Role.SETUP, HOME), HOME, Action.FIRST_PASSWORD)
    if not (is_asked and api.auth.is_onboarding):
        raise ApiError(403, "the first password is set or the time is over", code="onboarding_over")
    await api.auth.begin(body.user, body.password)
    api.note("log", "first_user", {"user": body.user})


@router.get("/sessions", dependencies=needs(Action.VIEW))
async def list_sessions(request: Request, api: ApiDep, caller: CallerDep) -> list[SessionEntry]:
    """Browsers that are signed in: all for an owner, else the own ones."""
    entries = api.auth.accounts.sessions.values()
    is_owner = may(request, caller, Action.USERS)
    return [_entry(s, caller.way) for s in entries if is_owner or s.user == caller.name]


@router.delete(
    "/sessions/{session_id}",
    status_code=HTTP_204_NO_CONTENT,
    dependencies=needs(Action.VIEW),
)
async def end_session(session_id: str, request: Request, api: ApiDep, caller: CallerDep) -> None:
    """Sign a browser out; its live connection ends within seconds."""
    session = api.auth.accounts.sessions.get(session_id)
    is_owner = may(request, caller, Action.USERS)
    if session is None or not (is_owner or session.user == caller.name):
        raise ApiError(404, "no such session", "an id from GET /sessions")
    await api.auth.end_sessions({session_id})
    api.note("log", "session_ended", {"user": session.user, "by": caller.name})


def _entry(session: Session, here: str) -> SessionEntry:
    return SessionEntry(
        id=session.id,
        user=session.user,
        label=session.label,
        door=session.door,
        started_at=session.started_at,
        seen_at=session.seen_at,
        expires_at=session.ends_at,
        here=session.id == here,
    )


def _secure_url(api: Api, request: Request) -> str | None:
    """Where the same page is at the secure door, for people at the plain one."""
    if visit_of(request).door.is_secure or api.https_port is None:
        return None
    return str(request.url.replace(scheme="https", port=api.https_port, path="/", query=""))


def _state(api: Api, request: Request, session: Session) -> SessionState:
    user = api.auth.accounts.users[session.user]
    return SessionState(
        user=user.name,
        role=user.role,
        must_change_password=user.must_change,
        expires_at=session.ends_at,
        secure=visit_of(request).door.is_secure,
        secure_url=_secure_url(api, request),
    )


def _need_home(visit: Visit) -> None:
    """Passwords of the home are not for the outside, where accounts have their own."""
    if visit.door is Door.RELAY:
        raise ApiError(403, "this is done at home", "the home's own page", "only_at_home")


def _set_cookie(response: Response, secret: str, lasting: Session | None, door: Door) -> None:
    """`lasting` is None for a cookie that ends with the browser."""
    response.set_cookie(
        SECURE_COOKIE if door is Door.TLS else PLAIN_COOKIE,
        secret,
        max_age=None if lasting is None else lasting.idle_s,
        path="/",
        secure=door is Door.TLS,
        httponly=True,
        samesite="strict",
    )
