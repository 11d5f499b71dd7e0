"""The weather forecast of the home: from a recorded file or from Open-Meteo, off by default."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from hidamari.core.clock import Clock
from hidamari.core.config import Settings
from hidamari.core.errors import InputError
from hidamari.core.time import day_bounds, from_unix, local_day
from hidamari.forecast.sun import Place
from hidamari.forecast.weather import Doubt, Weather, doubt, read_open_meteo
from hidamari.store.pack import FloatArray

logger = logging.getLogger(__name__)

FILE = "weather.json"
HOST = "api.open-meteo.com"
# The mesoscale model of the Japan Meteorological Agency, hourly, four days, times in UTC.
PATH = (
    "/v1/jma?latitude={lat:.2f}&longitude={lon:.2f}"
    "&hourly=shortwave_radiation,temperature_2m&forecast_days=4&timezone=UTC"
)
EVERY_S = 3600.0
TIMEOUT_S = 20.0
MOST_BYTES = 1_000_000
DAY_SLOTS = 48
SLOT_H = 0.5

Word = Literal["none", "ok", "old", "stale", "absurd", "short", "missing"]
Fetch = Callable[[str, str], Awaitable[bytes]]
_WORDS: dict[Doubt, Word] = {
    Doubt.MISSING: "missing",
    Doubt.SHORT: "short",
    Doubt.OLD: "old",
    Doubt.STALE: "stale",
    Doubt.ABSURD: "absurd",
}


class Owner(Protocol):
    """The home, as far as the weather needs it."""

    folder: Path

    @property
    def clock(self) -> Clock:
        """The home's time."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    def note(self, kind: str, code: str, data: Mapping[str, object], device: str = "home") -> None:
        """Record something that a person may ask about."""
        ...


@dataclass(frozen=True, slots=True)
class Sky:
    """What may be used of a forecast: mean kW/m2 of each half-hour by local day."""

    issued: datetime
    days: Mapping[date, FloatArray]


class WeatherKeeper:
    """Keeps the newest forecast and says how far it can be trusted."""

    def __init__(self, home: Owner, fetch: Fetch | None = None) -> None:
        self._home = home
        self._fetch = fetch or fetch_https
        self.weather: Weather | None = None
        self._told: Word = "none"

    async def look(self) -> None:
        """Get a newer forecast if one is wished for; what fails leaves the old one."""
        wanted = self._home.settings.plan.weather
        if wanted == "off":
            self.weather = None
        else:
            try:
                raw = await (self._from_file() if wanted == "file" else self._from_net())
                if raw is not None:
                    self.weather = read(raw, self._home.clock.now())
            except (InputError, OSError, HTTPException, TimeoutError) as error:
                logger.info("no weather forecast: %s", error)
        self._tell()

    def word(self) -> Word:
        """How the forecast stands, in one word."""
        if self._home.settings.plan.weather == "off":
            return "none"
        found = doubt(self.weather, self._home.clock.now(), self._place())
        return "ok" if found is None else _WORDS[found]

    def sky(self) -> Sky | None:
        """The forecast by local day, where it may be used."""
        if self.weather is None or self.word() not in ("ok", "old"):
            return None
        zone = self._home.settings.zone
        today = local_day(self._home.clock.now(), zone)
        days = {}
        for ahead in range(3):
            day = today + timedelta(days=ahead)
            start, _ = day_bounds(day, zone)
            energy = self.weather.energy_kwh_m2(start, SLOT_H, DAY_SLOTS)
            if np.isfinite(energy).all():
                days[day] = energy / SLOT_H
        return Sky(self.weather.issued, days)

    def outdoor_c(self, at: datetime) -> float | None:
        """The air outside as forecast."""
        if self.weather is None or self.word() not in ("ok", "old"):
            return None
        step = int((at - self.weather.start).total_seconds() // (self.weather.step_h * 3600.0))
        return float(self.weather.temp_c[step]) if 0 <= step < self.weather.temp_c.size else None

    def _place(self) -> Place:
        where = self._home.settings.home.place
        zone = self._home.settings.zone
        return Place(where.lat or 35.68, where.lon or 139.77, zone)

    async def _from_file(self) -> bytes | None:
        path = self._home.folder / FILE
        return await asyncio.to_thread(path.read_bytes) if path.exists() else None

    async def _from_net(self) -> bytes | None:
        where = self._home.settings.home.place
        if where.lat is None or where.lon is None:
            raise InputError("the place of the home is not known")
        return await self._fetch(HOST, PATH.format(lat=where.lat, lon=where.lon))

    def _tell(self) -> None:
        """One notice when a forecast that was wished for cannot be used, one line when it can."""
        word = self.word()
        before, self._told = self._told, word
        if word == before:
            return
        is_bad = word in ("missing", "stale", "absurd", "short")
        self._home.note("notice" if is_bad else "log", "weather", {"state": word, "before": before})


def read(raw: bytes, now: datetime) -> Weather:
    """A forecast in the Open-Meteo shape; `issued` (unix seconds) in it, else it is of now."""
    try:
        tree = json.loads(raw)
    except ValueError as error:
        raise InputError(f"weather: JSON expected ({error})") from error
    if not isinstance(tree, dict):
        raise InputError("weather: an object with the field hourly expected")
    issued = tree.get("issued")
    return read_open_meteo(tree, from_unix(issued) if isinstance(issued, int | float) else now)


async def fetch_https(host: str, path: str) -> bytes:
    """The body of a page; OSError or HTTPException where it cannot be had."""
    return await asyncio.to_thread(_fetch, host, path)


def _fetch(host: str, path: str) -> bytes:
    connection = HTTPSConnection(host, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"{host} answered {answer.status}")
        return answer.read(MOST_BYTES)
    finally:
        connection.close()
