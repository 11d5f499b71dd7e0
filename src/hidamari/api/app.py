"""Puts the API of a home together: routes, guard, web app."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic_core import to_json
from starlette.convertors import Convertor, register_url_convertor

from hidamari import __version__
from hidamari.api import (
    circuits,
    cloud,
    cost,
    devices,
    events,
    files,
    history,
    live,
    meter,
    modes,
    now,
    plan,
    session,
    settings,
    setup,
    tariff,
    users,
    whatif,
)
from hidamari.api.auth import Auth
from hidamari.api.context import Api, ApiDep
from hidamari.api.guard import Guard, LanRules
from hidamari.api.sums import LiveSums
from hidamari.home.energy import Energy
from hidamari.home.view import HomeView
from hidamari.http import errors
from hidamari.http.answers import packed
from hidamari.http.static import WebApp
from hidamari.http.web_files import web_folder
from hidamari.schema.base import ErrorBody
from hidamari.schema.wellknown import WellKnown

PREFIX = "/api/v1"
REVISION = 1  # rises with every addition to /api/v1
ROUTERS = (
    session,
    users,
    now,
    live,
    history,
    files,
    devices,
    circuits,
    tariff,
    cost,
    meter,
    plan,
    whatif,
    modes,
    events,
    settings,
    setup,
    cloud,
)
# Every endpoint may answer these; the guard gives most of them. One of them names the body as a
# model, for the document; as a model in each it would be built hundreds of times at every start.
ERROR_BODY = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": errors.CODES[status],
        **({"model": ErrorBody} if status == 500 else {"content": ERROR_BODY}),
    }
    for status in (401, 403, 404, 408, 409, 413, 421, 422, 424, 429, 431, 500, 503, 507)
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the process knows and the settings do not."""

    https_port: int | None = None  # of the secure door; None = there is none
    door_sha256: str | None = None  # fingerprint of the secure door's certificate
    names: tuple[str, ...] = ()  # our own host names, such as hidamari.local
    prefixes: tuple[str, ...] = ()  # public IPv4 networks on our link
    energy: Energy | None = None  # plan and control of the home
    web: Path | None = None  # another folder with a built web app


def create_app(home: HomeView, auth: Auth, options: Options | None = None) -> FastAPI:
    """The API and the web app of a running home, behind the LAN rules."""
    given = options or Options()
    app = FastAPI(
        title="Hidamari home",
        version=__version__,
        openapi_url=None,  # served below, made once
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        responses=ERRORS,
    )
    shared = Api(home, auth, LiveSums(home), given.https_port, given.door_sha256, given.energy)
    app.state.api = shared
    errors.install(app)
    _add_web(app, WebApp(given.web if given.web is not None else web_folder()))
    for part in ROUTERS:
        app.include_router(part.router, prefix=PREFIX)
    app.include_router(_well_known)
    _add_document(app)
    _add_end(app)
    app.add_middleware(
        Guard,
        auth=auth,
        rules=lambda: _rules(home, given),
        on_flood=lambda address: shared.note("notice", "http_flood", {"address": address}),
    )
    return app


_well_known = APIRouter(tags=["home"])


@_well_known.get("/.well-known/hidamari")
async def well_known(api: ApiDep) -> WellKnown:
    """What this is; told to anybody on the LAN."""
    settings = api.home.settings
    return WellKnown(
        revision=REVISION,
        version=__version__,
        name=settings.home.name,
        setup_needed=not api.auth.accounts.users,
        demo=api.home.is_demo,
        zone=settings.zone.key,
        https_port=api.https_port,
    )


def _add_document(app: FastAPI) -> None:
    """The OpenAPI document: made at the first request, since a start must be quick."""
    lock, made = asyncio.Lock(), list[bytes]()

    async def document(request: Request) -> Response:
        async with lock:
            if not made:
                made.append(await asyncio.to_thread(lambda: to_json(app.openapi())))
        return packed(request, made[0])

    app.add_route(f"{PREFIX}/openapi.json", document, include_in_schema=False)


class _ScreenPath(Convertor[str]):
    """A path outside the API."""

    regex = r"(?!api|\.well-known).*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("screen", _ScreenPath())


def _add_web(app: FastAPI, web: WebApp) -> None:
    """Everything outside the API is the web app's; before the API, whose routes are made late."""

    async def page(request: Request) -> Response:
        return await asyncio.to_thread(web.answer, request)

    app.add_route("/{path:screen}", page, methods=["GET", "HEAD"], include_in_schema=False)


def _add_end(app: FastAPI) -> None:
    """What no route has taken."""

    async def nothing(request: Request) -> Response:  # noqa: ARG001
        raise errors.ApiError(404, "there is no such endpoint", "a path of openapi.json")

    app.add_route("/{path:path}", nothing, methods=["GET", "HEAD"], include_in_schema=False)


def _rules(home: HomeView, given: Options) -> LanRules:
    network = home.settings.network
    return LanRules(
        names=frozenset({*given.names, *network.host_names}),
        prefixes=given.prefixes,
        https_port=given.https_port,
        is_http_closed=not network.http_door,
    )
