"""Mails of the service: by SMTP, or into the folder of a demo; sent beside the request."""

import asyncio
import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from threading import Lock
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from hidamari.cloud.private import private_folder
from hidamari.core.clock import Clock
from hidamari.core.errors import InputError

logger = logging.getLogger(__name__)

SMTP_TIMEOUT_S = 20.0
SUFFIX = ".eml"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person."""

    to: str
    subject: str
    text: str


class Carrier(Protocol):
    """Takes a mail away; blocking, so it runs in a thread. Raises OSError when it cannot."""

    def carry(self, message: EmailMessage) -> None:
        """Send the mail or write it down."""
        ...


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server."""

    host: str
    port: int
    user: str
    password: str
    is_tls: bool  # TLS from the first byte; otherwise STARTTLS where there is a password

    def carry(self, message: EmailMessage) -> None:
        """Hand the mail to the server."""
        tls = ssl.create_default_context()
        try:
            with self._connected(tls) as server:
                if self.user:
                    if not self.is_tls:
                        server.starttls(context=tls)
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused:
            logger.info("the mail server knows no such recipient: the mail is given up")
        except smtplib.SMTPException as error:
            raise OSError(f"the mail server refused: {error}") from error

    def _connected(self, tls: ssl.SSLContext) -> smtplib.SMTP:
        if self.is_tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SMTP_TIMEOUT_S, context=tls)
        return smtplib.SMTP(self.host, self.port, timeout=SMTP_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder of mails that nobody sends: for the demo and for tests."""

    folder: Path
    _one: Lock = field(default_factory=Lock)

    def carry(self, message: EmailMessage) -> None:
        """Write the mail into the folder."""
        private_folder(self.folder)
        with self._one:
            number = len(list(self.folder.glob(f"*{SUFFIX}"))) + 1
            path = self.folder / f"{number:05d}{SUFFIX}"
            path.write_bytes(message.as_bytes(policy=SMTP))

    def mails(self) -> list[EmailMessage]:
        """All mails, the newest first."""
        paths = sorted(self.folder.glob(f"*{SUFFIX}"), reverse=True)
        return [message_from_bytes(path.read_bytes(), EmailMessage, policy=SMTP) for path in paths]


class Post:
    """Hands mails to their carrier; `letters` says which."""

    def __init__(self, carrier: Carrier, sender: str, clock: Clock) -> None:
        self._carrier = carrier
        self._sender = sender
        self._clock = clock
        self.news = asyncio.Event()  # a mail may be due
        self.idle = asyncio.Event()  # none is

    async def carry(self, mail: Mail) -> bool:
        """Whether the mail was taken; False when it has to be tried again."""
        try:
            await asyncio.to_thread(self._carrier.carry, self._message(mail))
        except OSError as error:
            logger.warning("a mail could not be sent: %s", error)
            return False
        return True

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].rstrip(">"))
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def smtp_of(url: str) -> tuple[Smtp, str]:
    """The server of smtp://user:password@host:587?from=cloud@example.jp and the sender.

    InputError where it is none. smtps speaks TLS from the first byte.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    sender = (parse_qs(parts.query).get("from") or [""])[0]
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or "@" not in sender:
        raise InputError("a mail server expected: smtp://USER:PASSWORD@HOST:587?from=ADDRESS")
    is_tls = parts.scheme == "smtps"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Smtp(parts.hostname, port or (465 if is_tls else 587), user, password, is_tls), sender
