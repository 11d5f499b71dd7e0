"""T8: a whole home lives through random faults; every seed replays exactly.

Three seeds live seven hours at the usual pace, with a plan and a link to the service, and one of
them a day with values asked every five minutes. `SEED=5` chooses another one; test_months.py
lives longer.
"""

import os

import pytest
from tests.whole.life import ALL_PARTS, Kind, lived
from tests.whole.loop import run

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else [1, 2, 3]
DAYS = 1.0
DAYS_AT_USUAL_PACE = 0.3  # with a midnight in it, so that a day is sealed
SELDOM = Kind(live_s=300)  # the setting network.live_s
WHOLE = Kind(parts=ALL_PARTS)


@pytest.mark.t(8)
@pytest.mark.req("PWR-01", "PWR-02", "PWR-05", "PWR-06", "SRV-09")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_home_lives_through_its_faults(seed):
    print(f"SEED={seed}")
    broken, _ = run(lived(seed, 16 + 3 * (seed % 3), DAYS_AT_USUAL_PACE, WHOLE))
    assert not broken, "\n".join(broken)


@pytest.mark.t(8)
@pytest.mark.req("PWR-01", "PWR-02", "PWR-05", "PWR-06")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", SEEDS[:1])
def test_a_home_that_asks_seldom_lives_through_its_faults(seed):
    print(f"SEED={seed}")
    broken, _ = run(lived(seed, 0, DAYS, SELDOM))
    assert not broken, "\n".join(broken)


@pytest.mark.t(8)
@pytest.mark.timeout(240)
def test_a_seed_replays_exactly():
    lives = [run(lived(99, 20, 0.15, Kind(300, ALL_PARTS))) for _ in range(2)]
    assert lives[0] == lives[1]
