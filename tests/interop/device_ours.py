"""A device node of ours with the 26-object home: `python -m tests.interop.device_ours`."""

import asyncio

from tests.echonet.home26 import load

from hidamari.echonet.client import Client
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label


async def main() -> None:
    client = Client.open(Setup(Label(b"interop-home1", product="HOME26"), load()))
    print("ready", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        client.close()


asyncio.run(main())
