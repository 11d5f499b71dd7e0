"""Rules for the sources of the web app that its compiler does not know."""

import json
import re
from pathlib import Path

import pytest
from tests.ui.node import UI, node, npm

SOURCES = sorted(p for p in (UI / "src").rglob("*") if p.suffix in (".svelte", ".ts", ".css"))
UNCOLOURED = [p for p in SOURCES if p.name != "tokens.css"]
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b(?=[;\s\"')])|\brgba?\(|\bhsla?\(")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_a_file_stays_below_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.name != "tokens.css"], ids=lambda p: p.name
)
def test_colours_come_from_the_tokens_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert (
        re.findall(
            r"(?:#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b(?=[;\s\"')])|\brgba?\(|\bhsla?\()", text
        )
        == []
    )


def test_no_source_names_another_host() -> None:
    found = []
    public = [path for path in (UI / "public").iterdir() if path.suffix != ".png"]
    for path in [*SOURCES, UI / "index.html", *public]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        found += [path.name for _ in re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", text)]
    assert found == []


def test_the_lock_pins_exact_versions_and_names_no_registry() -> None:
    lock = json.loads((UI / "package-lock.json").read_text(encoding="utf-8"))
    package = json.loads((UI / "package.json").read_text(encoding="utf-8"))
    wanted = package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
    assert [n for n, e in lock["packages"].items() if n and "integrity" not in e] == []


def test_every_package_of_the_build_runs_on_arm64() -> None:
    lock = json.loads((UI / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    native = [n for n in lock if re.search(r"linux-x64-gnu$", n)]
    assert native
    assert [n for n in native if n.replace("x64", "arm64") not in lock] == []


@pytest.mark.timeout(180)
def test_the_compiler_has_no_error_and_no_warning(installed: None) -> None:
    done = npm("run", "--silent", "check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(120)
def test_the_pure_functions_pass_their_own_tests() -> None:
    done = node("--test", "--test-reporter=tap", "tests/*.test.ts")
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"^# pass (\d+)", done.stdout, re.M)[0]) >= 20
