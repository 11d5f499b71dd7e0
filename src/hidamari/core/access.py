"""Who may do what: the one function that decides, on the LAN and in the cloud.

Nothing is allowed that does not stand here. It knows roles and actions only; which door a request
came through, sessions and passwords are the API's, with the sets at the end of the constants.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto


class Role(StrEnum):
    """What somebody is to one home."""

    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"
    DEALER_VIEW = "dealer_view"  # by the owner's consent and with an end date, as the next
    DEALER_MAINTAIN = "dealer_maintain"
    OPERATOR = "operator"  # runs the cloud: no access to homes
    SETUP = "setup"  # nobody has an account yet


class Scope(StrEnum):
    """What a token of another program is for; never more than its maker's role."""

    READ = "read"
    CONTROL = "control"
    VOICE = "voice"  # a smart speaker: comfort and closing only


class Action(StrEnum):
    """Everything that can be asked of a home."""

    VIEW = auto()  # C0: values, history, devices, events, plan
    VIEW_SETTINGS = auto()  # all but customer data
    VIEW_CUSTOMER = auto()  # name of the home, postal code, place, household
    VIEW_AUDIT = auto()  # who did what and when
    CONTROL_COMFORT = auto()  # C1: lamps, air, shutters' slats, scenes
    CONTROL_ENERGY = auto()  # C2: battery, V2H, car charging, water heater
    CONTROL_CLOSE = auto()  # C3, the safe way: lock, close, stop
    CONTROL_OPEN = auto()  # C3: unlock, open, bath and floor heating
    SETTINGS = auto()
    TARIFF = auto()
    DEVICES = auto()  # names, rooms, circuits, sources of truth, replacing
    SEARCH = auto()  # look for devices on the network
    NETWORK = auto()
    DIAGNOSTICS = auto()
    IMPORT = auto()  # foreign history into the store
    EXPORT = auto()  # data leaving as a file
    BACKUP = auto()
    RESTORE = auto()
    RESET = auto()
    UPDATE = auto()
    USERS = auto()
    PASSWORD = auto()  # one's own
    TOKENS = auto()
    CODES = auto()  # link, phone-change and confirmation codes
    DEALERS = auto()  # to let a dealer in or out
    TRANSFER = auto()  # move-out
    FIRST_PASSWORD = auto()  # only while there is no account
    CLAIM = auto()


_VIEWER = frozenset({Action.VIEW, Action.VIEW_SETTINGS, Action.VIEW_CUSTOMER, Action.PASSWORD})
_MEMBER = _VIEWER | {
    Action.VIEW_AUDIT,
    Action.CONTROL_COMFORT,
    Action.CONTROL_ENERGY,
    Action.CONTROL_CLOSE,
    Action.CONTROL_OPEN,
    Action.SETTINGS,
    Action.TARIFF,
    Action.DEVICES,
    Action.SEARCH,
    Action.DIAGNOSTICS,
    Action.EXPORT,
}
_SETUP = frozenset({Action.FIRST_PASSWORD, Action.CLAIM, Action.NETWORK})
_DEALER_VIEW = frozenset({Action.VIEW, Action.VIEW_SETTINGS, Action.DIAGNOSTICS})
# No class C3, no codes, no backup, no customer data (reliability.md 4.7).
_DEALER_MAINTAIN = _DEALER_VIEW | {
    Action.CONTROL_COMFORT,
    Action.CONTROL_ENERGY,
    Action.SETTINGS,
    Action.TARIFF,
    Action.DEVICES,
    Action.SEARCH,
    Action.UPDATE,
}

RIGHTS: dict[Role, frozenset[Action]] = {
    Role.OWNER: frozenset(Action) - {Action.FIRST_PASSWORD},
    Role.MEMBER: _MEMBER,
    Role.VIEWER: _VIEWER,
    Role.DEALER_VIEW: _DEALER_VIEW,
    Role.DEALER_MAINTAIN: _DEALER_MAINTAIN,
    Role.OPERATOR: frozenset(),
    Role.SETUP: _SETUP,
}

_READ = frozenset({Action.VIEW, Action.VIEW_SETTINGS})
SCOPES: dict[Scope, frozenset[Action]] = {
    Scope.READ: _READ,
    Scope.CONTROL: _READ | {Action.CONTROL_COMFORT, Action.CONTROL_ENERGY, Action.CONTROL_CLOSE},
    Scope.VOICE: frozenset({Action.VIEW, Action.CONTROL_COMFORT, Action.CONTROL_CLOSE}),
}

DEALERS = frozenset({Role.DEALER_VIEW, Role.DEALER_MAINTAIN})
# What an owner may tick for a dealer on top of the role.
TICKABLE = frozenset({Action.VIEW_CUSTOMER, Action.VIEW_AUDIT})

# Not over plain HTTP: class C3, users, passwords, tokens, export, restore, resets (4.4).
SECURE = frozenset(
    {
        Action.CONTROL_CLOSE,
        Action.CONTROL_OPEN,
        Action.USERS,
        Action.PASSWORD,
        Action.TOKENS,
        Action.CODES,
        Action.DEALERS,
        Action.EXPORT,
        Action.BACKUP,
        Action.RESTORE,
        Action.RESET,
        Action.TRANSFER,
    }
)
# From outside only within five minutes of signing in anew (4.2).
STEP_UP = frozenset(
    {Action.CONTROL_OPEN, Action.TRANSFER, Action.RESTORE, Action.DEALERS, Action.EXPORT}
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a role in one home, as a request shows them."""

    role: Role
    home: str
    until: datetime | None = None  # when the role ends; a dealer's always does
    at: datetime | None = None  # the instant of the request
    scope: Scope | None = None  # of a token
    ticked: frozenset[Action] = frozenset()
    is_remote: bool = False  # through the cloud
    may_open_remotely: bool = False  # the owner's opt-in for unlocking from outside
    is_fresh: bool = False  # signed in anew within five minutes


def allowed(actor: Actor, home: str, action: Action) -> bool:
    """Whether the actor may do this in this home; no is the answer to everything unknown."""
    if actor.home != home or _is_over(actor):
        return False
    rights = RIGHTS.get(actor.role, frozenset())
    if actor.role in DEALERS:
        rights |= actor.ticked & TICKABLE
    if actor.scope is not None:
        rights &= SCOPES[actor.scope]
    if actor.is_remote and action in STEP_UP and not actor.is_fresh:
        return False
    if actor.is_remote and action is Action.CONTROL_OPEN and not actor.may_open_remotely:
        return False
    return action in rights


def _is_over(actor: Actor) -> bool:
    if actor.until is None:
        return actor.role in DEALERS  # consent without an end is none
    return actor.at is None or actor.at >= actor.until
