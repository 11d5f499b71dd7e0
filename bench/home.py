"""The home process with its web page: memory, start, work when nobody looks, bytes, kill -9.

The house is simulated in a process of its own; only the controller is measured. The peer is Home
Assistant 2026.2.3 on the same kind of machine, recorded earlier (50 sensors, values every 10 s);
it is not run here.
"""

import os
import random
import signal
import statistics
import subprocess
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
from websockets.sync.client import connect

from bench import _house as run
from bench._live import live_ms
from hidamari.core.clock import RealClock, clock_text, fast_clock_from_now
from hidamari.core.time import TOKYO, day_bounds, local_day
from hidamari.demo_home import furnish
from hidamari.store.db import Store

Figure = dict[str, object]

PEER = "(Home Assistant 2026.2.3, recorded)"
PEER_MB = 254.8  # 243 MiB, all its processes
YEARS_DAYS = 5 * 365 + 1
STARTS = 4
SETTLE_S = 45.0  # the first plan is made meanwhile
KILLS = 10
DAY_MINUTES = 1440
RESTED_DAYS = 30
CHECKPOINTS_A_DAY = 3  # 1,000 pages of the log each, of which a minute takes 1.7
# Nobody looks: two and a half hours of the house in 75 s, over the night's sealing at 00:10.
FAST = 120.0
FROM = timedelta(hours=23, minutes=10)
SETTLED = timedelta(hours=23, minutes=40)  # the first plan is made, every device known
NIGHT = (timedelta(hours=24, minutes=8), timedelta(hours=24, minutes=14))
UNTIL = timedelta(hours=25, minutes=40)


def figures() -> list[Figure]:
    """All figures of this part."""
    with tempfile.TemporaryDirectory(prefix="hidamari-bench-") as folder:
        filled = Path(folder) / "five-years"
        filled.mkdir()
        found = [demo(Path(folder) / "demo")]
        furnish(filled, 1, RealClock().now(), YEARS_DAYS, run.PASSWORD)
        found += [*starting(filled), *living(filled)]
        live = live_ms(Path(folder) / "live")
        return [*found, *live, *resting(Path(folder) / "rested"), *killing(Path(folder) / "killed")]


# -- start, idle, use ----------------------------------------------------------------------------


def demo(folder: Path) -> Figure:
    """Seconds until the first start of the demo shows its screen: a year of history, made anew."""
    begun_s = time.perf_counter()
    process = run.start("demo", "--json", "--data", str(folder), "--port", str(run.free_port()))
    try:
        ready = run.wait_ready(process, begun_s)
        answers_s(str(ready.line["url"]), begun_s)
        took_s = time.perf_counter() - begun_s
    finally:
        run.stop(process)
    return at_most("first screen of a new demo", took_s, "s", 15.0)


def starting(folder: Path) -> list[Figure]:
    """Seconds from the start of the process, with five years of data.

    The least disturbed of some starts: other programs only make it longer.
    """
    pages, answers, readings, work = [], [], [], []
    net = run.free_net()
    with run.house(net, folder):
        for _ in range(STARTS):
            place = run.Place(net, folder, run.free_port())
            begun_s = time.perf_counter()
            process = run.start(*place.arguments())
            try:
                pages.append(answers_s(place.url, begun_s))
                answers.append(answers_s(f"{place.url}/.well-known/hidamari", begun_s))
                work.append(run.cpu_s(process.pid))
                readings.append(run.wait_ready(process, begun_s).ready_s)
                need_devices(place.url)
            finally:
                run.stop(process)
    page_s, answer_s, reading_s, work_s = map(min, (pages, answers, readings, work))
    return [
        at_most("page answers after start, 5 years", page_s, "s", 1.5, (4.3, "s")),
        # The page is served while the home is loaded; what is asked of the home waits for it.
        at_most("home answers after start, 5 years", answer_s, "s", None, (4.3, "s")),
        # A busy machine makes the figures above longer, not this one.
        at_most("processor time until the home answers", work_s, "s", None),
        at_most("first reading stored after start, 5 years", reading_s, "s", 10.0),
    ]


def need_devices(url: str) -> None:
    """A home in which nothing answers would make every figure better than it is."""
    with run.signed_in(url) as client:
        if client.get("/api/v1/now").json()["grid_kw"] is None:
            raise RuntimeError("a home whose meter has answered expected")


