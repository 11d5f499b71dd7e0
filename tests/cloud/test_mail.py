"""Mails reach a real mail server, in the reader's language, also when it is away for a while."""

import asyncio
import socket
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.cloud.sent import NOW

from hidamari.cloud.mail import Mail, Mailbox, Post, smtp_of
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


@pytest.mark.req("APP-04")
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_mail_arrives_word_for_word(lang: str, office: tuple[Letters, int]):
    letters, port = office
    letters.later = 1 if lang == "ja" else 0  # a server that asks to come again gets it again
    link = "https://cloud.example.jp/cloud/join#token=abc"

    async def run() -> None:
        smtp, sender = smtp_of(f"smtp://127.0.0.1:{port}?from=cloud@example.jp")
        post = Post(smtp, sender, VirtualClock(NOW))
        work = asyncio.create_task(post.run())
        body = text(lang, "mail.sign_up_text", link=link)
        post.put(Mail("hanako@example.jp", text(lang, "mail.sign_up_subject"), body))
        await post.sent()
        work.cancel()
        await asyncio.wait([work])

    asyncio.run(run())
    ((sender, to, message),) = letters.came
    assert (sender, to) == ("cloud@example.jp", ["hanako@example.jp"])
    assert message["Subject"] == text(lang, "mail.sign_up_subject")
    lines = str(message.get_content()).splitlines()
    assert link in lines
    assert lines == text(lang, "mail.sign_up_text", link=link).splitlines()
    assert message["Auto-Submitted"] == "auto-generated"


def test_two_mails_at_once_are_two_files_and_the_newest_comes_first(tmp_path: Path):
    async def run() -> None:
        mailbox = Mailbox(tmp_path)
        post = Post(mailbox, "cloud@example.jp", VirtualClock(NOW))
        work = asyncio.create_task(post.run())
        for n in range(20):
            post.put(Mail(f"m{n}@example.jp", "陽だまり", "本文"))
        await post.sent()
        work.cancel()
        await asyncio.wait([work])
        assert {one["To"] for one in mailbox.mails()} == {f"m{n}@example.jp" for n in range(20)}

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
