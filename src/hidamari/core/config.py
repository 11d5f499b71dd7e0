"""The one settings tree: what a home's owner can set, with its defaults and limits."""

from collections.abc import Mapping, Sequence
from datetime import date
from ipaddress import IPv4Address
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from hidamari.core.checked import Table, half_width, joined, refusal
from hidamari.core.contract import Contract, FuelPrice, Meter, Role, SellRate
from hidamari.core.errors import Problem, SettingsError
from hidamari.core.feed_in import flat_rate
from hidamari.core.levy import LevyRate
from hidamari.core.tariff import Ask, Plan
from hidamari.core.tariff_files import bands_from, market_from


def _plain(value: object) -> object:
    """Digits from a Japanese keyboard are digits; true and false are no numbers."""
    if isinstance(value, bool):
        raise ValueError("a number")
    return half_width(value) if isinstance(value, str) else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as Asia/Tokyo") from None
    return name


def _postal(text: str) -> str:
    digits = half_width(text).replace("-", "")
    if len(digits) != 7 or not digits.isascii() or not digits.isdigit():
        raise ValueError("a postal code of seven digits")
    return digits


def _bands(raw: list[JsonValue]) -> list[JsonValue]:
    try:
        bands_from(raw, "")
    except SettingsError as error:
        raise _inside(error) from None
    return raw


