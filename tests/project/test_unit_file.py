"""The systemd unit and the start-up file that are installed on a small computer."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from hidamari.cli import app
from hidamari.core.startup import read_startup
from hidamari.home.guard import MEMORY

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "packaging/hidamari.service"
CLOUD_UNIT = ROOT / "packaging/hidamari-cloud.service"
START_FILE = ROOT / "packaging/hidamari.toml"
PROGRAM = "/opt/hidamari/bin/hidamari"
# What makes it start at boot, come back, be watched, and keep to its own folder.
REQUIRED = {
    ("Service", "Type"): "notify",
    ("Service", "WatchdogSec"): "30",
    ("Service", "Restart"): "always",
    ("Service", "RestartSec"): "2",
    ("Service", "StateDirectory"): "hidamari",
    ("Service", "User"): "hidamari",
    ("Service", "ProtectSystem"): "strict",
    ("Service", "NoNewPrivileges"): "yes",
    ("Unit", "StartLimitIntervalSec"): "0",
    ("Install", "WantedBy"): "multi-user.target",
}


def parsed(unit: Path = UNIT) -> configparser.ConfigParser:
    """The unit's sections; of a key given twice the last one counts here."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(unit)
    return parser


def verifier() -> str | None:
    """systemd's own checker, where this machine has systemd."""
    return shutil.which("systemd-analyze")


@pytest.mark.parametrize(("section", "key"), REQUIRED)
def test_the_unit_keeps_its_promises(section: str, key: str) -> None:
    assert parsed()[section][key] == REQUIRED[section, key]


def test_a_start_has_time_to_bring_an_old_store_up_to_date() -> None:
    assert int(parsed()["Service"]["TimeoutStartSec"]) >= 120


@pytest.mark.parametrize("unit", [UNIT, CLOUD_UNIT], ids=lambda unit: unit.stem)
def test_the_command_of_the_unit_exists_with_its_options(unit: Path) -> None:
    program, command, *words = shlex.split(parsed(unit)["Service"]["ExecStart"])
    assert program == PROGRAM
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    known = {name for param in commands[command].params for name in param.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_service_keeps_its_secrets_off_the_command_line_and_to_its_own_folder() -> None:
    service = parsed(CLOUD_UNIT)["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[words.index("--data") + 1] == f"/var/lib/{service['StateDirectory']}"
    assert service["EnvironmentFile"] == "/etc/hidamari/cloud.env"
    assert not {"--mail", "--store"} & set(words)
    for key in ("Restart", "ProtectSystem", "NoNewPrivileges"):
        assert service[key] == REQUIRED["Service", key]


def test_folders_of_unit_and_start_up_file_are_the_same() -> None:
    words = shlex.split(parsed()["Service"]["ExecStart"])
    state = f"/var/lib/{parsed()['Service']['StateDirectory']}"
    assert words[words.index("--data") + 1] == state
    assert parsed()["Service"]["WorkingDirectory"] == state
    startup, _ = read_startup(START_FILE)
    assert str(startup.data_folder) == state


def test_the_start_up_file_is_short_and_read_without_a_complaint() -> None:
    assert len(START_FILE.read_text().splitlines()) < 15
    startup, problems = read_startup(START_FILE)
    assert problems == []
    assert startup.port == 8600


def test_what_is_commented_out_in_the_start_up_file_is_known_too(tmp_path: Path) -> None:
    lines = START_FILE.read_text().splitlines()
    spoken = [re.sub(r"^# (?=\w+ = )", "", line) for line in lines]
    assert spoken != lines
    path = tmp_path / "hidamari.toml"
    path.write_text("\n".join(spoken))
    assert read_startup(path)[1] == []


@pytest.mark.skipif(verifier() is None, reason="no systemd on this machine: keys are checked")
@pytest.mark.parametrize("source", [UNIT, CLOUD_UNIT], ids=lambda unit: unit.stem)
def test_systemd_accepts_the_unit(source: Path, tmp_path: Path) -> None:
    unit = tmp_path / source.name
    unit.write_text(source.read_text().replace(PROGRAM, sys.executable))
    done = subprocess.run(
        [str(verifier()), "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(verifier() is None, reason="no systemd on this machine: keys are checked")
def test_systemd_finds_little_exposed(tmp_path: Path) -> None:
    # 10 is a program that may do everything; up to 2.0 systemd itself says OK.
    done = subprocess.run(
        [str(verifier()), "security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unrecognized option" in done.stderr or "unknown option" in done.stderr.lower():
        pytest.skip("systemd 250 or newer expected for an offline look")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_service_and_the_watching_parent_give_memory_back_alike() -> None:
    text = UNIT.read_text()
    assert [
        f"{name}={value}" for name, value in MEMORY.items() if f"{name}={value}" not in text
    ] == []
