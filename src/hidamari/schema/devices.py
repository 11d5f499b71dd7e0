"""Bodies of devices, circuits and sources of truth."""

from datetime import datetime

from pydantic import Field

from hidamari.schema.base import Body, Name

Value = float | str | bool | None


class CardLineBody(Body):
    """One line of a device's card."""

    name: str
    title: str
    value: Value
    unit: str
    text: str


class PropertyBody(Body):
    """One ECHONET property as read; `epc` and `raw` in hexadecimal."""

    epc: str
    name: str
    title: str
    value: Value
    unit: str
    text: str
    raw: str
    settable: bool
    announced: bool
    at: datetime | None


class DeviceBody(Body):
    """A device of the home and whether it answers."""

    id: str
    kind: str
    kind_title: str
    class_: str = Field(serialization_alias="class")
    eoj: str
    host: str
    name: str
    room: str | None
    maker: str
    product: str
    state: str
    last_contact: datetime | None
    age_s: float | None
    power_kw: float | None
    weak_identity: bool
    hidden: bool
    card: list[CardLineBody]


class DeviceDetail(DeviceBody):
    """A device with all its properties."""

    identity: str
    firmware: str
    properties: list[PropertyBody]


class DeviceEdit(Body):
    """What may be changed of a device; absent or null = as it is."""

    name: Name | None = None
    room: Name | None = None
    hidden: bool | None = None


class ReplaceBy(Body):
    """The id of the newly found device that takes the place of this one."""

    by: str = Field(min_length=1, max_length=80)


class SearchState(Body):
    """The search for devices."""

    running: bool
    found: int


class CircuitEntry(Body):
    """A circuit of the board with what it drew today."""

    id: str
    name: str
    room: str
    device: str | None
    power_kw: float | None
    age_s: float | None
    today_kwh: float | None
    hidden: bool


class CircuitEdit(Body):
    """What may be changed of a circuit; `device` "" takes the device away."""

    name: Name | None = None
    room: Name | None = None
    device: str | None = Field(default=None, max_length=80)
    hidden: bool | None = None


class SourceOptionBody(Body):
    """One way to measure a quantity."""

    id: str
    title: str
    text: str | None
    value: float | None
    unit: str
    age_s: float | None


class Difference(Body):
    """By how much two sources of one quantity differ on a day."""

    kwh: float | None
    pct: float | None


class SourceBody(Body):
    """Which source of a quantity is true, and which could be."""

    quantity: str
    title: str
    used: str
    options: list[SourceOptionBody]
    differs: Difference | None
