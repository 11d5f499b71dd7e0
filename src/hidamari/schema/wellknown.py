"""What the home says of itself to anybody on the LAN."""

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
