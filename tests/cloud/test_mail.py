"""Mails reach a real mail server in the reader's language, whatever is away for a while."""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.cloud.sent import NOW

from hidamari.cloud import accounts, letters
from hidamari.cloud.mail import Carrier, Mailbox, Post, smtp_of
from hidamari.cloud.main import CloudWishes, opened
from hidamari.cloud.place import place_of
from hidamari.cloud.service import Service
from hidamari.cloud.sessions import Browser
from hidamari.core.clock import VirtualClock
from hidamari.core.errors import InputError
from hidamari.core.words import text


class Letters:
    """Keeps what is handed in; says `later` to as many as it is told to."""

    def __init__(self) -> None:
        self.later = 0
        self.came: list[tuple[str, list[str], EmailMessage]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.later:
            self.later -= 1
            return "451 try again later"
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, EmailMessage, policy=POLICY)
        self.came.append((str(envelope.mail_from), envelope.rcpt_tos, message))
        return "250 OK"


@pytest.fixture
def office():
    letters = Letters()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(letters, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield letters, port
    finally:
        controller.stop()


@asynccontextmanager
async def service_of(
    folder: Path, clock: VirtualClock, carrier: Carrier, sender: str = "cloud@example.jp"
) -> AsyncIterator[Service]:
    """A service whose mails go this way; nobody carries any before `letters.run`."""
    place = place_of("http://127.0.0.1")
    async with opened(CloudWishes("sqlite:///cloud.db", folder, 0), place, clock) as (made, _):
        yield replace(made, post=Post(carrier, sender, clock))


@asynccontextmanager
async def carrying(service: Service) -> AsyncIterator[None]:
    """While mails leave."""
    work = asyncio.create_task(letters.run(service))
    yield
    work.cancel()
    await asyncio.wait([work])


@pytest.mark.req("APP-04")
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_mail_arrives_word_for_word(lang: str, office: tuple[Letters, int], tmp_path: Path):
    came, port = office
    came.later = 2 if lang == "ja" else 0  # a server that asks to come again gets it again
    clock = VirtualClock(NOW)

    async def run() -> None:
        smtp, sender = smtp_of(f"smtp://127.0.0.1:{port}?from=cloud@example.jp")
        async with service_of(tmp_path, clock, smtp, sender) as service, carrying(service):
            await accounts.ask_link(service, letters.SIGN_UP, "hanako@example.jp", lang)
            for pause_s in (5, 10) if came.later else ():
                await letters.sent(service)
                clock.advance(pause_s - 0.1)
                await letters.sent(service)
                assert came.came == []
                clock.advance(0.1)
            await letters.sent(service)

    asyncio.run(run())
    ((sender, to, message),) = came.came
    assert (sender, to) == ("cloud@example.jp", ["hanako@example.jp"])
    assert message["Subject"] == text(lang, "mail.sign_up_subject")
    lines = str(message.get_content()).splitlines()
    (link,) = (line for line in lines if line.startswith("http://127.0.0.1/cloud/join#token="))
    assert lines == text(lang, "mail.sign_up_text", link=link).splitlines()
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.req("APP-07")
def test_a_mail_that_waits_leaves_after_a_restart_with_a_link_that_is_good(tmp_path: Path):
    clock = VirtualClock(NOW)
    mailbox = Mailbox(tmp_path / "mails")

    async def run() -> None:
        async with service_of(tmp_path, clock, mailbox) as service:
            await accounts.ask_link(service, letters.SIGN_UP, "hanako@example.jp", "ja")
        assert mailbox.mails() == []  # it ended before anything left
        clock.advance(5 * 3600)
        async with service_of(tmp_path, clock, mailbox) as service, carrying(service):
            await letters.sent(service)
            (mail,) = mailbox.mails()
            token = str(mail.get_content()).partition("#token=")[2].split()[0]
            clock.advance(3599)  # the hour begins when the mail leaves
            browser = Browser("", stay=True)
            assert await accounts.use_link(service, token, "himawari no niwa 7", browser)
        async with service_of(tmp_path, clock, mailbox) as service, carrying(service):
            await letters.sent(service)
            assert len(mailbox.mails()) == 1  # once is enough

    asyncio.run(run())


def test_a_mail_is_given_up_after_a_day_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    clock = VirtualClock(NOW)

    class Closed:
        tries = 0

        def carry(self, message: EmailMessage) -> None:
            self.tries += 1
            raise OSError("nobody is there")

    async def run() -> None:
        closed = Closed()
        async with service_of(tmp_path, clock, closed) as service, carrying(service):
            await accounts.ask_link(service, letters.SIGN_UP, "hanako@example.jp", "ja")
            for _ in range(30):
                await letters.sent(service)
                clock.advance(3600)
        assert closed.tries == 25  # at once, then each hour for a day

    with caplog.at_level(logging.ERROR, "hidamari.cloud.letters"):
        asyncio.run(run())
    assert caplog.messages == ["a mail was given up after 25 tries"]


def test_an_address_gets_ten_mails_a_day_and_all_of_them(tmp_path: Path):
    clock = VirtualClock(NOW)
    mailbox = Mailbox(tmp_path / "mails")

    async def run() -> None:
        async with service_of(tmp_path, clock, mailbox) as service, carrying(service):
            for n in range(12):
                for mail in ("hanako@example.jp", "taro@example.jp")[: 2 if n < 3 else 1]:
                    await accounts.ask_link(service, letters.SIGN_UP, mail, "en")
            await letters.sent(service)
            to = Counter(str(one["To"]) for one in mailbox.mails())
            assert to == {"hanako@example.jp": letters.LINKS_A_DAY, "taro@example.jp": 3}
            clock.advance(86401)
            await accounts.ask_link(service, letters.SIGN_UP, "hanako@example.jp", "en")
            await letters.sent(service)
            assert len(mailbox.mails()) == letters.LINKS_A_DAY + 4
            assert mailbox.mails()[0]["To"] == "hanako@example.jp"

    asyncio.run(run())


@pytest.mark.parametrize(
    "url",
    ["", "http://a", "smtp://", "smtp://host", "smtp://host:x?from=a@b", "smtp://h?from=nobody"],
)
def test_what_is_no_mail_server_is_refused_with_an_example(url: str):
    with pytest.raises(InputError, match="smtp://USER:PASSWORD@HOST:587"):
        smtp_of(url)


def test_user_and_password_may_hold_any_sign():
    smtp, sender = smtp_of("smtps://a%40b:p%2Fw%3A@mail.example.jp?from=c@example.jp")
    assert (smtp.user, smtp.password, smtp.port, smtp.is_tls) == ("a@b", "p/w:", 465, True)
    assert sender == "c@example.jp"
