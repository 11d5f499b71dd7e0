"""Our controller: finds nodes by multicast, reads everything, writes once; prints JSON.

`python -m tests.interop.controller_ours HOST`
"""

import asyncio
import json
import sys
import time

from hidamari.echonet.client import Client
from hidamari.echonet.discovery import NodeRecord
from hidamari.echonet.events import Announced, Event
from hidamari.echonet.frame import Eoj
from hidamari.echonet.neighbours import Search
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label

AIR_CONDITIONER = Eoj(0x01, 0x30, 0x01)


async def main(host: str) -> None:
    client = Client.open(Setup(Label(b"interop-contr"), search=Search()))
    heard: list[Event] = []
    client.subscribe(heard.append)
    try:
        await client.discover()
        record = client.nodes[host]
        started_s = time.perf_counter()
        values = await read_all(client, record)
        took_s = time.perf_counter() - started_s
        switched = await switch(client, host)
        await asyncio.sleep(0.5)
    finally:
        client.close()
    said = [e for e in heard if isinstance(e, Announced) and e.eoj == AIR_CONDITIONER]
    print(
        json.dumps(
            {
                "identity": record.identity.text,
                "values": values,
                "maps_told": all(o.maps_told for o in record.objects),
                "writable": {str(o.eoj): sorted(o.maps.writable) for o in record.objects},
                "switched": switched,
                "announced": [e.values.get(0x80, b"").hex() for e in said],
                "took_s": took_s,
                "bad": client.counters.bad,
            }
        )
    )


async def read_all(client: Client, record: NodeRecord) -> dict[str, dict[str, str]]:
    """Every readable property of every object, as hexadecimal."""
    found = {}
    for thing in record.objects:
        answer = await client.get(record.host, thing.eoj, sorted(thing.maps.readable))
        found[str(thing.eoj)] = {f"{e:02X}": v.hex().upper() for e, v in answer.values.items()}
    return found


async def switch(client: Client, host: str) -> dict[str, object]:
    """Switch the air conditioner over and read it back; and try what may not be set."""
    before = (await client.get(host, AIR_CONDITIONER, [0x80])).values[0x80]
    wanted = b"\x31" if before == b"\x30" else b"\x30"
    accepted = await client.set(host, AIR_CONDITIONER, {0x80: wanted})
    after = (await client.get(host, AIR_CONDITIONER, [0x80])).values[0x80]
    forbidden = await client.set(host, AIR_CONDITIONER, {0x88: b"\x41"})
    nonsense = await client.set(host, AIR_CONDITIONER, {0x80: b"\x55"})
    return {
        "accepted": not accepted.refused,
        "wanted": wanted.hex(),
        "read_back": after.hex(),
        "refused": sorted(forbidden.refused | nonsense.refused),
    }


asyncio.run(main(sys.argv[1]))
