"""What a half-hour moved, while some counters have spoken and others have not."""

import pytest

from hidamari.core.reading import Quality, SeriesKey, SlotValue
from hidamari.devices.battery import Battery
from hidamari.echonet.frame import Eoj
from hidamari.home.halfhour import HOME, Known, compose
from hidamari.home.house import House
from hidamari.home.live import LiveDevice
from hidamari.home.registry import Binding

DISCHARGED = SeriesKey(HOME, "discharge_kw")


def house() -> House:
    """A home with a battery that counts both ways."""
    found = House()
    eoj = Eoj.parse("027D01")
    binding = Binding("battery", "battery", "", weak=True, host="", eoj=str(eoj))
    readable = frozenset({0xD3, 0xA8, 0xA9})
    found.devices["battery"] = LiveDevice(binding, Battery(eoj), readable)
    found.choose_sources({})
    return found


@pytest.mark.req("PWR-01")
def test_what_a_silence_left_stays_a_guess_until_the_counters_of_both_ways_have_spoken():
    """In 2 of its 30 minutes 0.05 kWh were seen; the counter of what went out knows of 0.68."""
    charged = {SeriesKey("battery", "charged_kwh"): SlotValue(0.0, Quality.PARTLY)}
    seen = {DISCHARGED: SlotValue(0.05, Quality.PARTLY)}
    early = compose(house(), Known(seen, charged))[DISCHARGED]
    assert early.quality is Quality.ESTIMATE
    out = {SeriesKey("battery", "discharged_kwh"): SlotValue(0.68, Quality.PARTLY)}
    late = compose(house(), Known(seen, charged | out))[DISCHARGED]
    assert late == SlotValue(0.68, Quality.PARTLY)
    assert late.quality > early.quality
