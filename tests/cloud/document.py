"""Writes docs/openapi-cloud.json: `python -m tests.cloud.document`; takes no promise back."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.api.openapi import narrowed
from tests.cloud.sent import NOW

from hidamari.cloud.app import create_app
from hidamari.cloud.main import CloudWishes, opened
from hidamari.cloud.place import place_of
from hidamari.core.clock import VirtualClock

FILE = Path(__file__).parents[2] / "docs" / "openapi-cloud.json"


def document() -> str:
    """The document as it is written."""
    return json.dumps(asyncio.run(_made()), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


async def _made() -> object:
    with tempfile.TemporaryDirectory() as name:
        wishes = CloudWishes("sqlite:///cloud.db", Path(name), 0)
        place = place_of("http://127.0.0.1")
        async with opened(wishes, place, VirtualClock(NOW)) as (service, hub):
            return create_app(service, hub, Path(name)).openapi()


if __name__ == "__main__":
    text = document()
    lost = narrowed(json.loads(FILE.read_text()), json.loads(text)) if FILE.exists() else []
    if lost and "--breaking" not in sys.argv:
        sys.exit("not written, promises of /cloud/v1 would be broken:\n" + "\n".join(lost))
    FILE.write_text(text)
