"""`hidamari sim` says in one line what is wrong with a file of the user's own."""

from pathlib import Path

import pytest
from tests.cli.conftest import Command


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
    command: Command, tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(content)
    done = command("sim", "--net", "127.77.0.0/24", "--series", str(path))
    assert done.status == 2
    assert words in done.err
    assert done.err.count("\n") == 1


def test_a_file_that_is_not_there_is_named(command: Command, tmp_path: Path) -> None:
    done = command("sim", "--net", "127.77.0.0/24", "--series", str(tmp_path / "none.csv"))
    assert done.status == 2
    assert "does not exist" in done.err
