"""Every screen in every state: axe, one h1, nothing too wide, small or unworded; and its picture.

`E2E=1` runs all languages, themes and sizes of each state and keeps the pictures; without it each
state has one of them, and a picture where something is wrong.
"""

import itertools
import os
from pathlib import Path

import pytest
from tests.e2e.answers import State
from tests.e2e.browser import Browser
from tests.e2e.screens import SCREENS, SIZES, Screen, come, faults, jumps, show
from tests.e2e.server import FixtureHome

WHOLE = bool(os.environ.get("E2E"))
LOOKS = list(itertools.product(("light", "dark"), SIZES))
CASES = [(screen, state) for screen in SCREENS for state in screen.states]
# An old small phone, or a tablet at 200 % zoom.
NARROWEST = (320, 640)
ALLOWED = ("status of 5", "status of 401", "WebSocket", "ERR_")


def looks_of(number: int) -> list[tuple[str, list[tuple[str, tuple[int, int]]]]]:
    """Languages with their themes and sizes: all, or one that changes from case to case."""
    if WHOLE:
        return [(lang, LOOKS) for lang in ("ja", "en")]
    return [(("ja", "en")[number // 2 % 2], [LOOKS[number % len(LOOKS)]])]


def looked_at(page: Browser, pictures: Path, looks: list[tuple[str, tuple[int, int]]]) -> list[str]:
    """What is wrong in each of these themes and sizes, or too wide for the narrowest screen."""
    wrong = []
    for theme, size in looks:
        page.look(*size, theme=theme)
        page.rest(0.05)
        picture = pictures.with_name(f"{pictures.name}-{theme}-{size[0]}.png")
        found = faults(page)
        if WHOLE or found:
            page.picture(picture)
        wrong += [f"{picture.stem}: {fault}" for fault in found]
    page.look(*NARROWEST)
    page.rest(0.05)
    wide = page.run("document.documentElement.scrollWidth - innerWidth")
    return wrong + [f"{pictures.name}: {wide} px too wide at {NARROWEST[0]}"] * (wide > 0)


@pytest.mark.parametrize(
    ("number", "screen", "state"),
    [pytest.param(n, s, t, id=f"{s.name}-{t}") for n, (s, t) in enumerate(CASES)],
)
@pytest.mark.req("UI-01", "UI-03")
@pytest.mark.timeout(120)
def test_a_screen_is_complete_and_accessible_in_every_state(
    home: FixtureHome,
    page: Browser,
    artifacts: Path,
    number: int,
    screen: Screen,
    state: State,
) -> None:
    wrong = []
    come(page, home.url)
    page.complaints.clear()
    page.requests.clear()
    for lang, looks in looks_of(number):
        page.look(*looks[0][1], theme=looks[0][0])
        show(home, page, screen, state, lang)
        wrong += [f"{lang}: {fault}" for fault in jumps(page)]
        wrong += looked_at(page, artifacts / f"{screen.name}-{state}-{lang}", looks)
    home.release()
    wrong += [c for c in page.complaints if not any(word in c for word in ALLOWED)]
    wrong += [r for r in page.requests if not at_home(r, home.url)]
    assert wrong == []


def at_home(request: str, url: str) -> bool:
    """Whether a request stays with the home itself."""
    host = url.removeprefix("http://")
    return request.startswith((url, f"ws://{host}", "data:", "blob:", "about:"))
