"""The simulated house as one node, its time standing still: `python -m tests.interop.device_house`.

`... HOST FILE`: it is at HOST, and writes what its objects hold to FILE, EOJ -> EPC -> hexadecimal,
not by way of the wire. Nothing in it moves between two reads.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.interop.tables import table_of

from hidamari.core.clock import FastClock
from hidamari.sim.run import Net, SimHouse, world_of

SEED = 1
STANDING = 1e-9  # seconds that pass in one
NOON = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)  # in Tokyo: the sun shines, the meter has a past


async def main(host: str, file: Path) -> None:
    clock = FastClock(0.0, NOON, STANDING)
    house = SimHouse(world_of(SEED, clock), clock, Net.parse(host))

    def ready() -> None:
        held = {}
        for obj in house.objects.values():
            data = {epc: edt for epc in obj.maps.readable if (edt := obj.get(epc)) is not None}
            held[str(obj.eoj)] = table_of(data, obj.maps)
        file.write_text(json.dumps(held))
        print("ready", flush=True)

    await house.serve(ready)


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
