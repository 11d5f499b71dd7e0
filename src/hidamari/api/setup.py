"""The first start step by step, and what the house says of its own health."""

import asyncio
import json

from fastapi import APIRouter

from hidamari import __version__
from hidamari.api.context import Api, ApiDep, needs
from hidamari.core.access import Action
from hidamari.http.errors import ApiError
from hidamari.schema import home as schema

router = APIRouter(tags=["home"])

KEY = "setup"
STEPS = ("password", "devices", "circuits", "tariff", "done")
OWN = frozenset({"circuits", "done"})  # finished when somebody says so


@router.get("/setup", dependencies=needs(Action.VIEW))
async def get_setup(api: ApiDep) -> schema.Setup:
    """How far the first start has come; every finished step is kept."""
    return _setup(api)


@router.post("/setup/{step}", dependencies=needs(Action.SETTINGS))
async def finish_step(step: str, body: schema.StepDone, api: ApiDep) -> schema.Setup:
    """Finish or skip a step; `devices` starts a search."""
    if step not in STEPS:
        raise ApiError(404, "there is no such step", ", ".join(STEPS))
    said = _said(api) | {step: "skipped" if body.skip else "done"}
    await asyncio.to_thread(api.home.store.put_kv, KEY, json.dumps(said).encode())
    if step == "devices" and not body.skip:
        api.home.search(start=True)
    return _setup(api)


@router.get("/diagnostics", dependencies=needs(Action.DIAGNOSTICS))
async def get_diagnostics(api: ApiDep) -> schema.Diagnostics:
    """Counters and states for somebody who looks for a fault."""
    state = await asyncio.to_thread(_store_state, api)
    return schema.Diagnostics(
        version=__version__,
        data_dir=str(api.home.folder),
        store=state,
        door_sha256=api.door_sha256,
        home={**api.home.diagnostics()},
    )


def _setup(api: Api) -> schema.Setup:
    said, search = _said(api), api.home.search()
    contracts = any(meter.contracts for meter in api.home.settings.meters)
    facts = {"password": True, "devices": search.found > 0, "tariff": contracts}
    steps = []
    for step in STEPS:
        state = said.get(step, "todo")
        if step not in OWN and state != "skipped":
            state = "done" if facts[step] else "todo"
        if step == "devices" and search.is_running:
            state = "running"
        found = search.found if step == "devices" else None
        steps.append(
            schema.SetupStep.model_validate(
                {"id": step, "state": state, "found": found, "text": None}
            )
        )
    return schema.Setup(needed=said.get("done") is None and not api.home.is_demo, steps=steps)


def _said(api: Api) -> dict[str, str]:
    """What people have said of the steps so far."""
    raw = api.home.store.get_kv(KEY)
    found = json.loads(raw) if raw else {}
    return {str(step): str(state) for step, state in found.items()}


def _store_state(api: Api) -> schema.StoreState:
    store = api.home.store
    sealed, room = store.sealed(), store.room()
    size = sum(path.stat().st_size for path in api.home.folder.rglob("*.db*"))
    return schema.StoreState(
        size_bytes=size,
        days=len(sealed),
        first_day=sealed[0].isoformat() if sealed else None,
        last_day=sealed[-1].isoformat() if sealed else None,
        free_bytes=room.free_bytes,
        waiting=store.waiting,
    )
