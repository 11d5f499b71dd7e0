"""What if: choose, wait with a bar, read the answer by month, end it."""

from tests.e2e.browser import Browser
from tests.e2e.server import FixtureHome
from tests.e2e.test_plan import choose, opened, sent


def test_a_battery_and_a_tariff_are_compared_and_the_running_one_is_watched(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "whatif", "empty")
    page.wait_text("まだ計算していません")
    choose(page, "#whatif-plan", "'chubu_smartlife'")
    options = page.run("[...document.querySelectorAll('#whatif-plan option')].map(o => o.value)")
    assert options[0] == ""
    assert "tepco_juryo_b" in options
    home.state = "partly"
    page.click("form button")
    page.wait("document.querySelector('[role=progressbar]')")
    assert sent(home, "whatif") == [{"battery_kwh": 10, "battery_kw": 4, "plan": "chubu_smartlife"}]
    page.wait("document.querySelector('[role=progressbar]').ariaValueNow === '37'")
    home.state = "full"
    page.wait_text("年におよそ40,300")
    page.wait_text("単純な決まりで動かすだけなら 35,900")


def test_each_month_is_read_and_nothing_is_asked_that_cannot_be(
    home: FixtureHome, page: Browser
) -> None:
    opened(home, page, "whatif")
    page.run("document.querySelector('[role=slider]').focus()")
    page.key("Home")
    page.wait_text("もしも 14,187")
    choose(page, "#whatif-plan", "''")
    page.run("document.querySelector('fieldset input[value=same]').click()")
    page.wait("document.querySelector('form button').disabled")
    page.run("document.querySelector('fieldset input[value=none]').click()")
    page.wait("!document.querySelector('form button').disabled")
    page.click("form button")
    page.wait("document.querySelector('[role=progressbar]')")
    assert sent(home, "whatif") == [{"battery_kwh": 0, "battery_kw": None, "plan": None}]


def test_a_running_comparison_is_ended(home: FixtureHome, page: Browser) -> None:
    opened(home, page, "whatif", "partly")
    home.state = "empty"
    page.click("[aria-live=polite] button")
    page.wait_text("まだ計算していません")
