"""A folder's history read without taking the folder: also while its home is running."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from hidamari.core.errors import InputError
from hidamari.core.reading import SeriesKey
from hidamari.core.time import SLOT_S, from_unix, unix
from hidamari.store import reads, settings
from hidamari.store.catalog import Catalog
from hidamari.store.journal import JsonValue
from hidamari.store.pack import FloatArray
from hidamari.store.reads import Selection

FILE = "store.db"


class Look:
    """Reads of one folder; every call opens and closes the file."""

    def __init__(self, folder: Path) -> None:
        self._path = (folder / FILE).resolve()
        if not self._path.exists():
            raise InputError(f"{folder}: the data folder of a home expected, it has no {FILE}")

    def settings(self) -> dict[str, JsonValue]:
        """All settings by path."""
        with closing(self._open()) as connection:
            return settings.imported(settings.export(settings.texts_of(connection)))

    def value(self, key: str) -> bytes | None:
        """What the program keeps under a name."""
        with closing(self._open()) as connection:
            row = connection.execute("select v from kv where k = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def slot_bounds(self) -> tuple[datetime, datetime] | None:
        """Start of the oldest and end of the newest half-hour stored."""
        with closing(self._open()) as connection:
            first, last = connection.execute("select min(t), max(t) from slot").fetchone()
        return None if first is None else (from_unix(first), from_unix(last + SLOT_S))

    def slots(self, keys: Sequence[SeriesKey], start: datetime, end: datetime) -> FloatArray:
        """Every half-hour in [start, end) of known series, NaN = missing, (n, len(keys))."""
        span = range(unix(start), unix(end), SLOT_S)
        with closing(self._open()) as connection:
            catalog = Catalog.load(connection)
            chosen = Selection(catalog, catalog.columns(keys))
            return reads.slots(connection, chosen, span)[0]

    def knows(self, keys: Sequence[SeriesKey]) -> list[bool]:
        """Which of the series were ever stored."""
        with closing(self._open()) as connection:
            known = Catalog.load(connection).by_key()
        return [key in known for key in keys]

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True)
