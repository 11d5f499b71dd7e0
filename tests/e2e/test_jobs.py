"""What people do on the screens: signing in, reading graphs by keys, naming, going offline."""

import json
import re

import pytest
from tests.e2e.browser import Browser
from tests.e2e.screens import SCREENS as ALL
from tests.e2e.screens import show
from tests.e2e.server import FixtureHome

SCREENS = {screen.name: screen for screen in ALL}
LIVE = "document.querySelector('[aria-live=polite].sr').innerText"


def opened(home: FixtureHome, page: Browser, name: str, lang: str = "ja") -> None:
    """A screen of the home in its best state, on a tablet."""
    page.look(820, 1180)
    home.sent.clear()
    show(home, page, SCREENS[name], "full", lang)


def test_asking_less_often_says_what_it_costs_and_is_taken_back(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "settings-sources")
    page.wait_text("1時間に360回まで")
    choose = "(e => { e.value = '%d'; e.dispatchEvent(new Event('change', {bubbles: true})) })"
    pick = choose + "(document.querySelector('#pace'))"
    page.run(pick % 120)
    page.wait_text("1時間に30回まで")
    page.wait_text("更新がとまっています")
    page.click_text("元に戻す")
    page.wait_text("1時間に360回まで")
    home.state = "error"
    page.run(pick % 60)
    page.wait_text("コントローラーの中で問題が起きました")
    assert page.run("document.querySelector('#pace').value") == "10"
    assert [body["network"]["live_s"] for _, path, body in home.sent if path == "settings"] == [
        120,
        10,
        60,
    ]


@pytest.mark.req("UI-11")
def test_a_wrong_password_is_told_and_the_right_one_leads_to_where_one_wanted_to_go(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "signin")
    page.open(f"{home.url}/history?period=month")
    page.wait("location.pathname === '/signin'")
    page.type("#user", "owner")
    page.type("#password", "wrong")
    page.key("Enter")
    page.wait_text("名前かパスワードが違います")
    page.type("#password", "correct horse")
    page.key("Enter")
    page.wait("location.pathname === '/history' && location.search === '?period=month'")
    page.wait_text("2026年11月")


@pytest.mark.req("PWD-01")
def test_a_first_password_must_be_changed_before_anything_else(
    home: FixtureHome, page: Browser
) -> None:
    home.must_change = True
    opened(home, page, "home")
    page.wait("location.pathname === '/password'")
    for field, text in (("current", "first"), ("next", "a long sentence"), ("repeat", "a long")):
        page.type(f"#{field}", text)
    page.click_text("このパスワードにする")
    page.wait_text("2回の入力が違います")
    page.type("#repeat", "a long sentence")
    page.click_text("このパスワードにする")
    page.wait("location.pathname === '/setup' && location.search === '?step=devices'")
    assert ("PUT", "password", {"current": "first", "new": "a long sentence"}) in home.sent


@pytest.mark.req("MEA-03")
def test_arrow_keys_read_a_graph_slot_by_slot_and_enter_opens_the_day(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "history-month")
    page.run("document.querySelector('[role=slider]').focus()")
    page.key("ArrowRight")
    first = page.run(LIVE)
    page.key("ArrowRight")
    second = page.run(LIVE)
    assert first != second
    assert "太陽光" in second
    assert re.search(r"\d kWh", second)
    assert page.run("document.querySelector('[role=slider]').getAttribute('aria-valuetext')") == (
        "11月2日(月)"
    )
    page.key("Enter")
    page.wait("location.search.includes('date=2026-11-02') && !location.search.includes('month')")
    page.wait_text("11月2日(月)")


@pytest.mark.req("MEA-03")
def test_a_finger_dragged_over_a_graph_reads_it(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "history-day")
    box = page.run(
        "(() => { const r = document.querySelector('[role=slider]').getBoundingClientRect();"
        " return [r.x, r.y, r.width, r.height]; })()"
    )
    for part in (0.3, 0.5):
        page.send(
            "Input.dispatchMouseEvent",
            type="mouseMoved",
            x=box[0] + part * box[2],
            y=box[1] + box[3] / 2,
        )
    page.wait(f"{LIVE}.includes('kWh')")


