"""Distribution board metering (class 0x0287) with its circuits."""

from hidamari.core.reading import Kind
from hidamari.devices.channels import ChannelValue, ListRead, channel_number, phase_sum_a
from hidamari.devices.common import Common
from hidamari.devices.forms import PHASE_AMPERES, VOLTS, day_history, pair
from hidamari.echonet.prop import UNIT_FACTOR, Device, Prop, Use, add_prop, custom, number, raw

OLD_CHANNELS = range(0xD0, 0xF0)  # channels 1 to 32 one by one, the only way before release E
RANGE = frozenset({2})


def energy_factor(device: Device) -> float | None:
    """kWh per count (EPC C2); `None` until it is known."""
    edt = device.raw.get(0xC2, b"")
    return UNIT_FACTOR.get(edt[0]) if len(edt) == 1 else None


def list_sizes(item: int, most: int) -> frozenset[int]:
    """How long a list can be: start, count, then up to `most` items."""
    return frozenset(2 + item * count for count in range(most + 1))


class Board(Common, group=0x02, code=0x87, kind="board"):
    """Wire: main breaker and circuits; circuit names are not on the wire."""

    quantity = "grid_kw"
    power = "power_w"
    counter_in = "import_kwh"
    counter_out = "export_kwh"
    card = ("power_w", "import_kwh", "export_kwh", "current_a", "breaker_a")
    lists = (
        ListRead(0xB6, 0xB7, 0xB1, 60, ("power_w",), 60, "", OLD_CHANNELS),
        ListRead(0xB2, 0xB3, 0xB1, 60, ("energy_kwh",), 300, "", OLD_CHANNELS),
        ListRead(0xBD, 0xBE, 0xB8, 60, ("power_w",), 60, "t"),
        ListRead(0xB9, 0xBA, 0xB8, 30, ("energy_kwh", "back_kwh"), 300, "t"),
    )

    power_w = number(0xC6, 4, signed=True, unit="W", use=Use(10, Kind.POWER, 1))
    import_kwh = number(
        0xC0, 4, unit="kWh", scaled_by=energy_factor, use=Use(60, Kind.COUNTER, 0.001)
    )
    export_kwh = number(
        0xC1, 4, unit="kWh", scaled_by=energy_factor, use=Use(60, Kind.COUNTER, 0.001)
    )
    unit = custom(
        0xC2,
        frozenset({1}),
        lambda edt, _: UNIT_FACTOR.get(edt[0]),
        lambda value, _: bytes((next(c for c, f in UNIT_FACTOR.items() if f == value),)),
        unit="kWh",
        settable=False,
        use=Use(0),
    )
    history_day = number(0xC5, 1, lowest=0, highest=99, settable=True)
    import_history = day_history(0xC3, energy_factor)
    export_history = day_history(0xC4, energy_factor)
    current_a = pair(0xC7, PHASE_AMPERES, use=Use(60))
    voltage_v = pair(0xC8, VOLTS, use=Use(300))
    breaker_a = number(0xB0, 1, unit="A", none=frozenset({0xFE, 0xFF}), use=Use(0))
    channels = number(0xB1, 1, use=Use(3600))
    two_way_channels = number(0xB8, 1, use=Use(3600))
    energy_range = raw(0xB2, RANGE, settable=True)
    energy_list = raw(0xB3, list_sizes(4, 60))
    current_range = raw(0xB4, RANGE, settable=True)
    current_list = raw(0xB5, list_sizes(4, 60))
    power_range = raw(0xB6, RANGE, settable=True)
    power_list = raw(0xB7, list_sizes(4, 60))
    two_way_energy_range = raw(0xB9, RANGE, settable=True)
    two_way_energy_list = raw(0xBA, list_sizes(8, 30))
    two_way_current_range = raw(0xBB, RANGE, settable=True)
    two_way_current_list = raw(0xBC, list_sizes(4, 60))
    two_way_power_range = raw(0xBD, RANGE, settable=True)
    two_way_power_list = raw(0xBE, list_sizes(4, 60))

    def wrap_kwh(self) -> float | None:
        """Where the counters start again: after 99,999,999 counts."""
        factor = energy_factor(self)
        return None if factor is None else 1e8 * factor

    def channel_values(self) -> list[ChannelValue]:
        """Energy and current of the channels that came as D0 to EF."""
        found: list[ChannelValue] = []
        for number_, epc in enumerate(OLD_CHANNELS, start=1):
            edt = self.raw.get(epc, b"")
            if len(edt) == 8:
                energy_kwh = channel_number(edt[:4], "energy_kwh", energy_factor(self))
                found.append(ChannelValue(str(number_), "energy_kwh", energy_kwh))
                found.append(ChannelValue(str(number_), "current_a", phase_sum_a(edt[4:])))
        return found


for _number, _epc in enumerate(OLD_CHANNELS, start=1):
    _line: Prop[bytes] = raw(_epc, frozenset({8}), use=Use(60))
    add_prop(Board, f"channel_{_number}", _line)
