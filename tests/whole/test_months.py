"""T8: thirty days of random faults, three times.

The homes are small, what makes, stores and counts energy, one of them with a car that gives back,
and ask for values every five minutes.
Faults come as often as in test_seeds.py: what is left out is what happens between two of them.
`SEED=5 DAYS=90` chooses another seed and length.
"""

import os

import pytest
from tests.whole.life import Kind, lived
from tests.whole.loop import run

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else [1, 2, 3]
DAYS = float(os.environ.get("DAYS", "30"))
SMALL = ("smart_meter", "solar", "battery")
WITH_CAR = (*SMALL, "v2h")
HOMES = {1: SMALL, 2: WITH_CAR, 3: SMALL}


@pytest.mark.t(8)
@pytest.mark.req("PWR-01", "PWR-02", "PWR-05", "PWR-06")
@pytest.mark.timeout(60 * DAYS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_small_home_lives_through_its_faults_for_long(seed):
    print(f"SEED={seed}")
    kind = Kind(live_s=300, only=HOMES.get(seed, WITH_CAR))
    broken, _ = run(lived(seed, 0, DAYS, kind))
    assert not broken, "\n".join(broken)
