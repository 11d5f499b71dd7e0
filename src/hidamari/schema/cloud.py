"""Bodies of the server service: accounts, phones, homes and their members."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from hidamari.core.access import Role
from hidamari.schema.base import Body, Name
from hidamari.schema.session import PASSWORD, Resident

Lang = Literal["ja", "en"]
TOKEN = Field(min_length=1, max_length=100, repr=False)


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


MailAddress = Annotated[
    str,
    BeforeValidator(_lower),
    StringConstraints(
        max_length=254, pattern=r'^[^\s@<>"(),:;\\\[\]]{1,64}@[^\s@<>"(),:;\\\[\]]+$'
    ),
]
# APP-10: what the family calls this phone.
Nickname = Annotated[
    str,
    BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value),
    StringConstraints(min_length=1, max_length=10, pattern=r"^[^\x00-\x1f\x7f]*$"),
]


class CloudWellKnown(Body):
    """The body of /.well-known/hidamari of the service."""

    product: Literal["hidamari"] = "hidamari"
    kind: Literal["cloud"] = "cloud"
    name: str
    version: str
    server_time_ms: int
    revision: int
    mailbox: bool  # mails are shown at /mailbox: a demo


class MailAsked(Body):
    """Whom to send a link: to sign up, or to set a new password."""

    mail: MailAddress
    lang: Lang = "ja"


class LinkAgain(Body):
    """The token of a link that is over: a new one goes to the same address."""

    token: str = TOKEN


class LinkUsed(Body):
    """The token of a mail's link and the password to set."""

    token: str = TOKEN
    password: str = PASSWORD
    stay: bool = True
    label: Name = ""


class CloudSignIn(Body):
    """Mail and password; `stay` keeps a phone of the house signed in for 30 days of no use."""

    mail: MailAddress
    password: str = PASSWORD
    stay: bool = True
    label: Name = ""


class PasswordAgain(Body):
    """The password of the signed-in person."""

    password: str = PASSWORD


class PhoneEntry(Body):
    """A registered browser."""

    id: str
    nickname: str
    created_at: datetime
    seen_at: datetime
    here: bool


class NewPhone(Body):
    """What this browser is called."""

    nickname: Nickname


class CloudSession(Body):
    """Who is signed in here, until when, and as which phone."""

    mail: str
    lang: Lang
    phone: str | None  # the nickname of this browser; None until it has one
    fresh: bool  # the password was given within five minutes
    expires_at: datetime


class CloudSessionEntry(Body):
    """A browser that is signed in."""

    id: str
    label: str
    phone: str | None
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    here: bool


class AccountEdit(Body):
    """What may be changed about an account."""

    lang: Lang


class AccountEnd(Body):
    """The end of an account; homes without another member are unlinked."""

    password: str = PASSWORD
    erase: bool = False  # also what these homes sent


class Claim(Body):
    """What binds account and home: both codes as the home shows them, and a nickname."""

    device_code: str = Field(pattern=r"^[0-9]{10}$")
    link_code: str = Field(pattern=r"^[0-9]{6}$", repr=False)
    nickname: Nickname


class HomeEntry(Body):
    """A home of the signed-in person."""

    home: str
    role: Role
    nickname: str
    since: datetime
    linked: bool
    last_seen: datetime | None


class MemberEntry(Body):
    """An account that may enter the home."""

    id: int
    nickname: str
    mail: str | None  # told to owners and to the person alone
    role: Role
    since: datetime
    here: bool


class MemberEdit(Body):
    """A new role."""

    role: Resident


class Unlink(Body):
    """The end of the bond between the home and all accounts."""

    erase: bool = False  # also everything the home ever sent


class AuditLine(Body):
    """One act: who, what and when."""

    number: int
    at: datetime
    actor: str
    code: str
    data: dict[str, str | int]


class Register(Body):
    """A home says that it is there; signed by the key it names."""

    device_code: str = Field(pattern=r"^[0-9]{10}$")
    public_key: str = Field(min_length=43, max_length=44)
    version: str = Field(max_length=40)


class Registered(Body):
    """Whether an account holds the home, and what time it is here."""

    bound: bool
    server_time_ms: int


class CodeAsked(Body):
    """A link code is wanted; `button` says that the one on the unit was pressed."""

    button: bool = False


class IssuedCode(Body):
    """The code to show, until when."""

    code: str
    expires_at: datetime


class CodeState(Body):
    """The code that is shown now."""

    expires_at: datetime
    tries_left: int


class StatusMember(Body):
    """A member as the home's screen names it."""

    nickname: str
    role: Role


class DeviceStatus(Body):
    """What a home asks: whether it is bound, to whom, and what became of its code."""

    bound: bool
    members: list[StatusMember]
    code: CodeState | None
