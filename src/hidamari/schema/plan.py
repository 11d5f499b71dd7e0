"""Bodies of the plan: what will be done when and why, what became of it, the owner's word."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from hidamari.schema.base import Body

Mode = Literal["follow", "surplus", "charge", "discharge", "hold", "auto"]
Rung = Literal["scenarios", "mean", "last", "rule", "device"]
PlanMode = Literal["cost", "self", "outage", "solar_rules", "solar_forecast"]


class ReasonBody(Body):
    """Why: a code that the reader puts into words, and its numbers."""

    code: str
    numbers: Mapping[str, float | None]


class SlotAsset(Body):
    """One asset in one half-hour; kW and kWh signed, + = drawn from the house."""

    asset: str
    mode: Mode
    kw: float | None
    kwh: float | None
    grid_kw: float
    level_kwh: float | None
    level_pct: float | None
    reason: ReasonBody
    rung: Rung


class PlanSlot(Body):
    """One half-hour ahead; the first one is the rest of the running one."""

    start: datetime
    end: datetime
    buy_yen_kwh: float
    sell_yen_kwh: float
    band: str
    load_kwh: float
    pv_kwh: float
    pv_low_kwh: float | None = None
    pv_high_kwh: float | None = None
    import_kwh: float | None
    export_kwh: float | None
    curtail_kwh: float | None
    value_yen_kwh: float | None
    assets: list[SlotAsset]


class Block(Body):
    """Half-hours in a row in which an asset does one thing for one reason; `n` counts them."""

    n: int
    asset: str
    mode: Mode
    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    kwh: float
    reason: ReasonBody


class AssetNow(Body):
    """What an asset was told last and what is known of it."""

    mode: Mode
    by: Literal["safety", "grid", "owner", "plan", "habit"]
    kw: float | None
    kwh: float | None
    until: datetime | None
    outcome: Literal["none", "confirmed", "not_confirmed", "refused", "expired"]
    at: datetime | None
    reason: ReasonBody


class Override(Body):
    """The owner's word for an asset."""

    mode: Mode
    start: datetime = Field(serialization_alias="from")
    until: datetime


class GivesWay(Body):
    """Somebody else commanded the device: the plan leaves it alone."""

    since: datetime
    until: datetime
    mode: str


class PlanAsset(Body):
    """A device that the plan may steer."""

    asset: str
    kind: str
    name: str
    steered: bool
    modes: list[Mode]
    capacity_kwh: float | None
    reserve_kwh: float | None
    level_kwh: float | None
    level_pct: float | None
    now: AssetNow | None
    override: Override | None
    gives_way: GivesWay | None


class PlanCost(Body):
    """Yen over the horizon: bought less sold, less the worth of what is stored at the end."""

    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    plan_yen: float
    low_yen: float
    high_yen: float
    without_yen: float
    saving_yen: float
    saving_low_yen: float
    saving_high_yen: float


class PlanForecast(Body):
    """What the plan knows beforehand; nMAE 0.5 = half of the energy was forecast wrongly."""

    weather: Literal["none", "ok", "old", "stale", "absurd", "short", "missing"]
    weather_issued_at: datetime | None
    days: int
    days_needed: int
    is_enough: bool
    load_nmae: float | None
    pv_nmae: float | None


class PlanBody(Body):
    """The plan in force and what it is made of; `slots` is empty when asked for in brief."""

    at: datetime
    zone: str
    state: Literal["ok", "starting", "no_assets"]
    made_at: datetime | None
    rung: Rung | None
    rung_since: datetime | None
    cause: str
    mode: PlanMode
    steering: bool
    prices_assumed: bool
    forecast: PlanForecast | None
    cost: PlanCost | None
    assets: list[PlanAsset]
    slots: list[PlanSlot]
    blocks: list[Block]


class PlanAsk(BaseModel):
    """`brief`: without the half-hours."""

    brief: bool = False


class WhyAsk(BaseModel):
    """Which half-hour (any instant in it) and which asset (empty = the first)."""

    slot: datetime
    asset: str = Field(default="", max_length=80)


class WhyOther(Body):
    """Another choice, and how much dearer it is over the whole horizon."""

    mode: Mode
    kw: float | None
    yen: float


class YenTerm(Body):
    """A part of the cost that moves."""

    name: str
    yen: float


class WhyStart(Body):
    """A start of the next run that was tried (null = no run) and yen dearer than the best."""

    at: datetime | None
    yen: float


class WhyBody(Body):
    """Why an asset does what it does in a half-hour."""

    slot: datetime
    made_at: datetime
    rung: Rung
    asset: str
    mode: Mode
    kw: float | None
    kwh: float | None
    reason: ReasonBody
    inputs: Mapping[str, float]
    others: list[WhyOther]
    terms: list[YenTerm]
    start: list[WhyStart]


class HouseKwh(Body):
    """Energies of the house in a half-hour."""

    load_kwh: float | None
    pv_kwh: float | None
    import_kwh: float | None
    export_kwh: float | None


class ResultAsset(Body):
    """One asset in one half-hour: the last plan before it, and what was measured."""

    asset: str
    mode: Mode | None
    planned_kwh: float | None
    measured_kwh: float | None
    reason: ReasonBody | None


class ResultSlot(Body):
    """One half-hour of the day."""

    start: datetime
    rung: Rung | None
    buy_yen_kwh: float | None
    assets: list[ResultAsset]
    planned: HouseKwh | None
    measured: HouseKwh


class ResultSum(Body):
    """One asset over the half-hours that have both a plan and a measurement."""

    asset: str
    kind: str
    name: str
    planned_kwh: float
    measured_kwh: float
    planned_in_kwh: float
    measured_in_kwh: float
    planned_out_kwh: float
    measured_out_kwh: float
    off_pct: float | None  # of what was planned to be moved


class ResultBody(Body):
    """A day's plans against what happened."""

    day: date
    zone: str
    slots: list[ResultSlot]
    assets: list[ResultSum]
    load_nmae: float | None
    pv_nmae: float | None


class ResultAsk(BaseModel):
    """Which local day; today when left out."""

    day: date | None = None


class DayQuality(Body):
    """How far a day's forecasts were off, beside taking it to be as the day before."""

    day: date
    load_nmae: float | None
    pv_nmae: float | None
    load_yesterday_nmae: float | None
    pv_yesterday_nmae: float | None


class QualityBody(Body):
    """The last whole days, oldest first; at most two weeks."""

    days: list[DayQuality]


class OverrideAsk(Body):
    """The owner's word: `plan` gives the asset back; `until` 1h, tomorrow or an instant."""

    asset: str = Field(max_length=80)
    mode: Mode | Literal["plan"]
    until: Literal["1h", "tomorrow"] | datetime = "1h"
    start: datetime | None = Field(default=None, alias="from")
    kw: float | None = Field(default=None, ge=-50.0, le=50.0)
    kwh: float | None = Field(default=None, gt=0.0, le=200.0)


class TryAsk(Body):
    """A block to be moved: an asset, from which half-hour, for how many, in which mode."""

    asset: str = Field(max_length=80)
    slot: datetime
    slots: int = Field(default=1, ge=1, le=48)
    mode: Mode
    kw: float | None = Field(default=None, ge=0.0, le=50.0)


class TryBody(Body):
    """What it would cost: yen more than the plan, and the parts that move most."""

    yen: float
    terms: list[YenTerm]


class MadeBody(Body):
    """When the newest plan was made."""

    made_at: datetime
