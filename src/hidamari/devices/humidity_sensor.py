"""Humidity sensor (class 0x0012)."""

from hidamari.core.reading import Kind
from hidamari.devices.common import Common
from hidamari.echonet.prop import Use, number


class HumiditySensor(Common, group=0x00, code=0x12, kind="humidity_sensor"):
    """Wire: one relative humidity."""

    level = "humidity_pct"
    card = ("humidity_pct",)

    humidity_pct = number(0xE0, 1, unit="%", use=Use(300, Kind.LEVEL, 1))
