"""Events: what happened and why, newest first."""

import json
import sqlite3
from collections.abc import Collection

from hidamari.core.errors import InputError
from hidamari.core.reading import Event
from hidamari.core.time import from_unix, unix

_EVENTS = """
select seq, t, kind, device, z from event where seq < ? order by seq desc limit ?"""
_EVENTS_OF_KIND = """
select seq, t, kind, device, z from event where seq < ? and kind = ? order by seq desc limit ?"""

_EVENTS_AFTER = """
select seq, t, kind, device, z from event where seq > ? order by seq limit ?"""

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


def to_json(value: object) -> str:
    """Compact JSON; raises InputError for what JSON cannot say (also NaN)."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"a JSON value expected: {error}") from error


def event_row(event: Event) -> tuple[int, str, str, bytes]:
    """An event as a row of its table, without the number."""
    body = to_json({"code": event.code, "data": event.data})
    return unix(event.at), event.kind, event.device, body.encode()


def add_event(connection: sqlite3.Connection, row: tuple[int, str, str, bytes]) -> int:
    """Write an event row; its number."""
    query = "insert into event(t, kind, device, z) values(?, ?, ?, ?) returning seq"
    return int(connection.execute(query, row).fetchone()[0])


def read_events(
    connection: sqlite3.Connection,
    before_seq: int | None,
    kinds: Collection[str] | None,
    limit: int,
) -> list[Event]:
    """The newest events first, at most `limit`, older than `before_seq`."""
    top = before_seq if before_seq is not None else 2**63 - 1
    if kinds is None:
        rows = connection.execute(_EVENTS, (top, limit)).fetchall()
    else:  # kind by kind, so that a rare one is found by its index and not by reading all
        given = [(top, kind, limit) for kind in sorted(set(kinds))]
        found = [connection.execute(_EVENTS_OF_KIND, one) for one in given]
        rows = sorted((row for rows in found for row in rows), reverse=True)[:limit]
    return [_event(*row) for row in rows]


def read_after(connection: sqlite3.Connection, seq: int, limit: int) -> list[Event]:
    """The oldest events behind the number `seq`."""
    rows = connection.execute(_EVENTS_AFTER, (seq, limit)).fetchall()
    return [_event(*row) for row in rows]


def _event(seq: int, t: int, kind: str, device: str, body: bytes) -> Event:
    content = json.loads(body)
    return Event(from_unix(t), kind, device, content["code"], content["data"], seq)
