"""Puts the service together: endpoints, guard, web app."""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic_core import to_json

from hidamari import __version__
from hidamari.cloud import relay, relay_live
from hidamari.cloud.context import ServiceDep
from hidamari.cloud.devices import Proofs
from hidamari.cloud.guard import CLOUD, CloudGuard, is_api
from hidamari.cloud.hub import Hub
from hidamari.cloud.routes import account, device, homes, mailbox, phones, session
from hidamari.cloud.service import Service
from hidamari.http import errors
from hidamari.http.answers import packed
from hidamari.http.static import WebApp
from hidamari.http.web_files import web_folder
from hidamari.schema.base import ErrorBody
from hidamari.schema.cloud import CloudWellKnown

NAME = "Hidamari"
REVISION = 1  # rises with every addition to /cloud/v1
ROUTERS = (session, account, phones, homes)
# Every endpoint may answer these; the guard gives most of them.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": errors.CODES[status]}
    for status in (401, 403, 404, 408, 409, 410, 413, 421, 422, 429, 431, 500, 503, 507)
}


def create_app(service: Service, hub: Hub, web: Path | None = None) -> FastAPI:
    """The service behind its guard; `web` is another folder with a built web app."""
    app = FastAPI(
        title="Hidamari server service",
        version=__version__,
        openapi_url=None,  # served below, made once
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        responses=ERRORS,
    )
    app.state.service = service
    app.state.proofs = Proofs(service.now_ms())
    errors.install(app)
    for part in ROUTERS:
        app.include_router(part.router, prefix=CLOUD)
    app.include_router(device.router)
    app.include_router(mailbox.router)
    for outside in (relay, relay_live):
        app.include_router(outside.router)
    app.include_router(_well_known)
    hub.install(app)
    _add_document(app)
    _add_web(app, WebApp(web if web is not None else web_folder()))
    app.add_middleware(CloudGuard, service=service)
    return app


_well_known = APIRouter(tags=["service"])


@_well_known.get("/.well-known/hidamari")
async def well_known(service: ServiceDep) -> CloudWellKnown:
    """What this is, and what time it is here."""
    return CloudWellKnown(
        name=NAME,
        version=__version__,
        server_time_ms=service.now_ms(),
        revision=REVISION,
        mailbox=service.mailbox is not None,
    )


def _add_document(app: FastAPI) -> None:
    """The OpenAPI document, made at the first request."""
    made: list[bytes] = []

    async def document(request: Request) -> Response:
        if not made:
            made.append(await asyncio.to_thread(lambda: to_json(app.openapi())))
        return packed(request, made[0])

    app.add_route(f"{CLOUD}/openapi.json", document, include_in_schema=False)


def _add_web(app: FastAPI, web: WebApp) -> None:
    """Everything outside the APIs is the web app's."""

    async def page(request: Request) -> Response:
        if is_api(request.url.path) or request.url.path.startswith("/.well-known"):
            raise errors.ApiError(404, "there is no such endpoint", "a path of openapi.json")
        return await asyncio.to_thread(web.answer, request)

    app.add_route("/{path:path}", page, methods=["GET", "HEAD"], include_in_schema=False)
