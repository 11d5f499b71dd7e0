"""What the owner tells the home of its circuits, its exchanged devices and its network."""

from typing import Any

import pytest
from tests.e2e.browser import Browser
from tests.e2e.screens import Screen, show
from tests.e2e.server import FixtureHome

CIRCUITS = Screen("settings-circuits", "/settings/circuits")
NETWORK = Screen("settings-network", "/settings/network")


def choose(page: Browser, selector: str, value: str) -> None:
    """Pick an option as a person does."""
    page.wait(f'document.querySelector("{selector}")')
    page.run(
        f'(e => {{ e.value = "{value}"; e.dispatchEvent(new Event("change", {{bubbles: true}})) }})'
        f'(document.querySelector("{selector}"))'
    )


def sent_to(home: FixtureHome, start: str) -> list[Any]:
    """What was sent to paths that begin so."""
    return [body for method, path, body in home.sent if path.startswith(start)]


def test_a_circuit_is_told_what_hangs_on_it_and_a_hidden_one_comes_back(
    home: FixtureHome, page: Browser
) -> None:
    home.sent.clear()
    show(home, page, CIRCUITS, "full", "ja")
    second = ".line:nth-child(2) select"
    assert page.run("document.querySelector('.line:nth-child(1) select').value") == "d7"
    page.wait(f"document.querySelector('{second} option[value=d4]')")
    choose(page, second, "d4")
    page.wait("document.querySelector('.line:nth-child(2) .done svg')")
    choose(page, second, "")
    page.click(".line:nth-child(3) button")
    page.wait_text("かくした回路")
    page.click_text("元に戻す")
    page.wait("!document.querySelector('.line:nth-child(3) .done svg')")
    page.rest(0.2)
    assert sent_to(home, "circuits/") == [
        {"device": "d4"},
        {"device": ""},
        {"hidden": True},
        {"hidden": False},
    ]


def test_a_silent_device_goes_on_with_the_new_one_once_that_was_confirmed(
    home: FixtureHome, page: Browser
) -> None:
    home.sent.clear()
    home.has_spare = True
    try:
        show(home, page, Screen("device", "/devices/d3"), "partly", "ja")
        page.click_text("この機器に引き継ぐ")
        page.wait_text("「新しい充放電器 (192.0.2.30)」の値で続きます")
        page.wait_text("元には戻せません")
        assert sent_to(home, "devices/d3") == []
        page.click_text("引き継ぐ", "dialog .primary")
        page.wait_text("引き継ぎました")
        assert sent_to(home, "devices/d3/replace") == [{"by": "d10"}]
        show(home, page, Screen("device", "/devices/d1"), "partly", "ja")
        assert not page.run("document.body.innerText.includes('新しい機器に取り替えた')")
    finally:
        home.has_spare = False


@pytest.mark.t(17)
def test_the_fingerprint_of_the_secure_door_is_there_to_be_compared(
    home: FixtureHome, page: Browser
) -> None:
    show(home, page, NETWORK, "full", "ja")
    page.wait_text("07:0F:17:1F:27:2F:37:3F:")
    page.wait_text("C7:CF:D7:DF:E7:EF:F7:FF")


def test_addresses_to_ask_are_checked_kept_and_taken_back(home: FixtureHome, page: Browser) -> None:
    home.sent.clear()
    show(home, page, NETWORK, "full", "ja")
    page.type("#probe", "192.168.1.31\n192.168.1.999")
    page.click_text("保存")
    page.wait_text("192.168.1.999 はアドレスではありません")
    page.type("#probe", "192.168.1.31、１９２．１６８．１．３２")
    page.click_text("保存")
    page.wait_text("このアドレスの機器をさがしています")
    assert page.run("document.querySelector('#probe').value") == "192.168.1.31\n192.168.1.32"
    page.click_text("元に戻す")
    page.wait("document.querySelector('#probe').value === ''")
    sent = [body["network"]["probe"] for body in sent_to(home, "settings")]
    assert sent == [["192.168.1.31", "192.168.1.32"], []]
    assert len(sent_to(home, "devices/search")) == 1
