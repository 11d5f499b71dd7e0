"""A table from a file read key by key: every refusal names the path and what was expected."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from math import isfinite

from hidamari.core.errors import Problem, SettingsError


class Table:
    """A foreign table; `end()` refuses keys that nobody asked for."""

    def __init__(self, raw: object, path: str) -> None:
        if not isinstance(raw, Mapping):
            raise refusal(path, "a table", raw)
        self.path = path
        self._raw: dict[str, object] = {str(key): value for key, value in raw.items()}
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._raw

    def take(self, key: str) -> object:
        """The raw value, None when absent."""
        self._asked.add(key)
        return self._raw.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a default it must be there and not be empty."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (not value and default is None):
            raise refusal(self.at(key), "a text", value)
        return value

    def word(self, key: str, words: tuple[str, ...], default: str | None = None) -> str:
        """One of the given words."""
        value = self.text(key, default)
        if value not in words:
            raise refusal(self.at(key), f"one of {', '.join(words)}", value)
        return value

    def truth(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise refusal(self.at(key), "true or false", value)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number; without a default the key must be there."""
        value = self.take(key)
        return default if value is None and default is not None else number(value, self.at(key))

    def number_or_none(self, key: str) -> float | None:
        """A finite number, None when absent."""
        return None if self.take(key) is None else self.number(key)

    def day(self, key: str) -> date | None:
        """A calendar day (TOML date or ISO text), None when absent."""
        value = self.take(key)
        if isinstance(value, str):
            try:
                return date.fromisoformat(half_width(value))
            except ValueError:
                raise refusal(self.at(key), "a date such as 2026-04-01", value) from None
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        raise refusal(self.at(key), "a date such as 2026-04-01", value)

    def items(self, key: str) -> list[object]:
        """A list, empty when absent."""
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise refusal(self.at(key), "a list", value)
        return list(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty when absent."""
        found = self.items(key)
        for item in found:
            if not isinstance(item, str):
                raise refusal(self.at(key), "a list of texts", item)
        return tuple(str(item) for item in found)

    def tables(self, key: str) -> list["Table"]:
        """A list of tables, empty when absent."""
        return [Table(item, joined(self.at(key), i)) for i, item in enumerate(self.items(key))]

    def table(self, key: str) -> "Table | None":
        """A table of its own, None when absent."""
        value = self.take(key)
        return None if value is None else Table(value, self.at(key))

    def rows(self, key: str) -> dict[str, float]:
        """A table of names and numbers, empty when absent."""
        inner = self.table(key)
        return {} if inner is None else {name: inner.number(name) for name in inner._raw}

    def pairs(self, key: str) -> tuple[tuple[float, float], ...]:
        """A list of two-number lists with rising first numbers, empty when absent."""
        found: list[tuple[float, float]] = []
        for i, item in enumerate(self.items(key)):
            path = joined(self.at(key), i)
            if not isinstance(item, list | tuple) or len(item) != 2:
                raise refusal(path, "two numbers", item)
            found.append((number(item[0], path), number(item[1], path)))
            if i and found[i][0] <= found[i - 1][0]:
                raise refusal(path, "a rising first number", item)
        return tuple(found)

    def at(self, key: str) -> str:
        """Path of a key, for messages."""
        return joined(self.path, key)

    def end(self) -> None:
        """Refuse what is left over."""
        left = sorted(set(self._raw) - self._asked)
        if left:
            known = ", ".join(sorted(self._asked))
            raise refusal(self.at(left[0]), f"one of the keys {known}", left[0])


def refusal(path: str, expected: str, got: object) -> SettingsError:
    """The error for a value that is not what was expected at a path."""
    shown = "nothing" if got is None else repr(got)
    return SettingsError([Problem(path, "refused", expected, shown[:80])])


def joined(path: str, key: str | int) -> str:
    """The path of a part of what stands at `path`."""
    return f"{path}.{key}" if path else str(key)


def number(value: object, path: str) -> float:
    """A finite number; a text of digits counts, full-width digits too."""
    if isinstance(value, str):
        plain = half_width(value)
        value = float(plain) if _DECIMAL.fullmatch(plain) else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise refusal(path, "a number", value)
    return float(value)


def half_width(text: str) -> str:
    """Digits and signs typed with a Japanese keyboard, as plain ones: ４０－１ becomes 40-1."""
    return text.translate(_NARROW).strip()


_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_NARROW = str.maketrans("０１２３４５６７８９．＋－ー−‐–", "0123456789.+-----")
