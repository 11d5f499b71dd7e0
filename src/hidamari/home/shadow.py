"""The plan's accounts beside two simple rules, half-hour by half-hour, across restarts."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hidamari.core.time import SLOT_S
from hidamari.plan.battery import Action, Battery, Mode
from hidamari.plan.floor import NAMES, Floor, SlotPrices
from hidamari.plan.ladder import Plan, Rung
from hidamari.plan.reasons import Code, Reason
from hidamari.store.db import Store

KEY = "plan_floor"
SLOT_H = 0.5
SLOT = timedelta(seconds=SLOT_S)


@dataclass(frozen=True, slots=True)
class Begun:
    """What the plan wanted of the battery in a half-hour, and what a kWh cost then."""

    start: datetime
    planned: Action
    prices: SlotPrices


class Shadow:
    """Keeps the accounts of the main battery; a rule takes over where the plan runs behind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._floor: Floor | None = None
        self._begun: Begun | None = None

    @property
    def active(self) -> str | None:
        """The rule that has taken over, or None."""
        return self._floor.active if self._floor is not None else None

    def decides_on(self, battery: Battery, stored_kwh: float) -> float:
        """The charge that the plan decides on: the real one, unless a rule has the battery."""
        return self._known(battery).shadow_kwh(stored_kwh)

    def account(self, at: datetime, net_kwh: float | None) -> None:
        """The half-hour before `at` is over; without its energy it is left out."""
        begun, self._begun = self._begun, None
        if begun is None or self._floor is None or begun.start + SLOT != at or net_kwh is None:
            return
        self._floor.account(begun.planned, net_kwh, begun.prices)
        self._keep()

    def settle(self, plan: Plan, main: str, at: datetime, prices: SlotPrices) -> Plan:
        """The plan, or the rule in force instead of its first order to the main battery."""
        told = next((one for one in plan.told[0] if one.asset == main), None)
        if told is None or self._floor is None or plan.rung > Rung.MEAN:
            return plan
        self._begun = Begun(at, told.action, prices)
        action = self._floor.settle(told.action, prices.is_cheapest)
        if action == told.action:
            return plan
        numbers = {
            "behind_yen": self._floor.cost_yen["plan"]
            - min(self._floor.cost_yen[name] for name in NAMES if name != "plan")
        }
        kwh = action.grid_kw * SLOT_H if action.mode is Mode.CHARGE else 0.0
        ruled = replace(told, action=action, energy_kwh=kwh, reason=Reason(Code.FLOOR, numbers))
        first = tuple(ruled if one.asset == main else one for one in plan.told[0])
        return replace(plan, told=(first, *plan.told[1:]))

    def _known(self, battery: Battery) -> Floor:
        if self._floor is None:
            self._floor = self._read(battery)
        self._floor.battery = battery
        return self._floor

    def _keep(self) -> None:
        floor = self._floor
        if floor is not None:
            row = {"stored": floor.stored_kwh, "cost": floor.cost_yen, "active": floor.active}
            self._store.put_kv(KEY, json.dumps(row).encode())

    def _read(self, battery: Battery) -> Floor:
        floor = Floor(battery, SLOT_H)
        raw = self._store.get_kv(KEY)
        if not raw:
            return floor
        try:
            row = json.loads(raw)
            floor.stored_kwh = {name: float(row["stored"][name]) for name in NAMES}
            floor.cost_yen = {name: float(row["cost"][name]) for name in NAMES}
            floor.active = row["active"] if row["active"] in NAMES else None
        except (ValueError, TypeError, KeyError):
            return Floor(battery, SLOT_H)  # accounts that cannot be read begin anew
        return floor
