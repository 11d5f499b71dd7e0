"""What a person must know: told once when it begins, and once when it is over."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hidamari.core.errors import StoreError
from hidamari.store.db import Store

logger = logging.getLogger(__name__)

KEY = "notices"
Kind = Literal["notice", "error", "log"]
Note = Callable[[str, str, Mapping[str, object], str], None]


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that lasts: its code, whose it is, and `what` where one may have several."""

    code: str
    device: str = "home"
    what: str = ""
    data: Mapping[str, object] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it this cause and no other."""
        return self.code, self.device, self.what


class Notices:
    """The causes that last; a restart does not tell of them again."""

    def __init__(self, store: Store, note: Note) -> None:
        self._store = store
        self._note = note
        raw = store.get_kv(KEY)
        self._on = {(c, d, w) for c, d, w in json.loads(raw)} if raw else set()

    def is_on(self, cause: Cause) -> bool:
        """Whether this cause lasts."""
        return cause.key in self._on

    def begin(self, kind: Kind, cause: Cause) -> bool:
        """Tell of a cause unless it was told; whether it was new."""
        if cause.key in self._on:
            return False
        self._on.add(cause.key)
        self._note(kind, cause.code, cause.data, cause.device)
        self._save()
        return True

    def end(self, cause: Cause, over: str) -> bool:
        """The cause is gone: tell `over` (a log entry) if it had been told; whether it had."""
        if cause.key not in self._on:
            return False
        self._on.discard(cause.key)
        self._note("log", over, cause.data, cause.device)
        self._save()
        return True

    def forget(self, code: str) -> None:
        """Causes that end with the process that had them."""
        self._on = {key for key in self._on if key[0] != code}

    def _save(self) -> None:
        try:
            self._store.put_kv(KEY, json.dumps(sorted(self._on)).encode())
        except StoreError as error:
            logger.warning("notices were not saved: %s", error)
