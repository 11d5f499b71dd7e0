"""The whole way by what the screens say: from an empty service to the house from outside."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.browser import Browser
from tests.e2e.screens import BUSY, faults
from tests.e2e.words import Said

PASSWORD = "himawari no niwa 7"


@dataclass(frozen=True, slots=True)
class Demo:
    """House, controller and service, as the demo tells them."""

    url: str
    user: str
    password: str
    cloud_url: str
    mailbox: str


@pytest.fixture(scope="module")
def demo(built_web: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with a short past, ended with everything it started."""
    assert built_web.exists()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("way")
    command = [str(Path(sys.executable).parent / "hidamari"), "demo", "--json", "--days", "35"]
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
        yield Demo(**{name: ready[name] for name in Demo.__dataclass_fields__})
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def speak(page: Browser, url: str, lang: str) -> None:
    """The page of this address in this language, as the reader's device has it."""
    page.look(820, 1180)
    page.open(f"{url}/boot.js")
    page.run(f"localStorage.setItem('hidamari', JSON.stringify({{lang: '{lang}'}}))")


def codes_at_home(page: Browser, demo: Demo, w: Said) -> tuple[str, str]:
    """Settings of the house, "From outside": the two numbers that it shows."""
    speak(page, demo.url, w.lang)
    page.open(f"{demo.url}/settings")
    page.wait("document.querySelector('#user') || document.querySelector('#outside')")
    if page.run("document.querySelector('#user') !== null"):
        page.type("#user", demo.user)
        page.type("#password", demo.password)
        page.key("Enter")
    shows = "(document.querySelector('#outside')?.innerText ?? '').includes"
    issue, unlink = w("uplink.issue"), w("uplink.unlink")
    page.wait(f"{shows}('{issue}') || {shows}('{unlink}')", timeout_s=30)
    page.rest(1.0)
    if page.run(f"{shows}('{unlink}')"):
        page.click_text(w("uplink.unlink"), "#outside button")
        page.click_text(w("uplink.unlink_go"), "dialog button")
    page.click_text(w("uplink.issue"), "#outside button")
    page.wait("document.querySelector('#outside [data-code]')", timeout_s=30)
    shown: list[str] = page.run(
        "[document.querySelector('#outside .device').innerText,"
        " document.querySelector('#outside [data-code]').dataset.code]"
    )
    return shown[0], shown[1]


def account(page: Browser, demo: Demo, w: Said) -> None:
    """Sign up, take the link out of the mailbox, choose a password."""
    page.send("Network.clearBrowserCookies")  # a device that nobody has signed in with
    speak(page, demo.cloud_url, w.lang)
    page.open(demo.cloud_url)
    page.wait("location.pathname === '/cloud/signin'")
    page.click_text(w("cloud.signin_new_go"))
    page.type("#mail", f"hanako-{w.lang}@example.jp")
    page.click_text(w("cloud.signup_go"))
    page.wait_text(w("cloud.sent_title"))
    page.click_text(w("cloud.sent_demo_go"))
    mine = (
        f"[...document.querySelectorAll('article')].find(a => a.innerText.includes('-{w.lang}@'))"
    )
    page.wait(f"location.pathname === '/mailbox' && {mine}", timeout_s=30)
    page.run(f"{mine}.querySelector('a').click()")
    page.wait_text(w("cloud.join_title"))
    assert page.run("location.hash") == ""
    page.type("#password", PASSWORD)
    page.click_text(w("cloud.join_go"))
    page.wait_text(w("cloud.empty_title"))


def sign_in_again(page: Browser, w: Said) -> None:
    """Out by the account's page and in with mail and password."""
    page.click(f"a[aria-label='{w('cloud.account_title')}']")
    page.click_text(w("cloud.sign_out"))
    page.wait_text(w("cloud.signin_text"))
    page.type("#mail", f"hanako-{w.lang}@example.jp")
    page.type("#password", PASSWORD)
    page.key("Enter")
    page.wait_text(w("cloud.empty_title"))


@pytest.mark.req("APP-06", "APP-07", "APP-10", "APP-12", "APP-18", "APP-20")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_from_an_empty_service_to_the_house_seen_and_steered_from_outside(
    demo: Demo, page: Browser, artifacts: Path, lang: str
) -> None:
    w = Said(lang)
    account(page, demo, w)
    sign_in_again(page, w)
    device_code, link_code = codes_at_home(page, demo, w)
    page.open(f"{demo.cloud_url}/homes")
    page.click_text(w("cloud.homes_add"))
    for field, text in (("device", device_code), ("code", link_code), ("nickname", "hanako")):
        page.type(f"#{field}", text)
    page.click_text(w("cloud.claim_go"), "form button")
    page.wait_text(w("cloud.claimed_title"), timeout_s=30)
    page.click_text(w("cloud.claimed_go"))
    page.wait("location.pathname.startsWith('/homes/')")
    page.wait_text(w("outside.chip"), timeout_s=60)
    page.wait("document.querySelectorAll('.label .value').length >= 4", timeout_s=30)
    page.picture(artifacts / f"way-home-{lang}.png")
    wrong = faults(page)
    home = page.run("location.pathname.split('/').slice(0, 3).join('/')")
    page.open(f"{demo.cloud_url}{home}/history?period=month")
    page.wait(f'!document.querySelector("{BUSY}")')
    page.wait("document.querySelectorAll('svg rect.f-solar').length > 5")
    page.open(f"{demo.cloud_url}{home}/plan")
    page.wait("document.querySelectorAll('ol .disc').length > 1", timeout_s=90)
    page.click_text(w("plan.by_hand"))
    page.wait("document.querySelector('dialog[open]')")
    page.click_text(w("why.go"), "dialog button")
    page.wait_text(w("away.reached"), timeout_s=30)
    page.wait(
        "document.querySelectorAll('dialog ol li.done').length === 3"
        " || document.querySelector('dialog .bad')",
        timeout_s=60,
    )
    assert page.run("document.querySelector('dialog').innerText").count(w("away.confirmed")) == 1
    page.picture(artifacts / f"way-steered-{lang}.png")
    page.key("Escape")
    assert wrong == []
