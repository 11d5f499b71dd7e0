"""Settings: all or nothing into the database, a checksum over all of them, and a copy beside.

The page of a database that rots is noticed by nobody: the checksum is. The copy in a small file
of its own then takes over; it is the same content that goes into a backup.
"""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from hidamari.core.errors import InputError, StoreDamaged
from hidamari.core.time import unix
from hidamari.store.files import load_file, save_file
from hidamari.store.journal import JsonValue, to_json

logger = logging.getLogger(__name__)

Texts = dict[str, str]  # path -> JSON

SETTINGS_COPY = "settings.json"  # in the data folder

_FORMAT = 1
_CHECKSUM = "settings_sha"


def put(connection: sqlite3.Connection, texts: Mapping[str, str | None], at: datetime) -> None:
    """Write JSON texts by path, `None` deletes; in a transaction of the caller."""
    gone = [(path,) for path, text in texts.items() if text is None]
    kept = [(path, text, unix(at)) for path, text in texts.items() if text is not None]
    connection.executemany("delete from setting where path = ?", gone)
    connection.executemany("insert or replace into setting values(?, ?, ?)", kept)
    connection.execute(
        "insert or replace into kv values(?, ?)", (_CHECKSUM, _checksum(texts_of(connection)))
    )


def texts_of(connection: sqlite3.Connection) -> Texts:
    """The JSON text of every setting."""
    rows = connection.execute("select path, value from setting order by path")
    return {str(path): str(value) for path, value in rows}


def mend(connection: sqlite3.Connection, copy: Path, at: datetime) -> bool:
    """Compare the settings with their checksum; take those of the copy when they differ.

    Without a good copy, what can still be read is kept. Returns whether anything was wrong.
    """
    texts = texts_of(connection)
    row = connection.execute("select v from kv where k = ?", (_CHECKSUM,)).fetchone()
    if row is None and not texts:
        return False
    if row is not None and row[0] == _checksum(texts):
        return False
    good = load_copy(copy)
    if good is None:
        good = {path: text for path, text in texts.items() if _is_json(text)}
    logger.error("the settings are not what was written: %d are taken from the copy", len(good))
    connection.execute("delete from setting")
    put(connection, dict(good), at)
    return True


def export(texts: Texts) -> bytes:
    """All settings as one JSON document, for the copy and for backups."""
    settings = {path: json.loads(text) for path, text in texts.items()}
    return to_json({"format": _FORMAT, "settings": settings}).encode()


def imported(content: bytes) -> dict[str, JsonValue]:
    """The settings in a document of `export`; raises InputError for any other."""
    try:
        document = json.loads(content)
        settings, version = document["settings"], document["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"exported settings expected: {error}") from error
    if version != _FORMAT or not isinstance(settings, dict):
        raise InputError(f"exported settings of format {_FORMAT} expected, got format {version}")
    return settings


def save_copy(path: Path, texts: Texts) -> None:
    """Write the copy; where that fails the database has them still, and the next change tries."""
    try:
        save_file(path, export(texts), _FORMAT)
    except OSError as error:
        logger.warning("no copy of the settings could be written: %s", error)


def load_copy(path: Path) -> Texts | None:
    """The settings of the copy, else of the copy before it, else None."""
    try:
        found = load_file(path)
        if found is None:
            return None
        return {name: to_json(value) for name, value in imported(found.content).items()}
    except (StoreDamaged, InputError) as error:
        logger.warning("%s", error)
        return None


def _checksum(texts: Texts) -> bytes:
    return hashlib.sha256(to_json(sorted(texts.items())).encode()).digest()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
