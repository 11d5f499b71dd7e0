"""Runs the checks: `check` (style, types, layers, sizes, quick tests) and `test` (everything).

Everything that CI runs is here, so that a person runs the same with `make check` and `make test`.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PYTEST_FAILED = 1  # some tests failed; other numbers mean that it could not run at all
PYTEST_FOUND_NONE = 5
COVERAGE = ROOT / "docs/coverage.md"
CORES = max(2, os.cpu_count() or 1)
# Browsers, servers and pauses keep a worker waiting: where nothing runs beside, some more.
WORKERS = 3 * CORES // 2
LIVES = ["tests/whole/test_months.py"]
BESIDE = 3  # workers for them: all begin at once, or the last would be alone at the end
# What is compiled once is there for all workers, and for all programs that tests start.
ENV = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
FILE_LINES = 400
FUNCTION_LINES = 50
NESTING = 3
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match)
# Programs that tests start, and the Debian packages that bring them.
PROGRAMS = {
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "ip": "iproute2",
    "fc-list": "fontconfig",
    "postgres": "postgresql",
}
OUTSIDE_OF_PATH = Path("/usr/lib/postgresql")  # where Debian keeps the programs of the server
JAPANESE_FONT = "fonts-noto-cjk"


def main() -> int:
    """Run what was asked for; the exit status is that of the first part that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["check", "test", "coverage"])
    parser.add_argument("--req", default="")
    parser.add_argument("--t", default="")
    parser.add_argument("--contract", action="store_true")
    given = parser.parse_args()
    if given.what == "coverage":
        return write_coverage()
    if given.contract:
        return system_packages() or tests(WORKERS, "-m", "contract")
    if given.req or given.t:
        system_packages()
        status = tests(WORKERS, *(("--req", given.req) if given.req else ("--t", given.t)))
        if status == PYTEST_FOUND_NONE:
            print("no test is marked so; docs/coverage.md lists what is proven", flush=True)
        return status
    if given.what == "check":
        steps = [style, types, layers, sizes, lambda: tests(WORKERS, "-m", "not e2e and not net")]
    else:
        steps = [system_packages, style, layers, sizes, everything]
    for step in steps:
        status = step()
        if status:
            return status
    return 0


def run(*command: str) -> int:
    """One command, shown; its exit status."""
    print("$", " ".join(command), flush=True)
    return subprocess.run(command, cwd=ROOT, env=ENV, check=False).returncode


def style() -> int:
    """Format and lint."""
    ruff = str(BIN / "ruff")
    return run(ruff, "format", "--check", ".") or run(ruff, "check", ".")


def types() -> int:
    """Strict types."""
    return run(str(BIN / "mypy"))


def layers() -> int:
    """Which way imports may run."""
    return run(str(BIN / "lint-imports"), "--no-cache")


def sizes() -> int:
    """Files and functions within their budgets."""
    bad = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text()
        name = path.relative_to(ROOT)
        if text.count("\n") > FILE_LINES:
            bad.append(f"{name}: {text.count(chr(10))} lines, at most {FILE_LINES} expected")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > FUNCTION_LINES:
                    bad.append(f"{name}:{node.lineno}: {node.name} has {length} lines")
                if nesting(node) > NESTING:
                    bad.append(f"{name}:{node.lineno}: {node.name} nests deeper than {NESTING}")
    for path in sorted((ROOT / "ui/src").rglob("*.svelte")):
        if path.read_text().count("\n") > FILE_LINES:
            bad.append(f"{path.relative_to(ROOT)}: more than {FILE_LINES} lines")
    print("\n".join(bad) if bad else "sizes: ok", flush=True)
    return 1 if bad else 0


