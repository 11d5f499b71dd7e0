"""The battery's mode of the present slot, by expected cost over scenarios of the home's own errors.

Backwards over the horizon, the cost to go V[k, e] of scenario k with stored energy e obeys

    V_t[k, e] = min over modes a of mean over k' in group(k) of c_t(k', e, a) + V_t+1[k', e'(a)]

where the modes are the actions themselves (follow, surplus only, charge at a power), so what is
optimised is what the device will do whatever comes. Scenarios of one group share their decisions:
one group means nothing is ever learned, one scenario a group means all is known from the next slot
on; six groups of thirty scenarios stand in for what the day will reveal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidamari.plan.battery import FOLLOW, SURPLUS, Action, Battery, Mode

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

LEVELS = 41
GROUPS = 6
LATER_CHARGE_SHARES = (0.25, 0.5, 0.75, 1.0)  # of the charging power, in later slots
NOW_CHARGE_SHARES = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)  # in the present slot
ORDER_BY_H = 20.0  # scenarios are grouped by their net load over this time
LEAST_GAIN_YEN = 0.05  # below this the mode stays self-consumption


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What may come: net load kWh (scenarios, slots), weights adding up to 1, prices (slots,)."""

    net_kwh: FloatArray
    weight: FloatArray
    buy_yen_kwh: FloatArray
    sell_yen_kwh: FloatArray
    slot_h: float
    end_yen_kwh: float  # worth of a stored kWh at the end of the horizon


@dataclass(frozen=True, slots=True)
class Choice:
    """The mode chosen, and what every mode costs from now to the end of the horizon, in yen."""

    action: Action
    actions: tuple[Action, ...]
    mean_yen: tuple[float, ...]

    @property
    def next_best_yen(self) -> float:
        """How much dearer the best other kind of mode is than the chosen one."""
        others = [
            yen
            for action, yen in zip(self.actions, self.mean_yen, strict=True)
            if action.mode is not self.action.mode
        ]
        return min(others) - self.yen if others else 0.0

    @property
    def yen(self) -> float:
        """Expected cost of the chosen mode."""
        return self.mean_yen[self.actions.index(self.action)]


def choose(outcomes: Outcomes, battery: Battery, stored_kwh: float) -> Choice:
    """The mode with the least expected cost; self-consumption unless another one gains."""
    actions = _present_actions(outcomes, battery)
    if len(actions) == 1:
        return Choice(FOLLOW, (FOLLOW,), (0.0,))
    ahead = cost_to_go(outcomes, battery)
    yen = np.array([_present_cost(outcomes, battery, stored_kwh, a, ahead) for a in actions])
    best = int(np.argmin(yen))
    if yen[0] - yen[best] < LEAST_GAIN_YEN:
        best = 0
    return Choice(actions[best], actions, tuple(float(x) for x in yen))


def cost_to_go(outcomes: Outcomes, battery: Battery) -> FloatArray:
    """V after the present slot, yen, (scenarios, levels); levels run evenly from empty to full."""
    grid = np.linspace(0.0, battery.capacity_kwh, LEVELS, dtype=np.float32)
    order, groups = _groups(outcomes)
    net_kwh = outcomes.net_kwh[order]
    value = np.repeat(-outcomes.end_yen_kwh * grid[None], len(order), axis=0).astype(np.float32)
    steps = _Steps(battery, grid, outcomes.slot_h)
    base = (np.arange(len(order), dtype=np.int32) * LEVELS)[:, None]
    for t in range(net_kwh.shape[1] - 1, 0, -1):
        shares = _useful_charges(outcomes, battery, t)
        cost, place = steps.of(net_kwh[:, t], shares, _may_wait(outcomes, t))
        x = np.where(cost > 0.0, cost * outcomes.buy_yen_kwh[t], cost * outcomes.sell_yen_kwh[t])
        low = np.minimum(place.astype(np.int32), LEVELS - 2)
        part = place - low
        at = low + base
        flat = value.ravel()
        below = flat.take(at)
        x += below + part * (flat.take(at + 1) - below)
        value = _best(x, groups)
    answer = np.empty_like(value)
    answer[order] = value
    return answer


