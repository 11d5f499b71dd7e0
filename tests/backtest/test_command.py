"""`hidamari backtest`: its answer in the agreed form, a bar on a terminal, errors in words."""

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hidamari.cli import main

SAMPLE = Path(__file__).parents[1] / "data/sample/homes_sample.csv.gz"
KEYS = {"home", "none_yen", "greedy_yen", "night_yen", "ours_yen", "optimum_yen"}
KEYS |= {"best_rule_yen", "captured_share", "load_nmae", "pv_nmae", "plan_ms"}
MEAN = ("--scenarios", "0")
# 28 days to learn from and two that count
SHORT = ("--home", "cl01", "--from", "2016-11-03", "--to", "2016-12-02", *MEAN)


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


class Command:
    """The command in this process, as its shell would see it."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.capsys, self.patch = capsys, patch

    def __call__(self, *arguments: str) -> Said:
        self.patch.setattr(
            sys, "argv", ["hidamari", "backtest", "--homes", str(SAMPLE), *arguments]
        )
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        said = self.capsys.readouterr()
        return Said(status, said.out, said.err)


@pytest.fixture
def backtest(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(capsys, monkeypatch)


def test_the_answer_has_the_agreed_form_and_no_plan_beats_perfect_foresight(
    backtest: Command,
) -> None:
    done = backtest("--home", "cl01", "--json", *MEAN)
    assert done.status == 0, done.err
    answer = json.loads(done.out)
    (home,) = answer["homes"]
    assert set(home) >= KEYS
    assert home["optimum_yen"] <= home["ours_yen"] <= home["none_yen"]
    gained = home["none_yen"] - home["ours_yen"]
    assert home["captured_share"] == pytest.approx(
        gained / (home["none_yen"] - home["optimum_yen"])
    )
    assert home["replay_cpu_s"] > 0.0


def test_a_span_counts_from_its_first_day_to_its_last(backtest: Command) -> None:
    """2016-11-03 to 2016-12-02: two days count, which two more days of data do not change."""
    one, same = (json.loads(backtest(*SHORT, "--json").out)["homes"][0] for _ in range(2))
    longer = json.loads(backtest(*SHORT[:5], "2016-12-04", *MEAN, "--json").out)["homes"][0]
    fixed = {name: value for name, value in one.items() if name not in ("plan_ms", "replay_cpu_s")}
    assert fixed == {name: same[name] for name in fixed}
    assert one["none_yen"] != longer["none_yen"]


def test_one_scenario_is_the_mean(backtest: Command) -> None:
    mean, one, five = (
        json.loads(backtest(*SHORT[:-1], count, "--json").out)["homes"][0]["ours_yen"]
        for count in ("0", "1", "5")
    )
    assert mean == one
    assert mean != five


def test_the_table_has_a_line_for_each_home_and_no_bar_without_a_terminal(
    backtest: Command,
) -> None:
    done = backtest("--tariff", "flat", *SHORT, "--home", "cl04")
    assert [line.split()[0] for line in done.out.splitlines()] == ["home", "cl01", "cl04", "mean"]
    assert done.err == ""


def test_a_terminal_shows_a_bar_that_fills() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hidamari", "backtest", "--homes", str(SAMPLE)]
    command += ["--tariff", "flat", "--bounds", "--json", *SHORT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as running:
        os.close(theirs)
        shown = read_all(ours)
        assert running.stdout is not None
        answer = running.stdout.read()
    assert running.returncode == 0, shown
    assert len(json.loads(answer)["homes"]) == 1
    for name in ("cl01", "cl01 load", "cl01 solar"):
        bars = re.findall(rf"\r{name} +\[(#*-*)\] (\d+)/30 days", shown)
        assert [int(day) for _, day in bars] == [*range(1, 31)]
        assert [bar.count("#") for bar, _ in bars] == [*range(1, 31)]


def read_all(terminal: int) -> str:
    """All that is written to a terminal until nobody holds its other end."""
    found = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # so says Linux when the last writer has gone
            part = b""
        if not part:
            os.close(terminal)
            return found.decode()
        found += part


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--tariff", "cheap"), "--tariff: a plan's file (.toml) or one of tou, flat, chubu_"),
        (("--tariff", "none.toml"), "--tariff: none.toml cannot be read"),
        (("--from", "spring"), "--from: a day such as 2016-09-01 expected, got 'spring'"),
        (("--from", "2016-12-02", "--to", "2016-12-01"), "no day between 2016-12-02 and 2016-12-"),
        (("--from", "2030-01-01"), "no day between 2030-01-01 and the last"),
        (("--to", "2016-11-20"), "20 days, more than 28 expected"),
        (("--home", "cl99"), "no home cl99; there are cl01, cl04, cl14, em01"),
        (("--solar-forecast", "none.csv"), "--solar-forecast: none or a file expected"),
        (("--homes", __file__), "column home, ts, load_kwh expected"),
    ],
)
def test_a_wrong_wish_is_refused_in_one_line(
    backtest: Command, wrong: tuple[str, ...], words: str
) -> None:
    done = backtest(*wrong)
    assert done.status == 2
    assert words in done.err
    assert done.err.count("\n") == 1
