"""The tariff: plans to choose from, the home's contract, today's prices."""

import asyncio
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hidamari.api.asking import asked, contract_body, contract_tree
from hidamari.api.context import Api, ApiDep, CallerDep, needs
from hidamari.api.files import CSV_BODY
from hidamari.api.money import contract_now, plans_of
from hidamari.core.access import Action
from hidamari.core.config import ContractSettings
from hidamari.core.contract import Contract, Role, period_of
from hidamari.core.price import SlotPrice
from hidamari.core.settings_store import dump_settings
from hidamari.core.tariff import ALL_MONTHS, WHOLE_DAY, Band, Plan, Unit
from hidamari.core.time import SLOT_S, from_unix
from hidamari.core.words import text
from hidamari.home.spot import add_spot, market_of
from hidamari.http.answers import json_response, packed_json
from hidamari.http.depends import LangDep
from hidamari.http.errors import ApiError
from hidamari.schema import tariff as schema

router = APIRouter(tags=["tariff"])


@router.get("/tariff/plans", response_model=list[schema.PlanBody], dependencies=needs(Action.VIEW))
async def list_plans(request: Request, api: ApiDep, lang: LangDep) -> Response:
    """All plans; incomplete ones name what the owner must be asked."""
    plans = await asyncio.to_thread(plans_of, api.home)
    return packed_json(request, [_plan(plan, None, lang) for plan in plans.values()])


@router.get("/tariff", response_model=schema.TariffBody, dependencies=needs(Action.VIEW))
async def get_tariff(api: ApiDep, lang: LangDep) -> Response:
    """The contract of the main meter with its prices now and today."""
    return json_response(await _tariff(api, lang))


@router.put("/tariff", response_model=schema.TariffBody, dependencies=needs(Action.TARIFF))
async def put_tariff(
    body: schema.ContractBody, api: ApiDep, caller: CallerDep, lang: LangDep
) -> Response:
    """Choose a plan and answer what it asks; a contract with a later start joins the others."""
    plans = await asyncio.to_thread(plans_of, api.home)
    if body.plan not in plans:
        raise ApiError(422, "plan: no such plan", "an id from GET /tariff/plans")
    api.home.put_settings({"meters": _meters_with(api, body, plans[body.plan])})
    api.sums.forget()
    api.note("log", "tariff_changed", {"plan": body.plan, "by": caller.name})
    return json_response(await _tariff(api, lang))


@router.put(
    "/tariff/market-prices",
    response_model=schema.MarketPrices,
    dependencies=needs(Action.TARIFF),
    openapi_extra=CSV_BODY,
)
async def put_market_prices(request: Request, api: ApiDep, caller: CallerDep) -> Response:
    """Take in prices of a market-linked contract, as CSV: newer ones replace older ones.

    Either `start,yen_kwh` with the start of each half-hour, or the yearly table of JEPX.
    """
    now, raw = api.home.clock.now(), await request.body()
    contract = await asyncio.to_thread(contract_now, api.home, now)
    market = None if contract is None else market_of(contract)
    if contract is None or market is None:
        raise ApiError(409, "the contract does not follow a market", "a market-linked contract")
    found = await asyncio.to_thread(add_spot, api.home.folder, contract, raw)
    api.sums.forget()
    answer = schema.MarketPrices(
        area=market.area,
        half_hours=len(found),
        first=from_unix(min(found)),
        last=from_unix(max(found)),
    )
    api.note("log", "market_prices", {"half_hours": len(found), "by": caller.name})
    return json_response(answer)


