"""The settings tree in stored rows: a section a row, its checksum and the copy before beside it."""

import hashlib
import json
from collections.abc import Mapping

from hidamari.core.config import JsonTree, Settings, parse_settings
from hidamari.core.errors import Problem, SettingsError

SECTIONS = tuple(Settings.model_fields)
_SUM = "sum."
_PREVIOUS = "previous."


def patch_settings(settings: Settings, patch: object) -> Settings:
    """Settings with a JSON merge patch applied (RFC 7396: null deletes, lists are replaced)."""
    return parse_settings(_merged(dump_settings(settings), patch))


def dump_settings(settings: Settings) -> JsonTree:
    """The whole tree as JSON, section by section."""
    tree: JsonTree = settings.model_dump(mode="json")
    return tree


def read_rows(rows: Mapping[str, object]) -> tuple[Settings, list[Problem]]:
    """Settings from stored rows, and what was wrong with them.

    A section that is damaged or refused falls back to its previous copy, then to its default;
    no section takes another with it.
    """
    good: dict[str, object] = {}
    problems: list[Problem] = []
    for name in SECTIONS:
        for prefix in ("", _PREVIOUS):
            key = prefix + name
            if key not in rows:
                continue
            wrong = _wrong(rows, key, name)
            if not wrong:
                good[name] = rows[key]
                break
            problems += wrong
    return parse_settings(good), problems


def rows_for(new: Settings, old: Settings) -> JsonTree:
    """The rows to put so that `new` holds: each changed section, its sum and its copy before."""
    before, after = dump_settings(old), dump_settings(new)
    rows: JsonTree = {}
    for name in SECTIONS:
        if after[name] != before[name]:
            for key, value in ((name, after[name]), (_PREVIOUS + name, before[name])):
                rows[key] = value
                rows[_SUM + key] = _checksum(value)
    return rows


def _wrong(rows: Mapping[str, object], key: str, name: str) -> list[Problem]:
    expected = rows.get(_SUM + key)
    if expected is not None and expected != _checksum(rows[key]):
        return [Problem(key, "damaged", "what was stored", "something else")]
    try:
        parse_settings({name: rows[key]})
    except SettingsError as error:
        return list(error.problems)
    return []


def _checksum(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _merged(tree: object, patch: object) -> object:
    if not isinstance(patch, dict):
        return patch
    merged = dict(tree) if isinstance(tree, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
