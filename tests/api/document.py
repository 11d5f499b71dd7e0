"""Writes docs/openapi.json: `python -m tests.api.document`; refuses to take a promise back."""

import json
import sys
import tempfile
from pathlib import Path

from tests.api.house import PaperHome
from tests.api.openapi import narrowed

from hidamari.api.app import Options, create_app
from hidamari.api.auth import Auth

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"


def document() -> str:
    """The document as it is written."""
    with tempfile.TemporaryDirectory() as name:
        home = PaperHome(Path(name))
        app = create_app(home, Auth(Path(name), home.clock), Options(web=Path(name)))
        found = app.openapi()
        home.store.close()
    return json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    text = document()
    lost = narrowed(json.loads(FILE.read_text()), json.loads(text)) if FILE.exists() else []
    if lost and "--breaking" not in sys.argv:
        sys.exit("not written, promises of /api/v1 would be broken:\n" + "\n".join(lost))
    FILE.write_text(text)
