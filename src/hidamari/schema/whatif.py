"""Bodies of the comparison: what another battery or tariff would have cost last year."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from hidamari.schema.base import Body

PlanId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]


class WhatIfAsk(Body):
    """What to compare the house with; null = as it is today, a battery of 0 kWh = none."""

    battery_kwh: Annotated[float, Field(ge=0.0, le=200.0)] | None = None
    battery_kw: Annotated[float, Field(ge=0.1, le=50.0)] | None = None
    plan: PlanId | None = None


class WhatIfMonth(Body):
    """A calendar month of the counted days."""

    month: str
    days: int
    yen: float


class WhatIfCase(Body):
    """The year under one battery and tariff: as it would have come, at best, by a simple rule."""

    name: Literal["none", "today", "wished"]
    usable_kwh: float | None
    power_kw: float | None
    yen: float
    low_yen: float
    high_yen: float
    import_kwh: float
    export_kwh: float
    months: Sequence[WhatIfMonth]
    notes: Sequence[str]


class WhatIfResult(Body):
    """What was counted, and what the wish would have saved in a year, with its range."""

    first: date
    last: date
    days: int
    is_whole_year: bool
    missing_pct: float
    prices_assumed: bool
    reserve_pct: float
    plan_today: str | None
    plan_wished: str | None
    saved_yen: float
    saved_low_yen: float
    saved_high_yen: float
    cases: Sequence[WhatIfCase]


class WhatIfBody(Body):
    """The comparison that runs or ran last; `error` says in words why there is none."""

    state: Literal["idle", "running", "done", "failed"]
    asked: WhatIfAsk | None = None
    asked_at: datetime | None = None
    progress: float | None = None
    error: str | None = None
    result: WhatIfResult | None = None
