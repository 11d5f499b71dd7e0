"""A plan that runs behind a simple rule gives way to it, says so, and comes back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hidamari.home.shadow import KEY, Shadow
from hidamari.plan.battery import FOLLOW, Action, Battery, Mode
from hidamari.plan.floor import SlotPrices
from hidamari.plan.ladder import Plan, Rung, Told
from hidamari.plan.reasons import Code, Reason
from hidamari.store.db import Store

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BATTERY = Battery(10.0, 4.0, 4.0, 1.0, 1.0)
DEAR, CHEAP = SlotPrices(40.0, 8.0, is_cheapest=False), SlotPrices(20.0, 8.0, is_cheapest=True)


def plan(at: datetime, action: Action, rung: Rung = Rung.SCENARIOS) -> Plan:
    told = Told("battery", action, 0.0, Reason(Code.COVER_USE))
    return Plan(at, (at,), ((told,),), rung)


def test_a_bad_plan_gives_way_and_the_accounts_outlive_a_restart(tmp_path: Path):
    """The plan keeps a full battery while 1 kWh a half-hour is bought at 40 yen.

    Following the house saves 40 - 8 = 32 yen in each (what is left in the battery counts with the
    selling price), so the third half-hour is more than 60 yen behind.
    """
    store = Store.open(tmp_path, NOW, ballast_bytes=0)
    try:
        shadow = Shadow(store)
        assert shadow.decides_on(BATTERY, 8.0) == 8.0
        floor = shadow._floor
        assert floor is not None
        floor.stored_kwh = {"plan": 8.0, "follow": 8.0, "night": 8.0}
        codes = []
        for i in range(4):
            at = NOW + timedelta(minutes=30 * i)
            shadow.account(at, 1.0)
            found = shadow.settle(plan(at, Action(Mode.HOLD)), "battery", at, DEAR)
            codes.append(found.told[0][0].reason.code)
        assert codes == [Code.COVER_USE, Code.COVER_USE, Code.FLOOR, Code.FLOOR]
        assert found.told[0][0].action == FOLLOW
        assert found.told[0][0].reason.numbers["behind_yen"] == pytest.approx(96.0, abs=1.0)
        again = Shadow(store)
        again.decides_on(BATTERY, 8.0)
        assert again.active == "follow"
    finally:
        store.close()


def test_a_half_hour_nobody_measured_is_left_out(tmp_path: Path):
    store = Store.open(tmp_path, NOW, ballast_bytes=0)
    try:
        shadow = Shadow(store)
        shadow.decides_on(BATTERY, 8.0)
        shadow.settle(plan(NOW, Action(Mode.HOLD)), "battery", NOW, DEAR)
        shadow.account(NOW + timedelta(minutes=30), None)
        shadow.settle(plan(NOW, Action(Mode.HOLD)), "battery", NOW, DEAR)
        shadow.account(NOW + timedelta(hours=3), 1.0)  # not the half-hour that was begun
        assert store.get_kv(KEY) is None
    finally:
        store.close()


def test_accounts_that_cannot_be_read_begin_anew(tmp_path: Path):
    store = Store.open(tmp_path, NOW, ballast_bytes=0)
    try:
        store.put_kv(KEY, b'{"stored": 7}')
        shadow = Shadow(store)
        assert shadow.decides_on(BATTERY, 3.0) == 3.0
        assert shadow.active is None
    finally:
        store.close()


def test_a_rule_of_the_ladder_is_not_judged(tmp_path: Path):
    store = Store.open(tmp_path, NOW, ballast_bytes=0)
    try:
        shadow = Shadow(store)
        shadow.decides_on(BATTERY, 3.0)
        given = plan(NOW, FOLLOW, Rung.RULE)
        assert shadow.settle(given, "battery", NOW, CHEAP) is given
    finally:
        store.close()
