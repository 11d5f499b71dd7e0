"""The devices of the home: list, properties, names, replacing, searching."""

from datetime import datetime

from fastapi import APIRouter, Request, Response

from hidamari.api.context import Api, ApiDep, CallerDep, needs
from hidamari.api.now import age_s
from hidamari.core.access import Action
from hidamari.home.view import DeviceInfo, Edit
from hidamari.http.answers import json_response, packed_json
from hidamari.http.depends import LangDep
from hidamari.http.errors import ApiError
from hidamari.schema import devices as schema

router = APIRouter(tags=["devices"])
DEVICES = needs(Action.DEVICES)


@router.get("/devices", response_model=list[schema.DeviceBody], dependencies=needs(Action.VIEW))
async def list_devices(request: Request, api: ApiDep, lang: LangDep) -> Response:
    """All devices, hidden ones marked, with state and last contact."""
    now = api.home.clock.now()
    found = [_body(one, now) for one in api.home.devices(lang)]
    return packed_json(request, found)


@router.get(
    "/devices/{device}", response_model=schema.DeviceDetail, dependencies=needs(Action.VIEW)
)
async def get_device(device: str, api: ApiDep, lang: LangDep) -> Response:
    """One device with all its properties."""
    return json_response(_detail(api, device, lang))


@router.patch("/devices/{device}", response_model=schema.DeviceDetail, dependencies=DEVICES)
async def edit_device(device: str, body: schema.DeviceEdit, api: ApiDep, lang: LangDep) -> Response:
    """Change name or room, hide or show."""
    _must(api, device, lang)
    api.home.edit_device(device, Edit(body.name, body.room, body.hidden))
    return json_response(_detail(api, device, lang))


@router.post("/devices/{device}/replace", response_model=schema.DeviceDetail, dependencies=DEVICES)
async def replace_device(
    device: str, body: schema.ReplaceBy, api: ApiDep, caller: CallerDep, lang: LangDep
) -> Response:
    """Bind name and history of this device to another one that was found."""
    _must(api, device, lang)
    _must(api, body.by, lang)
    api.home.replace_device(device, body.by)
    api.note("log", "device_replaced_by", {"device": device, "new": body.by, "by": caller.name})
    return json_response(_detail(api, device, lang))


@router.post("/devices/search", dependencies=needs(Action.SEARCH))
async def search(api: ApiDep) -> schema.SearchState:
    """Look for devices on the network."""
    found = api.home.search(start=True)
    return schema.SearchState(running=found.is_running, found=found.found)


def _must(api: Api, device: str, lang: str) -> None:
    if all(one.id != device for one in api.home.devices(lang)):
        raise ApiError(404, "there is no such device", "an id from GET /devices")


def _detail(api: Api, device: str, lang: str) -> schema.DeviceDetail:
    _must(api, device, lang)
    one = api.home.device(device, lang)
    lines = [
        schema.PropertyBody(
            epc=f"{line.epc:02X}",
            name=line.name,
            title=line.title,
            value=line.value,
            unit=line.unit,
            text=line.text,
            raw=line.raw.hex().upper(),
            settable=line.settable,
            announced=line.announced,
            at=line.at,
        )
        for line in one.properties
    ]
    base = _body(one, api.home.clock.now())
    return schema.DeviceDetail(
        **dict(base), identity=one.identity, firmware=one.firmware, properties=lines
    )


def _body(one: DeviceInfo, now: datetime) -> schema.DeviceBody:
    return schema.DeviceBody(
        id=one.id,
        kind=one.kind,
        kind_title=one.kind_title,
        class_=one.class_title,
        eoj=one.eoj,
        host=one.host,
        name=one.name,
        room=one.room,
        maker=one.maker,
        product=one.product,
        state=one.state,
        last_contact=one.last_contact,
        age_s=age_s(one.last_contact, now),
        power_kw=one.power_kw,
        weak_identity=one.weak_identity,
        hidden=one.hidden,
        card=[
            schema.CardLineBody(
                name=line.name,
                title=line.title,
                value=line.value,
                unit=line.unit,
                text=line.text,
            )
            for line in one.card
        ],
    )