def answers_s(url: str, begun_s: float) -> float:
    """Seconds until the page is served."""
    while time.perf_counter() - begun_s < run.READY_S:
        try:
            if httpx.get(url, timeout=run.READY_S).status_code == httpx.codes.OK:
                return time.perf_counter() - begun_s
        except httpx.TransportError:
            time.sleep(0.01)
    raise RuntimeError(f"no answer from {url}")


def living(folder: Path) -> list[Figure]:
    """Memory after a day's worth of looking, and what a year's graph takes."""
    net = run.free_net()
    place = run.Place(net, folder, run.free_port())
    with run.house(net, folder), run.home(place) as ready:
        time.sleep(SETTLE_S)
        year_ms = look_around(place.url)
        home_mb, all_mb = run.rss_mb(ready.process.pid)
    return [
        at_most("memory of the home process after a day's use", home_mb, "MB", 120.0),
        at_most("memory with watching parent and solver", all_mb, "MB", None, (PEER_MB, "MB")),
        at_most("a year of all circuits from the API", year_ms, "ms", 50.0, (2300.0, "ms")),
    ]


def look_around(url: str) -> float:
    """What a family asks for in a day, in one go; the median time of a year's graph [ms]."""
    today = RealClock().now().astimezone(TOKYO).date()
    with run.signed_in(url) as client:
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        circuits = [one["id"] for one in client.get("/api/v1/circuits").json()]
        names = ",".join(f"{one}.power_kw" for one in circuits)
        with connect(
            url.replace("http", "ws") + "/api/v1/live", additional_headers={"Cookie": cookie}
        ):
            for path in ("/", "/api/v1/now", "/api/v1/devices", "/api/v1/meter", "/api/v1/events"):
                for _ in range(40):
                    client.get(path).raise_for_status()
            year_ms = []
            for days, step in ((1, "30m"), (1, "5m"), (31, "1d"), (365, "1mo"), (1826, "1mo")):
                query = {
                    "series": names,
                    "from": str(today - timedelta(days)),
                    "to": str(today),
                    "step": step,
                }
                for _ in range(5):
                    begun_s = time.perf_counter()
                    client.get("/api/v1/history", params=query).raise_for_status()
                    if days == 365:
                        year_ms.append(1000.0 * (time.perf_counter() - begun_s))
    return statistics.median(year_ms)


# -- a night nobody looks at ---------------------------------------------------------------------


def resting(folder: Path) -> list[Figure]:
    """What the home does for itself: work and bytes of ordinary minutes, plans and the night."""
    tomorrow = local_day(RealClock().now(), TOKYO) + timedelta(days=1)
    begin = day_bounds(tomorrow, TOKYO)[0] + FROM
    folder.mkdir()
    furnish(folder, 1, begin, RESTED_DAYS, run.PASSWORD)  # a gap would be filled and written too
    net = run.free_net()
    clock = clock_text(fast_clock_from_now(begin, FAST))
    place = run.Place(net, folder, run.free_port())
    with run.house(net, folder, clock):
        begun_s = time.perf_counter()
        process = run.start(*place.arguments(clock), "--unguarded")
        ready_s = run.wait_ready(process, begun_s).ready_s
        first_s = run.cpu_s(process.pid)
        first = written_at(process, begun_s, SETTLED)
        night = [written_at(process, begun_s, at) for at in NIGHT]
        last = written_at(process, begun_s, UNTIL)
        worked_s = run.cpu_s(process.pid) - first_s
        look_around(place.url)
        home_mb, _ = run.rss_mb(process.pid)
        process.send_signal(signal.SIGTERM)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    # ru_oublock counts blocks of 512 bytes, the checkpoint at the end included; an ordinary day
    # has a few of those, and each writes the pages that changed since the one before.
    closing = (used.ru_oublock * 512 - last) * CHECKPOINTS_A_DAY
    sealing = night[1] - night[0]
    lived_s = (UNTIL - FROM).total_seconds() - ready_s * FAST
    minutes = (UNTIL - SETTLED - (NIGHT[1] - NIGHT[0])).total_seconds() / 60.0
    day_mb = ((last - first - sealing) / minutes * DAY_MINUTES + sealing + closing) / 1e6
    per_reading = day_mb * 1e6 / (DAY_MINUTES * readings_a_minute(folder))
    return [
        at_most("memory after a night and a day's use", home_mb, "MB", 120.0),
        at_most("processor when nobody looks", 100.0 * worked_s / lived_s, "% of a core", 1.0),
        at_most("written by the home process in a day", day_mb, "MB", None),
        at_most("written per stored reading", per_reading, "bytes", None, (4015.0, "bytes")),
    ]


