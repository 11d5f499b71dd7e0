"""A server for the benchmark of links: `python -m bench._links hub|bare FOLDER`.

`hub` is the service's own end of links, `bare` an app on the same doors that only accepts.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect
from tests.cloud.lab import CLOUD, Keys

from hidamari.api.certificate import door_key
from hidamari.cloud.bus import LocalBus
from hidamari.cloud.hub import Hub, Parts
from hidamari.cloud.segments_sqlite import SqliteSegments
from hidamari.core.clock import RealClock
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.serve import serve
from hidamari.link.messages import PATH


@asynccontextmanager
async def hub(app: FastAPI, folder: Path) -> AsyncIterator[None]:
    """Links of the homes in keys.json."""
    clock = RealClock()
    kept = json.loads((folder / "keys.json").read_text())
    keys = Keys({bytes.fromhex(home): bytes.fromhex(key) for home, key in kept.items()})
    store = SqliteSegments(folder / "links.db", clock)
    await store.open()
    made = Hub(Parts(store, keys, LocalBus(clock), clock))
    made.install(app)
    async with made.running():
        yield
    await store.close()


@asynccontextmanager
async def bare(app: FastAPI, _: Path) -> AsyncIterator[None]:
    """WebSockets that nobody answers."""

    async def accept(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.receive_bytes()
        except WebSocketDisconnect:
            return

    app.add_api_websocket_route(PATH, accept)
    yield


async def main(kind: str, folder: Path) -> None:
    """Serve until killed."""
    tls = door_key(folder, ["127.0.0.1"], RealClock().now()).context()
    app, listening = FastAPI(), Listening(DoorPlan("127.0.0.1", 0, None))
    async with (hub if kind == "hub" else bare)(app, folder):
        print(listening.http_port, flush=True)
        await serve(app, listening, room=replace(CLOUD, tls=tls))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
