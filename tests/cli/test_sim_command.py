"""`hidamari sim` says in one line what is wrong with a file of the user's own."""

import subprocess
import sys
from pathlib import Path

import pytest


def sim(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hidamari", "sim", "--net", "127.77.0.0/24", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("at,load_kwh,pv\n2026-01-01T00:00,1,2\n", "columns at, load_kwh, pv_kwh expected"),
        ("at,load_kwh,pv_kwh\nyesterday,1,2\n", "line 2: an ISO time and two numbers expected"),
        ("at,load_kwh,pv_kwh\n2026-01-01T00:00,,2\n", "line 2: an ISO time and two numbers"),
        (
            "at,load_kwh,pv_kwh\n2026-01-01T00:00,1,2\n2026-01-01T00:30,1,2\n",
            "at least one whole day without gaps expected",
        ),
    ],
)
def test_a_series_that_cannot_be_lived_is_refused_with_its_cause(
    tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(content)
    done = sim("--series", str(path))
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = sim("--series", str(tmp_path / "none.csv"))
    assert done.returncode == 2
    assert "does not exist" in done.stderr