async def _tariff(api: Api, lang: str) -> schema.TariffBody:
    now = api.home.clock.now()
    contract = await asyncio.to_thread(contract_now, api.home, now)
    if contract is None:
        return schema.TariffBody(
            contract=None,
            plan=None,
            bands=[],
            now=None,
            today=[],
            missing=[],
            levy_yen_kwh=None,
            fuel_yen_kwh=None,
        )
    prices = (await api.sums.get()).prices
    period = period_of(contract, now)
    price = prices.at(now) if prices is not None else None
    step = timedelta(seconds=SLOT_S)
    return schema.TariffBody(
        contract=_contract_body(api, contract),
        plan=_plan(contract.plan, contract, lang),
        bands=[line for band in period.tariff.bands for line in _lines(band, lang)],
        now=None if price is None else schema.PriceBody(**price._asdict()),
        today=[]
        if prices is None
        else [_slot(prices.start + i * step, one) for i, one in enumerate(prices.slots)],
        missing=asked(contract.plan, contract, lang),
        levy_yen_kwh=period.levy_yen_kwh,
        fuel_yen_kwh=period.fuel_yen_kwh,
    )


def _slot(at: datetime, price: SlotPrice) -> schema.PriceSlot:
    return schema.PriceSlot(at=at, **price._asdict())


def _plan(plan: Plan, contract: Contract | None, lang: str) -> schema.PlanBody:
    tariff = plan.tariffs[-1]
    unit = tariff.basic.unit if tariff.basic is not None else None
    sizes = list(tariff.basic.allowed) if tariff.basic is not None else []
    return schema.PlanBody(
        id=plan.id,
        company=plan.company_en if lang == "en" and plan.company_en else plan.company,
        name=plan.name,
        area=plan.area,
        structure=plan.structure.value,
        complete=not plan.template,
        missing=asked(plan, contract, lang),
        ampere_choices=sizes if unit is Unit.AMPERE and sizes else None,
        kva=unit is Unit.KVA,
        valid_from=tariff.valid_from,
        note=plan.note or None,
    )


def _lines(band: Band, lang: str) -> list[schema.BandBody]:
    """A band in words: its hours, or for each step from how many kWh it holds."""
    hours = [_clock(w.start_min) + "-" + _clock(w.end_min) for w in band.windows]
    parts = [] if band.windows == (WHOLE_DAY,) else hours
    if band.months != ALL_MONTHS:
        parts = [*parts, "/".join(str(month) for month in sorted(band.months))]
    return [
        schema.BandBody(
            name=band.name,
            yen_kwh=step.energy_yen_kwh,
            days=band.days.value,
            text=", ".join([*parts, *_over(step.over_kwh, lang)]) or None,
        )
        for step in band.steps
    ]


def _over(kwh: float, lang: str) -> list[str]:
    return [text(lang, "tariff.over", n=f"{kwh:g}")] if kwh else []


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _settings_of(api: Api) -> list[ContractSettings]:
    """The contracts of the main meter in the settings."""
    mains = [meter for meter in api.home.settings.meters if meter.role is Role.MAIN]
    return mains[0].contracts if mains else []


def _contract_body(api: Api, contract: Contract) -> schema.ContractBody | None:
    found = [
        one
        for one in _settings_of(api)
        if one.plan == contract.plan.id and one.valid_from == contract.valid_from
    ]
    return contract_body(found[0]) if found else None


def _meters_with(api: Api, body: schema.ContractBody, plan: Plan) -> JsonValue:
    """The meters of the settings with this contract in place of one of the same start."""
    meters = dump_settings(api.home.settings)["meters"]
    before = next((one for one in _settings_of(api) if one.valid_from == body.valid_from), None)
    tree = contract_tree(body, plan, before)
    listed = [meter for meter in (meters if isinstance(meters, list) else [])]
    for i, meter in enumerate(listed):
        if isinstance(meter, dict) and meter.get("role") == Role.MAIN:
            old = meter.get("contracts")
            rest = [
                one
                for one in (old if isinstance(old, list) else [])
                if isinstance(one, dict) and one.get("valid_from") != tree["valid_from"]
            ]
            listed[i] = {**meter, "contracts": [*rest, tree]}
            return listed
    return [*listed, {"role": Role.MAIN.value, "contracts": [tree]}]
