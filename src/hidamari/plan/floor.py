"""Never worse than a rule: shadow accounts of self-consumption and night filling beside the plan.

Each slot three batteries are moved with what really happened: the plan's, one that only follows the
house, one that is filled at the cheap price every night. Where the plan has lately cost clearly
more than the better rule, that rule is carried out until the plan, still kept in its shadow, has
caught up.
"""

from dataclasses import dataclass, field

from hidamari.plan.battery import FOLLOW, Action, Battery, Mode, move

MEMORY_DAYS = 14.0
PATIENCE_YEN = 60.0  # how much worse the plan may run before a rule takes over
NAMES = ("plan", "follow", "night")


@dataclass(frozen=True, slots=True)
class SlotPrices:
    """Yen per kWh in the slot that ended, and whether it is one of the cheapest of its day."""

    buy_yen_kwh: float
    sell_yen_kwh: float
    is_cheapest: bool


@dataclass(slots=True)
class Floor:
    """Accounts of one home's battery; `active` names the rule that has taken over, or None."""

    battery: Battery
    slot_h: float
    stored_kwh: dict[str, float] = field(default_factory=lambda: dict.fromkeys(NAMES, 0.0))
    cost_yen: dict[str, float] = field(default_factory=lambda: dict.fromkeys(NAMES, 0.0))
    active: str | None = None

    def shadow_kwh(self, stored_kwh: float) -> float:
        """The charge the plan decides on: the real one, unless a rule has the battery."""
        if self.active is None:
            self.stored_kwh["plan"] = stored_kwh
        return self.stored_kwh["plan"]

    def settle(self, planned: Action, is_cheapest: bool) -> Action:
        """What is carried out: the plan, or the rule that has taken over."""
        if self.active is None:
            return planned
        return self._rule(self.active, is_cheapest)

    def account(self, planned: Action, net_kwh: float, prices: SlotPrices) -> None:
        """Enter what each of the three would have paid in the slot that ended."""
        fade = 1.0 - self.slot_h / (24.0 * MEMORY_DAYS)
        for name in NAMES:
            action = planned if name == "plan" else self._rule(name, prices.is_cheapest)
            done = move(self.battery, self.stored_kwh[name], net_kwh, action, self.slot_h)
            grid = net_kwh + done.charge_kwh - done.discharge_kwh
            price = prices.buy_yen_kwh if grid > 0.0 else prices.sell_yen_kwh
            # energy that was put in and is still there is not lost
            gained = done.stored_kwh - self.stored_kwh[name]
            worth = gained * self.battery.discharge_efficiency * self.worth_yen_kwh(prices)
            self.cost_yen[name] = self.cost_yen[name] * fade + grid * price - worth
            self.stored_kwh[name] = done.stored_kwh
        self._decide()

    @staticmethod
    def worth_yen_kwh(prices: SlotPrices) -> float:
        """What a stored kWh is taken to be worth: the selling price, which it gave up at least."""
        return prices.sell_yen_kwh

    def _rule(self, name: str, is_cheapest: bool) -> Action:
        if name == "night" and is_cheapest:
            return Action(Mode.CHARGE, self.battery.charge_kw)
        return FOLLOW

    def _decide(self) -> None:
        best = min(("follow", "night"), key=lambda name: self.cost_yen[name])
        behind_yen = self.cost_yen["plan"] - self.cost_yen[best]
        if self.active is None and behind_yen > PATIENCE_YEN:
            self.active = best
        elif self.active is not None:
            self.active = best if behind_yen > 0.0 else None
