"""The app from outside, screen by screen: accounts, homes, a home that is there or away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.browser import Browser
from tests.e2e.screens import BUSY, faults, jumps, leave, speak
from tests.e2e.service import HOME, MEMBERS, PHONES, FixtureService
from tests.e2e.test_screens import ALLOWED, at_home, looked_at, looks_of
from tests.e2e.words import Said

Prepare = Callable[[FixtureService], object]
Act = Callable[[Browser], object]


@pytest.fixture(scope="module")
def service(built_web: Path) -> Iterator[FixtureService]:
    """The invented service, served."""
    assert built_web.exists()
    with FixtureService() as served:
        yield served


@dataclass(frozen=True, slots=True)
class Case:
    """A screen in a state: what the service is like, and what a person does there."""

    name: str
    path: str
    prepare: Prepare = lambda _: None
    act: Act = lambda _: None


def out(service: FixtureService) -> None:
    service.signed_in = False


def no_phone(service: FixtureService) -> None:
    service.phone = None


def away(service: FixtureService) -> None:
    service.away = True


def refusing(call: str, status: int, code: str, **more: object) -> Prepare:
    def prepare(service: FixtureService) -> None:
        service.signed_in = call not in ("POST session", "POST account", "POST sign-up")
        service.phone = None if call == "POST phones" else service.phone
        service.refusals[call] = (status, code, more)

    return prepare


def with_homes(count: int) -> Prepare:
    return lambda service: setattr(service, "homes", count)


def as_role(role: str) -> Prepare:
    return lambda service: setattr(service, "role", role)


def filled(button: str, **fields: str) -> Act:
    """Fill the fields and press the button that submits the form."""

    def act(page: Browser) -> None:
        for field, text in fields.items():
            page.type(f"#{field}", text)
        page.click(button)

    return act


def pressed(*selectors: str) -> Act:
    def act(page: Browser) -> None:
        for selector in selectors:
            page.click(selector)

    return act


LEFT = "cookies,local_storage,indexeddb"  # what a page leaves; its service worker stays
CODES = {"device": "０１２３４５６７８９", "code": "123456"}
SUBMIT = "form .primary"
# What only the home itself can tell: while it is away, these say so and lead to the graphs.
AWAY = {
    "devices": "devices",
    "meter": "meter",
    "cost": "history?view=cost&period=month",
}
CASES = (
    Case("signin", "/cloud/signin", out),
    Case(
        "signin-wrong",
        "/cloud/signin",
        refusing("POST session", 401, "wrong_password"),
        filled(SUBMIT, mail="hanako@example.jp", password="wrong"),
    ),
    Case("signup", "/cloud/signup", out),
    Case("signup-sent", "/cloud/signup", out, filled(SUBMIT, mail="hanako@example.jp")),
    Case("forgot", "/cloud/forgot", out),
    Case("join", "/cloud/join#token=t", out),
    Case("join-short", "/cloud/join#token=t", out, filled(SUBMIT, password="short")),
    Case(
        "join-expired",
        "/cloud/join#token=t",
        refusing("POST account", 410, "link_expired"),
        filled(SUBMIT, password="himawari no niwa 7"),
    ),
    Case(
        "join-used",
        "/cloud/join#token=t",
        refusing("POST account", 410, "link_used"),
        filled(SUBMIT, password="himawari no niwa 7"),
    ),
    Case("join-bare", "/cloud/join", out),
    Case("reset", "/cloud/password#token=t", out),
    Case("homes", "/homes"),
    Case("homes-none", "/homes", with_homes(0)),
    Case("homes-error", "/homes", refusing("GET homes", 500, "internal")),
    Case("add", "/cloud/add"),
    Case("add-first", "/cloud/add", no_phone),
    Case(
        "add-wrong",
        "/cloud/add",
        refusing("POST homes/claim", 403, "wrong_code"),
        filled(SUBMIT, **CODES),
    ),
    Case(
        "add-accounts-full",
        "/cloud/add",
        refusing("POST homes/claim", 409, "account_limit", members=MEMBERS),
        filled(SUBMIT, **CODES),
    ),
    Case(
        "add-phones-full",
        "/cloud/add",
        refusing("POST homes/claim", 409, "phone_limit", phones=PHONES),
        filled(SUBMIT, **CODES),
    ),
    Case("add-done", "/cloud/add", act=filled(SUBMIT, **CODES)),
    Case("phone", "/cloud/phone", no_phone),
    Case(
        "phone-full",
        "/cloud/phone",
        refusing("POST phones", 409, "phone_limit", phones=PHONES),
        filled(SUBMIT, nickname="居間"),
    ),
    Case("manage", f"/cloud/home/{HOME}"),
    Case("manage-member", f"/cloud/home/{HOME}", as_role("member")),
    Case("manage-remove", f"/cloud/home/{HOME}", act=pressed("li:nth-child(2) button")),
    Case("manage-unlink", f"/cloud/home/{HOME}", act=pressed("section:last-of-type > button")),
    Case(
        "manage-fresh",
        f"/cloud/home/{HOME}",
        refusing(f"POST homes/{HOME}/unlink", 403, "step_up_needed"),
        pressed("section:last-of-type > button", "dialog .primary"),
    ),
    Case("account", "/cloud/account"),
    Case("account-end", "/cloud/account", act=pressed("section:last-of-type > button")),
    Case("home", f"/homes/{HOME}/"),
    Case("home-away", f"/homes/{HOME}/", away),
    Case("history-away", f"/homes/{HOME}/history?period=month", away),
    *(Case(f"{name}-away", f"/homes/{HOME}/{path}", away) for name, path in AWAY.items()),
    Case("settings", f"/homes/{HOME}/settings"),
)


def show(service: FixtureService, page: Browser, case: Case, lang: str) -> None:
    """Bring the screen into its state; the page speaks `lang`."""
    service.reset()
    service.home.state = "stale" if case.prepare is away else "full"
    case.prepare(service)
    page.send("Storage.clearDataForOrigin", origin=service.url, storageTypes=LEFT)
    speak(page, service.url, lang)
    page.open(service.url + case.path)
    page.wait("document.querySelector('h1:not(.sr)')")
    page.wait(f'!document.querySelector("{BUSY}")')
    page.rest(0.2)
    case.act(page)
    page.rest(0.4)


def untold(page: Browser, lang: str) -> list[str]:
    """What a page of a home that is away does not say."""
    w, shown = Said(lang), page.run("document.querySelector('main').innerText")
    since = w("outside.away_since").replace("{time}", "").strip()
    wanted = (since, w("outside.away_page"), w("outside.away_can"), w("outside.away_graphs"))
    found = [f"not said: {words}" for words in wanted if words not in shown]
    return found + [f"said: {code}" for code in ("home_offline",) if code in shown]


@pytest.mark.parametrize(
    ("number", "case"), [pytest.param(n, case, id=case.name) for n, case in enumerate(CASES)]
)
@pytest.mark.req("UI-01", "UI-03", "APP-05", "APP-10")
@pytest.mark.timeout(120)
def test_a_screen_outside_is_complete_and_accessible_in_every_state(
    service: FixtureService, page: Browser, artifacts: Path, number: int, case: Case
) -> None:
    wrong = []
    leave(page, service.url)
    page.complaints.clear()
    page.requests.clear()
    for lang, looks in looks_of(number):
        page.look(*looks[0][1], theme=looks[0][0])
        show(service, page, case, lang)
        wrong += [f"{lang}: {fault}" for fault in jumps(page)]
        wrong += looked_at(page, artifacts / f"outside-{case.name}-{lang}", looks)
        if case.name.removesuffix("-away") in AWAY:
            wrong += [f"{lang}: {fault}" for fault in untold(page, lang)]
    service.home.release()
    expected = (*ALLOWED, "status of 4")
    wrong += [c for c in page.complaints if not any(word in c for word in expected)]
    wrong += [r for r in page.requests if not at_home(r, service.url)]
    assert wrong == []


@pytest.mark.req("APP-20")
@pytest.mark.t(15)
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_home_goes_offline_the_history_goes_on_and_the_controls_come_back_with_it(
    service: FixtureService, page: Browser, artifacts: Path, lang: str
) -> None:
    w = Said(lang)
    page.look(390, 844)
    show(service, page, Case("plan", f"/homes/{HOME}/plan"), lang)
    chip, away_chip = w("outside.chip"), w("outside.chip_away").partition("{")[0].strip(" (（")
    page.wait_text(chip)
    page.click_text(w("plan.by_hand"))
    go = "document.querySelector('dialog[open] button.primary')"
    page.wait(f"{go} && !{go}.disabled")
    before = len(service.home.sent)
    service.away = True
    page.wait_text(away_chip)
    page.wait(f"{go}.disabled")
    assert w("outside.away_text") in page.run("document.querySelector('dialog[open]').innerText")
    page.picture(artifacts / f"outside-went-away-{lang}.png")
    page.key("Escape")
    page.wait("!document.querySelector('dialog[open]')")
    page.click("nav a[href*='/history']")
    page.wait("document.querySelectorAll('svg rect.f-solar').length > 5")
    page.wait_text(away_chip)
    page.picture(artifacts / f"outside-history-goes-on-{lang}.png")
    assert faults(page) == []
    page.click("nav a[href*='/devices']")
    page.wait_text(w("outside.away_page"))
    service.away = False
    page.wait_text(chip)
    page.wait("document.querySelector('main li')")  # it comes back without a touch
    assert w("outside.away_page") not in page.run("document.body.innerText")
    assert away_chip not in page.run("document.body.innerText")
    page.click("nav a[href*='/plan']")
    page.click_text(w("plan.by_hand"))
    page.wait(f"{go} && !{go}.disabled")
    assert len(service.home.sent) == before  # nothing was sent, and nothing was queued
    service.home.release()