def test_the_table_shows_the_numbers_of_the_graph(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "history-day")
    page.click_text("表で見る")
    page.wait("document.querySelectorAll('tbody tr').length === 48")
    total = page.run(
        "[...document.querySelectorAll('tbody tr')].reduce((s, r) => "
        "s + (parseFloat(r.cells[1].innerText) || 0), 0)"
    )
    shown = float(
        page.run("document.querySelector('[aria-pressed] b').innerText").split("kWh")[0].strip()
    )
    # Each of the 48 cells is rounded to 0.01 or 0.1 kWh.
    assert total == pytest.approx(shown, abs=0.3)


def test_the_legend_hides_and_shows_a_source(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "history-day")
    before = page.run("document.querySelectorAll('svg rect.f-solar').length")
    page.click("[aria-pressed='true']")
    page.wait("document.querySelectorAll('svg rect.f-solar').length === 0")
    page.click("[aria-pressed='false']")
    page.wait(f"document.querySelectorAll('svg rect.f-solar').length === {before}")


def test_a_comparison_is_said_in_words(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "history-day")
    page.wait_text("前の日より、")
    page.run(
        "(() => { const s = document.querySelector('.compare select'); s.value = 'weekday';"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    page.wait_text("先週の同じ曜日より、")


@pytest.mark.req("SMT-05")
def test_choosing_a_month_shows_what_was_behind_its_peak(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "meter-peaks")
    page.wait_text("12か月で最大")
    page.run(
        "(() => { const s = document.querySelector('select'); s.value = '2026-04';"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    page.wait_text("ピークの内訳")
    page.wait_text("IHクッキングヒーター")
    assert page.run("location.pathname") == "/meter/peaks/2026-04"


def test_a_device_gets_a_name_and_a_room(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "device")
    page.type("#name", "納屋の蓄電池")
    page.type("#room", "納屋")
    page.click_text("保存する")
    page.wait_text("保存しました")
    assert ("PATCH", "devices/d2", {"name": "納屋の蓄電池", "room": "納屋"}) in home.sent


def test_a_device_of_an_unknown_class_shows_its_raw_bytes(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "device-unknown")
    page.wait_text("まだ対応していない種類の機器")
    page.wait_text("00A1B2C3D4E5F60718293A4B5C6D7E8F")


@pytest.mark.req("SET-02", "SET-03", "CTL-09")
def test_a_template_plan_asks_for_what_is_missing_and_takes_full_width_digits(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "setup-tariff")
    page.run(
        "(() => { const s = document.querySelector('#company'); s.value = '東北電力';"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    page.click_text("スマートタイム", "label")
    page.wait_text("検針票や契約書を見て入力してください")
    page.type("#ask-basic_yen", "１，２００")
    page.type("#reading", "８")
    page.click_text("売電の単価を足す")
    page.run(
        "(() => { const d = document.querySelector('#from0'); d.value = '2024-05-01';"
        " d.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    page.type("#yen0", "16")
    page.click_text("このプランにする")
    page.wait_text("準備ができました")
    sent = next(body for method, path, body in home.sent if (method, path) == ("PUT", "tariff"))
    assert sent["plan"] == "tohoku_smart_time"
    assert sent["answers"] == {"basic_yen": 1200}
    assert sent["reading_day"] == 8
    assert sent["sell"] == [{"from": "2024-05-01", "yen_kwh": 16}]


def test_every_step_of_the_first_start_can_be_skipped(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "setup-devices")
    for title in ("回路に名前を付けます", "料金プランを選びます", "準備ができました"):
        page.click_text("あとで")
        page.wait_text(title)
    page.click_text("ホームを開く")
    page.wait("location.pathname === '/'")


def test_values_come_back_by_themselves_when_the_home_answers_again(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "home")
    page.wait_text("家の中で接続中")
    home.state = "offline"
    page.run("dispatchEvent(new Event('offline'))")
    page.wait_text("更新がとまっています(10:42)")
    page.wait_text("自動でつなぎ直します")
    home.state = "full"
    page.wait_text("家の中で接続中", timeout_s=20)


def test_language_and_colours_change_at_once_and_stay(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "settings")
    page.click_text("English", "label")
    page.wait_text("On this device")
    page.click_text("Dark", "label")
    page.wait("document.documentElement.dataset.theme === 'dark'")
    page.open(f"{home.url}/settings")
    page.wait_text("On this device")
    assert page.run("[document.documentElement.lang, document.documentElement.dataset.theme]") == [
        "en",
        "dark",
    ]


def test_the_whole_app_can_be_walked_with_the_keyboard(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "home")
    page.run("document.activeElement.blur()")
    seen = []
    for _ in range(40):
        page.key("Tab")
        if page.run("document.activeElement === document.body"):
            break
        seen.append(page.run("document.activeElement.getAttribute('href')"))
        outline = page.run("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen
    for path in ("#main", "/", "/flow", "/history", "/meter", "/devices"):
        assert path in seen
    page.run("document.querySelector('nav a[href=\"/devices\"]').focus()")
    page.key("Enter")
    page.wait("location.pathname === '/devices'")
    page.wait("document.activeElement.tagName === 'H1'")


def test_parts_a_home_does_not_have_do_not_appear(home: FixtureHome, page: Browser) -> None:
    home.without = frozenset({"battery", "ev", "heater"})
    opened(home, page, "home")
    home.without = frozenset()
    text = page.run("document.querySelector('.scene').innerText")
    assert "太陽光" in text
    assert [word for word in ("蓄電池", "電気自動車", "お湯") if word in text] == []


def test_a_car_is_away_only_when_its_charger_says_so(home: FixtureHome, page: Browser) -> None:
    label = "document.querySelector('.label.car').innerText"
    for state, said in (("night", "外出中"), ("partly", "まだ届いていません"), ("full", "待機中")):
        show(home, page, SCREENS["home"], state, "ja")
        assert said in page.run(label), state
        assert ("外出中" in page.run(label)) == (state == "night")


@pytest.mark.req("UI-12")
def test_the_solar_anniversary_opens_once_and_leads_to_the_selling_price(
    home: FixtureHome, page: Browser
) -> None:
    home.pv_since = "2024-11-20"
    opened(home, page, "home")
    home.pv_since = "2024-04-01"
    page.wait_text("発電を始めて2年になりました")
    page.click_text("売電の単価を変える")
    page.wait("location.pathname === '/settings/tariff'")
    page.open(f"{home.url}/")
    page.wait_text("家で使用")
    page.rest(0.5)
    assert not page.run("document.body.innerText.includes('発電を始めて')")


def test_a_calm_user_sees_no_moving_dots(home: FixtureHome, page: Browser) -> None:
    page.look(820, 1180, calm=True)
    show(home, page, SCREENS["home"], "full", "ja")
    assert page.run("document.getAnimations().length") == 0
    page.look(820, 1180, calm=False)
    show(home, page, SCREENS["home"], "full", "ja")
    page.wait("document.getAnimations().length > 0")
    assert page.run("document.querySelectorAll('.dots i').length") <= 6


def gives_table(page: Browser, text: str) -> None:
    """Choose a file of market prices."""
    page.run(
        "(() => { const field = document.querySelector('#market'); const d = new DataTransfer();"
        f" d.items.add(new File([{json.dumps(text)}], 'spot.csv')); field.files = d.files;"
        " field.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


@pytest.mark.req("SET-02", "SET-03")
def test_prices_of_a_market_linked_plan_are_given_as_a_table(
    home: FixtureHome, page: Browser
) -> None:
    home.priced = 0
    try:
        opened(home, page, "settings-tariff")
        page.wait_text("今日の市場価格がまだありません")
        gives_table(page, "day,price\n")
        page.wait_text("columns start and yen_kwh expected")
        gives_table(page, "start,yen_kwh\n2026-11-20T00:00,10\n")
        page.wait_text("48コマ(30分ごと)を入れました")
        page.wait("!document.body.innerText.includes('今日の市場価格がまだありません')")
    finally:
        home.priced = None
