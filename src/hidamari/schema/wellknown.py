"""What the home says of itself to anybody on the LAN."""

from datetime import datetime
from typing import Literal

from hidamari.schema.base import Body


class WellKnown(Body):
    """The body of /.well-known/hidamari."""

    product: Literal["hidamari"] = "hidamari"
    kind: Literal["home"] = "home"
    api: tuple[str, ...] = ("v1",)
    revision: int
    version: str
    name: str
    setup_needed: bool
    demo: bool
    zone: str
    https_port: int | None


class HomeOutside(Body):
    """The same of a home seen from outside, with the way to it."""

    product: Literal["hidamari"] = "hidamari"
    kind: Literal["home"] = "home"
    via: Literal["cloud"] = "cloud"
    api: tuple[str, ...] = ("v1",)
    revision: int
    version: str
    name: str  # empty where the home has not told it since the service began
    setup_needed: bool = False
    demo: bool
    zone: str
    linked: bool
    last_seen: datetime | None
    lan_url: str | None  # the home's own page, for who is at home