def nesting(node: ast.AST) -> int:
    """How deep decisions and loops stand in each other; `elif` and functions begin no level."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        is_elif = isinstance(node, ast.If) and node.orelse == [child]
        own = isinstance(child, BLOCKS) and not (is_elif and isinstance(child, ast.If))
        deepest = max(deepest, own + nesting(child))
    return deepest


def system_packages() -> int:
    """Install what the tests start, where we may; else name it clearly."""
    missing = {package for program, package in PROGRAMS.items() if not is_there(program)}
    fonts = subprocess.run(["fc-list", ":lang=ja"], capture_output=True, check=False).stdout
    if "fontconfig" in missing or not fonts:
        missing.add(JAPANESE_FONT)
    if not missing:
        return 0
    wanted = sorted(missing)
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and (not sudo or shutil.which("sudo")):
        env = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive"]
        run(*env, "apt-get", "update", "-qq")
        if run(*env, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted) == 0:
            return 0
    print(f"Tests need these packages, please install them: {' '.join(wanted)}", flush=True)
    return 1


def is_there(program: str) -> bool:
    """Whether the machine has a program."""
    return bool(shutil.which(program) or list(OUTSIDE_OF_PATH.glob(f"*/bin/{program}")))


def everything() -> int:
    """All tests, after docs/coverage.md was seen to say what they prove; types beside them.

    Long lives in virtual time do not care how fast they are lived: they and the types take what
    the others leave while these wait for browsers, servers and pauses.
    """
    lives = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LIVES]
    with Aside([str(BIN / "mypy")]) as typed, Aside([*lives, *spread(BESIDE)]) as lived:
        if coverage_of(proofs()) != COVERAGE.read_text():
            print("docs/coverage.md is not current: run `python tests/run.py coverage`")
            return 1
        main = tests(CORES, *(f"--ignore={path}" for path in LIVES))
        found = [main, typed.end(), lived.end()]
    return next((status for status in found if status), 0)


class Aside:
    """A command with low priority beside others; what it says is shown when it has ended."""

    def __init__(self, command: list[str]) -> None:
        self._command = ["nice", "-n", "10", *command]

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=ENV, stdout=self._said, stderr=subprocess.STDOUT
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()  # nothing where it has ended
        self._process.wait()
        self._said.close()

    def end(self) -> int:
        """Wait for its end; its exit status."""
        status = self._process.wait()
        self._said.seek(0)
        print("$", *self._command, f"\n{self._said.read()}", flush=True)
        return status


def tests(workers: int, *extra: str) -> int:
    """The test suite, on all cores.

    Some tests measure time on a machine that others use too: what failed is tried once more,
    alone. Both outcomes stay in the output, and what fails twice has failed.
    """
    command = [sys.executable, "-m", "pytest", "-q"]
    status = run(*command, *spread(workers), "--durations", "25", *extra)
    if status != PYTEST_FAILED:
        return status
    print("\ntrying what failed once more, alone", flush=True)
    return run(*command, "--last-failed", "--last-failed-no-failures", "none", *extra)


def spread(workers: int) -> list[str]:
    """How tests are spread over workers: whole files, in their order, see tests/conftest.py."""
    many = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    return [*many, "--max-worker-restart", "0"]


def proofs() -> list[tuple[str, list[str], list[int]]]:
    """What each test proves; raises where the tests cannot be read.

    The tests are read here once, so that the workers find them compiled.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "proofs.json"
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "--proofs", str(out)]
        done = subprocess.run(command, cwd=ROOT, env=ENV, capture_output=True, check=False)
        if done.returncode or not out.exists():
            raise SystemExit(f"{done.stdout.decode()}{done.stderr.decode()}")
        found: list[tuple[str, list[str], list[int]]] = json.loads(out.read_text())
        return found


def write_coverage() -> int:
    """Write docs/coverage.md anew."""
    COVERAGE.write_text(coverage_of(proofs()))
    print(f"{COVERAGE.relative_to(ROOT)} is written")
    return 0


def coverage_of(rows: list[tuple[str, list[str], list[int]]]) -> str:
    """Which tests prove which requirement and which reliability test, as a page."""
    proofs: dict[str, set[str]] = {}
    for test, reqs, numbers in rows:
        for key in [*reqs, *(f"T{number}" for number in numbers)]:
            proofs.setdefault(key, set()).add(test)
    lines = ["# What the tests prove", "", "Generated by `python tests/run.py coverage`.", ""]
    lines += ["| proves | tests |", "| --- | --- |"]
    for key in sorted(proofs, key=_order):
        lines.append(f"| {key} | {'<br>'.join(f'`{t}`' for t in sorted(proofs[key]))} |")
    return "\n".join(lines) + "\n"


def _order(key: str) -> tuple[str, int]:
    head = key.rstrip("0123456789")
    return head, int(key[len(head) :] or 0)


if __name__ == "__main__":
    sys.exit(main())
