"""One browser and one fixture home for all tests of a worker."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.browser import Browser
from tests.e2e.screens import AXE, SHIFTS
from tests.e2e.server import WEB, FixtureHome
from tests.ui.node import npm

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these are tests in a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def built_web() -> Path:
    """The built web app, and axe beside it."""
    if not AXE.exists():
        npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    if not (WEB / "index.html").exists():
        subprocess.run([os.sys.executable, "hatch_build.py"], cwd=ROOT, check=True)
    return WEB


@pytest.fixture(scope="session")
def home(built_web: Path) -> Iterator[FixtureHome]:
    """The invented home, served."""
    with FixtureHome() as served:
        yield served


@pytest.fixture(scope="session")
def page() -> Iterator[Browser]:
    """The browser's one page."""
    with Browser() as browser:
        browser.send("Page.addScriptToEvaluateOnNewDocument", source=SHIFTS)
        yield browser


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where pictures are left for people to look at."""
    return ROOT / "artifacts/screens"
