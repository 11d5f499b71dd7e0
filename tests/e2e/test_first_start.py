"""The first start of a real home, in the browser: password, devices, circuits, tariff."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import _house as run
from tests.e2e.browser import Browser
from tests.e2e.test_demo import LANGUAGE

NEW = "himawari no niwa 7"


@pytest.fixture
def first(built_web: Path, tmp_path: Path) -> Iterator[tuple[str, run.Ready]]:
    """A home that nobody has opened yet, and the devices of a house."""
    assert built_web.exists()
    net = run.free_net()
    place = run.Place(net, tmp_path / "home", run.free_port())
    place.folder.mkdir()
    (tmp_path / "house").mkdir()
    with run.house(net, tmp_path / "house"), run.home(place) as ready:
        yield place.url, ready


def choose(page: Browser, select: str, value: str) -> None:
    page.run(
        f"(s => {{ s.value = '{value}'; s.dispatchEvent(new Event('change', {{bubbles: true}}))"
        f" }})(document.querySelector('{select}'))"
    )


@pytest.mark.timeout(180)
@pytest.mark.req("PWD-01", "MEA-03", "UI-11")
def test_a_newcomer_comes_from_the_first_password_to_the_living_house(
    first: tuple[str, run.Ready], page: Browser
) -> None:
    url, ready = first
    page.look(390, 844)
    page.open(f"{url}/boot.js")
    page.run(LANGUAGE)
    page.open(url)
    page.wait("document.querySelector('#user')")
    page.type("#user", str(ready.line["user"]))
    page.type("#password", str(ready.line["password"]))
    page.key("Enter")
    page.wait("location.pathname === '/password'")
    for field, text in (("current", str(ready.line["password"])), ("next", NEW), ("repeat", NEW)):
        page.type(f"#{field}", text)
    page.click_text("このパスワードにする")
    page.wait("location.search === '?step=devices'")
    page.wait("document.querySelectorAll('section li').length >= 11", timeout_s=30)
    page.click_text("次へ")
    page.wait_text("回路に名前を付けます")
    page.wait("document.querySelectorAll('li.line').length >= 20")
    page.type("li.line input", "台所")
    page.key("Tab")
    page.wait("document.querySelector('li.line [role=status]').innerText !== ''")
    page.click_text("次へ")
    page.wait_text("料金プランを選びます")
    page.wait("document.querySelector('#company')")
    choose(page, "#company", "東京電力エナジーパートナー")
    page.click_text("従量電灯B", "label")
    choose(page, "#ampere", "40")
    page.click_text("このプランにする")
    page.wait_text("準備ができました")
    page.click_text("ホームを開く")
    page.wait("document.querySelectorAll('.label .value').length >= 4")
    with run.signed_in(url, NEW) as client:
        assert "台所" in [one["name"] for one in client.get("/api/v1/circuits").json()]
        assert client.get("/api/v1/tariff").json()["plan"]["id"] == "tepco_juryo_b"
        assert client.get("/.well-known/hidamari").json()["setup_needed"] is False
