"""The web app in a real browser: what the first view loads, and what the living picture costs.

The house is simulated and stands at noon, so that sun, battery and circuits move. Sizes are those
of the packed files as they are served. The peer is Home Assistant 2026.2.3, recorded earlier.
"""

import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from tests.e2e.browser import Browser, wait_for
from tests.e2e.screens import BUSY, faults

from bench import _house as run
from hidamari.core.clock import RealClock, clock_text, fast_clock_from_now
from hidamari.core.time import TOKYO, day_bounds, local_day
from hidamari.demo_home import furnish

Figure = dict[str, object]

PEER = "1140 KB of JavaScript (Home Assistant 2026.2.3, recorded)"
PEER_KB = 1140.0
NOON = timedelta(hours=36)
DAYS = 3
SETTLE_S = 8.0
WATCH_S = 20.0
PHONE = (390, 844)
PATHS = (
    "/",
    "/flow",
    "/flow?view=detail",
    "/history",
    "/history?view=circuits&period=week",
    "/history?view=cost&period=month",
    "/meter",
    "/meter/peaks",
    "/plan",
    "/forecast",
    "/modes",
    "/devices",
    "/events",
    "/settings",
)
KB = 1024.0  # as build tools count
# The dots on the lines are moved by scripts; what style sheets move does not count.
MOVING = """
document.getAnimations()
  .filter(a => a.playState === 'running' && a.constructor === Animation).length
"""
LOADED = """
performance.getEntriesByType('resource').map(r => [new URL(r.name).pathname, r.encodedBodySize])
"""


def figures() -> list[Figure]:
    """All figures of this part."""
    with tempfile.TemporaryDirectory(prefix="hidamari-bench-") as name:
        folder = Path(name)
        noon = day_bounds(local_day(RealClock().now(), TOKYO), TOKYO)[0] + NOON
        furnish(folder, 1, noon, DAYS, run.PASSWORD)
        clock = clock_text(fast_clock_from_now(noon, 1.0))
        net = run.free_net()
        place = run.Place(net, folder, run.free_port())
        with run.house(net, folder, clock), run.home(place, clock), Browser() as page:
            return look(page, place.url)


def look(page: Browser, url: str) -> list[Figure]:
    """Sign in, take the first view with an empty cache, and watch the picture move."""
    page.look(*PHONE, calm=False)
    page.open(f"{url}/.well-known/hidamari")
    sign_in(page)
    page.send("Network.clearBrowserCache")
    page.open(url)
    page.wait("document.querySelector('svg') !== null")
    wait_for(lambda: page.run(MOVING) or None, 30)
    time.sleep(SETTLE_S)
    loaded: list[tuple[str, float]] = page.run(LOADED)
    moving = int(page.run(MOVING))
    busy_pct = main_thread_pct(page)
    wrong = [f"{path}: {fault}" for path in PATHS for fault in faults_of(page, url + path)]
    print("\n".join(wrong), end="", file=sys.stderr)
    script, style = size_kb(loaded, ".js"), size_kb(loaded, ".css")
    return [
        figure("script of the first view, packed", script, "KB", 60.0, PEER),
        figure("styles of the first view, packed", style, "KB", 12.0, None),
        {
            "name": f"main thread with the flow moving, {WATCH_S:.0f} s",
            "value": round(busy_pct, 2),
            "unit": f"% ({moving} lines move)",
            "peer": None,
            "ratio": None,
            "bar": "<= 1 %",
            "ok": busy_pct <= 1.0 and moving > 0,
        },
        # Every screen in every state, language, look and size: make test E2E=1.
        {
            "name": f"axe violations on {len(PATHS)} screens of a living house",
            "value": len(wrong),
            "unit": "violations",
            "peer": None,
            "ratio": None,
            "bar": "0",
            "ok": not wrong,
        },
    ]


def faults_of(page: Browser, url: str) -> list[str]:
    """What axe and the rules of our screens find wrong on one of them."""
    page.open(url)
    page.wait("document.querySelector('h1:not(.sr)')")
    page.wait(f'!document.querySelector("{BUSY}")', timeout_s=30)
    return faults(page)


def sign_in(page: Browser) -> None:
    """A session cookie, as the sign-in screen gets it."""
    body = json.dumps({"user": run.USER, "password": run.PASSWORD})
    asked = "{method: 'POST', headers: {'Content-Type': 'application/json'}, body: %s}"
    status = page.run(
        f"fetch('/api/v1/session', {asked % json.dumps(body)}).then(answer => answer.status)"
    )
    if status != 200:
        raise RuntimeError(f"signed in expected, got status {status}")


def size_kb(loaded: list[tuple[str, float]], ending: str) -> float:
    """What the browser loaded of one kind, as packed on the way."""
    sizes = [size for path, size in loaded if path.endswith(ending)]
    if not sizes or min(sizes) <= 0:
        raise RuntimeError(f"sizes of {ending} files expected, got {loaded}")
    return sum(sizes) / KB


def main_thread_pct(page: Browser) -> float:
    """Share of time in which the page's main thread works on tasks."""
    before, begun_s = page.metrics()["TaskDuration"], time.perf_counter()
    page.rest(WATCH_S)
    passed_s = time.perf_counter() - begun_s
    return 100.0 * (page.metrics()["TaskDuration"] - before) / passed_s


def figure(name: str, value: float, unit: str, bar: float, peer: str | None) -> Figure:
    """A size with its budget."""
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "peer": peer,
        "ratio": round(value / PEER_KB, 4) if peer else None,
        "bar": f"<= {bar:g} {unit}",
        "ok": value <= bar,
    }
