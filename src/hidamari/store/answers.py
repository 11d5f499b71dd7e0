"""Which requests from outside were carried out, and what was answered: for a day, also after a
power cut.
"""

import sqlite3
import struct

from hidamari.core.errors import StoreFull
from hidamari.store.database import Database

KEPT_S = 86_400
AT_MOST = 2000  # in a day; more are refused, for what is forgotten could be carried out twice
_AT = struct.Struct(">q")  # so that bytes compare as times do
_PREFIX = "answer:"


class Answers:
    """Rows of the table kv: the time of the request, then its answer; any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, name: str, at_s: int) -> bytes | None:
        """Note that a request is carried out now; None where it is new.

        Else what `finish` kept, or nothing in it where that never came: the power failed on the
        way, and nobody knows what was done. Raises StoreFull when there were too many in a day.
        """

        def job(connection: sqlite3.Connection) -> bytes | None:
            old = _AT.pack(max(0, at_s - KEPT_S))
            connection.execute(
                "delete from kv where k glob 'answer:*' and substr(v, 1, 8) < ?", (old,)
            )
            found = connection.execute("select v from kv where k = ?", (_PREFIX + name,)).fetchone()
            if found is not None:
                return bytes(found[0][_AT.size :])
            count = connection.execute(
                "select count(*) from kv where k glob 'answer:*'"
            ).fetchone()[0]
            if count >= AT_MOST:
                raise StoreFull(f"at most {AT_MOST} requests from outside in a day expected")
            connection.execute("insert into kv values(?, ?)", (_PREFIX + name, _AT.pack(at_s)))
            return None

        return self._database.write(job)

    def finish(self, name: str, answer: bytes) -> None:
        """Keep the answer."""

        def job(connection: sqlite3.Connection) -> None:
            key = _PREFIX + name
            found = connection.execute("select v from kv where k = ?", (key,)).fetchone()
            if found is not None:
                value = found[0][: _AT.size] + answer
                connection.execute("update kv set v = ? where k = ?", (value, key))

        self._database.write(job)
