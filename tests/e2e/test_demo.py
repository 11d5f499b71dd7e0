"""The screens against the real thing: the demo's simulated devices, controller, store and API."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.e2e.browser import Browser
from tests.e2e.screens import AXE, BUSY
from tests.e2e.test_screens import WHOLE, looked_at

from hidamari.core.clock import RealClock
from hidamari.core.time import TOKYO

PATHS = (
    "/",
    "/flow",
    "/flow?view=detail",
    "/history",
    "/history?view=cost&period=month",
    "/meter",
    "/meter/peaks",
    "/plan",
    "/plan?day=today",
    "/plan?day=yesterday",
    "/modes",
    "/forecast",
    "/devices",
    "/settings",
    "/settings/tariff",
    "/settings/circuits",
    "/settings/sources",
    "/settings/network",
    "/settings/storage",
    "/setup?step=devices",
)
PRICED = "円高くなります|円安くなります|ほとんど変わりません|この時間にはできません"
LANGUAGE = "localStorage.setItem('hidamari', JSON.stringify({lang: 'ja'}))"


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo answers, and who may come in."""

    url: str
    user: str
    password: str


@pytest.fixture(scope="module")
def demo(built_web: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with a short past on a free port, ended with everything it started."""
    assert built_web.exists()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("demo")
    command = [str(Path(sys.executable).parent / "hidamari"), "demo", "--json", "--days", "70"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--data", str(folder / "house")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        yield Demo(ready["url"], ready["user"], ready["password"])
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="module")
def inside(demo: Demo, page: Browser) -> Browser:
    """The browser, signed in at the demo in Japanese."""
    page.look(820, 1180)
    page.open(f"{demo.url}/boot.js")
    page.run(LANGUAGE)
    page.open(f"{demo.url}/")
    page.wait("location.pathname === '/signin'")
    page.type("#user", demo.user)
    page.type("#password", demo.password)
    page.key("Enter")
    page.wait_text("家の中で接続中", timeout_s=30)
    page.complaints.clear()
    return page


def days_ago(days: int) -> date:
    """A day of the demo's past: nothing of today is there until its first half-hour has ended."""
    return RealClock().now().astimezone(TOKYO).date() - timedelta(days)


def visit(page: Browser, demo: Demo, path: str) -> None:
    """A screen of the demo with its data."""
    page.open(demo.url + path)
    page.wait("document.querySelector('h1:not(.sr)')")
    page.wait(f'!document.querySelector("{BUSY}")')


@pytest.mark.timeout(120)
def test_home_shows_the_living_house_and_says_what_is_measured(demo: Demo, inside: Browser) -> None:
    visit(inside, demo, "/")
    inside.wait("document.querySelectorAll('.label .value').length >= 4")
    text = inside.run("document.body.innerText")
    assert re.search(r"家で使用\s*\d+\.\d\s*kW", text)
    for part in ("太陽光", "蓄電池", "お湯", "電気自動車", "今日の自給率", "今日の電気代"):
        assert part in text
    assert "使用量と日射は別の家での実測値を使い、回路ごとの値は模擬です" in text
    assert "CityLearn (MIT)" in text


def test_live_values_come_without_touching_anything(demo: Demo, inside: Browser) -> None:
    visit(inside, demo, "/flow?view=detail")
    inside.run(
        "window.seen = 0; new MutationObserver(() => window.seen++)"
        ".observe(document.querySelector('main'), {subtree: true, characterData: true,"
        " childList: true})"
    )
    inside.wait("window.seen > 0", timeout_s=40)


@pytest.mark.req("FLW-01", "FLW-02")
def test_power_flow_lists_circuits_by_power(demo: Demo, inside: Browser) -> None:
    visit(inside, demo, "/flow?view=detail")
    inside.wait("document.querySelectorAll('ol > li').length >= 10")
    powers = inside.run(
        "[...document.querySelectorAll('ol > li .value')].map(e => parseFloat(e.innerText))"
    )
    assert powers == sorted(powers, reverse=True)
    assert inside.run("document.body.innerText.includes('今月の目標に対する使用量')")


@pytest.mark.req("MEA-03")
@pytest.mark.parametrize(
    "query",
    [
        "period=day",
        "period=week",
        "period=month&compare=previous",
        "period=year",
        "view=circuits&period=week",
        "view=cost&period=month",
        "view=hot",
    ],
)
def test_graphs_are_drawn_from_the_stored_history(demo: Demo, inside: Browser, query: str) -> None:
    visit(inside, demo, f"/history?{query}&date={days_ago(1)}")
    inside.wait("document.querySelectorAll('[role=slider] svg rect').length > 0")
    assert inside.run("document.querySelectorAll('[role=alert]').length") == 0


def test_the_saved_file_holds_the_history(demo: Demo, inside: Browser, tmp_path: Path) -> None:
    inside.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    visit(inside, demo, f"/history?period=month&date={days_ago(31)}")
    inside.click_text("CSVで保存")
    for _ in range(100):
        inside.rest(0.1)
        found = list(tmp_path.glob("hidamari-balance-*.csv"))
        if found:
            break
    lines = found[0].read_text(encoding="utf-8").splitlines()
    assert "import_kw" in lines[0] or "買電" in lines[0]
    assert len(lines) > 25


@pytest.mark.req("SMT-03", "SMT-05")
def test_the_meter_shows_now_today_month_and_what_was_behind_the_peak(
    demo: Demo, inside: Browser
) -> None:
    visit(inside, demo, "/meter")
    for word in ("今日買った電気", "今月売った電気", "契約"):
        inside.wait_text(word)
    inside.click_text("ピーク電力", "label")
    inside.wait_text("12か月で最大")
    month = inside.run("[...document.querySelectorAll('select option')].at(-1).value")
    visit(inside, demo, f"/meter/peaks/{month}")
    inside.wait_text("ピークの内訳")
    inside.wait("document.querySelectorAll('.layout ul li').length > 3")


def test_devices_are_named_and_the_name_is_everywhere(demo: Demo, inside: Browser) -> None:
    visit(inside, demo, "/devices")
    inside.wait("document.querySelectorAll('main a.card').length >= 9")
    inside.click_text("蓄電池", "main a.card")
    inside.wait("document.querySelector('#name') !== null")
    inside.wait("document.querySelectorAll('details li').length > 10")
    inside.type("#name", "物置の蓄電池")
    inside.click_text("保存する")
    inside.wait_text("保存しました")
    visit(inside, demo, "/devices")
    inside.wait_text("物置の蓄電池")


@pytest.mark.req("SET-02", "SET-03", "SET-12")
def test_another_tariff_changes_the_price(demo: Demo, inside: Browser) -> None:
    visit(inside, demo, "/settings/tariff")
    inside.click_text("プランを変える")
    inside.wait("document.querySelector('#company') !== null")
    inside.run(
        "(() => { const s = document.querySelector('#company');"
        " s.value = [...s.options].find(o => o.text.startsWith('東京電力')).value;"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    inside.click_text("従量電灯B", "label")
    inside.run(
        "(() => { const s = document.querySelector('#ampere'); s.value = '40';"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    inside.click_text("このプランにする")
    inside.wait_text("料金プランを保存しました")
    inside.wait_text("40 A")
    inside.wait_text("36.40")


def test_the_name_of_the_home_is_kept(demo: Demo, inside: Browser) -> None:
    visit(inside, demo, "/settings")
    inside.wait("document.querySelector('#home-name') !== null")
    inside.type("#home-name", "日だまり荘")
    inside.click_text("保存する")
    inside.wait_text("保存しました")
    visit(inside, demo, "/")
    inside.wait("document.querySelector('h1').innerText === '日だまり荘'")


@pytest.mark.timeout(150)
def test_the_plan_of_the_living_house_is_explained_moved_and_taken_over(
    demo: Demo, inside: Browser
) -> None:
    visit(inside, demo, "/plan")
    inside.wait("document.querySelectorAll('ol .disc').length > 1", timeout_s=60)
    inside.wait_text("までの電気代の見込み")
    inside.click("ol button")
    inside.wait_text("もとにした値")
    inside.key("Escape")
    inside.wait("!document.querySelector('dialog')")
    inside.click_text("予定を変える")
    inside.run(
        "(() => { const s = document.querySelector('main select');"
        " s.value = [...s.options].at(-1).value;"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    inside.click("[aria-label='30分早く']")
    inside.wait(f"/{PRICED}/.test(document.body.innerText)", timeout_s=30)
    inside.click_text("閉じる")
    inside.click_text("手動にする")
    inside.wait("document.querySelector('dialog[open]')")
    inside.click_text("こう動かす", "dialog button")
    inside.wait_text("受け付けました", timeout_s=30)
    inside.key("Escape")
    inside.click_text("予定に戻す")
    inside.wait("!document.body.innerText.includes('予定に戻す')", timeout_s=30)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.timeout(90)
def test_real_data_leave_the_screens_accessible_and_quiet(
    demo: Demo, inside: Browser, artifacts: Path, path: str
) -> None:
    assert AXE.exists()
    inside.complaints.clear()
    inside.requests.clear()
    visit(inside, demo, path)
    inside.rest(0.2)
    looks = [("light", (360, 740)), ("dark", (1440, 900))]
    name = re.sub(r"\W+", "-", path).strip("-") or "home"
    one = PATHS.index(path) % 2
    wrong = looked_at(inside, artifacts / f"demo-{name}", looks if WHOLE else [looks[one]])
    inside.look(820, 1180)
    host = demo.url.removeprefix("http://")
    abroad = [r for r in inside.requests if host not in r and not r.startswith(("data:", "blob:"))]
    # A home without planning answers 404 when the menu asks whether it plans.
    said = [c for c in inside.complaints if "/api/v1/plan" not in c]
    assert wrong + said + abroad == []
