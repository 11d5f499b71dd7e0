"""The house at this moment."""

from datetime import datetime

from fastapi import APIRouter, Response

from hidamari.answers.sentence import sentence_code
from hidamari.api.context import Api, ApiDep, needs
from hidamari.api.sums import Kept
from hidamari.core.access import Action
from hidamari.home.view import LEVELS, PARTS, AssetNow, CircuitNow, Snapshot
from hidamari.http.answers import json_response
from hidamari.schema import now as schema

router = APIRouter(tags=["now"])
POWERS = (
    "pv_kw",
    "gen_kw",
    "grid_kw",
    "battery_kw",
    "ev_kw",
    "heater_kw",
    "load_kw",
    "use_kw",
)
STALE_S = 90.0  # older values are never shown as current
DIGITS = 3


@router.get("/now", response_model=schema.Now, dependencies=needs(Action.VIEW))
async def get_now(api: ApiDep) -> Response:
    """Powers, levels and circuits now, each with its age, and the sums of today and the month."""
    kept = await api.sums.get()
    live = live_body(api, api.home.snapshot(), kept)
    return json_response(with_sums(live, kept))


def with_sums(live: schema.Live, kept: Kept) -> schema.Now:
    """The live part with the sums of the day and the month."""
    sums = kept.sums
    return schema.Now(
        **live.model_dump(),
        today=sums.today,
        yesterday=sums.yesterday,
        month=sums.month,
        sources_today=sums.sources_today,
    )


def live_body(api: Api, snapshot: Snapshot, kept: Kept | None) -> schema.Live:
    """The part that changes with every reading."""
    now = api.home.clock.now()
    names = (*POWERS, *LEVELS)
    values = {name: _rounded(_value(snapshot, name)) for name in names}
    is_stale = _is_stale(snapshot, now)
    price = kept.prices.at(now) if kept is not None and kept.prices is not None else None
    return schema.Live.model_validate(
        {
            **values,
            "at": snapshot.at,
            "tank_size_l": snapshot.tank_size_l,
            "ev_here": snapshot.ev_here,
            "age_s": {name: age_s(_at(snapshot, name), now) for name in names},
            "has": _has(snapshot),
            "meter_name": snapshot.meter_name,
            "assets": [_asset(asset, now) for asset in snapshot.assets],
            "circuits": [circuit_body(circuit, now) for circuit in snapshot.circuits],
            "other_kw": _rounded(snapshot.other_kw),
            "sentence": {
                "code": "stale" if is_stale else sentence_code(values),
                "numbers": {name: value for name, value in values.items() if value is not None},
            },
            "changed": _changed(snapshot),
            "tariff": None if price is None else schema.TariffNow(**price._asdict()),
            "zone": api.home.settings.zone.key,
            "internet": None if api.home.cloud is None else api.home.cloud.internet(),
            "demo": api.home.is_demo,
            "stale": is_stale,
        }
    )


def circuit_body(circuit: CircuitNow, now: datetime) -> schema.CircuitBody:
    """A circuit as it is now."""
    return schema.CircuitBody(
        id=circuit.id,
        name=circuit.name,
        room=circuit.room,
        device=circuit.device or None,
        power_kw=_rounded(circuit.power_kw),
        age_s=age_s(circuit.at, now),
    )


def age_s(at: datetime | None, now: datetime) -> float | None:
    """How old a value is, never below zero; None for one that never was."""
    return None if at is None else round(max(0.0, (now - at).total_seconds()), 1)


def _asset(asset: AssetNow, now: datetime) -> schema.AssetBody:
    return schema.AssetBody(
        device=asset.device,
        kind=asset.kind,
        name=asset.name,
        power_kw=_rounded(asset.power_kw),
        soc_pct=_rounded(asset.soc_pct),
        state=asset.state,
        age_s=age_s(asset.at, now),
    )


def _changed(snapshot: Snapshot) -> schema.ChangeBody | None:
    change = snapshot.changed
    if change is None:
        return None
    names = {circuit.id: circuit.name for circuit in snapshot.circuits}
    return schema.ChangeBody(
        circuit=change.circuit,
        name=names.get(change.circuit, ""),
        delta_kw=round(change.delta_kw, DIGITS),
        at=change.at,
    )


def _has(snapshot: Snapshot) -> schema.Has:
    parts = {part: part in snapshot.has for part in PARTS}
    return schema.Has(**parts, circuits=bool(snapshot.circuits))


def _is_stale(snapshot: Snapshot, now: datetime) -> bool:
    """Whether even the newest power is too old to be called current."""
    ages = [age for name in POWERS if (age := age_s(_at(snapshot, name), now)) is not None]
    return bool(ages) and min(ages) > STALE_S


def _at(snapshot: Snapshot, name: str) -> datetime | None:
    return snapshot.values[name].at if name in snapshot.values else None


def _value(snapshot: Snapshot, name: str) -> float | None:
    return snapshot.values[name].value if name in snapshot.values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
