"""The comparison beside the running home: one at a time, watched, ended, honest."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hidamari.core.errors import InputError
from hidamari.home.whatif import Asked, Comparison

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
LOOK_S = 0.02


async def over(comparison: Comparison) -> None:
    while comparison.state == "running":
        await asyncio.sleep(LOOK_S)


def script(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_the_answer_of_the_command_arrives_with_its_progress() -> None:
    lines = [{"progress": 0.25}, {"saved_yen": 31000, "asked": []}]
    text = "import sys\n" + "".join(f"print({json.dumps(line)!r}, flush=True)\n" for line in lines)
    text += "assert sys.argv[-2:] == ['--battery-kwh', '10.0']"

    async def live() -> None:
        comparison = Comparison(Path("folder"), script(text))
        comparison.start(Asked(battery_kwh=10.0), NOW)
        with pytest.raises(InputError, match="one comparison at a time"):
            comparison.start(Asked(plan="tepco_juryo_b"), NOW)
        await over(comparison)
        assert comparison.state == "done"
        assert comparison.progress == 0.25
        assert comparison.result == lines[1]
        with pytest.raises(InputError, match="another battery or another tariff"):
            comparison.start(Asked(), NOW)

    asyncio.run(live())


def test_the_real_command_says_why_there_is_no_answer(tmp_path: Path) -> None:
    async def live() -> None:
        comparison = Comparison(tmp_path)
        comparison.start(Asked(plan="tepco_juryo_b"), NOW)
        await over(comparison)
        assert comparison.state == "failed"
        assert "the data folder of a home expected" in comparison.error

    asyncio.run(live())


def test_a_running_comparison_is_ended_with_its_process() -> None:
    async def live() -> None:
        comparison = Comparison(Path("folder"), script("import time; time.sleep(60)"))
        comparison.start(Asked(battery_kwh=0.0), NOW)
        await asyncio.sleep(LOOK_S)
        await comparison.stop()
        assert comparison.state == "idle"
        await comparison.stop()

    asyncio.run(live())


def test_a_child_that_dies_silently_is_a_failure() -> None:
    async def live() -> None:
        comparison = Comparison(Path("folder"), script("raise SystemExit(3)"))
        comparison.start(Asked(battery_kwh=5.0), NOW)
        await over(comparison)
        assert (comparison.state, comparison.error) == ("failed", "it ended without an answer")

    asyncio.run(live())
