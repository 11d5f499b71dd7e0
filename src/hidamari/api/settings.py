"""The settings tree, as a whole and in changes."""

from fastapi import APIRouter, Request
from pydantic import JsonValue

from hidamari.api.context import ApiDep, CallerDep, may, needs
from hidamari.core.access import Action
from hidamari.core.settings_store import dump_settings
from hidamari.http.errors import ApiError

router = APIRouter(tags=["settings"])

# Which right a section asks for; the others ask for SETTINGS.
RIGHTS = {
    "meters": Action.TARIFF,
    "circuits": Action.DEVICES,
    "devices": Action.DEVICES,
    "sources": Action.DEVICES,
    "network": Action.NETWORK,
}
CUSTOMER = ("name", "postal_code", "place", "people", "supply")  # of the section home


@router.get("/settings", dependencies=needs(Action.VIEW_SETTINGS))
async def get_settings(request: Request, api: ApiDep, caller: CallerDep) -> dict[str, JsonValue]:
    """All settings; customer data only for the people of the house."""
    tree = dump_settings(api.home.settings)
    home = tree["home"]
    if isinstance(home, dict) and not may(request, caller, Action.VIEW_CUSTOMER):
        tree["home"] = {key: value for key, value in home.items() if key not in CUSTOMER}
    return tree


@router.patch("/settings", dependencies=needs(Action.SETTINGS))
async def patch_settings(
    body: dict[str, JsonValue], request: Request, api: ApiDep, caller: CallerDep
) -> dict[str, JsonValue]:
    """Change settings by a JSON merge patch (RFC 7396); all of it or nothing."""
    for section in body:
        right = RIGHTS.get(section, Action.SETTINGS)
        if not may(request, caller, right):
            raise ApiError(
                403, f"{section}: your role may not set this", f"a role that may {right}"
            )
    api.home.put_settings(body)
    api.sums.forget()
    sections: list[object] = [section for section in body]
    api.note("log", "settings_changed", {"sections": sections, "by": caller.name})
    return await get_settings(request, api, caller)
