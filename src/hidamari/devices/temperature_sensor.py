"""Temperature sensor (class 0x0011)."""

from hidamari.core.reading import Kind
from hidamari.devices.common import Common
from hidamari.echonet.prop import Use, number


class TemperatureSensor(Common, group=0x00, code=0x11, kind="temperature_sensor"):
    """Wire: one temperature."""

    level = "temperature_c"
    card = ("temperature_c",)

    temperature_c = number(
        0xE0, 2, signed=True, factor=0.1, unit="°C", use=Use(300, Kind.LEVEL, 0.1)
    )
