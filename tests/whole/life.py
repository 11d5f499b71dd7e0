"""One life of a whole home under random faults, and all that has broken in it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.whole.brain import Brain
from tests.whole.faults import HOUSE
from tests.whole.faults_link import LINK
from tests.whole.faults_plan import PLAN
from tests.whole.outside import Outside
from tests.whole.storm import Fault, Storm
from tests.whole.street import MIDNIGHT, a_street, memory_folder

CALM_MIN = 70  # at the end everything is back, so that late counters can be laid out
LATE = timedelta(minutes=20)  # the last half-hour may still wait for a slow counter
EVENTS_A_DAY = 200
LIVED_DAYS = 15  # before the storm, where there is to be a plan
BACK_S = 3600.0  # everything has come to the service (B7)
ALL_PARTS = ("plan", "link")


@dataclass(frozen=True, slots=True)
class Kind:
    """Which home lives: how often it asks, what it runs besides measuring, its devices."""

    live_s: int = 10
    parts: Collection[str] = ()
    only: Collection[str] = ()  # every device of the house where none is named


async def lived(
    seed: int, start_h: int, days: float, kind: Kind
) -> tuple[list[str], tuple[int, int]]:
    """What has broken, and how many datagrams and events there were."""
    start = MIDNIGHT + timedelta(hours=start_h)
    with memory_folder() as folder:
        async with a_street(
            seed=7 + seed,
            start=start - timedelta(minutes=10),
            past=kind.live_s > 10,
            live_s=kind.live_s,
            lived_days=LIVED_DAYS if "plan" in kind.parts else 0,
        ) as street:
            if kind.only:
                street.keep_only(*kind.only)
            storm = Storm(street, 1000 * seed + start_h)
            faults = await _fit(storm, folder, kind.parts)
            await street.switch_on()
            await street.until(start)
            ids = {device.key: street.id_of(device.key) for device in street.devices}
            before = len(street.codes())
            await storm.blow(start + timedelta(days=days), faults)
            storm.judge.remember(60)
            street.home.search(start=True)
            for _ in range(CALM_MIN):
                await storm.sleep(60.0)
            slots = int((street.clock.true() - start - LATE) / timedelta(minutes=30))
            broken = storm.judge.check(start, slots)
            if storm.brain is not None:
                broken += storm.brain.check()
            if storm.outside is not None:
                broken += await storm.outside.check(start, BACK_S)
                await storm.outside.go()
            if {device.key: street.id_of(device.key) for device in street.devices} != ids:
                broken.append("a device has lost its name")
            found = len(street.home.house.devices)
            if found != len(street.devices):
                broken.append(f"{found} devices, {len(street.devices)} expected")
            codes = street.codes()
            if len(codes) - before > EVENTS_A_DAY * max(1.0, days):
                broken.append(f"{len(codes)} events")
            if "part_fails" in codes:
                broken.append("a part of the controller has failed")
            return broken and [*broken, *storm.log], (street.air.carried, len(codes))


async def _fit(storm: Storm, folder: Path, parts: Collection[str]) -> list[Fault]:
    """Put the parts into the home before its first start; all that may go wrong with them."""
    street, faults = storm.street, [*HOUSE]
    if "plan" in parts:
        storm.brain = Brain(street)
        street.fitted.append(storm.brain.parts)
        faults += PLAN
    if "link" in parts:
        storm.outside = Outside(street, folder / "service", street.seed)
        await storm.outside.come()
        street.fitted.append(storm.outside.parts)
        faults += LINK
    return faults
