"""What the documents say is there: commands, options, files, links, tests, packages."""

import re
import shlex
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import typer.main
from tests.project.tree import ROOT, files, place, text_of

from hidamari.cli import app

TOP = ("README.md", "README.ja.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
TWINS = ("README.md", "README.ja.md")
LINK = re.compile(r"\]\(([^)#\s]+)")
# In backticks: a path with a folder that begins in the repository.
PATH = re.compile(r"`((?:src|tests|docs|ui|bench|packaging|\.ci)/[\w./*<>-]*)`")
NAMED_MD = re.compile(r"\b(\w[\w.-]*\.md)\b")
MAKE = re.compile(r"(?:^ {4,}|`)make ([a-z][a-z-]*)", re.MULTILINE)
HIDAMARI = re.compile(r"(?<![\w/.-])(?:[\w./-]*/bin/)?hidamari ([a-z][a-z-]+)((?: +[^`|#;&\n]+)?)")
T_NUMBER = re.compile(r"\bT=(\d+)")
BENCH = re.compile(r"python -m bench(?: ([a-z]+))?")
# Words that follow "hidamari" in a sentence, not on a command line.
NO_COMMANDS = frozenset({"expects", "measures"})
# Written by the test run itself.
GENERATED = frozenset({"docs/coverage.md", "docs/devices.md"})
ENTRY = re.compile(r"^### (\d{4}-\d{2}-\d{2}) \S", re.MULTILINE)


def documents() -> list[Path]:
    """Everything written for people."""
    return [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").glob("*.md"))]


def texts() -> dict[str, str]:
    return {place(path): path.read_text() for path in documents()}


def commands() -> dict[str, set[str]]:
    """Each command of `hidamari` with its options."""
    group = typer.main.get_command(app)
    return {
        name: set(chain.from_iterable(param.opts for param in command.params))
        for name, command in group.commands.items()  # type: ignore[attr-defined]
    }


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_document_is_there() -> None:
    wanted = {*TOP, "LICENSE", "docs/decisions.md", "docs/overview.md", "docs/vocabulary.md"}
    wanted |= {"docs/security.md", "docs/install.md", "docs/reliability.md"}
    assert [name for name in sorted(wanted) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", texts())
def test_links_and_paths_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    text = texts()[name]
    links = [link for link in LINK.findall(text) if "://" not in link]
    missing = [link for link in links if not (folder / link).exists()]
    for path in PATH.findall(text):
        if "<" in path or path.rstrip("/") in GENERATED:
            continue
        if not any(ROOT.glob(path.rstrip("/"))):
            missing.append(path)
    assert [path for path in missing if f"docs/{path}" not in GENERATED] == []


@pytest.mark.parametrize("name", texts())
def test_make_targets_exist(name: str) -> None:
    assert {word for word in MAKE.findall(texts()[name])} <= targets()


@pytest.mark.parametrize("name", texts())
def test_commands_exist_with_their_options(name: str) -> None:
    known = commands()
    lines = [line for line in texts()[name].splitlines() if "`" in line or line.startswith("   ")]
    for line in lines:
        for command, rest in HIDAMARI.findall(line):
            if command in NO_COMMANDS:
                continue
            assert command in known, line
            options = {w.split("=")[0] for w in shlex.split(rest) if w.startswith("--")}
            assert options <= known[command], line


@pytest.mark.parametrize("name", texts())
def test_benchmarks_and_reliability_tests_exist(name: str) -> None:
    text = texts()[name]
    benches = {path.stem for path in (ROOT / "bench").glob("*.py")}
    assert {word for word in BENCH.findall(text) if word and word != "name"} <= benches
    marks = re.compile(r"mark\.t\(([\d, ]+)\)")
    proven: set[int] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for numbers in marks.findall(path.read_text()):
            proven |= {int(number) for number in numbers.split(",") if number.strip()}
    assert {int(number) for number in T_NUMBER.findall(text)} <= proven


def test_the_twin_shows_the_same_commands_and_links() -> None:
    english, japanese = (texts()[name] for name in TWINS)

    def shown(text: str) -> list[str]:
        blocks = re.findall(r"^ {4,}(\S[^#\n]*)", text, re.MULTILINE)
        return [" ".join(block.split()) for block in blocks]

    def links(text: str) -> list[str]:
        return sorted(link for link in LINK.findall(text) if link not in TWINS)

    assert shown(english) == shown(japanese)
    assert links(english) == links(japanese)
    assert english.count("\n## ") == japanese.count("\n## ")


def test_every_package_has_its_page_in_the_overview() -> None:
    text = texts()["docs/overview.md"]
    packages = [p.parent.name for p in (ROOT / "src/hidamari").glob("*/__init__.py")]
    assert packages
    assert [name for name in packages if f"`{name}`" not in text] == []


def test_every_page_is_reached_from_the_overview_or_the_read_me() -> None:
    reached = set(LINK.findall(texts()["docs/overview.md"]))
    reached |= {link.removeprefix("docs/") for link in LINK.findall(texts()["README.md"])}
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"overview.md"}
    assert pages - reached == set()


def test_every_decision_says_question_choice_and_evidence() -> None:
    text = texts()["docs/decisions.md"]
    entries = ENTRY.split(text)[2::2]
    assert len(entries) >= 20
    for entry in entries:
        body = entry.split("\n## ")[0]
        keys = re.findall(r"^- (\w+):", body, re.MULTILINE)
        assert keys == ["Question", "Choice", "Evidence"], body
        assert len([line for line in body.splitlines()[1:] if line.strip()]) <= 5, body


def test_every_dependency_has_its_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[<>=;\s\[]", line)[0] for line in wanted}
    table = texts()["docs/decisions.md"].split("## Dependencies", 1)[1]
    lines = [cell for line in table.splitlines() for cell in line.split("|")[1:2]]
    told = {name.strip() for cell in lines for name in cell.split(",")}
    assert names - told == set()
    assert told - names - {"package", "---", ""} == set()


def test_the_changelog_knows_what_is_coming_or_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    text = texts()["CHANGELOG.md"]
    assert "## [Unreleased]" in text or f"## [{version}]" in text


def test_contributing_fits_on_a_page() -> None:
    assert len(texts()["CONTRIBUTING.md"].splitlines()) <= 60


def test_the_installation_uses_the_places_of_the_unit() -> None:
    unit = (ROOT / "packaging/hidamari.service").read_text()
    text = texts()["docs/install.md"]
    for word in ("/opt/hidamari", "/etc/hidamari/hidamari.toml", "/var/lib/hidamari"):
        assert word in unit
        assert word in text


def test_no_source_names_a_document_that_is_not_here() -> None:
    here = {path.name for path in files() if path.suffix == ".md"} | {"coverage.md"}
    wrong = []
    for path in files():
        if path.suffix in {".py", ".ts", ".svelte", ".toml", ".css"}:
            found = set(NAMED_MD.findall(text_of(path) or "")) - here
            wrong += [f"{place(path)}: {name}" for name in sorted(found)]
    assert wrong == []
