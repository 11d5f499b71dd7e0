"""What is happening in the house, as the one sentence of the main screen: a code with numbers."""

from collections.abc import Mapping

QUIET_KW = 0.05  # less is nothing for people: it reads 0.0 kW
SMALL_SHARE = 0.08  # of the use: the battery's own hunting around zero


def sentence_code(kw: Mapping[str, float | None]) -> str:
    """The code for the eight powers of the house bus (positive = drawn from it), kW."""
    use_kw, grid_kw = kw["use_kw"], kw["grid_kw"]
    if use_kw is None or grid_kw is None:
        # Parts the home has not are zero and tell nothing.
        return "partly" if any(kw.values()) else "nothing_yet"
    small_kw = max(2.0 * QUIET_KW, SMALL_SHARE * use_kw)
    battery_kw, ev_kw = kw["battery_kw"] or 0.0, kw["ev_kw"] or 0.0
    made_kw = (kw["pv_kw"] or 0.0) + (kw["gen_kw"] or 0.0)
    buys, sells = grid_kw > small_kw, grid_kw < -small_kw
    charges = battery_kw > small_kw
    giver = _giver(battery_kw, ev_kw, small_kw)
    if made_kw > small_kw:
        found = _with_sun(buys, sells, charges, giver)
        if found:
            return found
    if giver:
        return f"{giver}_buy" if buys else f"{giver}_covers"
    if charges:
        return "buy_charges"
    return "buy_car" if ev_kw > small_kw else "buy_only"


def _giver(battery_kw: float, ev_kw: float, small_kw: float) -> str:
    """The store that feeds the house, of two the one that gives more."""
    if min(battery_kw, ev_kw) >= -small_kw:
        return ""
    return "battery" if battery_kw <= ev_kw else "car"


def _with_sun(buys: bool, sells: bool, charges: bool, giver: str) -> str:
    if giver:
        return f"solar_{giver}_buy" if buys else f"solar_{giver}"
    if buys:
        return "" if charges else "solar_buy"
    return "solar_covers" + ("_charges" if charges else "") + ("_sells" if sells else "")
