"""Who a relayed request stands for: the service names the account, the home decides by its role."""

from collections.abc import Mapping
from datetime import datetime

from hidamari.api.auth import Caller
from hidamari.api.guard import RELAYED
from hidamari.core.access import DEALERS, Role
from hidamari.core.errors import InputError

ROLES = frozenset({Role.OWNER, Role.MEMBER, Role.VIEWER, *DEALERS})
LONGEST_NAME = 60


def admit(actor: Mapping[str, str]) -> Mapping[str, object]:
    """The entries of the ASGI scope for what a query says of who asks; raises InputError."""
    return {RELAYED: caller_of(actor)}


def caller_of(actor: Mapping[str, str]) -> Caller:
    """The caller; a role that has no business from outside is none."""
    try:
        role = Role(actor["role"])
        until = datetime.fromisoformat(actor["until"]) if actor.get("until") else None
    except (KeyError, ValueError):
        raise InputError("an actor with its role expected") from None
    if role not in ROLES or (until is not None and until.tzinfo is None):
        raise InputError("a role of an account, until an instant, expected")
    name, account = actor.get("name", "")[:LONGEST_NAME], actor.get("account", "")[:LONGEST_NAME]
    is_fresh = actor.get("fresh") == "1"
    return Caller(name, role, f"cloud:{account}", until=until, is_fresh=is_fresh)
