"""Texts in the reader's language, from the same dictionaries that the screens use."""

import json
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["ja", "en"]
_FALLBACK: Language = "en"


@cache
def dictionary(lang: str) -> dict[str, str]:
    """All texts of a language by dotted key."""
    raw = files("hidamari").joinpath(f"i18n/{lang}.json").read_text(encoding="utf-8")
    flat: dict[str, str] = {}
    _flatten(json.loads(raw), "", flat)
    return flat


def text(lang: str, key: str, **values: object) -> str:
    """The text of a key with its numbers filled in; the key itself where there is none."""
    known = dictionary(lang if lang in ("ja", "en") else _FALLBACK).get(key)
    if known is None:
        return key
    for name, value in values.items():
        known = known.replace("{" + name + "}", str(value))
    return known


def known(lang: str, key: str) -> str | None:
    """The text of a key, or None where the dictionary has none."""
    return dictionary(lang if lang in ("ja", "en") else _FALLBACK).get(key)


def _flatten(tree: dict[str, object], path: str, out: dict[str, str]) -> None:
    for key, value in tree.items():
        full = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            _flatten(value, full, out)
        else:
            out[full] = str(value)
