"""What people do with the plan: read it, ask why, move a block, take over, choose a mode."""

from typing import Any

import pytest
from tests.e2e.answers import State
from tests.e2e.browser import Browser
from tests.e2e.screens import SCREENS as ALL
from tests.e2e.screens import show
from tests.e2e.server import FixtureHome

SCREENS = {screen.name: screen for screen in ALL}
LIVE = "document.querySelector('[aria-live=polite].sr').innerText"


def opened(home: FixtureHome, page: Browser, name: str, state: State = "full") -> None:
    """A screen of the home in Japanese, on a tablet."""
    page.look(820, 1180)
    home.sent.clear()
    show(home, page, SCREENS[name], state, "ja")


def sent(home: FixtureHome, path: str) -> list[dict[str, Any]]:
    """Bodies that were sent to a path."""
    return [body for _, where, body in home.sent if where == path]


def choose(page: Browser, selector: str, value: str) -> None:
    """Choose in a select as a person does."""
    page.run(
        f"(() => {{ const s = document.querySelector('{selector}'); s.value = {value};"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


@pytest.mark.req("UI-01")
def test_arrow_keys_read_the_plan_and_enter_asks_why(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "plan")
    page.run("document.querySelector('[role=slider]').focus()")
    page.key("Home")
    page.key("ArrowRight")
    first = page.run(LIVE)
    assert "単価 26 円" in first
    assert "蓄電池" in first
    page.key("ArrowRight")
    assert page.run("document.querySelector('[role=slider]').getAttribute('aria-valuetext')") == (
        "01:00–01:30"
    )
    for _ in range(2):
        page.key("ArrowRight")
    page.key("Enter")
    page.wait("document.querySelector('dialog[open]')")
    page.wait_text("ほかの動かし方との差")
    page.wait_text("+53 円")


def test_every_number_on_the_axis_has_its_reason_below(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "plan")
    discs = page.run("[...document.querySelectorAll('svg text.n')].map(t => t.textContent).sort()")
    listed = page.run("[...document.querySelectorAll('ol .disc')].map(d => d.innerText).sort()")
    assert discs == listed
    assert len(listed) > 3
    page.wait_text("次によい動かし方より53円安くなります")


def test_a_reason_opens_the_sheet_and_escape_gives_the_focus_back(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "plan")
    page.run("document.querySelector('ol button').focus()")
    page.key("Enter")
    page.wait("document.querySelector('dialog[open]')")
    page.wait_text("もとにした値")
    page.key("Escape")
    page.wait("!document.querySelector('dialog')")
    assert page.run("document.activeElement.closest('ol') !== null")


def test_moving_a_block_by_buttons_tells_its_price_before_anything_is_saved(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "plan")
    page.click_text("予定を変える")
    choose(page, "main select", "[...s.options].find(o => o.text.includes('お湯を沸かす')).value")
    page.click("[aria-label='30分遅く']")
    page.click("[aria-label='30分遅く']")
    page.wait_text("61円高くなります")
    assert sent(home, "plan/override") == []
    tried = sent(home, "plan/try")[-1]
    assert tried == {
        "asset": "d4",
        "slot": "2026-11-21T03:00:00Z",
        "slots": 6,
        "mode": "charge",
        "kw": 1.2,
    }
    page.click_text("この時間にする")
    page.wait("!document.querySelector('main select')")
    assert sent(home, "plan/override") == [
        {
            "asset": "d4",
            "mode": "charge",
            "from": "2026-11-21T03:00:00.000Z",
            "until": "2026-11-21T06:00:00.000Z",
            "kw": 1.2,
        }
    ]


def test_dragging_a_bar_moves_it_by_half_hours_and_tells_the_price(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "plan")
    page.click_text("予定を変える")
    page.wait("document.querySelector('[data-move^=d4]')")
    spot = page.run(
        "(() => { const e = document.querySelector('[data-move^=d4]');"
        " e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
        " return [r.x + 6, r.y + r.height / 2, r.width / 6]; })()"
    )
    for kind, slots in (("mousePressed", 0), ("mouseMoved", 2), ("mouseReleased", 2)):
        page.send(
            "Input.dispatchMouseEvent",
            type=kind,
            x=spot[0] + slots * spot[2],
            y=spot[1],
            button="left",
            buttons=1,
            clickCount=1,
        )
    page.wait_text("12:00–15:00")
    page.wait_text("61円高くなります")
    assert sent(home, "plan/override") == []


@pytest.mark.parametrize(("choice", "until"), [("1時間", "1h"), ("あすまで", "tomorrow")])
def test_the_owner_takes_over_for_an_hour_or_until_tomorrow(
    home: FixtureHome, page: Browser, choice: str, until: str
) -> None:
    opened(home, page, "plan-today")
    page.click_text("手動にする")
    page.wait("document.querySelector('dialog[open]')")
    page.click_text("使わない", "dialog label")
    page.click_text(choice, "dialog label")
    page.click_text("こう動かす", "dialog button")
    page.wait_text("受け付けました")
    assert sent(home, "plan/override") == [{"asset": "d2", "mode": "hold", "until": until}]


def test_an_order_that_holds_is_shown_and_can_be_ended(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "plan-today", "stale")
    page.wait_text("ご指定の「使わない」")
    page.click_text("予定に戻す")
    page.rest(0.3)
    assert sent(home, "plan/override") == [{"asset": "d2", "mode": "plan", "until": "1h"}]


def test_what_comes_first_is_changed_at_once_and_can_be_undone(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "plan")
    page.click_text("自給優先", "label")
    page.wait_text("変えました")
    page.click_text("元に戻す")
    page.rest(0.3)
    assert [body["mode"] for body in sent(home, "modes")] == ["self", "cost"]


@pytest.mark.t(12)
def test_a_plan_that_is_not_the_best_says_how_it_came_to_be(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "plan", "stale")
    page.wait_text("新しい予定を立てられないため、前の予定を使っています")
    page.wait_text("この予定は3時間前のものです")
    page.wait_text("天気予報が古いため使っていません")


@pytest.mark.req("ASC-07", "ASP-09")
def test_too_few_comparable_days_are_said(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "plan", "partly")
    page.wait_text("似た日の記録が5日に足りないため(いま3日)")
    assert "電気代の見込み" not in page.run("document.querySelector('main').innerText")


def test_the_past_day_lies_beside_its_plan(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "plan-yesterday")
    page.wait_text("予定と実際")
    rows = page.run(
        "[...document.querySelectorAll('table tbody tr')].map(r => "
        "[r.cells[0].innerText, ...[2, 3].map(i => parseFloat(r.cells[i].innerText))])"
    )
    assert {row[0] for row in rows} >= {"太陽光", "家の使用", "蓄電池へ", "お湯", "買電"}
    assert all(row[1] >= 0 and row[2] >= 0 for row in rows)


def test_home_tells_the_next_action_and_leads_to_the_plan(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "home")
    page.wait_text("次は")
    page.click("a[href^='/plan?day=']")
    page.wait("location.pathname === '/plan'")


def test_a_device_of_the_plan_answers_why(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "device")
    page.click_text("いま、なぜ?")
    page.wait_text("蓄電池: いま、なぜ?")
    page.wait_text("機器で確かめました")


def test_a_home_that_does_not_plan_offers_nothing_of_it(home: FixtureHome, page: Browser) -> None:
    home.plans = False
    try:
        opened(home, page, "home")
        page.rest(0.4)
        assert page.run("document.querySelectorAll('a[href^=\"/plan\"]').length") == 0
        opened(home, page, "device")
        page.rest(0.4)
        assert "なぜ" not in page.run("document.body.innerText")
        opened(home, page, "plan")
        page.wait_text("この家ではまだ予定を立てていません")
    finally:
        home.plans = True


@pytest.mark.req("ASC-04", "ASC-07", "ASC-14", "ASP-03", "ASP-11")
def test_each_condition_of_a_sun_mode_is_shown_with_its_number_words_reading_and_mending(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "modes", "partly")
    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    text = page.run("document.querySelector('main').innerText")
    for words in ("ASC-04", "料金単価が設定されていること", "料金プランを選んであること"):
        assert words in text
    for words in (
        "満たさない",
        "満たす",
        "分からない",
        "なおすには:",
        "天気は変わることがあります",
    ):
        assert words in text
    assert page.run("document.querySelector('details a').getAttribute('href')") == (
        "/settings/tariff"
    )


@pytest.mark.req("SET-10")
def test_the_limits_of_the_plan_are_saved(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "modes")
    page.type("#reserve", "３０")
    choose(page, "#quiet-from", "'23'")
    page.click("#warning")
    page.click_text("保存する")
    page.wait_text("保存しました")
    saved = sent(home, "settings")[-1]["plan"]
    assert saved["weather_warning"] is True
    assert saved["reserve_pct"] == 30
    assert saved["heater"]["quiet_from_h"] == 23
    assert saved["car"] == {
        "days": [0, 1, 2, 3, 4],
        "ready_h": 7.5,
        "need_pct": 80,
        "solar": False,
    }
