"""`hidamari backtest`: the agreed form of its answer, and plain words for what is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "data/sample/homes_sample.csv.gz"
KEYS = {"home", "none_yen", "greedy_yen", "night_yen", "ours_yen", "optimum_yen"}
KEYS |= {"best_rule_yen", "captured_share", "load_nmae", "pv_nmae", "plan_ms"}


def backtest(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hidamari", "backtest", "--homes", str(SAMPLE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)


def test_the_answer_has_the_agreed_form_and_no_plan_beats_perfect_foresight() -> None:
    done = backtest("--home", "cl01", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (home,) = answer["homes"]
    assert set(home) >= KEYS
    assert home["optimum_yen"] <= home["ours_yen"] <= home["none_yen"]
    gained = home["none_yen"] - home["ours_yen"]
    assert home["captured_share"] == pytest.approx(
        gained / (home["none_yen"] - home["optimum_yen"])
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--tariff", "cheap"), "--tariff: a plan's file (.toml) or one of tou, flat, chubu_"),
        (("--tariff", "none.toml"), "--tariff: none.toml cannot be read"),
        (("--from", "spring"), "--from: a day such as 2016-09-01 expected, got 'spring'"),
        (("--solar-forecast", "none.csv"), "--solar-forecast: none or a file expected"),
    ],
)
def test_a_wrong_wish_is_refused_in_one_line(wrong: tuple[str, str], words: str) -> None:
    done = backtest(*wrong)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
