"""The weather of the home: from a file or by a given fetch, off by default, doubted when bad."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.whole.loop import run

from hidamari.core.clock import VirtualClock
from hidamari.core.config import Settings
from hidamari.core.settings_store import patch_settings
from hidamari.home.weather import FILE, WeatherKeeper, read

NOW = datetime(2026, 6, 20, 0, 0, tzinfo=UTC)  # 9:00 in Tokyo


class Home:
    def __init__(self, folder: Path, **plan: object) -> None:
        self.folder = folder
        self.clock = VirtualClock(NOW)
        place = {"place": {"lat": 35.68, "lon": 139.77}}
        self.settings = patch_settings(Settings(), {"plan": plan, "home": place})
        self.notes: list[tuple[str, str, dict[str, object]]] = []

    def note(self, kind: str, code: str, data: Mapping[str, object], device: str = "home") -> None:
        self.notes.append((kind, code, dict(data)))


def answer(peak_w_m2: float = 800.0, hours: int = 96, **more: object) -> bytes:
    """Hourly means of a cloudless day in the Open-Meteo shape; noon in Tokyo is 3:00 UTC."""
    times = [NOW - timedelta(hours=12) + timedelta(hours=i) for i in range(hours)]
    hour = np.array([(t.hour + 9 - 0.5) % 24 for t in times])
    sun = np.maximum(np.cos((hour - 12.0) / 12.0 * np.pi), 0.0) * peak_w_m2
    hourly = {
        "time": [t.strftime("%Y-%m-%dT%H:%M") for t in times],
        "shortwave_radiation": [round(float(v), 1) for v in sun],
        "temperature_2m": [22.0] * hours,
    }
    return json.dumps({"hourly": hourly} | more).encode()


async def nothing(host: str, path: str) -> bytes:
    raise OSError("no network")


def test_it_is_off_by_default_and_asks_nobody(tmp_path: Path):
    home = Home(tmp_path)
    keeper = WeatherKeeper(home, nothing)
    run(keeper.look())
    assert (keeper.word(), keeper.sky(), home.notes) == ("none", None, [])


def test_a_recorded_file_is_read(tmp_path: Path):
    (tmp_path / FILE).write_bytes(answer())
    keeper = WeatherKeeper(Home(tmp_path, weather="file"), nothing)
    run(keeper.look())
    assert keeper.word() == "ok"
    sky = keeper.sky()
    assert sky is not None
    assert [day.isoformat() for day in sky.days] == ["2026-06-20", "2026-06-21", "2026-06-22"]
    noon = sky.days[min(sky.days)][24]
    assert noon == pytest.approx(0.8, abs=0.02)
    assert keeper.outdoor_c(NOW) == 22.0


def test_the_place_is_told_to_the_service_with_a_kilometre_of_doubt(tmp_path: Path):
    asked: list[tuple[str, str]] = []

    async def fetch(host: str, path: str) -> bytes:
        asked.append((host, path))
        return answer()

    keeper = WeatherKeeper(Home(tmp_path, weather="open_meteo"), fetch)
    run(keeper.look())
    assert keeper.word() == "ok"
    ((host, path),) = asked
    assert host == "api.open-meteo.com"
    assert "latitude=35.68&longitude=139.77" in path


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "missing"),
        (b"[]", "missing"),
        (b"{}", "missing"),
        (answer(hours=16), "short"),
        (answer(peak_w_m2=9000.0), "absurd"),
        (answer(peak_w_m2=0.0), "absurd"),  # dark at noon
        (answer(issued=(NOW - timedelta(hours=10)).timestamp()), "old"),
        (answer(issued=(NOW - timedelta(hours=60)).timestamp()), "stale"),
    ],
)
def test_what_is_wrong_with_a_forecast_is_said_once(tmp_path: Path, raw: bytes, word: str):
    (tmp_path / FILE).write_bytes(raw)
    home = Home(tmp_path, weather="file")
    keeper = WeatherKeeper(home, nothing)
    run(keeper.look())
    run(keeper.look())
    assert keeper.word() == word
    assert (keeper.sky() is None) == (word != "old")
    kinds = [(kind, data["state"]) for kind, code, data in home.notes if code == "weather"]
    assert kinds == [("log" if word == "old" else "notice", word)]


def test_an_older_forecast_is_kept_while_none_comes(tmp_path: Path):
    home = Home(tmp_path, weather="open_meteo")
    answers = [answer()]

    async def fetch(host: str, path: str) -> bytes:
        if not answers:
            raise OSError("no network")
        return answers.pop()

    keeper = WeatherKeeper(home, fetch)
    run(keeper.look())
    home.clock.advance(3 * 3600)
    run(keeper.look())
    assert keeper.word() == "ok"
    home.clock.advance(5 * 3600)
    run(keeper.look())
    assert keeper.word() == "old"
    home.clock.advance(45 * 3600)
    run(keeper.look())
    assert keeper.word() in ("stale", "short")


def test_when_it_was_issued_is_now_unless_the_file_says():
    assert read(answer(), NOW).issued == NOW
    then = NOW - timedelta(hours=3)
    assert read(answer(issued=then.timestamp()), NOW).issued == then
