"""Selection by what a test proves: `--req SMT-05`, `--t 7`; and the table of what is proven."""

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--req", help="only tests that prove this requirement, such as SMT-05")
    parser.addoption("--t", type=int, help="only tests of this reliability test, 1 to 30")
    parser.addoption("--proofs", help="write what each test proves to this JSON file")


def _proofs(item: pytest.Item) -> tuple[list[str], list[int]]:
    reqs = [str(arg) for mark in item.iter_markers("req") for arg in mark.args]
    tests = [int(arg) for mark in item.iter_markers("t") for arg in mark.args]
    return reqs, tests


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    req, number = config.getoption("--req"), config.getoption("--t")
    out = config.getoption("--proofs")
    if out:
        rows = [[item.nodeid.split("[")[0], *_proofs(item)] for item in items]
        Path(out).write_text(json.dumps(rows))
    if req is None and number is None:
        return
    keep = []
    for item in items:
        reqs, numbers = _proofs(item)
        if (req is None or req in reqs) and (number is None or number in numbers):
            keep.append(item)
    config.hook.pytest_deselected(items=[item for item in items if item not in keep])
    items[:] = keep


@pytest.fixture(scope="session")
def in_ci() -> bool:
    """In continuous integration what a test needs must be there: it fails instead of skipping."""
    return os.environ.get("CI") == "true"
