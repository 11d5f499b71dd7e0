"""T8: a whole home lives through random faults; every seed replays exactly.

`SEED=5 DAYS=30 pytest tests/whole/test_seeds.py` lives thirty days of seed 5. Without them three
seeds live half a day at the usual pace, by night or by day, and five days with values asked
every five minutes: faults come as often, the rest of the home has less to do.
"""

import os
from datetime import timedelta

import pytest
from tests.whole.loop import run
from tests.whole.storm import Storm
from tests.whole.street import MIDNIGHT, a_street

from hidamari.sim.fleet import DEVICES

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else [1, 2, 3]
DAYS = float(os.environ.get("DAYS", "5"))
AT_USUAL_PACE = 0.5
LIVE_S = 300  # of the setting network.live_s
CALM_MIN = 70  # at the end everything is back, so that late counters can be laid out
LATE = timedelta(minutes=20)  # the last half-hour may still wait for a slow counter
EVENTS_A_DAY = 200


async def lived(
    seed: int, start_h: int, days: float, live_s: int = 10
) -> tuple[list[str], tuple[int, int]]:
    """What has broken, and how many datagrams and events there were."""
    start = MIDNIGHT + timedelta(hours=start_h)
    async with a_street(
        seed=7 + seed, start=start - timedelta(minutes=10), past=live_s > 10, live_s=live_s
    ) as street:
        storm = Storm(street, 1000 * seed + start_h)
        await street.switch_on()
        await street.until(start)
        ids = {device.key: street.id_of(device.key) for device in DEVICES}
        await storm.blow(start + timedelta(days=days))
        storm.remember(60)
        street.home.search(start=True)
        for _ in range(CALM_MIN):
            await storm.sleep(60.0)
        slots = int((street.clock.true() - start - LATE) / timedelta(minutes=30))
        broken = storm.check(start, slots)
        if {device.key: street.id_of(device.key) for device in DEVICES} != ids:
            broken.append("a device has lost its name")
        if len(street.home.house.devices) != len(DEVICES):
            broken.append(f"{len(street.home.house.devices)} devices, {len(DEVICES)} expected")
        codes = street.codes()
        if len(codes) > EVENTS_A_DAY * max(1.0, days):
            broken.append(f"{len(codes)} events")
        if "part_fails" in codes:
            broken.append("a part of the controller has failed")
        return broken and [*broken, *storm.log], (street.air.carried, len(codes))


@pytest.mark.t(8)
@pytest.mark.req("PWR-01", "PWR-02", "PWR-05", "PWR-06")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_home_lives_through_its_faults(seed):
    print(f"SEED={seed}")
    broken, _ = run(lived(seed, 12 * (seed % 2), AT_USUAL_PACE))
    assert not broken, "\n".join(broken)


@pytest.mark.t(8)
@pytest.mark.req("PWR-01", "PWR-02", "PWR-05", "PWR-06")
@pytest.mark.timeout(60 * DAYS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_home_that_asks_seldom_lives_through_its_faults_for_long(seed):
    print(f"SEED={seed}")
    broken, _ = run(lived(seed, 0, DAYS, LIVE_S))
    assert not broken, "\n".join(broken)


@pytest.mark.t(8)
@pytest.mark.timeout(240)
def test_a_seed_replays_exactly():
    assert run(lived(99, 12, 0.2, LIVE_S)) == run(lived(99, 12, 0.2, LIVE_S))
