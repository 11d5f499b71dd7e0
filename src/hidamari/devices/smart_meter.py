"""Low-voltage smart meter (class 0x0288), by route B or on the LAN."""

from hidamari.core.reading import Kind
from hidamari.devices.common import Common
from hidamari.devices.forms import PHASE_AMPERES, day_history, pair, span, span_history, stamped
from hidamari.echonet.prop import UNIT_FACTOR, Device, Use, custom, number, raw

MAX_DAYS_BACK = 99


def energy_factor(device: Device) -> float | None:
    """kWh per count: D3 (1 where absent) times the unit of E1.

    `None` until E1 is known, and while the meter gives a D3 that is no number, or zero.
    """
    unit = UNIT_FACTOR.get(_byte(device, 0xE1))
    told = device.raw.get(0xD3)
    coefficient = 1.0 if told is None else SmartMeter.coefficient.decode(told, device)
    return unit * coefficient if unit and coefficient else None


class SmartMeter(Common, group=0x02, code=0x88, kind="smart_meter"):
    """Wire: what the grid company's meter tells."""

    quantity = "grid_kw"
    power = "power_w"
    counter_in = "import_kwh"
    counter_out = "export_kwh"
    card = ("power_w", "import_kwh", "export_kwh", "current_a")

    power_w = number(0xE7, 4, signed=True, unit="W", use=Use(10, Kind.POWER, 1))
    current_a = pair(0xE8, PHASE_AMPERES, use=Use(60))
    import_kwh = number(
        0xE0, 4, unit="kWh", scaled_by=energy_factor, use=Use(60, Kind.COUNTER, 0.001)
    )
    export_kwh = number(
        0xE3, 4, unit="kWh", scaled_by=energy_factor, use=Use(60, Kind.COUNTER, 0.001)
    )
    import_at_half = stamped(0xEA, energy_factor, use=Use(1800))
    export_at_half = stamped(0xEB, energy_factor, use=Use(1800))
    at_minute = stamped(0xD0, energy_factor, both=True)
    unit = custom(
        0xE1,
        frozenset({1}),
        lambda edt, _: UNIT_FACTOR.get(edt[0]),
        lambda value, _: bytes((next(c for c, f in UNIT_FACTOR.items() if f == value),)),
        unit="kWh",
        settable=False,
        use=Use(0),
    )
    coefficient = number(0xD3, 4, use=Use(0))
    digits = number(0xD7, 1, use=Use(0))
    # Days back 0 (today) to 99 for E2 and E4: write it, then read one list alone.
    history_day = number(0xE5, 1, lowest=0, highest=MAX_DAYS_BACK, settable=True)
    import_history = day_history(0xE2, energy_factor)
    export_history = day_history(0xE4, energy_factor)
    span_wanted = span(0xED, 12)
    span_values = span_history(0xEC, energy_factor, 12)
    minutes_wanted = span(0xEF, 10)
    minute_values = span_history(0xEE, energy_factor, 10)
    route_b_id = raw(0xC0, frozenset({16}))

    def wrap_kwh(self) -> float | None:
        """Where the counters start again: 10 to the power of D7, times the unit."""
        factor = energy_factor(self)
        if factor is None or self.digits is None or not 1 <= self.digits <= 8:
            return None
        return float(10 ** int(self.digits)) * factor


def _byte(device: Device, epc: int) -> int:
    edt = device.raw.get(epc, b"")
    return edt[0] if len(edt) == 1 else -1
