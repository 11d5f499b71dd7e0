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
AT_ONCE = 32_000  # numbers reckoned at once: they stay in the processor's own memory
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
    yen = _present_yen(outcomes, battery, stored_kwh, (actions, ahead))
    best = int(np.argmin(yen))
    if yen[0] - yen[best] < LEAST_GAIN_YEN:
        best = 0
    return Choice(actions[best], actions, tuple(float(x) for x in yen))


def cost_to_go(outcomes: Outcomes, battery: Battery) -> FloatArray:
    """V after the present slot, yen, (scenarios, levels); levels run evenly from empty to full."""
    grid = np.linspace(0.0, battery.capacity_kwh, LEVELS, dtype=np.float32)
    order, groups = _groups(outcomes)
    net_kwh = outcomes.net_kwh[order].T
    value = np.repeat(-outcomes.end_yen_kwh * grid[None], len(order), axis=0).astype(np.float32)
    counts = _mode_counts(outcomes, battery).tolist()
    steps = _Steps(battery, grid, outcomes.slot_h)
    at_once = max(1, AT_ONCE // (len(order) * LEVELS * len(steps.extra_kwh)))
    last = net_kwh.shape[0]
    while last > 1:
        first = max(1, last - at_once)
        span = slice(first, last)
        cost, low, part = steps.of(outcomes, net_kwh[span], span, max(counts[span]))
        for t in range(last - 1, first - 1, -1):
            i, count = t - first, counts[t]
            flat, at = value.ravel(), low[i, :count]
            below, above = flat.take(at), flat[1:].take(at)
            above -= below
            above *= part[i, :count]
            above += below
            above += cost[i, :count]
            value = groups.best(above)
        last = first
    answer = np.empty_like(value)
    answer[order] = value
    return answer


@dataclass(frozen=True, slots=True)
class _Steps:
    """Yen paid and level reached for every mode, scenario and level of some slots."""

    battery: Battery
    grid: FloatArray
    slot_h: float

    @property
    def extra_kwh(self) -> FloatArray:
        """Charged from the grid by mode: follow, wait for a dearer slot, and the charges."""
        shares = np.array((0.0, 0.0, *LATER_CHARGE_SHARES), dtype=np.float32)
        answer: FloatArray = shares * np.float32(self.battery.charge_kw * self.slot_h)
        return answer

    def of(
        self, outcomes: Outcomes, net_kwh: FloatArray, span: slice, modes: int
    ) -> tuple[FloatArray, IntArray, FloatArray]:
        """Yen, place in the flat values, and part of the way to the next: (slots, modes, k, e)."""
        battery, grid = self.battery, self.grid
        net = net_kwh[:, None, :, None]
        most = np.minimum(
            np.float32(battery.charge_kw * self.slot_h),
            (battery.capacity_kwh - grid) / np.float32(battery.charge_efficiency),
        )
        left = np.maximum(grid - battery.reserve_kwh, 0.0) * battery.discharge_efficiency
        least = -np.minimum(np.float32(battery.discharge_kw * self.slot_h), left)
        moved = np.maximum(-net, 0.0) + self.extra_kwh[:modes, None, None]
        moved[:, :1] = -net
        moved = np.minimum(moved, most.astype(np.float32))
        np.maximum(moved[:, :1], least.astype(np.float32), out=moved[:, :1])
        stored = moved * np.float32(battery.charge_efficiency)
        given = moved[:, :1] < 0.0
        np.divide(moved[:, :1], battery.discharge_efficiency, out=stored[:, :1], where=given)
        stored += grid
        stored *= np.float32((LEVELS - 1) / battery.capacity_kwh)
        np.clip(stored, 0.0, LEVELS - 1, out=stored)
        moved += net
        buy, sell = (
            prices[span, None, None, None]
            for prices in (outcomes.buy_yen_kwh, outcomes.sell_yen_kwh)
        )
        yen = np.where(moved > 0.0, moved * buy, moved * sell)
        low = np.minimum(stored.astype(np.int32), LEVELS - 2)
        stored -= low
        low += np.arange(net_kwh.shape[1], dtype=np.int32)[:, None] * LEVELS
        return yen, low, stored


@dataclass(frozen=True, slots=True)
class _Groups:
    """Scenarios that decide as one: where each group begins, weights within it, its members."""

    starts: IntArray
    weight: FloatArray
    member: IntArray

    def best(self, yen: FloatArray) -> FloatArray:
        """The cheapest mode's cost where each group decides as one; `yen` is used up."""
        if len(self.starts) == len(self.member):  # each scenario for itself
            alone: FloatArray = np.minimum.reduce(yen)
            return alone
        yen *= self.weight[:, None]
        mean = np.add.reduceat(yen, self.starts, axis=1)
        answer: FloatArray = np.minimum.reduce(mean)[self.member]
        return answer


def _groups(outcomes: Outcomes) -> tuple[IntArray, _Groups]:
    """Scenarios in order of their coming net load, cut into groups of about equal weight."""
    first = max(1, round(ORDER_BY_H / outcomes.slot_h))
    order = np.argsort(outcomes.net_kwh[:, :first].sum(axis=1), kind="stable").astype(np.int32)
    weight = outcomes.weight[order]
    middle = np.cumsum(weight) - 0.5 * weight
    group = np.minimum((middle / weight.sum() * GROUPS).astype(np.int32), GROUPS - 1)
    _, starts, member = np.unique(group, return_index=True, return_inverse=True)
    share = weight / np.add.reduceat(weight, starts)[member]
    return order, _Groups(
        starts.astype(np.int32), share.astype(np.float32), member.astype(np.int32)
    )


def _mode_counts(outcomes: Outcomes, battery: Battery) -> IntArray:
    """How many of the modes are worth trying in each slot: follow; wait; charge."""
    buy = outcomes.buy_yen_kwh
    later = np.append(np.maximum.accumulate(buy[:0:-1])[::-1], np.float32(-np.inf))
    dearest = np.maximum(later, outcomes.end_yen_kwh)
    round_trip = battery.charge_efficiency * battery.discharge_efficiency
    charges = buy < dearest * round_trip  # else no later price pays for the losses
    counts: IntArray = np.where(charges, 2 + len(LATER_CHARGE_SHARES), np.where(later > buy, 2, 1))
    return counts.astype(np.int32)


def _present_actions(outcomes: Outcomes, battery: Battery) -> tuple[Action, ...]:
    actions = [FOLLOW]
    count = int(_mode_counts(outcomes, battery)[0])
    if count > 1:
        actions.append(SURPLUS)
    if count > 2:
        actions += [Action(Mode.CHARGE, s * battery.charge_kw) for s in NOW_CHARGE_SHARES]
    return tuple(actions)


def _present_yen(
    outcomes: Outcomes,
    battery: Battery,
    stored_kwh: float,
    then: tuple[tuple[Action, ...], FloatArray],
) -> FloatArray:
    """Expected cost of each of the present actions, in their order, with what follows them."""
    actions, ahead = then
    net = outcomes.net_kwh[:, 0]
    surplus = np.maximum(-net, 0.0)
    room = max(battery.capacity_kwh - stored_kwh, 0.0) / battery.charge_efficiency
    most = min(battery.charge_kw * outcomes.slot_h, room)
    extra = np.array([[action.grid_kw * outcomes.slot_h] for action in actions])
    charge = np.minimum(surplus + extra, most)
    left = max(stored_kwh - battery.reserve_kwh, 0.0) * battery.discharge_efficiency
    out = np.zeros_like(charge)
    out[0] = np.minimum(np.maximum(net, 0.0), min(battery.discharge_kw * outcomes.slot_h, left))
    after = stored_kwh + charge * battery.charge_efficiency - out / battery.discharge_efficiency
    place = np.clip(after * ((LEVELS - 1) / battery.capacity_kwh), 0.0, LEVELS - 1)
    low = np.minimum(place.astype(np.int32), LEVELS - 2)
    rows = np.arange(len(net))
    later = ahead[rows, low] + (place - low) * (ahead[rows, low + 1] - ahead[rows, low])
    grid = net + charge - out
    now = np.where(grid > 0.0, grid * outcomes.buy_yen_kwh[0], grid * outcomes.sell_yen_kwh[0])
    answer: FloatArray = (now + later) @ outcomes.weight / outcomes.weight.sum()
    return answer
