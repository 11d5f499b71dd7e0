"""Controller (class 0x05FF): another program that looks after devices, or ourselves."""

from hidamari.devices.common import Common
from hidamari.echonet.prop import Use, number, raw


class Controller(Common, group=0x05, code=0xFF, kind="controller"):
    """Wire: what a controller tells of itself."""

    card = ("on", "devices")

    controller_id = raw(0xC0, frozenset(range(1, 41)), use=Use(0))
    devices = number(0xC1, 2, use=Use(3600))
