"""What each asset was told last: whether to tell it again, and whether somebody else did."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from hidamari.core.time import from_unix
from hidamari.devices.battery import Battery, Working
from hidamari.devices.common import Common
from hidamari.devices.ev_charger import ChargerMode, EvCharger
from hidamari.devices.v2h import CarMode, V2h
from hidamari.devices.water_heater import Heating, WaterHeater
from hidamari.devices.wish import Mode, Wish
from hidamari.echonet.frame import Property
from hidamari.home.arbiter import Settled
from hidamari.home.sending import Outcome

# Amounts count down and powers are rounded by the device: reading them back proves nothing.
UNPROVEN = {
    "battery": frozenset({0xAA, 0xAB, 0xEB, 0xEC}),
    "v2h": frozenset({0xE7, 0xEA, 0xEB, 0xEC}),
    "ev_charger": frozenset({0xE7, 0xEB, 0xED}),
    "water_heater": frozenset[int](),
}
# Without one of these among the properties a forced charge or discharge would have no end.
AMOUNTS = {"battery": (0xAA, 0xAB), "v2h": (0xE7, 0xEA), "ev_charger": (0xE7,)}
MODE_EPC = {"battery": 0xDA, "v2h": 0xDA, "ev_charger": 0xDA, "water_heater": 0xB0}
FORCED: frozenset[Mode] = frozenset({"charge", "discharge"})
KW_APART = 0.6  # a forced power is not told anew for less: surplus comes and goes
RETRY_FIRST, RETRY_LONGEST = timedelta(minutes=1), timedelta(minutes=15)
REFUSED_FOR = timedelta(minutes=30)
READ_AFTER_S = 20.0  # an older reading may have been under way when we commanded


@dataclass(frozen=True, slots=True)
class Order:
    """The last command to an asset and what became of it; `shown` is hex by EPC."""

    mode: Mode
    by: str
    kw: float | None
    energy_kwh: float | None
    start_h: int | None
    until_unix_s: float
    at_unix_s: float
    outcome: str
    shown: Mapping[str, str]
    code: str = ""
    tries: int = 1

    @property
    def at(self) -> datetime:
        """When it was sent."""
        return from_unix(self.at_unix_s)

    @property
    def until(self) -> datetime:
        """Until when it was wanted."""
        return from_unix(self.until_unix_s)

    @property
    def is_done(self) -> bool:
        """Whether the device was seen to follow it."""
        return self.outcome == Outcome.CONFIRMED


def orders_from(raw: bytes | None) -> dict[str, Order]:
    """Read what `orders_to` wrote; nothing, or nothing readable, is no orders."""
    if not raw:
        return {}
    try:
        return {asset: Order(**row) for asset, row in json.loads(raw).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def orders_to(orders: Mapping[str, Order]) -> bytes:
    """All orders for the store."""
    return json.dumps({asset: asdict(order) for asset, order in orders.items()}).encode()


def properties_for(device: Common, wish: Wish) -> list[Property]:
    """What to send; nothing where a forced charge could not be given an amount."""
    found = device.commands(wish)
    amounts = AMOUNTS.get(device.kind)
    if wish.mode in FORCED and amounts is not None:
        told = {one.epc for one in found}
        wanted = amounts[0] if wish.mode == "charge" or len(amounts) == 1 else amounts[1]
        if wanted not in told:
            return []
    return found


def shown_epcs(kind: str, properties: list[Property]) -> frozenset[int]:
    """The properties whose reading proves a command."""
    return frozenset(one.epc for one in properties) - UNPROVEN.get(kind, frozenset())


def is_due(
    order: Order | None, settled: Settled, device: Common, properties: list[Property], now: datetime
) -> bool:
    """Whether an asset has to be told: the wish is another one, or the device does not show it."""
    if not properties:
        return False
    if order is not None and not order.is_done and same_wish(order, settled):
        return now >= order.at + pause_after(order)
    if settled.mode in FORCED and device.kind in AMOUNTS:
        if order is None or not same_wish(order, settled):
            return True
        return order.until != settled.until
    shown = shown_epcs(device.kind, properties)
    wanted = {one.epc: one.edt for one in properties}
    return any(device.raw.get(epc) != wanted[epc] for epc in shown)


def same_wish(order: Order, settled: Settled) -> bool:
    """Whether what is wanted is what was told."""
    if (order.mode, order.start_h) != (settled.mode, settled.start_h):
        return False
    if settled.mode not in FORCED:
        return True
    if settled.kw is None or order.kw is None:
        return settled.kw == order.kw
    return abs(settled.kw - order.kw) < KW_APART


def pause_after(order: Order) -> timedelta:
    """How long to wait before a command that did not show is sent again."""
    if order.outcome == Outcome.REFUSED:
        return REFUSED_FOR
    doubled: timedelta = RETRY_FIRST * (1 << min(max(order.tries, 1) - 1, 10))
    return min(doubled, RETRY_LONGEST)


def done_by_itself(order: Order, device: Common) -> Order | None:
    """The order as it stands after the device ended it as the standard says; None = it did not.

    An amount that has passed leaves a battery or a car standing by, a full tank leaves its heater
    in its own mode.
    """
    if isinstance(device, Battery):
        ended = device.mode is Working.STANDBY
    elif isinstance(device, V2h):
        ended = device.mode in (CarMode.STANDBY, CarMode.IDLE)
    elif isinstance(device, EvCharger):
        ended = device.mode in (ChargerMode.STANDBY, ChargerMode.IDLE)
    elif isinstance(device, WaterHeater):
        is_run_over = order.mode == "surplus" and not device.shift_h
        ended = device.heating is Heating.AUTO and (order.mode == "charge" or is_run_over)
    else:
        ended = False
    if not ended or (order.mode not in FORCED and order.mode != "surplus"):
        return None
    shown = {f"{e:02X}": edt.hex() for e, edt in device.raw.items() if f"{e:02X}" in order.shown}
    return replace(order, shown=shown)


def foreign_mode(order: Order, device: Common) -> str | None:
    """The mode that somebody else told the device, in its own word; None = it is as we told it."""
    epc = MODE_EPC.get(device.kind)
    if epc is None or not order.is_done:
        return None
    ours, now = order.shown.get(f"{epc:02X}"), device.raw.get(epc)
    if ours is None or now is None or now.hex() == ours:
        return None
    prop = device.props.get(epc)
    value = prop.decode(now, device) if prop is not None else None
    name = getattr(value, "name", None)
    return str(name).lower() if name is not None else now.hex()
