"""The body of /now: the house at this moment and its sums of today, yesterday and the month."""

from datetime import date, datetime

from pydantic import Field

from hidamari.schema.base import Body


class Has(Body):
    """Which parts the home has; what it has not is not shown."""

    pv: bool
    gen: bool
    battery: bool
    ev: bool
    heater: bool
    board: bool
    meter: bool
    circuits: bool


class AssetBody(Body):
    """One battery, car, heater, array or generator."""

    device: str
    kind: str
    name: str
    power_kw: float | None
    soc_pct: float | None
    state: str
    age_s: float | None


class CircuitBody(Body):
    """One circuit of the board now; `device` is the id of what hangs on it."""

    id: str
    name: str
    room: str
    device: str | None
    power_kw: float | None
    age_s: float | None


class ChangeBody(Body):
    """The last larger change of a circuit."""

    circuit: str
    name: str
    delta_kw: float
    at: datetime


class Sums(Body):
    """Energies of a span, its self-sufficiency and its money (an estimate; null without tariff)."""

    pv_kwh: float | None
    gen_kwh: float | None
    import_kwh: float | None
    export_kwh: float | None
    use_kwh: float | None
    charge_kwh: float | None
    discharge_kwh: float | None
    self_sufficiency_pct: float | None
    cost_yen: float | None
    income_yen: float | None


class MonthSums(Sums):
    """The same for the billing month so far; `cost_yen` with the basic charge in it."""

    basic_yen: float | None
    target_kwh: float | None
    from_: date = Field(serialization_alias="from")
    to: date


class Source(Body):
    """Where the use of a half-hour came from, kWh."""

    pv: float
    gen: float
    battery: float
    import_: float = Field(serialization_alias="import")


class Sentence(Body):
    """What is happening, as a code with numbers; the reader puts it into words."""

    code: str
    numbers: dict[str, float]


class TariffNow(Body):
    """The price of one more kWh at this moment."""

    buy_yen_kwh: float | None
    sell_yen_kwh: float | None
    band: str


class Live(Body):
    """What changes with every reading; also what /live sends.

    grid = load + battery + ev + heater - pv - gen and use = load + heater + max(ev, 0), in kW.
    `ev_here`: whether a car stands at a charger; null where none says so.
    `internet` is what the last try to reach the server service told; null without one.
    """

    at: datetime
    pv_kw: float | None
    gen_kw: float | None
    grid_kw: float | None
    battery_kw: float | None
    ev_kw: float | None
    heater_kw: float | None
    load_kw: float | None
    use_kw: float | None
    soc_pct: float | None
    ev_soc_pct: float | None
    ev_here: bool | None
    tank_l: float | None
    tank_size_l: float | None
    age_s: dict[str, float | None]
    has: Has
    meter_name: str
    assets: list[AssetBody]
    circuits: list[CircuitBody]
    other_kw: float | None
    sentence: Sentence
    changed: ChangeBody | None
    tariff: TariffNow | None
    zone: str
    internet: bool | None
    demo: bool
    stale: bool


class Now(Live):
    """The house at this moment and its sums."""

    today: Sums | None
    yesterday: Sums | None
    month: MonthSums | None
    sources_today: list[Source | None]
