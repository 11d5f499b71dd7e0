"""A hub as a process of its own: `python -m tests.cloud.hub_process STORE PORT KEYS`."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from fastapi import FastAPI
from tests.cloud.lab import CLOUD, Keys

from hidamari.cloud.bus import LocalBus
from hidamari.cloud.hub import Hub, Parts
from hidamari.cloud.stores import open_store
from hidamari.core.clock import RealClock
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.serve import serve


async def main(url: str, port: int, keys: Path) -> None:
    """Serve links until the end."""
    clock = RealClock()
    known = {bytes.fromhex(k): bytes.fromhex(v) for k, v in json.loads(keys.read_text()).items()}
    store, bus = open_store(url, Path(), clock), LocalBus(clock)
    hub = Hub(Parts(store, Keys(known), bus, clock))
    app = FastAPI()
    hub.install(app)
    me = asyncio.current_task()
    assert me is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    listening = Listening(DoorPlan("127.0.0.1", port, None))
    await store.open()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(app, listening, room=CLOUD))
        async with hub.running():
            print(json.dumps({"port": listening.http_port}), flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
