"""One life of a whole home under random faults, and all that has broken in it."""

from datetime import timedelta

from tests.whole.faults import HOUSE
from tests.whole.storm import Storm
from tests.whole.street import MIDNIGHT, a_street

from hidamari.sim.fleet import DEVICES

CALM_MIN = 70  # at the end everything is back, so that late counters can be laid out
LATE = timedelta(minutes=20)  # the last half-hour may still wait for a slow counter
EVENTS_A_DAY = 200


async def lived(
    seed: int, start_h: int, days: float, live_s: int = 10
) -> tuple[list[str], tuple[int, int]]:
    """What has broken, and how many datagrams and events there were."""
    start = MIDNIGHT + timedelta(hours=start_h)
    async with a_street(
        seed=7 + seed, start=start - timedelta(minutes=10), past=live_s > 10, live_s=live_s
    ) as street:
        storm = Storm(street, 1000 * seed + start_h)
        await street.switch_on()
        await street.until(start)
        ids = {device.key: street.id_of(device.key) for device in DEVICES}
        await storm.blow(start + timedelta(days=days), HOUSE)
        storm.judge.remember(60)
        street.home.search(start=True)
        for _ in range(CALM_MIN):
            await storm.sleep(60.0)
        slots = int((street.clock.true() - start - LATE) / timedelta(minutes=30))
        broken = storm.judge.check(start, slots)
        if {device.key: street.id_of(device.key) for device in DEVICES} != ids:
            broken.append("a device has lost its name")
        if len(street.home.house.devices) != len(DEVICES):
            broken.append(f"{len(street.home.house.devices)} devices, {len(DEVICES)} expected")
        codes = street.codes()
        if len(codes) > EVENTS_A_DAY * max(1.0, days):
            broken.append(f"{len(codes)} events")
        if "part_fails" in codes:
            broken.append("a part of the controller has failed")
        return broken and [*broken, *storm.log], (street.air.carried, len(codes))
