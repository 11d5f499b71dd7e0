"""The PyPI package pychonet as a controller: finds our node, reads everything, writes once.

`python controller_pychonet.py HOST` prints JSON.
"""

import asyncio
import json
import sys

from pychonet import ECHONETAPIClient
from pychonet.lib.udpserver import UDPServer

GET, SET_C = 0x62, 0x61
AIR_CONDITIONER = (0x01, 0x30, 0x01)
AT_ONCE = 12


async def main(host: str) -> None:
    server = UDPServer()
    server.run("0.0.0.0", 3610, loop=asyncio.get_running_loop())
    api = ECHONETAPIClient(server=server)
    heard: list[str] = []

    async def met(address: str) -> None:
        heard.append(address)

    api.configure(logger=lambda *_: None, discover_callback=met, message_timeout=50)
    await api.discover()  # by multicast
    await asyncio.sleep(0.5)
    await api.discover(host)
    node = api.state[host]
    values = {}
    for eoj in [
        (group, code, number)
        for group, codes in node["instances"].items()
        for code, numbers in codes.items()
        for number in numbers
    ]:
        values[bytes(eoj).hex().upper()] = await read_object(api, host, eoj)
    switched = await switch(api, host)
    server.close()
    print(
        json.dumps(
            {
                "found_by_multicast": host in heard,
                "uid": node["uid"],
                "values": values,
                "switched": switched,
            }
        )
    )


async def read_object(
    api: ECHONETAPIClient, host: str, eoj: tuple[int, int, int]
) -> dict[str, object]:
    """Its maps and every property in 9F, as hexadecimal where pychonet keeps the bytes."""
    await api.getAllPropertyMaps(host, *eoj)
    known = api.state[host]["instances"][eoj[0]][eoj[1]][eoj[2]]
    readable = [epc for epc in known[0x9F] if epc not in (0x9D, 0x9E, 0x9F)]
    for i in range(0, len(readable), AT_ONCE):
        asked = [{"EPC": epc} for epc in readable[i : i + AT_ONCE]]
        await api.echonetMessage(host, *eoj, GET, asked)
    return {f"{epc:02X}": shown(data) for epc, data in known.items()}


def shown(data: object) -> object:
    return bytes(data).hex().upper() if isinstance(data, bytes | bytearray) else data


async def switch(api: ECHONETAPIClient, host: str) -> dict[str, object]:
    """Switch the air conditioner over, read it back, and try what may not be set."""
    group, code, number = AIR_CONDITIONER
    known = api.state[host]["instances"][group][code][number]
    wanted = 0x31 if known[0x80] == b"\x30" else 0x30
    order = [{"EPC": 0x80, "PDC": 1, "EDT": wanted}]
    accepted = await api.echonetMessage(host, *AIR_CONDITIONER, SET_C, order)
    await api.echonetMessage(host, *AIR_CONDITIONER, GET, [{"EPC": 0x80}])
    back = known[0x80].hex()
    known[0x9E] = [*known[0x9E], 0x88]  # pychonet drops what is not in the map: say it is
    order = [{"EPC": 0x88, "PDC": 1, "EDT": 0x41}]
    forbidden = await api.echonetMessage(host, *AIR_CONDITIONER, SET_C, order)
    return {
        "accepted": bool(accepted),
        "wanted": f"{wanted:02x}",
        "read_back": back,
        "forbidden_accepted": bool(forbidden),
    }


asyncio.run(main(sys.argv[1]))
