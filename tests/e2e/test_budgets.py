"""How much the first view loads, and how quiet the page stays."""

import gzip
import re
from collections import Counter

import pytest
from tests.e2e.browser import Browser
from tests.e2e.screens import SCREENS, Screen, leave, show
from tests.e2e.server import WEB, FixtureHome

FIRST = next(screen for screen in SCREENS if screen.name == "home")
JS_GZ_BYTES = 60_000
CSS_GZ_BYTES = 12_000
LOOK_S = 10.0
MOST_BUSY = 0.01


def loaded(page: Browser, url: str, ending: str) -> int:
    """Packed bytes of the files of a kind that were fetched."""
    paths = {re.sub(r"[?#].*", "", r.removeprefix(url)) for r in page.requests if r.startswith(url)}
    files = [WEB / path.lstrip("/") for path in paths if path.endswith(ending)]
    assert files
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def test_the_first_view_stays_within_its_budget(home: FixtureHome, page: Browser) -> None:
    page.look(390, 844)
    home.state = "full"
    page.send("Network.clearBrowserCache")
    page.open("about:blank")
    page.requests.clear()
    show(home, page, FIRST, "full", "ja")
    assert loaded(page, home.url, ".js") <= JS_GZ_BYTES
    assert loaded(page, home.url, ".css") <= CSS_GZ_BYTES


@pytest.mark.parametrize("screen", SCREENS, ids=lambda s: s.name)
def test_a_screen_asks_each_question_once_and_does_not_hammer_the_home(
    home: FixtureHome, page: Browser, screen: Screen
) -> None:
    page.look(820, 1180)
    leave(page, home.url)
    home.beat_s = 0.3
    page.requests.clear()
    show(home, page, screen, "full", "ja")
    page.rest(1.2)
    home.beat_s = 0.0
    asked = Counter(r for r in page.requests if "/api/v1/" in r)
    # The search of the first start looks once a second for what has been found.
    often = {r: n for r, n in asked.items() if n > (4 if r.endswith("/devices") else 1)}
    assert often == {}


def test_every_file_has_its_packed_twin() -> None:
    files = [p for p in WEB.rglob("*") if p.suffix in (".js", ".css", ".html", ".svg")]
    assert files
    bare = [p.name for p in files if not p.with_name(p.name + ".gz").exists()]
    assert bare == []


def test_the_main_thread_rests_while_electricity_flows(home: FixtureHome, page: Browser) -> None:
    page.look(820, 1180, calm=False)
    home.beat_s = 10.0  # the home's live values come every ten seconds
    show(home, page, FIRST, "full", "ja")
    page.wait("document.getAnimations().length > 0")
    page.rest(2.0)
    share = 1.0
    for _ in range(4):  # a busy machine may disturb one look, not all
        before = page.metrics()
        page.rest(LOOK_S)
        after = page.metrics()
        busy_s = after["TaskDuration"] - before["TaskDuration"]
        share = min(share, busy_s / (after["Timestamp"] - before["Timestamp"]))
        if share <= MOST_BUSY:
            break
    home.beat_s = 0.0
    assert share <= MOST_BUSY
