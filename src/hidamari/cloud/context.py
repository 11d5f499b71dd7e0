"""What every endpoint of the service starts from: the shared parts, and who asks for which home."""

from typing import Annotated

from fastapi import Depends, Response
from fastapi.params import Depends as DependsParam
from starlette.requests import HTTPConnection

from hidamari.cloud.access import entry
from hidamari.cloud.guard import PHONE, SESSION, VISIT, Visit
from hidamari.cloud.ports import Access
from hidamari.cloud.service import Service
from hidamari.cloud.sessions import STAY_MS, Browser, Session
from hidamari.core.access import Action
from hidamari.http.depends import at_once
from hidamari.http.errors import ApiError


def service_of(connection: HTTPConnection) -> Service:
    """The shared parts, from the app."""
    found: Service = connection.app.state.service
    return found


def visit_of(connection: HTTPConnection) -> Visit:
    """What the guard found out about this request."""
    found: Visit = connection.scope[VISIT]
    return found


def session_of(connection: HTTPConnection) -> Session:
    """Who is signed in; raises 401."""
    session = visit_of(connection).session
    if session is None:
        raise ApiError(401, "sign in first", "a session")
    return session


class May:
    """Lets a request about the home of its path through when `action` is allowed there."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, connection: HTTPConnection, home: str) -> Access:
        """What the person is to the home; raises 401, 403, 404."""
        session = visit_of(connection).session
        return await entry(service_of(connection), session, home, self.action)


def may(action: Action) -> DependsParam:
    """The dependency of an endpoint on a right in the home of its path."""
    found: DependsParam = Depends(May(action))
    return found


def browser_of(connection: HTTPConnection, label: str, *, stay: bool) -> Browser:
    """The browser that signs in."""
    visit = visit_of(connection)
    name = label or connection.headers.get("user-agent", "")[:60]
    before = visit.session.id if visit.session is not None else ""
    return Browser(name, stay, visit.phone_secret, before)


def set_session(connection: HTTPConnection, response: Response, secret: str, *, stay: bool) -> None:
    """Give the browser its session; without `stay` the cookie ends with the browser."""
    _set(connection, response, SESSION, secret, STAY_MS[0] // 1000 if stay else None)


def set_phone(connection: HTTPConnection, response: Response, secret: str) -> None:
    """Let the browser be known as the same phone at its next sign-in."""
    _set(connection, response, PHONE, secret, STAY_MS[1] // 1000)


def drop_session(connection: HTTPConnection, response: Response) -> None:
    """Take the session's cookie away; the phone stays known."""
    place = service_of(connection).place
    name = place.cookie(SESSION)
    response.delete_cookie(name, path="/", secure=place.is_secure, httponly=True)


def _set(
    connection: HTTPConnection, response: Response, what: str, secret: str, max_age_s: int | None
) -> None:
    place = service_of(connection).place
    response.set_cookie(
        place.cookie(what),
        secret,
        max_age=max_age_s,
        path="/",
        secure=place.is_secure,
        httponly=True,
        samesite="strict",
    )


ServiceDep = Annotated[Service, Depends(at_once(service_of))]
VisitDep = Annotated[Visit, Depends(at_once(visit_of))]
SessionDep = Annotated[Session, Depends(at_once(session_of))]
