"""T8: thirty days of random faults, three times.

The home is small, what makes, stores and counts energy, and asks for values every five minutes.
Faults come as often as in test_seeds.py: what is left out is what happens between two of them.
`SEED=5 DAYS=90` chooses another seed and length.
"""

import os

import pytest
from tests.whole.life import Kind, lived
from tests.whole.loop import run

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else [1, 2, 3]
DAYS = float(os.environ.get("DAYS", "30"))
SMALL = Kind(live_s=300, only=("smart_meter", "solar", "battery", "v2h"))


@pytest.mark.t(8)
@pytest.mark.req("PWR-01", "PWR-02", "PWR-05", "PWR-06")
@pytest.mark.timeout(60 * DAYS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_small_home_lives_through_its_faults_for_long(seed):
    print(f"SEED={seed}")
    broken, _ = run(lived(seed, 0, DAYS, SMALL))
    assert not broken, "\n".join(broken)
