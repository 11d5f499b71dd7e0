"""What every endpoint starts from: the home, the accounts, and who may do what."""

from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import Depends
from fastapi.params import Depends as DependsParam
from starlette.requests import HTTPConnection

from hidamari.api.auth import Auth, Caller
from hidamari.api.guard import VISIT, Visit
from hidamari.api.sums import LiveSums
from hidamari.core.access import SECURE, Action, Actor, allowed
from hidamari.home.energy import Energy
from hidamari.home.view import HomeView
from hidamari.http.depends import at_once
from hidamari.http.doors import Door
from hidamari.http.errors import ApiError
from hidamari.http.limits import Buckets, Rate

HOME = "home"
RARELY = Rate(1 / 600, 1.0)


@dataclass(frozen=True, slots=True)
class Api:
    """What the endpoints share."""

    home: HomeView
    auth: Auth
    sums: LiveSums
    https_port: int | None = None
    door_sha256: str | None = None
    energy: Energy | None = None  # plan and control; None where the home does not plan
    rare: Buckets = field(default_factory=Buckets)

    def note(self, kind: str, code: str, data: dict[str, object]) -> None:
        """Write an event of the API itself: who did what."""
        self.home.note(kind, code, data)

    def note_rarely(self, code: str, address: str) -> None:
        """The same for what a stranger can cause: once in ten minutes for an address."""
        if self.rare.take(RARELY, f"{code} {address}", self.home.clock.monotonic_s()) == 0.0:
            self.note("log", code, {"address": address})


def api_of(connection: HTTPConnection) -> Api:
    """The shared part, from the app."""
    found: Api = connection.app.state.api
    return found


def visit_of(connection: HTTPConnection) -> Visit:
    """What the guard found out about this request."""
    found: Visit = connection.scope[VISIT]
    return found


def caller_of(connection: HTTPConnection) -> Caller:
    """Who makes this request; raises 401."""
    caller = visit_of(connection).caller
    if caller is None:
        raise ApiError(401, "sign in first", "a session or a token")
    return caller


def may(connection: HTTPConnection, caller: Caller, action: Action) -> bool:
    """Whether the caller may do this here and now."""
    return allowed(_actor(connection, caller), HOME, action)


def _actor(connection: HTTPConnection, caller: Caller) -> Actor:
    visit, now = visit_of(connection), api_of(connection).home.clock.now()
    return Actor(
        role=caller.role,
        home=HOME,
        until=caller.until,
        at=now,
        scope=caller.scope,
        ticked=caller.ticked,
        is_remote=visit.door is Door.RELAY,
        is_fresh=caller.is_fresh,
    )


class May:
    """Lets a request through when its caller may do `action`, at the secure door if it must be."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, connection: HTTPConnection) -> Caller:
        """The caller; raises 401 or 403."""
        caller = caller_of(connection)
        if caller.must_change:
            raise ApiError(
                403, "change the first password", "PUT /password", code="password_change_needed"
            )
        actor = _actor(connection, caller)
        if not allowed(actor, HOME, self.action):
            if allowed(replace(actor, is_fresh=True), HOME, self.action):
                raise ApiError(
                    403, "give your password once more", "a fresh session", code="step_up_needed"
                )
            raise ApiError(403, "your role may not do this", f"a role that may {self.action}")
        if self.action in SECURE:
            need_secure(connection)
        await api_of(connection).auth.note_use(caller.way)
        return caller


def need_secure(connection: HTTPConnection) -> None:
    """Raise 403 at the plain HTTP door."""
    if not visit_of(connection).door.is_secure:
        port = api_of(connection).https_port
        place = f"https on port {port}" if port else "the home itself"
        raise ApiError(403, "this is not done over plain HTTP", place, code="secure_door_needed")


def needs(action: Action) -> list[DependsParam]:
    """The dependency of an endpoint on a right."""
    return [Depends(May(action))]


ApiDep = Annotated[Api, Depends(at_once(api_of))]
VisitDep = Annotated[Visit, Depends(at_once(visit_of))]
CallerDep = Annotated[Caller, Depends(at_once(caller_of))]
