"""Every screen with its states, and what each must fulfil in any of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.answers import State
from tests.e2e.browser import Browser
from tests.e2e.server import FixtureHome

ROOT = Path(__file__).parents[2]
AXE = ROOT / "ui/node_modules/axe-core/axe.min.js"
SIX: tuple[State, ...] = ("full", "loading", "empty", "partly", "stale", "offline", "error")
# What people enter has no gaps and does not grow old.
KEPT: tuple[State, ...] = ("full", "loading", "empty", "offline", "error")
SIZES = ((360, 740), (820, 1180), (1440, 900))
BUSY = "[aria-label='読みこんでいます'], [aria-label='Loading']"
# Longer than the 300 ms after which a skeleton may show.
SKELETON_S = 0.45


@dataclass(frozen=True, slots=True)
class Screen:
    """A path of the app and the states that it can be in."""

    name: str
    path: str
    states: tuple[State, ...] = SIX


SCREENS = (
    Screen("home", "/", (*SIX, "night")),
    Screen("flow", "/flow", (*SIX, "night")),
    Screen("flow-detail", "/flow?view=detail"),
    Screen("history-day", "/history?date=2026-11-19&compare=previous"),
    Screen("history-month", "/history?period=month&compare=last_year"),
    Screen("history-year", "/history?period=year", ("full", "partly")),
    Screen("history-circuits", "/history?view=circuits&period=week&circuit=circuit:1"),
    Screen("history-cost", "/history?view=cost&period=month"),
    Screen("history-hot", "/history?view=hot&date=2026-11-19"),
    Screen("meter", "/meter"),
    Screen("meter-peaks", "/meter/peaks"),
    Screen("meter-peak", "/meter/peaks/2026-04"),
    Screen("plan", "/plan"),
    Screen("plan-today", "/plan?day=today"),
    Screen("plan-yesterday", "/plan?day=yesterday", ("full", "partly", "empty")),
    Screen("modes", "/modes", ("full", "loading", "partly", "offline", "error")),
    Screen("forecast", "/forecast"),
    Screen("whatif", "/whatif"),
    Screen("devices", "/devices"),
    Screen("devices-kind", "/devices?by=kind", ("full", "partly")),
    Screen("device", "/devices/d2"),
    Screen("device-silent", "/devices/d3", ("partly",)),
    Screen("device-unknown", "/devices/d9", ("full",)),
    Screen("events", "/events", ("full", "loading", "empty", "offline", "error")),
    Screen("events-deeds", "/events?show=deeds", ("full",)),
    Screen("settings", "/settings", ("full", "loading", "offline", "error")),
    Screen("settings-tariff", "/settings/tariff", KEPT),
    Screen("settings-circuits", "/settings/circuits", KEPT),
    Screen("settings-network", "/settings/network", ("full", "loading", "offline", "error")),
    Screen("settings-sources", "/settings/sources", ("full", "loading", "error")),
    Screen("settings-storage", "/settings/storage", ("full", "loading", "error")),
    Screen("setup-devices", "/setup?step=devices", ("full", "empty")),
    Screen("setup-circuits", "/setup?step=circuits", ("full", "empty")),
    Screen("setup-tariff", "/setup?step=tariff", ("full",)),
    Screen("setup-done", "/setup?step=done", ("full",)),
    Screen("setup-password", "/setup", ("full",)),
    Screen("signin", "/signin", ("full",)),
    Screen("password", "/password", ("full",)),
)


# Chromium's own measure of layout that moves without anybody asking for it (CLS).
SHIFTS = (
    "window.jumped = 0; new PerformanceObserver(l => { for (const e of l.getEntries())"
    " if (!e.hadRecentInput) window.jumped += e.value; })"
    ".observe({type: 'layout-shift', buffered: true});"
)
MOST_SHIFT = 0.05


def show(home: FixtureHome, page: Browser, screen: Screen, state: State, lang: str) -> None:
    """Bring the screen into the state; the page speaks `lang`."""
    home.release()
    home.signed_in = screen.name not in ("signin", "setup-password")
    home.first_time = screen.name == "setup-password"
    home.state = "full" if state == "offline" else state
    speak(page, home.url, lang)
    page.open(home.url + screen.path)
    page.wait("document.querySelector('h1:not(.sr)')")
    if state == "loading":
        page.rest(SKELETON_S)
        return
    page.wait(f'!document.querySelector("{BUSY}")')
    if state == "offline":
        home.state = "offline"
        page.run("dispatchEvent(new Event('offline'))")
        page.rest(0.1)
    page.rest(0.1)


def come(page: Browser, url: str) -> None:
    """Leave a page of another house, which asks on until then."""
    if page.run("location.origin") != url:
        leave(page, url)


def leave(page: Browser, url: str) -> None:
    """A page without an app of the same house: what was shown before asks no more."""
    page.open(f"{url}/boot.js")


def speak(page: Browser, url: str, lang: str) -> None:
    """What the page finds stored when it is opened next: the language alone."""
    come(page, url)
    page.run(f"localStorage.clear(), localStorage.hidamari = JSON.stringify({{lang: '{lang}'}})")


def jumps(page: Browser) -> list[str]:
    """What moved on the page since it was opened, if too much."""
    jumped = page.run("window.jumped")
    return [f"layout jumped by {jumped:.3f}"] if jumped > MOST_SHIFT else []


def faults(page: Browser) -> list[str]:
    """What axe and our own rules find wrong on the page as it stands."""
    page.run(AXE.read_text() + ";void 0" if not page.run("'axe' in window") else "void 0")
    found: list[dict[str, Any]] = page.run(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => "
        "({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))})))"
    )
    wrong = [f"axe {v['id']}: {v['help']} {v['nodes']}" for v in found]
    titles = page.run("document.querySelectorAll('h1').length")
    if titles != 1:
        wrong.append(f"{titles} h1")
    if page.run("document.querySelectorAll('main').length") != 1:
        wrong.append("not one main landmark")
    wide = page.run("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        wrong.append(f"{wide} px too wide")
    small = page.run(
        "[...document.querySelectorAll('button, .btn, select, nav a')].filter(e => e.offsetParent "
        "&& e.getBoundingClientRect().height < 44).map(e => e.outerHTML.slice(0, 120))"
    )
    if small:
        wrong.append(f"too small to touch: {small[:3]}")
    tiny = page.run(
        "[...document.querySelectorAll('body *')].filter(e => e.offsetParent && "
        "[...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && "
        "parseFloat(getComputedStyle(e).fontSize) < 13).map(e => e.outerHTML.slice(0, 120))"
    )
    if tiny:
        wrong.append(f"text below 13 px: {tiny[:3]}")
    bare = page.run("document.body.innerText.match(/\\b[a-z]+\\.[a-z_]+\\b(?=\\s|$)/g)")
    unworded = [w for w in bare or [] if w.split(".")[0] in SECTIONS]
    if unworded:
        wrong.append(f"keys without words: {unworded}")
    return wrong


SECTIONS = {"app", "nav", "unit", "link", "banner", "home", "history", "meter", "devices"} | {
    "settings",
    "tariff",
    "setup",
    "energy",
    "state",
    "flow",
    "chart",
    "period",
    "plan",
    "reason",
    "why",
    "modes",
    "forecast",
    "whatif",
    "events",
    "cloud",
    "outside",
    "away",
}