def _market(raw: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        market_from(Table(raw, ""))
    except SettingsError as error:
        raise _inside(error) from None
    return raw


def _inside(error: SettingsError) -> PydanticCustomError:
    """The refusal of a part that the tariff engine reads, with its own path in the context."""
    problem = error.problems[0]
    context = {"path": problem.path, "expected": problem.expected, "got": problem.got}
    return PydanticCustomError("refused", "{expected}", context)


JsonTree = dict[str, JsonValue]
Number = Annotated[float, BeforeValidator(_plain)]
Positive = Annotated[float, BeforeValidator(_plain), Field(ge=0.0)]
Count = Annotated[int, BeforeValidator(_plain)]
Day = Annotated[date, BeforeValidator(_plain)]
Name = Annotated[str, Field(max_length=60)]
Bands = Annotated[list[JsonValue], AfterValidator(_bands)]  # as [[tariff.band]] of a plan file
MonthText = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
YearText = Annotated[str, Field(pattern=r"^\d{4}$")]
SourceText = Annotated[str, Field(pattern=r"^[^\s]{1,80}$")]


class Section(BaseModel):
    """A part of the tree: unknown keys are refused, values never change in place."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True
    )


class Place(Section):
    """Where the home stands: coordinates for weather and sun, and the names of the place."""

    lat: Annotated[Number, Field(ge=-90.0, le=90.0)] | None = None
    lon: Annotated[Number, Field(ge=-180.0, le=180.0)] | None = None
    prefecture: Name | None = None
    region: Name | None = None
    municipality: Name | None = None


class HomeSettings(Section):
    """The house and its household."""

    name: Name = ""
    language: Literal["ja", "en"] = "ja"
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Tokyo"
    postal_code: Annotated[str, AfterValidator(_postal)] | None = None
    place: Place = Place()
    kind: Literal["house", "collective"] = "house"
    buying: Literal["surplus", "full"] = "surplus"
    people: Annotated[Count, Field(ge=1, le=20)] | None = None
    supply: Literal["electric", "electric_gas"] | None = None
    pv_since: Day | None = None


class SellSettings(Section):
    """What the buyer pays from a day on: one price, or bands in the shape of a plan file."""

    start: Day
    sell_yen_kwh: Positive | None = None
    bands: Bands | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "SellSettings":
        if (self.sell_yen_kwh is None) == (self.bands is None):
            raise ValueError("either sell_yen_kwh or bands")
        return self

    def rate(self) -> SellRate:
        """As a value of the tariff engine."""
        if self.bands is not None:
            return SellRate(self.start, bands_from(self.bands, ""))
        return flat_rate(self.start, self.sell_yen_kwh or 0.0)


class ContractSettings(Section):
    """A contract of a meter; what the owner has not said is None."""

    plan: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]
    valid_from: Day | None = None
    contract_a: Annotated[Number, Field(ge=5.0, le=100.0)] | None = None
    contract_kva: Annotated[Number, Field(ge=1.0, le=50.0)] | None = None
    contract_kw: Annotated[Number, Field(ge=1.0, le=50.0)] | None = None
    reading_day: Annotated[Count, Field(ge=1, le=31)] | None = None
    basic_yen: Positive | None = None
    bands: Bands | None = None
    market: Annotated[dict[str, JsonValue], AfterValidator(_market)] | None = None
    fuel_yen_kwh: dict[MonthText, Number] = {}  # by month of the meter reading
    levy_yen_kwh: dict[YearText, Positive] = {}  # by levy year, from its May reading on
    sell: list[SellSettings] = []
    confirmed: list[Ask] = []

    def contract(self, plans: Mapping[str, Plan], zone: ZoneInfo, path: str = "plan") -> Contract:
        """As a value of the tariff engine; `SettingsError` when no such plan is there."""
        if self.plan not in plans:
            raise refusal(path, "the id of a plan", self.plan)
        months = [(*map(int, month.split("-")), yen) for month, yen in self.fuel_yen_kwh.items()]
        sell = sorted((part.rate() for part in self.sell), key=lambda rate: rate.start)
        market = None if self.market is None else market_from(Table(self.market, ""))
        return Contract(
            plan=plans[self.plan],
            valid_from=self.valid_from,
            contract_a=self.contract_a,
            contract_kva=self.contract_kva,
            contract_kw=self.contract_kw,
            reading_day=self.reading_day,
            basic_yen=self.basic_yen,
            bands=None if self.bands is None else bands_from(self.bands, ""),
            market=market,
            fuel=tuple(FuelPrice(int(year), int(month), yen) for year, month, yen in months),
            levy=tuple(LevyRate(date(int(y), 5, 1), yen) for y, yen in self.levy_yen_kwh.items()),
            sell=tuple(sell),
            confirmed=tuple(self.confirmed),
            zone=zone,
        )


class MeterSettings(Section):
    """A meter by role; which device it is, and its contracts."""

    role: Role
    name: Name = ""
    device: SourceText | None = None
    contracts: list[ContractSettings] = []

    @model_validator(mode="after")
    def _sub_is_not_billed(self) -> "MeterSettings":
        if self.role is Role.SUB and self.contracts:
            raise ValueError("no contracts for a meter of role sub")
        return self

    def meter(self, plans: Mapping[str, Plan], zone: ZoneInfo) -> Meter:
        """As a value of the tariff engine; `SettingsError` when a plan is not there."""
        found = [
            part.contract(plans, zone, f"contracts.{i}.plan")
            for i, part in enumerate(self.contracts)
        ]
        ordered = sorted(found, key=lambda contract: contract.valid_from or date.min)
        return Meter(self.role, self.name, tuple(ordered))


class CircuitSettings(Section):
    """A breaker of the board: its name, room and at most one device behind it."""

    name: Name = ""
    room: Name = ""
    device: SourceText | None = None
    hidden: bool = False


class DeviceSettings(Section):
    """How the owner calls a device."""

    name: Name = ""
    room: Name = ""
    hidden: bool = False


Quantity = Literal["energy", "grid_kw", "pv_kw", "gen_kw", "battery_kw", "ev_kw", "heater_kw"]


class Screens(Section):
    """What the screens show first and how."""

    start: Literal["home", "flow", "graphs", "meter", "devices", "full_purchase"] = "home"
    theme: Literal["auto", "light", "dark"] = "auto"
    show_peaks: bool = True


class Target(Section):
    """What the household wants to stay under."""

    month_kwh: Positive | None = None
    half_hour_kwh: Positive | None = None  # the 30-minute saving target


HourOfDay = Annotated[Number, Field(ge=0.0, lt=24.0)]
Percent = Annotated[Number, Field(ge=0.0, le=100.0)]


class CarPlan(Section):
    """When the car must be ready and how full; without `ready_h` its usual trips are learned."""

    days: list[Annotated[Count, Field(ge=0, le=6)]] = [0, 1, 2, 3, 4]  # Monday = 0
    ready_h: HourOfDay | None = None
    need_pct: Percent = 70.0
    solar: bool = False  # the owner has the car follow the sun by itself (EV solar charging)


class HeaterPlan(Section):
    """What the household allows the water heater."""

    day_boil: bool = True
    pause: bool = False
    quiet_from_h: HourOfDay | None = None
    quiet_to_h: HourOfDay | None = None


PlanMode = Literal["cost", "self", "outage", "solar_rules", "solar_forecast"]


class PlanSettings(Section):
    """What the plan is for and what it may steer; nothing is sent while `steering` is off."""

    mode: PlanMode = "cost"
    steering: bool = False
    assets: dict[SourceText, bool] = {}  # by device; what is absent may be steered
    reserve_pct: Percent = 10.0  # of the battery, kept for a blackout
    outage_pct: Percent = 60.0  # the same in the mode outage and during a weather warning
    weather_warning: bool = False
    import_limit_kw: Annotated[Number, Field(ge=0.5, le=100.0)] | None = None
    car: CarPlan = CarPlan()
    heater: HeaterPlan = HeaterPlan()
    weather: Literal["off", "open_meteo", "file"] = "off"


class Co2(Section):
    """CO2 factors; grid and solar as the industry's labelling guide of 2026 has them."""

    grid_kg_kwh: Positive = 0.423
    pv_kg_kwh: Positive = 0.0455
    gas_kg_m3: Positive | None = None
    water_kg_m3: Positive | None = None


class Utilities(Section):
    """Prices of gas and water."""

    gas_yen_m3: Positive | None = None
    water_yen_m3: Positive | None = None


class Network(Section):
    """What the home's network needs to be told."""

    probe: list[IPv4Address] = []  # devices to ask one by one where multicast does not reach
    host_names: list[Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}$")]] = []
    http_door: bool = True
    # Nothing of a device is asked more often than that. More than 10 s spares a network or a bridge
    # that bears little: history and screens get coarser, energy still comes from the counters.
    # What a device announces is asked for at once all the same; again after 2 s, above 10 s not
    # twice within that time.
    live_s: Annotated[int, Field(ge=10, le=300)] = 10


def _one_main(meters: Sequence[MeterSettings]) -> Sequence[MeterSettings]:
    if sum(meter.role is Role.MAIN for meter in meters) > 1:
        raise ValueError("at most one meter of role main")
    return meters


class Settings(Section):
    """Everything an owner can set; each field is a section that is stored on its own."""

    home: HomeSettings = HomeSettings()
    meters: Annotated[list[MeterSettings], AfterValidator(_one_main)] = []
    circuits: dict[SourceText, CircuitSettings] = {}
    devices: dict[SourceText, DeviceSettings] = {}
    sources: dict[Quantity, SourceText] = {}  # a series `device.name`; what is absent is chosen
    screens: Screens = Screens()
    target: Target = Target()
    plan: PlanSettings = PlanSettings()
    co2: Co2 = Co2()
    utilities: Utilities = Utilities()
    network: Network = Network()

    @property
    def language(self) -> str:
        """The language of the home: for kiosk, voice and mails to all."""
        return self.home.language

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the home's calendar."""
        return ZoneInfo(self.home.zone)

    def meter(self, role: Role, plans: Mapping[str, Plan]) -> Meter | None:
        """The first meter of a role, as a value of the tariff engine."""
        found = [meter for meter in self.meters if meter.role is role]
        return found[0].meter(plans, self.zone) if found else None


def parse_settings(tree: object) -> Settings:
    """The whole tree from JSON; `SettingsError` names every path that is wrong."""
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(_problems(error)) from None


def _problems(error: ValidationError) -> list[Problem]:
    return [_problem(item) for item in error.errors(include_url=False)]


def _problem(item: ErrorDetails) -> Problem:
    path = ".".join(str(part) for part in item["loc"] if part != "[key]")
    inside = item.get("ctx", {})
    if item["type"] == "refused":
        return Problem(joined(path, inside["path"]), "refused", inside["expected"], inside["got"])
    return Problem(path, item["type"], _expected(item), repr(item["input"])[:80])


def _expected(item: ErrorDetails) -> str:
    """What pydantic's message says was expected, as words that fit before "expected"."""
    words = {
        "extra_forbidden": "a known key",
        "missing": "a value",
        "float_parsing": "a number",
        "int_parsing": "a whole number",
        "int_from_float": "a whole number",
        "ip_v4_address": "an IPv4 address",
        "date_from_datetime_parsing": "a date such as 2026-04-01",
    }
    message = words.get(item["type"], item["msg"])
    for start in ("Input should be ", "Value error, "):
        message = message.removeprefix(start)
    return message[:1].lower() + message[1:]
