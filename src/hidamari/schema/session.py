"""Bodies of signing in: sessions, passwords, users, tokens."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from hidamari.core.access import Role, Scope
from hidamari.schema.base import Body, Name

PASSWORD = Field(min_length=1, max_length=1000, repr=False)
Resident = Literal[Role.OWNER, Role.MEMBER, Role.VIEWER]


class SignIn(Body):
    """Name and password; `stay` keeps a phone of the house signed in for 30 days of no use."""

    user: str = Field(min_length=1, max_length=60)
    password: str = PASSWORD
    stay: bool = True
    label: Name = ""


class SessionState(Body):
    """Who is signed in here, and until when."""

    user: str
    role: Role
    must_change_password: bool
    expires_at: datetime | None
    secure: bool
    secure_url: str | None


class PasswordChange(Body):
    """The present password and a new one (8 to 128 characters)."""

    current: str = PASSWORD
    new: str = PASSWORD


class FirstPassword(Body):
    """The password of the first user, while there is no account yet."""

    password: str = PASSWORD
    user: str = Field(default="owner", min_length=1, max_length=60, pattern=r"^[^\s/]+$")


class SessionEntry(Body):
    """A browser that is signed in."""

    id: str
    user: str
    label: str
    door: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    here: bool


class UserEntry(Body):
    """A person with a password."""

    name: str
    role: Role
    must_change_password: bool
    created_at: datetime


class NewUser(Body):
    """A user to add; the password is a first one that must be changed."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[^\s/]+$")
    role: Resident
    password: str = PASSWORD


class UserEdit(Body):
    """A new role, or a new first password for somebody who forgot the own one."""

    role: Resident | None = None
    password: str | None = Field(default=None, min_length=1, max_length=1000, repr=False)


class TokenEntry(Body):
    """A program's way in."""

    id: str
    name: str
    scope: Scope
    created_by: str
    created_at: datetime
    seen_at: datetime | None


class NewToken(Body):
    """A token to create."""

    name: Name = Field(min_length=1)
    scope: Literal[Scope.READ, Scope.CONTROL] = Scope.READ


class CreatedToken(TokenEntry):
    """A created token with its secret, which is shown this once."""

    token: str
