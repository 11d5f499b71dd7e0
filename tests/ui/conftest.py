"""The packages of the web app, installed once."""

import pytest
from tests.ui.node import UI, npm


@pytest.fixture(scope="session")
def installed() -> None:
    """What ui/package-lock.json names lies in ui/node_modules."""
    if not (UI / "node_modules/svelte-check").exists():
        done = npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
        assert done.returncode == 0, done.stderr