def written_at(process: subprocess.Popen[bytes], begun_s: float, at: timedelta) -> int:
    """Bytes written until the house's clock shows `at` after midnight of the first day."""
    wait_s = (at - FROM).total_seconds() / FAST - (time.perf_counter() - begun_s)
    time.sleep(max(0.0, wait_s))
    return run.written_bytes(process.pid)


def readings_a_minute(folder: Path) -> float:
    """How many series have a value in a minute."""
    store = Store.open(folder, RealClock().now())
    try:
        last = store.last_minute()
        if last is None:
            raise RuntimeError("a store with minutes expected")
        keys = list(store.series())
        values = store.minutes(keys, last - timedelta(minutes=60), last)
        return float(np.isfinite(values).sum() / len(values))
    finally:
        store.close()


# -- kill -9 -------------------------------------------------------------------------------------


def killing(folder: Path) -> list[Figure]:
    """Kill the process again and again; what it had shown or answered OK must be there after."""
    folder.mkdir()
    furnish(folder, 1, RealClock().now(), 2, run.PASSWORD)
    net = run.free_net()
    clock = clock_text(fast_clock_from_now(RealClock().now() + timedelta(minutes=1), 20.0))
    lost, checked, back = 0, 0, []
    with run.house(net, folder, clock):
        for number in range(KILLS):
            place = run.Place(net, folder, run.free_port())
            with run.home(place, clock, "--unguarded") as ready:
                back.append(ready.ready_s)
                name = f"home {number}"
                shown, at = acknowledged(place.url, name)
                os.kill(ready.process.pid, signal.SIGKILL)
                ready.process.wait()
            missing, seen = compare(folder, shown, at, name)
            lost, checked = lost + missing, checked + seen
    return [
        {
            "name": "acknowledged readings and settings lost by kill -9",
            "value": lost,
            "unit": f"of {checked}, {KILLS} kills",
            "peer": f"0.6-4.9 s of readings {PEER}",
            "ratio": None,
            "bar": "0",
            "ok": lost == 0 and checked > KILLS * 10,
        },
        at_most("first reading stored after kill -9", max(back), "s", 30.0),
    ]


def acknowledged(url: str, name: str) -> tuple[dict[str, list[float | None]], datetime]:
    """Change a setting, look at the last minutes as graphs do, and live on for a moment."""
    with run.signed_in(url) as client:
        time.sleep(random.uniform(0.2, 2.0))
        client.patch("/api/v1/settings", json={"home": {"name": name}}).raise_for_status()
        now = datetime.fromisoformat(client.get("/api/v1/now").json()["at"])
        start = now.replace(second=0, microsecond=0) - timedelta(minutes=15)
        query = {
            "series": "grid_kw,pv_kw,use_kw,battery_kw,load_kw,heater_kw",
            "from": start.isoformat(),
            "to": now.isoformat(),
            "step": "1m",
        }
        answer = client.get("/api/v1/history", params=query)
        answer.raise_for_status()
        series = answer.json()["series"]
        return {key: one["values"] for key, one in series.items()}, start


def compare(
    folder: Path, shown: dict[str, list[float | None]], start: datetime, name: str
) -> tuple[int, int]:
    """How many values that had been shown are not in the store, and how many were compared."""
    store = Store.open(folder, RealClock().now())
    try:
        lost = 0 if name in str(store.settings()) else 1
        known = {f"{key.device}.{key.name}": key for key in store.series()}
        seen = 1
        for text, values in shown.items():
            key = known[text if "." in text else f"home.{text}"]
            kept = store.minutes([key], start, start + timedelta(minutes=len(values)))[:, 0]
            pairs = [(a, b) for a, b in zip(values, kept.tolist(), strict=True) if a is not None]
            lost += sum(not abs(a - b) < 0.0006 for a, b in pairs)  # NaN is lost too
            seen += len(pairs)
        return lost, seen
    finally:
        store.close()


# -- figures -------------------------------------------------------------------------------------


def at_most(
    name: str, value: float, unit: str, bar: float | None, peer: tuple[float, str] | None = None
) -> Figure:
    """A figure that is good when small; the ratio is ours to the recorded peer's."""
    return {
        "name": name,
        "value": round(value, 3 if value < 10 else 1),
        "unit": unit,
        "peer": f"{peer[0]:.4g} {peer[1]} {PEER}" if peer else None,
        "ratio": round(value / peer[0], 4) if peer else None,
        "bar": None if bar is None else f"<= {bar:g} {unit}",
        "ok": None if bar is None else value <= bar,
    }
