"""A device of a class that has no kind here: it is shown with its raw properties."""

from hidamari.devices.common import Common


class Unknown(Common):
    """Wire: what every object tells, and everything else as bytes in `raw`."""
