"""The house bus: what flows now, and what a half-hour moved, from measured parts.

Grid, sources and storage are measured; use is the remainder. Powers are positive when drawn from
the house bus: grid = load + battery + ev + heater - pv - gen, use = load + heater + max(ev, 0).
"""

from dataclasses import dataclass, fields

from hidamari.core.reading import Quality, SlotValue

# A measured remainder this small below zero is the jitter of readings taken seconds apart.
ROUND = 3


@dataclass(frozen=True, slots=True)
class Has:
    """Which parts the home owns: a part that is not there counts as zero, not as missing."""

    pv: bool = False
    gen: bool = False
    battery: bool = False
    ev: bool = False
    heater: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """Power now [kW]; `None` where it is not known. The eight names of the house bus."""

    pv_kw: float | None = None
    gen_kw: float | None = None
    grid_kw: float | None = None
    battery_kw: float | None = None
    ev_kw: float | None = None
    heater_kw: float | None = None
    load_kw: float | None = None
    use_kw: float | None = None
    balance_gap_kw: float | None = None


FLOW_NAMES = tuple(f.name for f in fields(Flow))
BUS_NAMES = FLOW_NAMES[:-1]


def flow(measured: Flow, has: Has, circuits_kw: float | None = None) -> Flow:
    """Fill in load and use; without a main meter use is the sum of circuits.

    Parts that the home has and that gave no value make use missing. A remainder below zero is
    shown as zero, the grid then takes what the parts say, and the difference is kept.
    """
    pv = _part(measured.pv_kw, has.pv)
    gen = _part(measured.gen_kw, has.gen)
    battery = _part(measured.battery_kw, has.battery)
    ev = _part(measured.ev_kw, has.ev)
    heater = _part(measured.heater_kw, has.heater)
    grid = None if measured.grid_kw is None else round(measured.grid_kw, ROUND)
    known = Flow(pv, gen, grid, battery, ev, heater)
    if pv is None or gen is None or battery is None or ev is None or heater is None:
        return known
    own = pv + gen - battery - ev - heater
    if grid is not None:
        load = grid + own
    elif circuits_kw is not None:
        load = max(0.0, circuits_kw - heater - max(ev, 0.0))
    else:
        return known
    gap = min(0.0, load)
    load = round(max(0.0, load), ROUND)
    use = round(load + heater + max(ev, 0.0), ROUND)
    grid = round(load - own, ROUND)
    return Flow(pv, gen, grid, battery, ev, heater, load, use, round(gap, ROUND))


def _part(value: float | None, owned: bool) -> float | None:
    if not owned:
        return 0.0
    return None if value is None else round(value, ROUND)


@dataclass(frozen=True, slots=True)
class Energies:
    """What a half-hour moved [kWh, never negative], each with where it comes from."""

    import_kwh: SlotValue
    export_kwh: SlotValue
    pv_kwh: SlotValue
    gen_kwh: SlotValue
    charge_kwh: SlotValue
    discharge_kwh: SlotValue
    ev_charge_kwh: SlotValue
    ev_discharge_kwh: SlotValue
    heater_kwh: SlotValue


MISSING = SlotValue(None, Quality.MISSING)
NONE_THERE = SlotValue(0.0, Quality.COUNTER)


def slot_series(parts: Energies, circuits_kwh: SlotValue = MISSING) -> dict[str, SlotValue]:
    """All home series of one half-hour [kWh], named as in the store.

    `use = import - export + pv + gen + battery discharge - battery charge + V2H discharge`.
    """
    out = {
        "import_kw": parts.import_kwh,
        "export_kw": parts.export_kwh,
        "pv_kw": parts.pv_kwh,
        "gen_kw": parts.gen_kwh,
        "charge_kw": parts.charge_kwh,
        "discharge_kw": parts.discharge_kwh,
        "ev_charge_kw": parts.ev_charge_kwh,
        "ev_discharge_kw": parts.ev_discharge_kwh,
        "heater_kw": parts.heater_kwh,
        "grid_kw": signed_sum((parts.import_kwh, 1), (parts.export_kwh, -1)),
        "battery_kw": signed_sum((parts.charge_kwh, 1), (parts.discharge_kwh, -1)),
        "ev_kw": signed_sum((parts.ev_charge_kwh, 1), (parts.ev_discharge_kwh, -1)),
    }
    use = signed_sum(
        (parts.import_kwh, 1),
        (parts.export_kwh, -1),
        (parts.pv_kwh, 1),
        (parts.gen_kwh, 1),
        (parts.discharge_kwh, 1),
        (parts.charge_kwh, -1),
        (parts.ev_discharge_kwh, 1),
    )
    if use.value is None and parts.import_kwh.value is None and circuits_kwh.value is not None:
        use = SlotValue(circuits_kwh.value, Quality.ESTIMATE)
    gap = 0.0
    if use.value is not None and use.value < 0:
        gap, use = use.value, SlotValue(0.0, Quality.ESTIMATE)
    out["use_kw"] = use
    out["balance_gap_kw"] = SlotValue(gap, use.quality) if use.value is not None else MISSING
    load = signed_sum((use, 1), (parts.heater_kwh, -1), (parts.ev_charge_kwh, -1))
    out["load_kw"] = _not_below_zero(load)
    out["other_kw"] = _not_below_zero(signed_sum((use, 1), (circuits_kwh, -1)))
    return out


def signed_sum(*terms: tuple[SlotValue, int]) -> SlotValue:
    """A signed sum; missing when one term is missing, else as good as the worst term."""
    amount = 0.0
    quality = Quality.COUNTER
    for term, sign in terms:
        if term.value is None:
            return MISSING
        amount += sign * term.value
        quality = min(quality, term.quality)
    return SlotValue(amount, quality)


def _not_below_zero(given: SlotValue) -> SlotValue:
    if given.value is None or given.value >= 0:
        return given
    return SlotValue(0.0, Quality.ESTIMATE)
