"""The plan's modes: what each needs of the home, and which one is chosen."""

from fastapi import APIRouter

from hidamari.api.context import Api, ApiDep, needs
from hidamari.api.plan import energy_of
from hidamari.core.access import Action
from hidamari.core.config import PlanMode
from hidamari.home.modes import MODES, NOTE, Met, State, look, missing
from hidamari.http.depends import LangDep
from hidamari.http.errors import ApiError
from hidamari.schema import modes as schema

router = APIRouter(tags=["plan"])


@router.get("/modes", dependencies=needs(Action.VIEW))
async def get_modes(api: ApiDep, lang: LangDep) -> schema.ModesBody:
    """Every mode with its conditions: number, original words, our reading, met or not."""
    return _body(api, lang)


@router.put("/modes", dependencies=needs(Action.SETTINGS))
async def put_mode(body: schema.ModeAsk, api: ApiDep, lang: LangDep) -> schema.ModesBody:
    """Choose a mode; refused while one of its needs is unmet."""
    unmet = missing(look(body.mode, _state(api)))
    if unmet:
        raise ApiError(
            409,
            "the home does not meet what this mode needs",
            ", ".join(unmet),
            code="conditions_not_met",
        )
    api.home.put_settings({"plan": {"mode": body.mode}})
    energy_of(api).wake()
    return _body(api, lang)


def _state(api: Api) -> State:
    energy = energy_of(api)
    control = energy.control
    return State(
        api.home.settings,
        control.assets(),
        energy.current(),
        api.home.snapshot().has,
        energy.weather_word(),
        bool(control.overrides),
    )


def _body(api: Api, lang: str) -> schema.ModesBody:
    state = _state(api)
    return schema.ModesBody(
        mode=api.home.settings.plan.mode, modes=[_mode(mode, state, lang) for mode in MODES]
    )


def _mode(mode: PlanMode, state: State, lang: str) -> schema.ModeBody:
    found = look(mode, state)
    shown = [one for one in found if one.condition.kind != NOTE]
    notes = [one.condition.words[lang][0] for one in found if one.condition.kind == NOTE]
    return schema.ModeBody(
        id=mode,
        allowed=not missing(found),
        all_met=all(one.met is not False for one in shown),
        conditions=[_condition(one, lang) for one in shown],
        disclaimers=notes,
    )


def _condition(one: Met, lang: str) -> schema.ConditionBody:
    text, reading, mend = one.condition.words[lang]
    return schema.ConditionBody(
        id=one.condition.id,
        kind=one.condition.kind,
        text=text,
        reading=reading,
        met=one.met,
        mend="" if one.met else mend,
        link="" if one.met else one.condition.link,
    )
