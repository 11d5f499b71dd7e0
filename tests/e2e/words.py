"""What the screens say, by its key."""

import json
from pathlib import Path

WORDS = Path(__file__).parents[2] / "src/hidamari/i18n"


class Said:
    """The words of the screens in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._tree = json.loads((WORDS / f"{lang}.json").read_text(encoding="utf-8"))

    def __call__(self, key: str) -> str:
        section, name = key.split(".")
        return str(self._tree[section][name])
