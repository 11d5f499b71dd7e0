"""What a half-hour moved: counters before samples, the meter's own history before guesses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hidamari.core.reading import Quality, SeriesKey, SlotValue
from hidamari.home.balance import MISSING, NONE_THERE, Energies, signed_sum, slot_series
from hidamari.home.house import House, total
from hidamari.home.live import kilo
from hidamari.home.sources import PARTS, Quantity, Source

HOME = "home"
Slots = dict[SeriesKey, SlotValue]


@dataclass(frozen=True, slots=True)
class Refill:
    """Bought and sold energy of a half-hour as the meter itself remembers it [kWh]."""

    import_kwh: SlotValue
    export_kwh: SlotValue


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one half-hour.

    `by_minutes`: energies, means and last values out of the stored minutes; `counted`: what each
    counter counted in it. `is_last`: no counter will say more.
    """

    by_minutes: Mapping[SeriesKey, SlotValue]
    counted: Mapping[SeriesKey, SlotValue]
    refill: Refill | None = None
    is_last: bool = False


def compose(house: House, known: Known) -> Slots:
    """All series of one half-hour.

    A better quality wins, at equal quality the counters and the balance. Samples with gaps are
    an estimate for as long as their counter may still speak: what it counts over a silence is
    whole, and must be able to take the place of a guess.
    """
    counted = known.counted
    energies = _device_energies(house, counted)
    waiting = {key for key, value in energies.items() if value.value is None}
    out = {
        key: _guessed(value) if (key in waiting and not known.is_last) else value
        for key, value in known.by_minutes.items()
    }
    for key, value in energies.items():
        if value.quality >= out.get(key, MISSING).quality:
            out[key] = value
    if not known.is_last and _waits(house, counted):
        out |= {k: _guessed(v) for k, v in out.items() if k.device == HOME and _is_energy(k)}
    refill = known.refill
    parts = _energies(house, out, counted, refill)
    circuits = _sum([SeriesKey(c.id, "power_kw") for c in house.consuming()], out)
    for name, value in slot_series(parts, circuits).items():
        key = SeriesKey(HOME, name)
        if value.quality >= out.get(key, MISSING).quality:
            out[key] = value
    return {key: value for key, value in out.items() if value.value is not None}


def _waits(house: House, counted: Mapping[SeriesKey, SlotValue]) -> bool:
    """Whether a counter that the balance counts on has not spoken yet."""
    return any(
        SeriesKey(source.device, name) not in counted
        for quantity in ("energy", *PARTS)
        for source in house.used(quantity)
        for name in (source.counter_in, source.counter_out)
        if name
    )


def _guessed(value: SlotValue) -> SlotValue:
    return SlotValue(value.value, Quality.ESTIMATE) if value.quality is Quality.PARTLY else value


def _is_energy(key: SeriesKey) -> bool:
    return key.name.endswith("_kw")


def _device_energies(house: House, counted: Mapping[SeriesKey, SlotValue]) -> Slots:
    """Energy by counters for the power series of devices and circuits."""
    out: Slots = {}
    for device, live in house.devices.items():
        kind = live.device
        if kind.power and kind.counter_in:
            key = SeriesKey(device, kilo(kind.power)[0])
            out[key] = _both_ways(device, kind.counter_in, kind.counter_out, counted)
    for circuit in house.circuits.values():
        back = "back_kwh" if circuit.two_way else ""
        key = SeriesKey(circuit.id, "power_kw")
        out[key] = _both_ways(circuit.id, "energy_kwh", back, counted)
    return out


def _both_ways(
    device: str, counter_in: str, counter_out: str, counted: Mapping[SeriesKey, SlotValue]
) -> SlotValue:
    ins = counted.get(SeriesKey(device, counter_in), MISSING)
    outs = counted.get(SeriesKey(device, counter_out), NONE_THERE) if counter_out else NONE_THERE
    return signed_sum((ins, 1), (outs, -1))


def _energies(
    house: House,
    out: Mapping[SeriesKey, SlotValue],
    counted: Mapping[SeriesKey, SlotValue],
    refill: Refill | None,
) -> Energies:
    """The parts of the house bus, each from its best source."""

    def part(quantity: Quantity, name: str, *, outward: bool = False) -> SlotValue:
        used = house.used(quantity)
        if not used and quantity != "energy":
            return NONE_THERE
        measured = out.get(SeriesKey(HOME, name), MISSING)
        if any(not source.counter_in for source in used):
            return measured
        if outward and any(source.two_way and not source.counter_out for source in used):
            return measured  # it can give back, but does not count it
        by_counter = _sum([_counter(source, outward=outward) for source in used], counted)
        return by_counter if by_counter.quality >= measured.quality else measured

    bought, sold = part("energy", "import_kw"), part("energy", "export_kw", outward=True)
    if refill is not None:
        bought = max(bought, refill.import_kwh, key=lambda value: value.quality)
        sold = max(sold, refill.export_kwh, key=lambda value: value.quality)
    return Energies(
        bought,
        sold,
        part("pv", "pv_kw"),
        part("gen", "gen_kw"),
        part("battery", "charge_kw"),
        part("battery", "discharge_kw", outward=True),
        part("ev", "ev_charge_kw"),
        part("ev", "ev_discharge_kw", outward=True),
        part("heater", "heater_kw"),
    )


def _counter(source: Source, *, outward: bool) -> SeriesKey:
    return SeriesKey(source.device, source.counter_out if outward else source.counter_in)


def _sum(keys: Iterable[SeriesKey], values: Mapping[SeriesKey, SlotValue]) -> SlotValue:
    """The sum of series; one without a counter of that direction counts nothing there."""
    found = [values.get(key, MISSING) if key.name else NONE_THERE for key in keys]
    amount_kwh = total([value.value for value in found])
    if amount_kwh is None:
        return MISSING
    return SlotValue(amount_kwh, min(value.quality for value in found))
