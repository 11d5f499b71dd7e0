"""What is happening in the house, as the one sentence of the main screen: a code with numbers."""

from collections.abc import Mapping

QUIET_KW = 0.02  # less is nothing for people
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
    charges, feeds = battery_kw > small_kw, battery_kw < -small_kw
    if made_kw > small_kw:
        found = _with_sun(buys, sells, charges, feeds)
        if found:
            return found
    if feeds:
        return "battery_buy" if buys else "battery_covers"
    if ev_kw < -small_kw and not buys:
        return "car_covers"
    if charges:
        return "buy_charges"
    return "buy_car" if ev_kw > small_kw else "buy_only"


def _with_sun(buys: bool, sells: bool, charges: bool, feeds: bool) -> str:
    if feeds:
        return "solar_battery_buy" if buys else "solar_battery"
    if buys:
        return "" if charges else "solar_buy"
    return "solar_covers" + ("_charges" if charges else "") + ("_sells" if sells else "")
