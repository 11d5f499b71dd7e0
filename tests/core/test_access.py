"""Who may do what: every role against every action."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hidamari.core.access import (
    RIGHTS,
    SECURE,
    STEP_UP,
    Action,
    Actor,
    Role,
    Scope,
    allowed,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOME, OTHER = "home-a", "home-b"

# Read off reliability.md 4.5, 4.7 and the roles of the vocabulary; o owner, m member, v viewer,
# d dealer_view, D dealer_maintain, s setup. The operator of the cloud has no access to homes.
MATRIX = {
    Action.VIEW: "omvdD",
    Action.VIEW_SETTINGS: "omvdD",
    Action.VIEW_CUSTOMER: "omv",
    Action.VIEW_AUDIT: "om",
    Action.CONTROL_COMFORT: "omD",
    Action.CONTROL_ENERGY: "omD",
    Action.CONTROL_CLOSE: "om",
    Action.CONTROL_OPEN: "om",
    Action.SETTINGS: "omD",
    Action.TARIFF: "omD",
    Action.DEVICES: "omD",
    Action.SEARCH: "omD",
    Action.NETWORK: "os",
    Action.DIAGNOSTICS: "omdD",
    Action.IMPORT: "o",
    Action.EXPORT: "om",
    Action.BACKUP: "o",
    Action.RESTORE: "o",
    Action.RESET: "o",
    Action.UPDATE: "oD",
    Action.USERS: "o",
    Action.PASSWORD: "omv",
    Action.TOKENS: "o",
    Action.CODES: "o",
    Action.DEALERS: "o",
    Action.TRANSFER: "o",
    Action.FIRST_PASSWORD: "s",
    Action.CLAIM: "os",
}
LETTERS = {
    Role.OWNER: "o",
    Role.MEMBER: "m",
    Role.VIEWER: "v",
    Role.DEALER_VIEW: "d",
    Role.DEALER_MAINTAIN: "D",
    Role.OPERATOR: "-",
    Role.SETUP: "s",
}
CASES = [(role, action) for role in Role for action in Action]


def actor(role: Role) -> Actor:
    return Actor(role, HOME, until=NOW + timedelta(days=1), at=NOW)


def test_every_action_and_role_is_in_the_matrix() -> None:
    assert set(MATRIX) == set(Action)
    assert set(LETTERS) == set(Role) == set(RIGHTS)


@pytest.mark.t(17)
@pytest.mark.req("RMS-14")
@pytest.mark.parametrize(("role", "action"), CASES)
def test_a_role_may_do_what_the_matrix_says_in_its_own_home_only(
    role: Role, action: Action
) -> None:
    assert allowed(actor(role), HOME, action) == (LETTERS[role] in MATRIX[action])
    assert not allowed(actor(role), OTHER, action)


@pytest.mark.t(17)
@pytest.mark.parametrize("action", Action)
def test_a_role_that_is_over_may_do_nothing(action: Action) -> None:
    owner = actor(Role.OWNER)
    assert not allowed(replace(owner, at=owner.until), HOME, action)
    assert not allowed(replace(owner, at=None), HOME, action)


def test_a_residents_role_needs_no_end() -> None:
    assert allowed(Actor(Role.MEMBER, HOME), HOME, Action.VIEW)


def test_a_dealer_without_an_end_date_is_no_dealer() -> None:
    for role in (Role.DEALER_VIEW, Role.DEALER_MAINTAIN):
        assert not allowed(Actor(role, HOME, at=NOW), HOME, Action.VIEW)


def test_an_owner_may_tick_customer_data_for_a_dealer_but_never_locks_codes_or_backups() -> None:
    dealer = replace(actor(Role.DEALER_MAINTAIN), ticked=frozenset(Action))
    assert allowed(dealer, HOME, Action.VIEW_CUSTOMER)
    for action in (Action.CONTROL_CLOSE, Action.CONTROL_OPEN, Action.CODES, Action.BACKUP):
        assert not allowed(dealer, HOME, action)
    viewer = replace(actor(Role.VIEWER), ticked=frozenset(Action))
    assert not allowed(viewer, HOME, Action.VIEW_AUDIT)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scope", Scope)
def test_a_token_is_never_more_than_its_maker(role: Role, scope: Scope) -> None:
    for action in Action:
        with_token = allowed(replace(actor(role), scope=scope), HOME, action)
        assert not with_token or allowed(actor(role), HOME, action)


def test_a_read_token_reads_and_a_control_token_controls() -> None:
    owner = actor(Role.OWNER)
    read, control = replace(owner, scope=Scope.READ), replace(owner, scope=Scope.CONTROL)
    assert {a for a in Action if allowed(read, HOME, a)} == {Action.VIEW, Action.VIEW_SETTINGS}
    assert allowed(control, HOME, Action.CONTROL_ENERGY)
    assert not allowed(control, HOME, Action.CONTROL_OPEN)
    assert not allowed(control, HOME, Action.SETTINGS)


def test_a_voice_may_close_but_not_open_and_not_touch_the_battery() -> None:
    voice = replace(actor(Role.OWNER), scope=Scope.VOICE)
    may = {a for a in Action if allowed(voice, HOME, a)}
    assert may == {Action.VIEW, Action.CONTROL_COMFORT, Action.CONTROL_CLOSE}


def test_opening_from_outside_needs_the_owners_opt_in_and_a_new_sign_in() -> None:
    outside = replace(actor(Role.OWNER), is_remote=True)
    assert allowed(outside, HOME, Action.CONTROL_CLOSE)
    assert not allowed(outside, HOME, Action.CONTROL_OPEN)
    assert not allowed(replace(outside, is_fresh=True), HOME, Action.CONTROL_OPEN)
    assert not allowed(replace(outside, may_open_remotely=True), HOME, Action.CONTROL_OPEN)
    both = replace(outside, may_open_remotely=True, is_fresh=True)
    assert allowed(both, HOME, Action.CONTROL_OPEN)


@pytest.mark.parametrize("action", sorted(STEP_UP - {Action.CONTROL_OPEN}))
def test_grave_actions_from_outside_need_a_new_sign_in(action: Action) -> None:
    outside = replace(actor(Role.OWNER), is_remote=True)
    assert not allowed(outside, HOME, action)
    assert allowed(replace(outside, is_fresh=True), HOME, action)


def test_the_secure_door_is_needed_for_what_the_rules_list() -> None:
    # reliability.md 4.4: class C3, users, passwords, tokens, export, restore and resets.
    assert {
        Action.CONTROL_CLOSE, Action.CONTROL_OPEN, Action.USERS, Action.PASSWORD,
        Action.TOKENS, Action.EXPORT, Action.RESTORE, Action.RESET,
    } <= SECURE  # fmt: skip
    assert not SECURE & {
        Action.VIEW, Action.CONTROL_COMFORT, Action.CONTROL_ENERGY, Action.FIRST_PASSWORD,
    }  # fmt: skip
