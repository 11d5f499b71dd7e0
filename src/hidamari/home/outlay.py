"""What the coming day and a half will cost with the plan and without it, and how sure that is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from hidamari.forecast.series import weighted_mean, weighted_quantile
from hidamari.home.decide import flows
from hidamari.home.planning import Made, powers_of_others
from hidamari.plan.battery import FOLLOW, Action, Battery, Mode
from hidamari.plan.parts.storage import Storage
from hidamari.store.pack import FloatArray

SLOT_H = 0.5
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Outlay:
    """Bought less sold, less what is stored at the end, over the horizon: mean and 10 to 90 %.

    `without`: the battery only follows the house, heater and car at their usual hours.
    """

    start: datetime
    end: datetime
    plan_yen: float
    low_yen: float
    high_yen: float
    without_yen: float
    saving_low_yen: float
    saving_high_yen: float

    @property
    def saving_yen(self) -> float:
        """How much less the plan costs."""
        return self.without_yen - self.plan_yen


def outlay_of(made: Made) -> Outlay | None:
    """The cost of a plan over the scenarios; None where it has no flows to count."""
    home, facts = flows(made.plan), made.facts
    if home is None:
        return None
    count = home.horizon.count
    main = next((a for a in made.ask.request.assets if a.key == made.ask.main), None)
    storage = main if isinstance(main, Storage) else None
    others = powers_of_others(home, {made.ask.main or ""}, SLOT_H)
    outcomes = made.ask.outcomes
    net = facts.outlook.net_kwh if outcomes is None else outcomes.net_kwh
    base = np.asarray(net[:, :count], dtype=np.float64)
    actions = [
        next((t.action for t in orders if t.asset == made.ask.main), FOLLOW)
        for orders in made.plan.told
    ]
    buy, sell = facts.prices.marginal_yen_kwh[:count], facts.prices.sell_yen_kwh[:count]
    share = float(home.horizon.step_h[0]) / SLOT_H
    runs = []
    for grid_net, told in (
        (base + others, actions),
        (base + others, [FOLLOW] * count),
        (base + _usual(made, others), [FOLLOW] * count),
    ):
        moved, left = _moved(storage, grid_net, told)
        grid = grid_net + moved
        yen = np.where(grid > 0.0, grid * buy, grid * sell)
        yen[:, 0] *= share
        runs.append((yen.sum(axis=1) - left * _end_yen_kwh(made))[:, None])
    weight = np.asarray(facts.outlook.weight, dtype=np.float64)
    planned, follows, without = runs
    # The modes ahead are chosen anew each half-hour, with what is known then: never dearer in the
    # mean than only following the house.
    ours = planned if _mean(planned, weight) < _mean(follows, weight) else follows
    saving = without - ours
    return Outlay(
        made.ask.now,
        made.ask.now + timedelta(hours=float(home.horizon.end_h[-1])),
        _mean(ours, weight),
        _quantile(ours, weight, LOW),
        _quantile(ours, weight, HIGH),
        _mean(without, weight),
        _quantile(saving, weight, LOW),
        _quantile(saving, weight, HIGH),
    )


def _moved(
    storage: Storage | None, net_kwh: FloatArray, told: list[Action]
) -> tuple[FloatArray, FloatArray]:
    """What the battery adds to each half-hour of each scenario, and what it holds at the end."""
    moved = np.zeros_like(net_kwh)
    if storage is None:
        return moved, np.zeros(len(net_kwh))
    stored = np.full(len(net_kwh), storage.stored_kwh)
    for t, action in enumerate(told):
        moved[:, t], stored = _move_all(storage.battery, stored, net_kwh[:, t], action)
    return moved, stored


def _move_all(
    battery: Battery, stored_kwh: FloatArray, net_kwh: FloatArray, action: Action
) -> tuple[FloatArray, FloatArray]:
    """`plan.battery.move` for all scenarios at once: what is drawn, and what is stored then."""
    into, out = battery.charge_efficiency, battery.discharge_efficiency
    most = np.minimum(
        battery.charge_kw * SLOT_H, np.maximum(battery.capacity_kwh - stored_kwh, 0.0) / into
    )
    surplus = np.maximum(-net_kwh, 0.0)
    charge = np.zeros_like(net_kwh) if action.mode is Mode.HOLD else np.minimum(surplus, most)
    discharge = np.zeros_like(net_kwh)
    if action.mode is Mode.CHARGE:
        charge = np.minimum(action.grid_kw * SLOT_H + surplus, most)
    elif action.mode in (Mode.FOLLOW, Mode.AUTO):
        left = np.maximum(stored_kwh - battery.reserve_kwh, 0.0) * out
        wanted = np.minimum(np.maximum(net_kwh, 0.0), battery.discharge_kw * SLOT_H)
        discharge = np.minimum(wanted, left)
    after = np.clip(stored_kwh + into * charge - discharge / out, 0.0, battery.capacity_kwh)
    return charge - discharge, after


def _usual(made: Made, others: FloatArray) -> FloatArray:
    """The other assets at their usual hours, with as much energy as the plan gives them."""
    place = np.minimum((made.ask.hour * 2.0 + 1e-6).astype(int), 47)
    total = np.zeros(len(others))
    for asset in made.facts.assets:
        if asset.id != made.ask.main and asset.id in made.facts.usual_kwh:
            total += np.maximum(made.facts.usual_kwh[asset.id][place[: len(others)]], 0.0)
    planned, usual = float(others.sum()), float(total.sum())
    if usual < 0.1 or planned < 0.1:
        return others
    return total * (planned / usual)


def _end_yen_kwh(made: Made) -> float:
    return made.ask.outcomes.end_yen_kwh if made.ask.outcomes is not None else 0.0


def _mean(values: FloatArray, weight: FloatArray) -> float:
    return float(weighted_mean(values, weight)[0])


def _quantile(values: FloatArray, weight: FloatArray, q: float) -> float:
    return float(weighted_quantile(values, weight, q)[0])
