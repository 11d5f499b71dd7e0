"""Events: what happened and why, newest first."""

import json
import sqlite3
from collections.abc import Collection

from hidamari.core.errors import InputError
from hidamari.core.reading import Event, Moment
from hidamari.core.time import from_unix, unix

_EVENTS = """
select seq, t, kind, device, z from event where seq < ? order by seq desc limit ?"""
_EVENTS_OF_KIND = """
select seq, t, kind, device, z from event where seq < ? and kind = ? order by seq desc limit ?"""

_EVENTS_AFTER = """
select seq, t, kind, device, z from event where seq > ? order by seq limit ?"""

UNDATED = "undated"  # from which number on there may be events without a time
Row = tuple[int | None, str, str, bytes]
JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


def to_json(value: object) -> str:
    """Compact JSON; raises InputError for what JSON cannot say (also NaN)."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"a JSON value expected: {error}") from error


def event_row(event: Event) -> Row:
    """An event as a row of its table, without the number."""
    body: dict[str, object] = {"code": event.code, "data": event.data}
    at_s = None
    if isinstance(event.at, Moment):
        body |= {"boot": event.at.boot, "mono_s": event.at.mono_s}
    else:
        at_s = unix(event.at)
    return at_s, event.kind, event.device, to_json(body).encode()


def add_event(connection: sqlite3.Connection, row: Row) -> int:
    """Write an event row; its number."""
    query = "insert into event(t, kind, device, z) values(?, ?, ?, ?) returning seq"
    seq = int(connection.execute(query, row).fetchone()[0])
    if row[0] is None:
        connection.execute("insert or ignore into kv values(?, ?)", (UNDATED, b"%d" % seq))
    return seq


def redate_events(connection: sqlite3.Connection, boot: int, offset_s: float) -> None:
    """Give the events of a boot their time; those of earlier ones will never have one."""
    first = connection.execute("select v from kv where k = ?", (UNDATED,)).fetchone()
    if first is None:
        return
    query = "select seq, t, kind, device, z from event where seq >= ? and t is null"
    for event in [_event(*row) for row in connection.execute(query, (int(first[0]),))]:
        if isinstance(event.at, Moment) and event.at.boot == boot:
            at_s = int(event.at.mono_s + offset_s)
            connection.execute("update event set t = ? where seq = ?", (at_s, event.seq))
    connection.execute("delete from kv where k = ?", (UNDATED,))


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


def _event(seq: int, t: int | None, kind: str, device: str, body: bytes) -> Event:
    content = json.loads(body)
    at = Moment(content["boot"], content["mono_s"]) if t is None else from_unix(t)
    return Event(at, kind, device, content["code"], content["data"], seq)
