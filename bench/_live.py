"""How long a changed value takes from the wire to the screen."""

import asyncio
import json
import random
import statistics
import time
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from bench import _house as run
from hidamari.echonet.client import Client
from hidamari.echonet.frame import Eoj
from hidamari.echonet.node import Setup
from hidamari.echonet.profile import Label
from hidamari.echonet.responder import Maps

METER = Eoj(0x02, 0x88, 0x01)
POWER = 0xE7
CHANGES = 24
# A property is asked at most every 2 s and a screen told at most once a second, whatever a device
# announces: changes come a little slower, at odd moments.
PAUSE_S = (2.05, 2.6)
WAIT_S = 5.0


class Meter:
    """A smart meter that shows what the script says."""

    def __init__(self) -> None:
        self.watts = 500
        fixed = {0x80: b"\x30", 0x82: b"\x00\x00R\x00", 0x88: b"\x42", 0x8A: b"\xff\xff\xff"}
        fixed |= {0xD3: b"\x00\x00\x00\x01", 0xD7: b"\x06", 0xE1: b"\x01"}
        fixed |= {0xE0: b"\x00\x00\x30\x39", 0xE3: b"\x00\x00\x10\x00"}
        self.fixed = fixed
        readable = frozenset({*fixed, POWER, 0x9D, 0x9E, 0x9F})
        self._maps = Maps(readable, frozenset(), frozenset({POWER}))

    @property
    def maps(self) -> Maps:
        """What it tells."""
        return self._maps

    def get(self, epc: int) -> bytes | None:
        """The data of a property."""
        if epc == POWER:
            return self.watts.to_bytes(4, "big", signed=True)
        return self.fixed.get(epc)

    def set(self, epc: int, edt: bytes) -> bool:  # noqa: ARG002
        """Nothing may be written."""
        return False


def live_ms(folder: Path) -> list[dict[str, object]]:
    """Median and 95th percentile, from the announcement on the wire to the screen's message."""
    net = run.free_net()
    place = run.Place(net, folder, run.free_port(), hosts=1)
    samples = asyncio.run(_measure(place))
    p95_ms = statistics.quantiles(samples, n=20)[-1]
    name = "live value from wire to browser"
    return [
        _figure(f"{name}, median", statistics.median(samples), None),
        _figure(f"{name}, p95", p95_ms, 20.0),
    ]


def _figure(name: str, value_ms: float, bar_ms: float | None) -> dict[str, object]:
    return {
        "name": name,
        "value": round(value_ms, 2),
        "unit": "ms",
        "peer": None,
        "ratio": None,
        "bar": None if bar_ms is None else f"<= {bar_ms:g} ms",
        "ok": None if bar_ms is None else value_ms <= bar_ms,
    }


async def _measure(place: run.Place) -> list[float]:
    meter = Meter()
    host, controller = f"{place.net}.2", f"{place.net}.1"
    setup = Setup(Label(random.randbytes(13)), {METER: meter}, peers=(controller,))
    device = Client.open(setup, host, multicast=False)
    begun_s = time.perf_counter()
    process = run.start(*place.arguments())
    try:
        ready = await asyncio.to_thread(run.wait_ready, process, begun_s)
        cookie = await asyncio.to_thread(_first_sign_in, place.url, str(ready.line["password"]))
        url = place.url.replace("http", "ws") + "/api/v1/live"
        async with connect(url, additional_headers={"Cookie": cookie}, proxy=None) as socket:
            return [await _change(device, meter, socket) for _ in range(CHANGES)]
    finally:
        device.close()
        await asyncio.to_thread(run.stop, process)


def _first_sign_in(url: str, first: str) -> str:
    """Sign in with the first password, change it, and return the session's cookie."""
    with run.signed_in(url, first) as client:
        body = {"current": first, "new": run.PASSWORD}
        client.put("/api/v1/password", json=body).raise_for_status()
    with run.signed_in(url) as client:
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


async def _change(device: Client, meter: Meter, socket: ClientConnection) -> float:
    """Change the power and wait until the screen's stream tells it [ms]."""
    await _listen(socket, random.uniform(*PAUSE_S))
    meter.watts = random.choice([w for w in range(100, 5000, 7) if w != meter.watts])
    begun_s = time.perf_counter()
    device.announce(METER, [POWER])
    async with asyncio.timeout(WAIT_S):
        while True:
            message = json.loads(await socket.recv())
            power_kw = message.get("now", {}).get("grid_kw")
            if power_kw is not None and abs(power_kw - meter.watts / 1000) < 1e-6:
                return 1000.0 * (time.perf_counter() - begun_s)


async def _listen(socket: ClientConnection, seconds: float) -> None:
    """Take what comes for a while."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                await socket.recv()
    except TimeoutError:
        return
