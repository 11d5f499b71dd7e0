"""Nothing in the tree betrays a machine, a secret or a registry, and no file lies astray."""

import json
import re
from itertools import pairwise

import pytest
from tests.project.tree import ROOT, files, place, text_of
from tests.tools.arm64 import locked

HOSTS = [("pythonhosted", "org"), ("pypi", "org"), ("npmjs", "org"), ("yarnpkg", "com")]
# Put together, so that this file does not find itself.
FOLDERS = re.compile(
    r"(?<![\w.])/(?:" + "|".join(["home", "root", "work", "tmp", "Users"]) + r")/\w"
)
REGISTRIES = re.compile("|".join(f"{name}[.]{end}" for name, end in HOSTS))
SECRETS = re.compile(
    r"BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\n|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}"
    r"|AGE-SECRET-KEY-1[0-9A-Z]|xox[abp]-[0-9]{6,}"
)
MAIL = re.compile(r"\b[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b")
RESERVED = re.compile(r"@(?:[\w-]+\.)*(?:example(?:\.\w+)*|invalid|test|local)$")
PLACES_OF_TOP = {
    ".ci",
    ".gitignore",
    "bench",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs",
    "hatch_build.py",
    "LICENSE",
    "Makefile",
    "packaging",
    "pyproject.toml",
    "README.ja.md",
    "README.md",
    "requirements-dev.lock",
    "requirements.lock",
    "SECURITY.md",
    "src",
    "tests",
    "ui",
}
LOCKS = ("requirements.lock", "requirements-dev.lock")


def hits(pattern: re.Pattern[str]) -> list[str]:
    """Every line of the tree with the pattern, as places to click on."""
    found = []
    for path in files():
        text = text_of(path)
        for match in pattern.finditer(text or ""):
            line = (text or "").count("\n", 0, match.start()) + 1
            found.append(f"{place(path)}:{line}: {match[0]}")
    return found


@pytest.mark.parametrize(
    ("pattern", "bad", "good"),
    [
        (FOLDERS, "/".join(["see ", "home", "me", "notes"]), "import './screens/home/Home.svelte'"),
        (FOLDERS, "/".join(["", "tmp", "x"]), "./tmp/x"),
        (REGISTRIES, ".".join(["https://files", *HOSTS[0]]), "the package index"),
        (SECRETS, "gh" + "p_" + "a" * 36, "password"),
    ],
)
def test_each_pattern_finds_what_it_is_for(pattern: re.Pattern[str], bad: str, good: str) -> None:
    assert pattern.search(bad)
    assert not pattern.search(good)


def test_no_folder_of_a_machine_is_named() -> None:
    assert hits(FOLDERS) == []


def test_no_registry_is_named() -> None:
    assert hits(REGISTRIES) == []


def test_no_secret_lies_in_the_tree() -> None:
    assert hits(SECRETS) == []


def test_no_mail_address_but_reserved_ones() -> None:
    assert [hit for hit in hits(MAIL) if not RESERVED.search(hit)] == []


def test_the_top_folder_holds_what_belongs_there() -> None:
    assert {place(path).split("/")[0] for path in files()} - PLACES_OF_TOP == set()


@pytest.mark.t(25)
@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_dependency_has_hashes(name: str) -> None:
    pins = locked(ROOT / name)
    assert pins
    assert [pin for pin, (_, hashes) in pins.items() if not hashes] == []
    assert "://" not in (ROOT / name).read_text()


def test_tools_of_the_tests_never_change_what_is_installed() -> None:
    run, dev = (locked(ROOT / name) for name in LOCKS)
    assert {name: dev[name] for name in run} == run


@pytest.mark.t(25)
def test_the_lock_of_the_web_app_has_hashes_and_no_addresses() -> None:
    packages = json.loads((ROOT / "ui/package-lock.json").read_text())["packages"]
    for name, one in packages.items():
        assert "resolved" not in one, name
        assert not name or one.get("link") or "integrity" in one, name


def test_every_direct_dependency_is_locked() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    wanted = text.split("dependencies = [", 1)[1].split("]", 1)[0]
    names = {re.split(r"[<>=;\s\[]", line.strip(' ",'))[0] for line in wanted.splitlines()} - {""}
    assert names
    assert names <= set(locked(ROOT / "requirements.lock"))


def test_no_empty_section_in_the_make_file() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    bare = [a for a, b in pairwise(lines) if re.match(r"^[a-z-]+:$", a) and not b.startswith("\t")]
    assert bare == []
