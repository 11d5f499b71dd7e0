"""Which files belong to the project: what git knows, else everything that is not made."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE = frozenset(
    {
        ".venv",
        ".git",
        "node_modules",
        "web",
        "dist",
        "build",
        "__pycache__",
        "artifacts",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".import_linter_cache",
    }
)


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project, also those not committed yet but not ignored either."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        found = [path for path in ROOT.rglob("*") if not MADE & set(path.relative_to(ROOT).parts)]
    else:
        found = [ROOT / name for name in done.stdout.decode(errors="replace").split("\0") if name]
    return tuple(sorted(path for path in found if path.is_file()))


def text_of(path: Path) -> str | None:
    """A file's text, None for pictures and other bytes."""
    raw = path.read_bytes()
    if b"\0" in raw[:8000]:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def place(path: Path) -> str:
    """A path as one reads it in the repository."""
    return path.relative_to(ROOT).as_posix()