@dataclass(frozen=True, slots=True)
class _Steps:
    """Grid import and level reached for every mode, scenario and level of one slot."""

    battery: Battery
    grid: FloatArray
    slot_h: float

    def of(
        self, net_kwh: FloatArray, shares: tuple[float, ...], may_wait: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Net import kWh and place on the grid, (modes, scenarios, levels)."""
        battery, grid = self.battery, self.grid
        net = net_kwh[:, None]
        surplus = np.maximum(-net, 0.0)
        most = np.minimum(
            np.float32(battery.charge_kw * self.slot_h),
            (battery.capacity_kwh - grid) / battery.charge_efficiency,
        )[None]
        left = np.maximum(grid - battery.reserve_kwh, 0.0) * battery.discharge_efficiency
        charge = np.minimum(surplus, most)
        out = np.minimum(
            np.minimum(np.maximum(net, 0.0), np.float32(battery.discharge_kw * self.slot_h)),
            left[None],
        )
        count = 1 + int(may_wait) + len(shares)
        moved = np.empty((count, *charge.shape), dtype=np.float32)
        stored = np.empty_like(moved)
        moved[0] = charge - out
        stored[0] = charge * battery.charge_efficiency - out / battery.discharge_efficiency
        if may_wait:
            moved[1] = charge
        for i, share in enumerate(shares, start=count - len(shares)):
            np.minimum(surplus + share * battery.charge_kw * self.slot_h, most, out=moved[i])
        stored[1:] = moved[1:] * battery.charge_efficiency
        per_level = (LEVELS - 1) / battery.capacity_kwh
        return net + moved, np.clip((stored + grid) * per_level, 0.0, LEVELS - 1)


def _best(x: FloatArray, groups: list[tuple[slice, FloatArray]]) -> FloatArray:
    """The cheapest mode's cost where each group decides as one."""
    value = np.empty(x.shape[1:], dtype=np.float32)
    for part, weight in groups:
        mean = np.einsum("akg,k->ag", x[:, part], weight)
        value[part] = mean.min(axis=0)
    return value


def _groups(outcomes: Outcomes) -> tuple[IntArray, list[tuple[slice, FloatArray]]]:
    """Scenarios in order of their coming net load, cut into groups of about equal weight."""
    first = max(1, round(ORDER_BY_H / outcomes.slot_h))
    order = np.argsort(outcomes.net_kwh[:, :first].sum(axis=1), kind="stable").astype(np.int32)
    weight = outcomes.weight[order]
    middle = np.cumsum(weight) - 0.5 * weight
    group = np.minimum((middle / weight.sum() * GROUPS).astype(np.int32), GROUPS - 1)
    groups = []
    for g in np.unique(group):
        inside = np.flatnonzero(group == g)
        part = slice(int(inside[0]), int(inside[-1]) + 1)
        groups.append((part, (weight[part] / weight[part].sum()).astype(np.float32)))
    return order, groups


def _useful_charges(outcomes: Outcomes, battery: Battery, t: int) -> tuple[float, ...]:
    """Charging powers worth trying: none where no later price pays for the losses."""
    later = outcomes.buy_yen_kwh[t + 1 :]
    dearest = max(float(later.max()) if later.size else 0.0, outcomes.end_yen_kwh)
    round_trip = battery.charge_efficiency * battery.discharge_efficiency
    if float(outcomes.buy_yen_kwh[t]) >= dearest * round_trip:
        return ()
    return LATER_CHARGE_SHARES


def _may_wait(outcomes: Outcomes, t: int) -> bool:
    """Whether keeping energy for later can pay: some later price is higher."""
    later = outcomes.buy_yen_kwh[t + 1 :]
    return bool(later.size and float(later.max()) > float(outcomes.buy_yen_kwh[t]))


def _present_actions(outcomes: Outcomes, battery: Battery) -> tuple[Action, ...]:
    actions = [FOLLOW]
    if _may_wait(outcomes, 0):
        actions.append(SURPLUS)
    if _useful_charges(outcomes, battery, 0):
        actions += [Action(Mode.CHARGE, s * battery.charge_kw) for s in NOW_CHARGE_SHARES]
    return tuple(actions)


def _present_cost(
    outcomes: Outcomes, battery: Battery, stored_kwh: float, action: Action, ahead: FloatArray
) -> float:
    net = outcomes.net_kwh[:, 0]
    surplus = np.maximum(-net, 0.0)
    room = max(battery.capacity_kwh - stored_kwh, 0.0) / battery.charge_efficiency
    most = min(battery.charge_kw * outcomes.slot_h, room)
    charge = np.minimum(surplus, most)
    out = np.zeros_like(net)
    if action.mode is Mode.FOLLOW:
        left = max(stored_kwh - battery.reserve_kwh, 0.0) * battery.discharge_efficiency
        out = np.minimum(np.maximum(net, 0.0), min(battery.discharge_kw * outcomes.slot_h, left))
    elif action.mode is Mode.CHARGE:
        charge = np.minimum(surplus + action.grid_kw * outcomes.slot_h, most)
    after = stored_kwh + charge * battery.charge_efficiency - out / battery.discharge_efficiency
    place = np.clip(after * ((LEVELS - 1) / battery.capacity_kwh), 0.0, LEVELS - 1)
    low = np.minimum(place.astype(np.int32), LEVELS - 2)
    rows = np.arange(len(net))
    later = ahead[rows, low] + (place - low) * (ahead[rows, low + 1] - ahead[rows, low])
    grid = net + charge - out
    now = np.where(grid > 0.0, grid * outcomes.buy_yen_kwh[0], grid * outcomes.sell_yen_kwh[0])
    return float((now + later) @ outcomes.weight / outcomes.weight.sum())
