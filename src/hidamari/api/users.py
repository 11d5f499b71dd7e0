"""Users and program tokens of the home."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from fastapi import APIRouter
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from hidamari.api.accounts import Token, User
from hidamari.api.context import ApiDep, CallerDep, needs
from hidamari.core.access import Action
from hidamari.http.errors import ApiError
from hidamari.schema.session import CreatedToken, NewToken, NewUser, TokenEntry, UserEdit, UserEntry

T = TypeVar("T")

router = APIRouter(tags=["users"])
USERS = needs(Action.USERS)
TOKENS = needs(Action.TOKENS)


@router.get("/users", dependencies=USERS)
async def list_users(api: ApiDep) -> list[UserEntry]:
    """Everybody with a password."""
    return [_user(user) for user in api.auth.accounts.users.values()]


@router.post("/users", status_code=HTTP_201_CREATED, dependencies=USERS)
async def add_user(body: NewUser, api: ApiDep, caller: CallerDep) -> UserEntry:
    """Add a user with a first password that must be changed."""
    if body.name in api.auth.accounts.users:
        raise ApiError(409, "there is a user of this name", "another name")
    user = User(body.name, body.role, "", must_change=True, created_at=api.home.clock.now())
    await api.auth.put_user(user, body.password)
    api.note("log", "user_added", {"user": body.name, "role": body.role, "by": caller.name})
    return _user(user)


@router.patch("/users/{name}", dependencies=USERS)
async def edit_user(name: str, body: UserEdit, api: ApiDep, caller: CallerDep) -> UserEntry:
    """Change a role, or give somebody a new first password."""
    user = _must(api.auth.accounts.users, name)
    if name == caller.name:
        raise ApiError(409, "this is you", "PUT /password, or another owner")
    if body.role is not None:
        user = replace(user, role=body.role)
    if body.password is not None:
        user = replace(user, must_change=True)
    await api.auth.put_user(user, body.password)
    api.note("log", "user_changed", {"user": name, "role": user.role, "by": caller.name})
    return _user(user)


@router.delete("/users/{name}", status_code=HTTP_204_NO_CONTENT, dependencies=USERS)
async def drop_user(name: str, api: ApiDep, caller: CallerDep) -> None:
    """Remove a user with all sessions and tokens."""
    _must(api.auth.accounts.users, name)
    await api.auth.drop_user(name)
    api.note("log", "user_removed", {"user": name, "by": caller.name})


@router.get("/tokens", dependencies=TOKENS)
async def list_tokens(api: ApiDep) -> list[TokenEntry]:
    """The programs that may come in, without their secrets."""
    return [_token(token) for token in api.auth.accounts.tokens.values()]


@router.post("/tokens", status_code=HTTP_201_CREATED, dependencies=TOKENS)
async def add_token(body: NewToken, api: ApiDep, caller: CallerDep) -> CreatedToken:
    """Create a token; its secret is in this answer and nowhere else."""
    secret, token = await api.auth.add_token(body.name, body.scope, caller.name)
    api.note("log", "token_added", {"token": body.name, "scope": body.scope, "by": caller.name})
    return CreatedToken(**_token(token).model_dump(), token=secret)


@router.delete("/tokens/{token_id}", status_code=HTTP_204_NO_CONTENT, dependencies=TOKENS)
async def drop_token(token_id: str, api: ApiDep, caller: CallerDep) -> None:
    """Revoke a token; open streams of it end within seconds."""
    token = _must(api.auth.accounts.tokens, token_id)
    await api.auth.drop_token(token_id)
    api.note("log", "token_removed", {"token": token.name, "by": caller.name})


def _must(table: Mapping[str, T], key: str) -> T:
    found = table.get(key)
    if found is None:
        raise ApiError(404, "there is none of this name", "one from the list")
    return found


def _user(user: User) -> UserEntry:
    return UserEntry(
        name=user.name,
        role=user.role,
        must_change_password=user.must_change,
        created_at=user.created_at,
    )


def _token(token: Token) -> TokenEntry:
    return TokenEntry(
        id=token.id,
        name=token.name,
        scope=token.scope,
        created_by=token.created_by,
        created_at=token.created_at,
        seen_at=token.seen_at,
    )
