"""Selection by what a test proves: `--req SMT-05`, `--t 7`; and the table of what is proven."""

import gc
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# What an example may take says nothing on a machine that others use too.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
ROOT = Path(__file__).parents[1]
ALONE = ("tests/whole/test_months", "tests/whole/test_seeds")
# The longest first, so that no core waits for another's at the end; browsers together.
LONGEST = (
    *ALONE,
    "tests/e2e/",
    "tests/whole/",
    "tests/echonet/test_mutated_frames",
    "tests/interop/",
    "tests/cloud/",
    "tests/control/",
    "tests/store/",
    "tests/link/",
    "tests/backtest/",
    "tests/project/",
    "tests/ui/",
    "tests/core/",
    "tests/echonet/",
)


class ByFile(LoadFileScheduling):
    """A file's tests go to one worker, which keeps what they share; each long life goes alone."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(ALONE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """How the tests are spread over the workers."""
    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--req", help="only tests that prove this requirement, such as SMT-05")
    parser.addoption("--t", type=int, help="only tests of this reliability test, 1 to 30")
    parser.addoption("--proofs", help="write what each test proves to this JSON file")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out, unread, the files that cannot hold what was asked for."""
    req, number = config.getoption("--req"), config.getoption("--t")
    if collection_path.suffix != ".py" or (req is None and number is None):
        return None
    text = collection_path.read_text()
    is_req = req is None or is_marked(text, "req", f'"{req}"')
    is_number = number is None or is_marked(text, "t", str(number))
    return None if is_req and is_number else True


def is_marked(text: str, mark: str, value: str) -> bool:
    """Whether a source has the mark with this value, or with values that only its run knows."""
    for given in re.findall(rf"mark\.{mark}\(([^)]*)\)", text):
        values = {word.strip() for word in given.split(",")}
        if value in values or any(word.startswith("*") for word in values):
            return True
    return False


def _proofs(item: pytest.Item) -> tuple[list[str], list[int]]:
    reqs = [str(arg) for mark in item.iter_markers("req") for arg in mark.args]
    tests = [int(arg) for mark in item.iter_markers("t") for arg in mark.args]
    return reqs, tests


def _turn(item: pytest.Item) -> int:
    fitting = (n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start))
    return next(fitting, len(LONGEST))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    req, number = config.getoption("--req"), config.getoption("--t")
    out = config.getoption("--proofs")
    if out:
        rows = [[item.nodeid.split("[")[0], *_proofs(item)] for item in items]
        Path(out).write_text(json.dumps(rows))
    items.sort(key=_turn)
    if req is None and number is None:
        return
    keep = []
    for item in items:
        reqs, numbers = _proofs(item)
        if (req is None or req in reqs) and (number is None or number in numbers):
            keep.append(item)
    config.hook.pytest_deselected(items=[item for item in items if item not in keep])
    items[:] = keep


def pytest_collection_finish() -> None:
    """All tests and their modules stay to the end: memory need not be searched for them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def in_ci() -> bool:
    """In continuous integration what a test needs must be there: it fails instead of skipping."""
    return os.environ.get("CI") == "true"
