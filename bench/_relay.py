"""What the way over the service adds to a request: the same call to the same home, both ways."""

import asyncio
import time
from pathlib import Path

import httpx
from tests.api.conftest import PASSWORD, Bench
from tests.cloud.running import service_on

from hidamari.core.clock import RealClock
from hidamari.http.listening import DoorPlan, Listening
from hidamari.http.serve import serve

Figure = dict[str, object]

ROUNDS, WARM = 400, 20
PAUSE_S = 0.012  # a session may ask a hundred times a second
PATH = "/api/v1/now"
P50, P99 = 0.5, 0.99


def relay(folder: Path) -> list[Figure]:
    """Milliseconds that the relay adds at the median and at the 99th percentile."""
    direct, relayed = asyncio.run(_both_ways(folder))
    return [
        {
            "name": f"cloud_relay_overhead_{name}",
            "value": round(relayed[int(at * ROUNDS)] - direct[int(at * ROUNDS)], 2),
            "unit": "ms",
            "peer": f"direct call {direct[int(at * ROUNDS)]:.2f} ms",
            "ratio": round(relayed[int(at * ROUNDS)] / direct[int(at * ROUNDS)], 2),
        }
        for name, at in (("p50", P50), ("p99", P99))
    ]


async def _both_ways(folder: Path) -> tuple[list[float], list[float]]:
    """The sorted times of the call to the home's own door, and of the call to the service."""
    (folder / "home").mkdir()
    home = Bench(folder / "home")
    listening = Listening(DoorPlan("127.0.0.1", 0, None))
    door = asyncio.create_task(serve(home.app, listening))
    try:
        async with (
            service_on("sqlite:///cloud.db", folder / "cloud", RealClock()) as running,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{listening.http_port}", trust_env=False
            ) as near,
        ):
            signed_in = {"user": "owner", "password": PASSWORD}
            (await near.post("/api/v1/session", json=signed_in)).raise_for_status()
            person = await running.person("hanako@example.jp")
            controller = await running.linked(person)
            await controller.line(home.app, home.home.store)
            far = person.browser
            return await _timed(near, PATH), await _timed(far, f"/homes/{controller.id}{PATH}")
    finally:
        door.cancel()
        await asyncio.wait([door])
        home.home.store.close()


async def _timed(browser: httpx.AsyncClient, path: str) -> list[float]:
    taken = []
    for number in range(WARM + ROUNDS):
        start = time.perf_counter()
        answer = await browser.get(path)
        took_ms = (time.perf_counter() - start) * 1000
        assert answer.status_code == 200, answer.text
        if number >= WARM:
            taken.append(took_ms)
        await asyncio.sleep(PAUSE_S)
    return sorted(taken)
