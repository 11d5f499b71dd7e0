"""Bodies of the tariff: plans, the home's contract, prices."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from hidamari.schema.base import Body

Answer = float | str


class Choice(Body):
    """One answer to choose."""

    value: Answer
    title: str


class Asked(Body):
    """Something the plan's file cannot know and the owner is asked for.

    `value` is the plan's own guess. Kind hours: text such as "23:00-07:00".
    """

    field: str
    title: str
    unit: str | None
    kind: Literal["number", "choice", "time", "bands"]
    choices: list[Choice] | None
    value: Answer | None


class PlanBody(Body):
    """A company's plan; incomplete ones name what is missing."""

    id: str
    company: str
    name: str
    area: str
    structure: str
    complete: bool
    missing: list[Asked]
    ampere_choices: list[float] | None
    kva: bool
    valid_from: date | None
    note: str | None


class SellBody(Body):
    """What the buyer pays from a day on."""

    from_: date = Field(alias="from")
    yen_kwh: float = Field(ge=0, le=1000)


class ContractBody(Body):
    """The contract of the main meter; `answers` by the fields of `missing`."""

    plan: str = Field(pattern=r"^[a-z0-9_]{1,60}$")
    ampere: float | None = None
    kva: float | None = None
    reading_day: int | None = Field(default=None, ge=1, le=31)
    valid_from: date | None = None
    answers: dict[str, Answer] = Field(default={}, max_length=60)
    sell: list[SellBody] = Field(default=[], max_length=60)


class BandBody(Body):
    """A price of the contract in words: its band or step."""

    name: str
    yen_kwh: float | None
    days: Literal["all", "weekday", "holiday"]
    text: str | None


class PriceBody(Body):
    """The price of one more kWh."""

    buy_yen_kwh: float | None
    sell_yen_kwh: float | None
    band: str


class PriceSlot(PriceBody):
    """The price of one more kWh in a half-hour."""

    at: datetime


class TariffBody(Body):
    """The home's contract with its prices; null and empty while none is chosen."""

    contract: ContractBody | None
    plan: PlanBody | None
    bands: list[BandBody]
    now: PriceBody | None
    today: list[PriceSlot]
    missing: list[Asked]
    levy_yen_kwh: float | None
    fuel_yen_kwh: float | None


class MarketPrices(Body):
    """Market prices that were taken in: of which area, how many half-hours, from and to."""

    area: str
    half_hours: int
    first: datetime
    last: datetime
