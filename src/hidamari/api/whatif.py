"""What another battery or tariff would have saved last year: asked for, watched, ended."""

from fastapi import APIRouter

from hidamari.api.context import Api, ApiDep, needs
from hidamari.api.plan import energy_of
from hidamari.core.access import Action
from hidamari.core.errors import InputError
from hidamari.home.whatif import Asked
from hidamari.http.errors import ApiError
from hidamari.schema import whatif as schema

router = APIRouter(tags=["plan"])


@router.get("/whatif", dependencies=needs(Action.VIEW))
async def get_whatif(api: ApiDep) -> schema.WhatIfBody:
    """The comparison that runs or ran last."""
    return _body(api)


@router.post("/whatif", dependencies=needs(Action.VIEW))
async def post_whatif(body: schema.WhatIfAsk, api: ApiDep) -> schema.WhatIfBody:
    """Compare the house of the last year with another battery or tariff; changes nothing."""
    comparison = energy_of(api).comparison
    asked = Asked(body.battery_kwh, body.battery_kw, body.plan)
    if not asked.words():
        raise ApiError(422, "nothing to compare with", "another battery or another plan")
    try:
        comparison.start(asked, api.home.clock.now())
    except InputError as error:
        raise ApiError(409, "a comparison is running", str(error)) from error
    return _body(api)


@router.delete("/whatif", dependencies=needs(Action.VIEW))
async def delete_whatif(api: ApiDep) -> schema.WhatIfBody:
    """End the running comparison."""
    await energy_of(api).comparison.stop()
    return _body(api)


def _body(api: Api) -> schema.WhatIfBody:
    found = energy_of(api).comparison
    asked = found.asked
    return schema.WhatIfBody(
        state=found.state,
        asked=None
        if asked is None
        else schema.WhatIfAsk(
            battery_kwh=asked.battery_kwh, battery_kw=asked.battery_kw, plan=asked.plan
        ),
        asked_at=found.asked_at,
        progress=round(found.progress, 3) if found.state == "running" else None,
        error=found.error or None,
        result=None
        if found.result is None or found.state != "done"
        else schema.WhatIfResult.model_validate(found.result),
    )
