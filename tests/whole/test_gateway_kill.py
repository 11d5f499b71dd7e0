"""T2: the whole home process is killed while it measures; what it had shown is there after."""

from pathlib import Path

import pytest
from bench.home import KILLS, killing


@pytest.mark.t(2)
@pytest.mark.timeout(300)
@pytest.mark.req("PWR-01", "PWR-02")
def test_nothing_shown_is_lost_in_ten_kills_of_the_whole_home(tmp_path: Path) -> None:
    lost, back = killing(tmp_path / "home")
    assert KILLS == 10
    assert lost["value"] == 0, lost
    assert lost["ok"], lost  # enough was compared
    assert back["ok"], back
